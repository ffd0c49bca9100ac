"""Reading url-encoded parameters as fifteen years of scripts write them: encoded in full, in part or not at all.

`data=email,company^jane@example.com,AT&T^joe@example.com,B&O`: what follows an ampersand that the script did not encode belongs
to the data when it looks like it, or else Joe would not be opted out and nobody would know. A trailing `&O` is lost, which no
opt-out needs. What looks like data and does not follow them is an error.
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

_DATA = "data"
_MAY_HOLD_MARKS = frozenset({"pwd", "realm", _DATA, "email", "email_new"})

_LOST_PIECE = "A part of the command has no name, an ampersand in data must be sent as %26"

_PIECE = re.compile(rb"[^&]+")
_CARET = re.compile(rb"\^|%5[Ee]")
_AT = re.compile(rb"@|%40")
_BARE_MARK = re.compile(rb"[\^,@]")
_MARK = re.compile(rb"[\^,@]|%(?:5[Ee]|2[Cc]|40)")
_WIDE_ESCAPES = re.compile(rb"(?:%u[0-9A-Fa-f]{4})+")
# What `surrogateescape` makes of a byte that is no UTF-8, to what the byte is in Windows-1252.
_OLD_BYTES = dict(enumerate(bytes(range(0x80, 0x100)).decode("cp1252", "replace"), start=0xDC80))


class _Span(NamedTuple):
    """A parameter, and where its value stands."""

    name: str
    begin: int
    end: int


def read_urlencoded(encoded: bytes, most: int) -> list[tuple[str, str]]:
    """Names and values in order. Raises CommandError, also for more than `most`."""
    spans = list(islice(_find_spans(encoded), most + 1))
    if len(spans) > most:
        raise CommandError("There are too many parameters")
    # Line ends around a value that are not encoded come from a command wrapped into lines.
    return [(name, _decode(encoded[begin:end].strip(b"\r\n"))) for name, begin, end in spans]


def canonical(name: str) -> str:
    """The one name of a parameter."""
    # `&amp;` is what PHP's http_build_query writes with arg_separator.output, and what a URL copied out of HTML has; a body
    # may begin with the ? of the URL that it was meant for; a wrapped one has line ends before names.
    name = name.strip().removeprefix("?").removeprefix("amp;")
    return ALIASES.get(name, name)


def to_text(octets: bytes) -> str:
    """UTF-8, and what is none Windows-1252 byte by byte: one old record must not garble the addresses of the others."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("utf-8", "surrogateescape").translate(_OLD_BYTES)


def _find_spans(encoded: bytes) -> Iterator[_Span]:
    last: _Span | None = None
    has_data = False
    pieces = _PIECE.finditer(encoded)  # blank ones, as by a trailing &, are nothing
    for count, piece in enumerate(pieces):
        if count >= MAX_PIECES:
            raise CommandError("There are too many ampersands in the command")
        raw_name, equals, _value = piece[0].partition(b"=")
        name = canonical(_decode(raw_name)) if equals else None
        if _is_rest(name, piece[0], encoded, last, has_data=has_data):
            if last is None or last.name != _DATA:
                raise CommandError(_LOST_PIECE)
            last = last._replace(end=piece.end())
        elif name is not None:
            if last is not None:
                yield last
            last = _Span(name, piece.start() + len(raw_name) + 1, piece.end())
            has_data = has_data or name == _DATA
    if last is not None:
        yield last


def _is_rest(
    name: str | None, piece: bytes, encoded: bytes, last: _Span | None, *, has_data: bool
) -> bool:
    """Whether a piece is the rest of a batch."""
    if name is None:  # otherwise it is nothing, having no value (`&submit`)
        return bool(_MARK.search(piece))
    # One that has a name may be of a batch too, `B&O=great^joe@example.com`, unless it is encoded as it should be.
    if not has_data or name in _MAY_HOLD_MARKS or not _BARE_MARK.search(piece):
        return False
    if _CARET.search(piece):
        return True
    if last is None or last.name != _DATA or not _AT.search(piece):
        return False
    # Without a caret only if the record that was begun has no address yet: `company,email^B&O=great,joe@example.com`.
    begun = max(encoded.rfind(caret, *last[1:]) for caret in (b"^", b"%5E", b"%5e"))
    return begun >= 0 and not _AT.search(encoded, begun, last.end)


def _decode(octets: bytes) -> str:
    """The text of what is url-encoded. An escape that is broken stays: then the value was not encoded (`100% cotton`)."""
    octets = octets.replace(b"+", b" ")  # `data.email_value` mends an address that lost its plus
    if b"%" in octets:
        if b"%u" in octets:  # JScript's and VBScript's escape(): UTF-16
            octets = _WIDE_ESCAPES.sub(_from_utf_16, octets)
        octets = unquote_to_bytes(octets)
    return to_text(octets)


def _from_utf_16(match: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(match[0].replace(b"%u", b"").decode("ascii"))
    return units.decode("utf-16-be", "replace").encode()
