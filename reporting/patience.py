"""How long the worker goes on with a mail server or an SMS gateway that takes nothing: the rest waits for its next run."""

import time
from collections.abc import Sequence
from datetime import datetime
from smtplib import SMTPDataError, SMTPRecipientsRefused

from lists.sms import SmsRefusedError

MOST_FAILURES = 3  # in a row: a server that hangs takes up to 20 seconds for each
LONGEST = 45  # seconds: the worker comes again each minute

# These are answers: the server is there, and takes another message perhaps.
_ABOUT_THE_MESSAGE = (SmsRefusedError, SMTPRecipientsRefused, SMTPDataError)


def in_turn[Each](waiting: Sequence[Each], now: datetime) -> list[Each]:
    """The same, beginning with another one each minute: whoever a server cannot be brought to mail is not always the first."""
    if not waiting:
        return []
    first = int(now.timestamp() // 60) % len(waiting)
    return [*waiting[first:], *waiting[:first]]


class Patience:
    """With one server, in one run: ends after `seconds`, or with MOST_FAILURES messages in a row that it was to blame for."""

    def __init__(self, seconds: float = LONGEST) -> None:
        self._until = time.monotonic() + seconds
        self._failures = 0

    @property
    def has_ended(self) -> bool:
        """Whether the rest waits for the next run."""
        return self._failures >= MOST_FAILURES or time.monotonic() > self._until

    def note(self, error: Exception | None) -> None:
        """What came of a message; None: it was taken."""
        is_its_fault = isinstance(error, OSError) and not isinstance(error, _ABOUT_THE_MESSAGE)
        self._failures = self._failures + 1 if is_its_fault else 0
