"""What a message to an endpoint says, in the format that its owner chose (S3.9, S3.10; protocols.md, "Webhooks")."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from reporting.models import WebhookFormat
from reporting.webhooks.signing import sign

# A change as a delivery keeps it: an entry of /api/v1/changes, and `source` beside it where a number was texted.
type Change = Mapping[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
USER_AGENT = "Heed-Webhooks/1"

OPT_OUT = "opt_out.recorded"
LIFT = "suppression.lifted"
BATCH = "changes.batch"
TEST = "webhook.test"

# What stands for the number that was texted where none was (S3.10).
LINK_SOURCE = "Optout Link"

_ENTRY = (
    "id",
    "type",
    "list",
    "address",
    "digest",
    "medium",
    "channel",
    "reason",
    "origin",
    "is_new",
    "suppressed",
    "recorded_at",
)
_SMS_FORMATS = frozenset({WebhookFormat.SMS_JSON, WebhookFormat.SMS_FORM})
_TEST_EMAIL = "test@example.com"
_TEST_NUMBER = "+12025550123"  # of the range that is kept for fiction


@dataclass(frozen=True, slots=True)
class Payload:
    """A message's body, octet for octet as it is signed, and its type."""

    body: bytes
    content_type: str


def goes_out(message_format: str, change: Change) -> bool:
    """Whether an endpoint of that format is told of the change at all.

    The SMS payload can tell of opt-outs of known numbers only (S3.10), so such an endpoint hears no more of phones. Emails go
    there in our own format.
    """
    if message_format not in _SMS_FORMATS or change["medium"] != "sms":
        return True
    return _is_sms_payload(message_format, change)


def goes_alone(message_format: str, change: Change) -> bool:
    """Whether the change must be a message of its own: the SMS payload has room for one number."""
    return _is_sms_payload(message_format, change)


def render(
    message_format: str, changes: Sequence[Change], *, is_test: bool, now: datetime
) -> Payload:
    """The message that tells of these changes: one, or several of which none `goes_alone`. `now`: when a test was asked for."""
    first = changes[0]
    if len(changes) == 1 and _is_sms_payload(message_format, first):
        return _render_sms(message_format, first)
    if is_test:
        return _render_event(TEST, _text(now), _entry(first))
    if len(changes) == 1:
        event = LIFT if first["type"] == "lift" else OPT_OUT
        return _render_event(event, first["recorded_at"], _entry(first))
    newest = max(change["recorded_at"] for change in changes)
    return _render_event(BATCH, newest, {"changes": [_entry(change) for change in changes]})


def sample_change(message_format: str, now: datetime) -> dict[str, Any]:
    """The change that a test tells of: of nobody, in no list."""
    is_sms = message_format in _SMS_FORMATS
    return {
        "id": 0,
        "type": "opt_out",
        "list": 0,
        "address": _TEST_NUMBER if is_sms else _TEST_EMAIL,
        "digest": "0" * 32,
        "medium": "sms" if is_sms else "email",
        "channel": "page",
        "reason": "unsubscribed",
        "origin": "recipient",
        "is_new": False,
        "suppressed": False,
        "recorded_at": _text(now),
    }


def request_headers(
    payload: Payload, webhook_id: str, salts: Sequence[bytes], now: datetime
) -> dict[str, str]:
    """The headers of a try made now; `salts` as `salts_in_force` gives them."""
    timestamp = int(now.timestamp())
    return {
        "content-type": payload.content_type,
        "user-agent": USER_AGENT,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(salts, webhook_id, timestamp, payload.body),
    }


def _is_sms_payload(message_format: str, change: Change) -> bool:
    return (
        message_format in _SMS_FORMATS
        and change["medium"] == "sms"
        and change["type"] == "opt_out"
        and change["address"] is not None
    )


def _render_sms(message_format: str, change: Change) -> Payload:
    """Exactly the three keys of seed 003."""
    fields = {
        "timestamp": change["recorded_at"],
        "unsubscribed_number": change["address"],
        "source": change.get("source") or LINK_SOURCE,
    }
    if message_format == WebhookFormat.SMS_FORM:
        return Payload(urlencode(fields).encode(), FORM)
    return Payload(_json(fields), JSON)


def _render_event(event: str, timestamp: str, data: Change) -> Payload:
    return Payload(_json({"type": event, "timestamp": timestamp, "data": data}), JSON)


def _entry(change: Change) -> Change:
    """The change exactly as /api/v1/changes tells it, key by key: the database has not kept their order."""
    return {key: change[key] for key in _ENTRY if key in change}


def _json(value: Change) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
