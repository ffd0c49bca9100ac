"""How answers write codes and times: in words, and as RFC 3339 in UTC."""

from datetime import UTC, datetime
from enum import IntEnum


def word(choices: type[IntEnum], code: int) -> str:
    """A code as a word, such as `one_click`; "other" for one that a newer release has added."""
    return choices(code).name.lower() if code in choices else "other"


def time_text(moment: datetime) -> str:
    """To the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
