"""How long a server asks us to wait: the header `Retry-After` of a 429 or 503 (RFC 9110)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]+")


def read_retry_after(header: str | None, most: timedelta) -> timedelta | None:
    """Seconds or an HTTP date, as a time from now of at most `most`; None for what is neither."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        # A header may hold thousands of digits: those that make eleven days say enough.
        return min(timedelta(seconds=int((text.lstrip("0") or "0")[:6])), most)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - datetime.now(UTC), timedelta(0)), most)
