"""What a script sent, as names and values: out of the URL and the body, in every shape that clients in the field send.

Total: whatever a stranger sends gives parameters or a CommandError. Where part of a batch could get lost on the way, it is an
error: a script sees a FAILURE, but nobody sees an opt-out that was cut off.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.http import HttpRequest

from optout.channels.api_web.lines import CommandError
from optout.channels.api_web.multipart import is_multipart, read_multipart
from optout.channels.api_web.urlencoded import ALIASES, canonical, cut_urlencoded, decode, to_text

API_WEB_MAX_BYTES = 8 * 1024 * 1024  # of a body: ten times what 10,000 ordinary records take
MAX_PARAMETERS = 100

_SHOWN = frozenset(ALIASES.values()) | {"list_id", "email", "email_new", "format", "force_sub"}

_TOO_LARGE = f"The command is larger than {API_WEB_MAX_BYTES >> 20} MB"
_UNREADABLE = "The body cannot be read"
_CUT_OFF = "The body was cut off on the way"

_OF_A_COMMAND = re.compile(r"[&=^,@]")
_LENGTH = re.compile(r"[0-9]{1,12}")
_BOM = b"\xef\xbb\xbf"


class Sent:
    """What a script sent, cut apart and not yet decoded: who it is comes first, and costs little whatever else it sent."""

    def __init__(self, request: HttpRequest) -> None:
        """Read the request. Raises CommandError."""
        # POST with some or all of it in the URL: both are read, and must not contradict each other.
        pairs = cut_urlencoded(_query(request), MAX_PARAMETERS)
        self._values: dict[str, list[_Value]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(_Value(value, decode))
        if request.method == "POST":
            for name, found in _cut_body(_read_body(request), MAX_PARAMETERS - len(pairs)):
                self._values.setdefault(name, []).append(found)

    def text(self, name: str, most: int) -> str:
        """One short parameter as it was sent, with the spaces around it; empty when it is blank or was not given.

        Of a longer one the first `most` bytes are read. Raises CommandError when it was given with different values.
        """
        values = {text for each in self._values.get(name, ()) if (text := each.text(most))}
        if len(values) > 1:
            # Never the value, nor a name of the caller's own making: either may be a piece of a password.
            shown = f"The parameter {name}" if name in _SHOWN else "A parameter"
            raise CommandError(f"{shown} was given twice with different values")
        return values.pop() if values else ""

    def all(self) -> dict[str, str]:
        """All that are not blank, each by its one name: `cmd`, `realm`, `pwd`, `data`, `optout`, `headers`, others as sent.

        Values have the spaces around them. Raises CommandError.
        """
        texts = {name: self.text(name, API_WEB_MAX_BYTES) for name in self._values}
        return {name: text for name, text in texts.items() if text}


class _Value(NamedTuple):
    """A value as it was sent, and how it becomes text."""

    octets: bytes
    read: Callable[[bytes], str]

    def text(self, most: int) -> str:
        text = self.read(self.octets[:most])
        return "" if text.isspace() else text


def _query(request: HttpRequest) -> bytes:
    query = str(request.META.get("QUERY_STRING") or "")
    # `data=…,Suite #5^joe@…` unencoded: servers take what follows the # for a fragment, which no client sends, and drop it.
    _before, mark, rest = str(request.META.get("RAW_URI") or "").partition("#")
    if _OF_A_COMMAND.search(rest):
        query += mark + rest
    try:
        return query.encode("latin-1")  # as WSGI hands bytes over
    except UnicodeEncodeError:  # not from WSGI
        return query.encode("utf-8", "replace")


def _read_body(request: HttpRequest) -> bytes:
    """The whole body; also one sent in chunks, whose length nobody announced. `request.body` has a lower limit than batches
    need, and takes a body that ended early for a whole one."""
    announced = str(request.META.get("CONTENT_LENGTH") or "").strip()
    stream: Any = request
    if announced:
        if not _LENGTH.fullmatch(announced):
            raise CommandError(_UNREADABLE)
        most = int(announced)
    elif request.META.get("wsgi.input_terminated"):
        most = API_WEB_MAX_BYTES + 1
        stream = request.META["wsgi.input"]
    else:
        return b""
    if announced and most > API_WEB_MAX_BYTES:
        raise CommandError(_TOO_LARGE)
    body = _read_up_to(stream, most)
    if len(body) > API_WEB_MAX_BYTES:
        raise CommandError(_TOO_LARGE)
    if announced and len(body) < most:  # the half of a batch must not pass for the whole
        raise CommandError(_CUT_OFF)
    return body


def _read_up_to(stream: Any, most: int) -> bytes:
    chunks: list[bytes] = []
    try:
        while most and (chunk := stream.read(most)):
            chunks.append(chunk)
            most -= len(chunk)
    except Exception:  # noqa: BLE001  the caller hung up, and each server's own errors for bad chunks
        raise CommandError(_UNREADABLE) from None
    return b"".join(chunks)


def _cut_body(body: bytes, most: int) -> Iterator[tuple[str, _Value]]:
    # A byte order mark in front, and behind it all a line end (heredocs, `echo |`) or the NUL of a C string.
    body = body.removeprefix(_BOM).strip(b"\r\n\0")
    # What the content type says counts for nothing: scripts send none, text/plain or a wrong one.
    if is_multipart(body):
        # PHP's curl sends an array in this form. Nothing is encoded in it: a plus is a plus.
        for name, content in read_multipart(body, most):
            yield canonical(name), _Value(content, to_text)
    else:
        for name, content in cut_urlencoded(body, most):
            yield name, _Value(content, decode)
