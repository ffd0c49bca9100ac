"""Cutting url-encoded parameters apart as fifteen years of scripts write them: encoded in full, in part or not at all.

`data=email,company^jane@example.com,AT&T^joe@example.com,B&O`: what follows an ampersand that the script did not encode belongs
to the data where it has no name and a caret, or else Joe would not be opted out and nobody would know. A trailing `&O` is lost,
which no opt-out needs. Where it cannot be told, as behind `B&O=great`, the command fails.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from optout.channels.api_web.lines import CommandError

ALIASES = {  # S4.18; `force_optout` and `header` are what some client libraries send
    "c": "cmd",
    "r": "realm",
    "p": "pwd",
    "password": "pwd",
    "d": "data",
    "force_optout": "optout",
    "header": "headers",
}
MAX_PIECES = 12_000  # between ampersands: an unencoded one in each of 10,000 records, and some

_LONGEST_NAME = 200  # bytes; a longer one is no parameter's
_DATA = "data"
_MAY_HOLD_CARETS = frozenset({"pwd", "realm", _DATA})
_LOST_PIECE = "It cannot be told what belongs to the data, an ampersand in data must be sent as %26"

_PIECE = re.compile(rb"[^&]+")
_CARET = re.compile(rb"\^|%5[Ee]")
_AT = re.compile(rb"@|%40")
_COMMA = re.compile(rb",|%2[Cc]")
_MARK = re.compile(rb"[\^,@]|%(?:5[Ee]|2[Cc]|40)")
_WIDE_ESCAPES = re.compile(rb"(?:%u[0-9A-Fa-f]{4})+")
# What `surrogateescape` makes of a byte that is no UTF-8, to what the byte is in Windows-1252.
_OLD_BYTES = dict(enumerate(bytes(range(0x80, 0x100)).decode("cp1252", "replace"), start=0xDC80))


class Pair(NamedTuple):
    """A parameter: its one name, and its value as it was sent."""

    name: str
    value: bytes


def cut_urlencoded(encoded: bytes, most: int) -> list[Pair]:
    """Names, and values that are still encoded, in order. Linear, and quick for whatever a stranger sends. Raises CommandError,
    also for more than `most`."""
    pairs = list(islice(_cut(encoded), most + 1))
    if len(pairs) > most:
        raise CommandError("There are too many parameters")
    return pairs


def canonical(name: str) -> str:
    """The one name of a parameter."""
    # `&amp;` is what PHP's http_build_query writes with arg_separator.output, and what a URL copied out of HTML has; a body
    # may begin with the ? of the URL that it was meant for; a wrapped one has line ends before names.
    name = name.strip().removeprefix("?").removeprefix("amp;")
    return ALIASES.get(name, name)


def decode(octets: bytes) -> str:
    """The text of what is url-encoded. An escape that is broken stays: then the value was not encoded (`100% cotton`)."""
    octets = octets.replace(b"+", b" ")  # `data.email_value` mends an address that lost its plus
    if b"%" in octets:
        if b"%u" in octets:  # JScript's and VBScript's escape(): UTF-16
            octets = _WIDE_ESCAPES.sub(_from_utf_16, octets)
        octets = unquote_to_bytes(octets)
    return to_text(octets)


def to_text(octets: bytes) -> str:
    """UTF-8, and what is none Windows-1252 byte by byte: one old record must not garble the addresses of the others."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("utf-8", "surrogateescape").translate(_OLD_BYTES)


def _cut(encoded: bytes) -> Iterator[Pair]:
    name: str | None = None  # of the parameter that is being read, from `begin` to `end`
    begin = end = 0
    batch: _Batch | None = None
    pieces = _PIECE.finditer(encoded)  # blank ones, as by a trailing &, are nothing
    for count, piece in enumerate(pieces):
        if count >= MAX_PIECES:
            raise CommandError("There are too many ampersands in the command")
        next_name, value_at = _name_of(piece[0])
        if batch is not None and batch.takes(next_name, piece[0], is_next=name == _DATA):
            end = piece.end()
        elif next_name is not None:
            if name is not None:
                yield _pair(name, encoded[begin:end])
            name, begin, end = next_name, piece.start() + value_at, piece.end()
            if name == _DATA:
                batch = _Batch(piece[0])
        elif batch is None and _MARK.search(piece[0]):
            raise CommandError(_LOST_PIECE)
    if name is not None:
        yield _pair(name, encoded[begin:end])


def _pair(name: str, value: bytes) -> Pair:
    # Line ends around a value that are not encoded come from a command wrapped into lines.
    return Pair(name, value.strip(b"\r\n"))


def _name_of(piece: bytes) -> tuple[str | None, int]:
    """The name that a piece has, None where it has none, and where its value begins."""
    raw_name, equals, _value = piece.partition(b"=")
    if not equals:
        return None, 0
    name = canonical(decode(raw_name)) if len(raw_name) <= _LONGEST_NAME else ""
    return name, len(raw_name) + 1


class _Batch:
    """The data as far as they are read: which of the pieces that follow are theirs."""

    def __init__(self, piece: bytes) -> None:
        self._lacks_address = False
        self._note(piece)

    def takes(self, name: str | None, piece: bytes, *, is_next: bool) -> bool:
        """Whether a piece belongs to the data. `is_next`: only pieces of them came since. Raises CommandError where it may hold
        records and that cannot be told."""
        if name in _MAY_HOLD_CARETS or not self._is_suspect(name, piece):
            return False
        if name is not None or not is_next:
            raise CommandError(_LOST_PIECE)
        self._note(piece)
        return True

    def _is_suspect(self, name: str | None, piece: bytes) -> bool:
        if name is None:  # without a mark it is nothing, having no value (`&submit`)
            return bool(_MARK.search(piece))
        # One with a name may be of a batch too: `B&O=great^joe@example.com`, or `B&O=great,joe@example.com` with the address that
        # its record lacks so far. Or it is a parameter that we do not know.
        is_values = self._lacks_address and _AT.search(piece) and _COMMA.search(piece)
        return bool(_CARET.search(piece) or is_values)

    def _note(self, piece: bytes) -> None:
        """Whether the record that was begun has an address yet."""
        caret = max(piece.rfind(each) for each in (b"^", b"%5E", b"%5e"))
        if caret >= 0 or self._lacks_address:
            self._lacks_address = not _AT.search(piece, caret + 1)


def _from_utf_16(match: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(match[0].replace(b"%u", b"").decode("ascii"))
    return units.decode("utf-16-be", "replace").encode()
