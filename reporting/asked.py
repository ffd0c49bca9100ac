"""What a download's URL asks for (protocols.md, "Suppression list download")."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import QueryDict

from reporting.models.downloads import DownloadFormat

_MAX_TIME = 40  # characters
_CLEAR = (DownloadFormat.TXT, DownloadFormat.CSV)


class RefusedError(Exception):
    """A download that cannot be had: the status, and a sentence for whoever runs the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a download, understood. `since` is aware, in UTC."""

    format: DownloadFormat
    since: datetime | None
    is_raw: bool

    @property
    def is_clear(self) -> bool:
        """Whether the file shows addresses."""
        return self.format in _CLEAR


def parse_asked(parameters: QueryDict) -> Asked:
    """Read `format`, `since` and `raw`; unknown parameters are ignored. Raises RefusedError 400."""
    name = single_value(parameters, "format").strip().lower() or DownloadFormat.MD5
    if name not in DownloadFormat.values:
        raise RefusedError(400, "format is one of md5, sha256, txt, csv.")
    since = single_value(parameters, "since").strip()
    return Asked(
        DownloadFormat(name),
        parse_since(since) if since else None,
        single_value(parameters, "raw").strip() == "1",
    )


# A plus that was not encoded arrives as a space: `2026-03-04T10:00:00 01:00`.
_LOST_PLUS = re.compile(
    r"(?P<time>[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9:.,]+) (?P<zone>[0-9]{2}(:?[0-9]{2})?)"
)


def parse_since(text: str) -> datetime:
    """An ISO 8601 date or date-time, in UTC where it names no zone. Raises RefusedError 400."""
    wrong = RefusedError(
        400, "since is a date such as 2026-03-04 or a time such as 2026-03-04T10:00:00Z."
    )
    if len(text) > _MAX_TIME or not text.isascii():
        raise wrong
    if lost := _LOST_PLUS.fullmatch(text):
        text = f"{lost['time']}+{lost['zone']}"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def single_value(parameters: QueryDict, name: str) -> str:
    """The value of a parameter, empty where it is missing. Raises RefusedError 400 when it has several that differ."""
    values = set(parameters.getlist(name))
    if len(values) > 1:
        raise RefusedError(400, f"{name} was given twice, with different values.")
    return values.pop() if values else ""
