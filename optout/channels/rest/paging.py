"""Cursors: where a page ended, as an opaque text. What is not ours is refused, never taken for the beginning.

A cursor holds no secret and opens nothing: whoever makes one up reads their own rows from another place on.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

from ninja import Field
from pydantic import BeforeValidator

from optout.channels.rest.problems import Kind, ProblemError

LONGEST = 200  # characters
_HIGHEST = 2**63 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_OCTETS = re.compile(r"(?:[0-9a-f]{2}){0,32}")


def make_cursor(kind: str, *parts: int | bytes) -> str:
    """The cursor of that kind for a position: numbers from 0, and digests. `kind` says of what: `contacts`, `list 5`."""
    words = [kind, *(part.hex() if isinstance(part, bytes) else str(part) for part in parts)]
    return urlsafe_b64encode(":".join(words).encode()).rstrip(b"=").decode()


def read_cursor(kind: str, text: str, *types: type[int | bytes]) -> list[Any]:
    """The position in a cursor of that kind, with parts of these types. Raises ProblemError 422."""
    refused = refuse_cursor()
    try:
        octets = urlsafe_b64decode(text[: LONGEST + 1].encode("ascii") + b"==")
        found, *words = octets.decode("ascii").split(":")
    except ValueError:
        raise refused from None
    if found != kind or len(words) != len(types):
        raise refused
    parts = [_part(word, each) for word, each in zip(words, types, strict=True)]
    if None in parts or make_cursor(kind, *parts) != text:  # type: ignore[arg-type]
        raise refused
    return parts


def refuse_cursor() -> ProblemError:
    """422 for a cursor that we did not make, or made for something else."""
    detail = "Send a cursor as this very call gave it, or none, to begin anew."
    return ProblemError(Kind.INVALID, detail, errors=[{"pointer": "cursor", "detail": detail}])


def _part(word: str, kind: type[int | bytes]) -> int | bytes | None:
    if kind is bytes:
        return bytes.fromhex(word) if _OCTETS.fullmatch(word) else None
    number = int(word) if _NUMBER.fullmatch(word) else None
    return number if number is not None and number <= _HIGHEST else None


def _plain(value: Any) -> Any:
    """Pydantic reads 1_000 and 5.0 as numbers; a parameter is digits (AT-35–43)."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,10}", value):
        raise ValueError("Write a number in digits.")
    return value


# Behind the bounds, which would not be described otherwise.
DIGITS = BeforeValidator(_plain)
PlainNumber = Annotated[int, Field(ge=0, le=2**31 - 1), DIGITS]  # a number in a query
UpTo1000 = Annotated[int, Field(ge=1, le=1_000), DIGITS]  # a `limit`
UpTo10000 = Annotated[int, Field(ge=1, le=10_000), DIGITS]
