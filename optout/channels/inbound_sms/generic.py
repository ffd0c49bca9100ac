"""The generic format: `from`, `to`, `text`, `secret` as JSON or a form, as most gateways can be set up to send."""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from datetime import datetime

from django.http import HttpRequest, HttpResponse, JsonResponse

from lists.inbound_endpoints import Gate
from lists.lookup import get_list_by_number
from lists.numbers import DO_NOT_MAIL_NUMBER
from optout import replies
from optout.channels.inbound_sms.fields import Fields, clean, read_fields
from optout.channels.inbound_sms.incoming import Incoming, RefusedError
from optout.channels.inbound_sms.messages import Outcome
from optout.channels.inbound_sms.numbers import spell
from optout.decoding import decode_query

STALE = 300  # seconds that the time of a signature may differ from ours

# As gateways call them, in any case.
_NAMES = {
    "from": "from",
    "sender": "from",
    "msisdn": "from",
    "originator": "from",
    "to": "to",
    "recipient": "to",
    "destination": "to",
    "text": "text",
    "message": "text",
    "body": "text",
    "content": "text",
    "id": "id",
    "message_id": "id",
    "messageid": "id",
    "messagesid": "id",
    "secret": "secret",
}
_NUMBERS = frozenset({"from", "to"})
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def read(request: HttpRequest, body: bytes, gate: Gate, now: datetime) -> Incoming:
    """The message, from whoever proved to be the gateway: by the secret, or by a signature made with it.

    Raises RefusedError: 401, 400 for what cannot be read, 422 for fields that are missing or contradict each other.
    """
    signed_name = _signed_name(request, body, gate, now)
    found = _by_name(read_fields(request, body))
    if signed_name is None and not _knows_secret(request, found.get("secret", []), gate):
        raise RefusedError(401, "The secret is missing or wrong.")
    # a text that is null is a picture without a word; whoever sends it is still somebody
    for name, is_there in (("from", bool(found.get("from"))), ("text", "text" in found)):
        if not is_there:
            raise RefusedError(422, f"The field “{name}” is missing, or is no text.")
    everything = get_list_by_number(gate.realm_id, DO_NOT_MAIL_NUMBER)
    region = everything.region if everything else ""
    values = {name: _only(name, given, region) for name, given in found.items() if name != "secret"}
    return Incoming(
        sender=values["from"],
        texted=values.get("to", ""),
        text=values["text"],
        name=signed_name or values.get("id", ""),
    )


def reply(outcome: Outcome) -> HttpResponse:
    """What was made of the message, the text that confirms it where the gateway shall send that, and after a START whether the
    number is still out."""
    content: dict[str, str | bool] = {"status": outcome.result.value}
    if outcome.reply:
        content["reply"] = outcome.reply
    if outcome.is_suppressed is not None:
        content["suppressed"] = outcome.is_suppressed
    return replies.with_headers(JsonResponse(content), outcome.optout_status)


def refuse(error: RefusedError) -> HttpResponse:
    """That nothing was done, and why."""
    content = {"status": "refused", "message": str(error)}
    response = JsonResponse(content, status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return replies.with_headers(response, replies.REJECTED)


def _by_name(fields: Fields) -> dict[str, list[str]]:
    """What is said under each name; nothing, where it is null."""
    found: dict[str, list[str]] = {}
    for raw, value in fields:
        name = _NAMES.get(raw.strip().lower())
        if name:
            values = found.setdefault(name, [])
            values += [] if value is None else [value]
    return found


def _only(name: str, values: list[str], region: str) -> str:
    """The one value of a field, empty where it is null. Raises RefusedError where several differ: nobody knows which was meant
    (AT-35–43)."""
    values = [clean(value) for value in values]
    if name in _NUMBERS and len(values) > 1:
        if len({spell(value, region) for value in values}) > 1:
            raise _differ(name)
        return max(values, key=lambda value: value.startswith("+"))
    if len(set(values)) > 1:
        raise _differ(name)
    return values[0] if values else ""


def _differ(name: str) -> RefusedError:
    return RefusedError(422, f"The message has more than one “{name}”, and they differ.")


def _knows_secret(request: HttpRequest, in_body: list[str], gate: Gate) -> bool:
    """Whether one of the places where a secret may stand holds the endpoint's. A wrong one is compared to its end."""
    offered = [_from_header(str(request.META.get("HTTP_AUTHORIZATION") or ""))]
    in_query = decode_query(request.META.get("QUERY_STRING", "")).get("secret", [])
    for values in (in_body, in_query):
        # no secret has a space: it was a plus that nobody encoded
        mended = {value.replace(" ", "+") for value in values}
        if len(mended) == 1:  # one that is said twice, and differs, was said by two people
            offered += mended
    return any(
        hmac.compare_digest(_octets(each), secret.encode())
        for each in offered
        for secret in gate.secrets
    )


def _from_header(header: str) -> str:
    """`Bearer` and the secret, or the password of `Basic`."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = b64decode(_octets(rest.strip()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return decoded.decode("utf-8", "replace").partition(":")[2]


def _signed_name(request: HttpRequest, body: bytes, gate: Gate, now: datetime) -> str | None:
    """The name of a message that is signed as Standard Webhooks does, with the endpoint's secret; None for any other.

    Within five minutes: who has overheard a call cannot repeat it for ever; and what was recorded once is not recorded again.
    """
    name = str(request.META.get("HTTP_WEBHOOK_ID") or "")
    timestamp = str(request.META.get("HTTP_WEBHOOK_TIMESTAMP") or "")
    given = str(request.META.get("HTTP_WEBHOOK_SIGNATURE") or "").split()[:10]
    if not name or not _TIMESTAMP.fullmatch(timestamp):
        return None
    signed = b"%b.%b.%b" % (_octets(name), timestamp.encode(), body)
    right = [
        b"v1," + b64encode(hmac.digest(_key_of(secret), signed, hashlib.sha256))
        for secret in gate.secrets
    ]
    is_right = any(
        hmac.compare_digest(_octets(each), signature) for each in given for signature in right
    )
    is_fresh = abs(now.timestamp() - int(timestamp)) <= STALE
    return name if is_right and is_fresh else None


def _key_of(secret: str) -> bytes:
    return b64decode(secret.removeprefix("whsec_"))


def _octets(text: str) -> bytes:
    """As WSGI hands over a header: each octet is a character. Other characters are in no secret."""
    return text.encode("latin-1", "replace")
