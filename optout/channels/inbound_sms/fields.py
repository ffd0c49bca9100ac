"""Reading the fields of a call within bounds: JSON, urlencoded, multipart. Total: a value, or RefusedError."""

import json
import re
from codecs import BOM_UTF8
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest

from optout.channels.inbound_sms.incoming import RefusedError
from optout.visits import BodyError, form_fields, has_too_many_form_fields, read_body

MOST_BODY = (
    131_072  # octets: a message has a few hundred, and what a gateway says of it some thousand
)
MOST_FIELDS = 1_000

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

# None is a field that is there, and is null.
type Fields = list[tuple[str, str | None]]


def read_bounded(request: HttpRequest) -> bytes:
    """The body of a call. Raises RefusedError: 413 for one that is too big, 400 for one that was cut off."""
    if _is_multipart(request) and not (request.content_params or {}).get("boundary"):
        raise RefusedError(400, "The Content-Type of a multipart body has to name its boundary.")
    try:
        body = read_body(request)
    except BodyError as error:
        if error.status == 413:
            raise _too_big() from None
        raise RefusedError(400, "The body was cut off on the way.") from None
    if len(body) > MOST_BODY:
        raise _too_big()
    if str(request.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise RefusedError(415, "Send the body as it is, not compressed.")
    return body


def read_fields(request: HttpRequest, body: bytes) -> Fields:
    """The fields of a body, in order. JSON is told by how it begins: gateways say that it is a form. Raises RefusedError."""
    if _is_multipart(request):
        if has_too_many_form_fields(request, body):
            raise _too_many()
        parts = form_fields(request, body, mend_plus=False)
        return [(name, value) for name, values in parts.items() for value in values]
    kind, body = (request.content_type or "").lower(), body.removeprefix(BOM_UTF8)
    if kind.endswith("json") or body.lstrip()[:1] == b"{":
        return _read_json(body)
    return [(_decode(name), _decode(value)) for name, value in read_octets(body)]


def read_octets(body: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values of an urlencoded body, no longer encoded. Raises RefusedError for too many."""
    if body.count(b"&") >= MOST_FIELDS:
        raise _too_many()
    pairs = (part.partition(b"=") for part in body.strip().split(b"&") if part)
    return [(_unescape(name), _unescape(value)) for name, _equals, value in pairs]


def clean(text: str) -> str:
    """A text without what the database cannot keep, nor anybody read."""
    return _NO_TEXT.sub(" ", text).strip()


def _is_multipart(request: HttpRequest) -> bool:
    return (request.content_type or "").lower() == "multipart/form-data"


def _read_json(body: bytes) -> Fields:
    try:
        found = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedError(400, "The body is not readable JSON.") from None
    if not isinstance(found, _Pairs):
        raise RefusedError(400, "Send one JSON object for each message.")
    if len(found) > MOST_FIELDS:
        raise _too_many()
    return [(name, _text(value)) for name, value in found if value is None or _is_text(value)]


class _Pairs(list[tuple[str, Any]]):
    """The fields of a JSON object, also those that it names twice."""


def _is_text(value: Any) -> bool:
    """Whether it is a text, or a number that somebody left without quotes; anything else is as good as missing."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _text(value: str | int | None) -> str | None:
    return str(value) if isinstance(value, int) else value


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN is no JSON")


def _decode(octets: bytes) -> str:
    """UTF-8, or what old gateways send instead."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def _unescape(octets: bytes) -> bytes:
    octets = octets.replace(b"+", b" ")
    return unquote_to_bytes(octets) if b"%" in octets else octets


def _too_big() -> RefusedError:
    return RefusedError(413, "The body is too big for one message.")


def _too_many() -> RefusedError:
    return RefusedError(400, "There are too many fields.")
