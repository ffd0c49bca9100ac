"""Twilio's format: a form signed with the account's auth token, answered in TwiML."""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from lists.inbound_endpoints import Gate
from optout import replies
from optout.channels.inbound_sms.fields import clean, read_octets
from optout.channels.inbound_sms.incoming import Incoming, RefusedError
from optout.channels.inbound_sms.messages import Outcome
from optout.choices import Meaning

# What Twilio has made of the text itself, when its own opt-out handling is on: it has answered the person then.
_MEANINGS = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.NOTHING}
_PORTS = {"https": 443, "http": 80}


def read(request: HttpRequest, body: bytes, gate: Gate, now: datetime) -> Incoming:
    """The message, if Twilio signed it. Raises RefusedError: 403, 400 for too many fields, 422 for fields that are missing."""
    pairs = read_octets(body)
    if not _is_signed(request, pairs, gate):
        raise RefusedError(403, "The signature is missing or wrong.")
    sender = _only(pairs, b"From")
    if not sender:
        raise RefusedError(422, "The field “From” is missing.")
    said = _only(pairs, b"OptOutType").upper()
    return Incoming(
        sender=sender,
        texted=_only(pairs, b"To"),
        text=_only(pairs, b"Body"),
        name=_only(pairs, b"MessageSid") or _only(pairs, b"SmsMessageSid"),
        meaning=_MEANINGS.get(said),
        is_answered=bool(said),
    )


def reply(outcome: Outcome) -> HttpResponse:
    """TwiML: with a message where our answer shall confirm a STOP."""
    message = f"<Message>{escape(clean(outcome.reply))}</Message>" if outcome.reply else ""
    document = f"<Response>{message}</Response>" if message else "<Response/>"
    response = HttpResponse(
        f'<?xml version="1.0" encoding="UTF-8"?>{document}', content_type="text/xml; charset=utf-8"
    )
    return replies.with_headers(response, outcome.optout_status)


def refuse(error: RefusedError) -> HttpResponse:
    """That nothing was done, and why: Twilio shows it in its log."""
    return replies.text(str(error), error.status, replies.REJECTED)


def _only(pairs: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    """The one value of a field, empty without. Raises RefusedError where several differ."""
    values = {value for each, value in pairs if each == name}
    if len(values) > 1:
        raise RefusedError(
            422, f"The message has more than one “{name.decode()}”, and they differ."
        )
    return clean(next(iter(values), b"").decode("utf-8", "replace"))


def _is_signed(request: HttpRequest, pairs: Sequence[tuple[bytes, bytes]], gate: Gate) -> bool:
    """Whether the header has the signature of this call under one of the account's tokens.

    Signed is the address that Twilio called, and then each name and its values, in order.
    """
    given = str(request.META.get("HTTP_X_TWILIO_SIGNATURE") or "").encode("latin-1", "replace")
    fields = b"".join(name + value for name, value in sorted(set(pairs)))
    right = [
        b64encode(hmac.digest(token.encode(), address + fields, "sha1"))
        for token in gate.tokens
        for address in _addresses(request)
    ]
    return any(hmac.compare_digest(given, each) for each in right)


def _addresses(request: HttpRequest) -> Iterator[bytes]:
    """How Twilio may have written our address: as we tell it or by another name of ours, with the default port or without."""
    query = str(request.META.get("QUERY_STRING") or "")
    path = f"{request.path}?{query}" if query else request.path
    base = urlsplit(settings.BASE_URL)
    hosts = {base.netloc: None}
    with suppress(DisallowedHost):
        hosts[request.get_host()] = None
    for scheme in dict.fromkeys((base.scheme, "https")):
        default = f":{_PORTS[scheme]}"
        for host in hosts:
            bare = host.removesuffix(default)
            has_port = re.search(r":[0-9]+\Z", bare)
            for each in (bare,) if has_port else (bare, bare + default):
                yield f"{scheme}://{each}{path}".encode("latin-1", "replace")
