"""What arrives at an endpoint, for the OpenAPI description (its `webhooks`) and for the documentation page.

The examples are made by what makes the messages themselves (reporting/webhooks/payloads.py).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from reporting.models import WebhookFormat
from reporting.rest.example_rows import LIFTED, OPTED_OUT, TEXTED
from reporting.webhooks.payloads import (
    BATCH,
    FORM,
    JSON,
    LIFT,
    OPT_OUT,
    TEST,
    Change,
    render,
    sample_change,
)

type Json = dict[str, Any]

SMS = "sms"  # no event of ours: the opt-out callback has no type
_NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TEST_NUMBER: str = sample_change(WebhookFormat.SMS_JSON, _NOW)["address"]  # of nobody


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of message: its name, a heading, what it tells, its schema, and its bodies by content type, as they are sent."""

    name: str
    heading: str
    about: str
    schema: str
    bodies: dict[str, str]

    @property
    def examples(self) -> dict[str, Any]:
        """What the bodies say, by content type."""
        return {
            kind: json.loads(body) if kind == JSON else dict(parse_qsl(body))
            for kind, body in self.bodies.items()
        }


def _bodies(*changes: Change, is_test: bool = False, sms: bool = False) -> dict[str, str]:
    """As they go out."""
    formats = [WebhookFormat.STANDARD]
    if sms:
        formats = [WebhookFormat.SMS_JSON, WebhookFormat.SMS_FORM]
    payloads = [render(each, changes, is_test=is_test, now=_NOW) for each in formats]
    return {each.content_type: each.body.decode() for each in payloads}


MESSAGES = (
    Message(
        OPT_OUT,
        "An opt-out was recorded",
        "Somebody opted out. An opt-out of an address that was suppressed already is told as well, with `is_new` false.",
        "OptOutRecorded",
        _bodies(OPTED_OUT),
    ),
    Message(
        LIFT,
        "A suppression was lifted",
        "A suppression ended. Go by `suppressed`: meanwhile there may be another opt-out.",
        "SuppressionLifted",
        _bodies(LIFTED),
    ),
    Message(
        BATCH,
        "Several changes at once",
        "Up to 100 changes, oldest first, where many are waiting, as after an import. Not to endpoints with `batches` off.",
        "ChangesBatch",
        _bodies(OPTED_OUT, TEXTED),
    ),
    Message(
        TEST,
        "A test",
        "Somebody asked for it. It is about nobody, and nothing is to be done but to answer it. To endpoints of the formats "
        f"`sms-json` and `sms-form` it comes as an opt-out callback of {TEST_NUMBER}, a number that nobody has.",
        "WebhookTest",
        _bodies(sample_change(WebhookFormat.STANDARD, _NOW), is_test=True),
    ),
    Message(
        SMS,
        "Opt-out callback",
        "What endpoints of the formats `sms-json` and `sms-form` get of the opt-out of a phone number, always alone. What is "
        "about email addresses comes to them as the events above; lifts of phone numbers do not come to them. A test looks like "
        f"any other: it is about {TEST_NUMBER}, a number that nobody has.",
        "OptOutCallback",
        _bodies(TEXTED, sms=True),
    ),
)

_TIME: Json = {"type": "string", "format": "date-time"}
_ENTRY: Json = {"$ref": "#/components/schemas/ChangeOut"}


def _event(name: str, about: str, timestamp: str, data: Json) -> Json:
    return {
        "type": "object",
        "description": about,
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name, "description": "The kind of event."},
            "timestamp": {**_TIME, "description": timestamp},
            "data": data,
        },
    }


_DATA = "The change, exactly as `/changes` tells it."
_RECORDED = "When it was recorded, in UTC."

SCHEMAS: dict[str, Json] = {
    "OptOutRecorded": _event(OPT_OUT, "An opt-out.", _RECORDED, {**_ENTRY, "description": _DATA}),
    "SuppressionLifted": _event(
        LIFT, "The end of a suppression.", _RECORDED, {**_ENTRY, "description": _DATA}
    ),
    "ChangesBatch": _event(
        BATCH,
        "Several changes.",
        "When the newest of them was recorded, in UTC.",
        {
            "type": "object",
            "description": "The changes.",
            "required": ["changes"],
            "properties": {
                "changes": {
                    "type": "array",
                    "description": "Oldest first, each exactly as `/changes` tells it.",
                    "minItems": 2,
                    "maxItems": 100,
                    "items": _ENTRY,
                }
            },
        },
    ),
    "WebhookTest": _event(
        TEST,
        "A test.",
        "When it was asked for, in UTC.",
        {**_ENTRY, "description": "A change of nobody: its `id` and its `list` are 0."},
    ),
    "OptOutCallback": {
        "type": "object",
        "description": "The opt-out of a phone number.",
        "required": ["timestamp", "unsubscribed_number", "source"],
        "additionalProperties": False,
        "properties": {
            "timestamp": {**_TIME, "description": "When it was recorded, in UTC."},
            "unsubscribed_number": {
                "type": "string",
                "description": "The phone number, such as +14155550123.",
            },
            "source": {
                "type": "string",
                "description": "The number that was texted, or the words `Optout Link`.",
            },
        },
    },
}

# header → (what it says, an example)
HEADERS: dict[str, tuple[str, str]] = {
    "webhook-id": (
        "The message’s name: the same on each try, and never that of another one.",
        "msg_0d4f6c1c2b6b4f0e9a53a1f0c5b2d7e4",
    ),
    "webhook-timestamp": ("When this try was made, in seconds since 1970.", "1795339800"),
    "webhook-signature": (
        (
            "`v1,` and the HMAC-SHA256 of `webhook-id.webhook-timestamp.body` in base64. While a secret is rotated there are "
            "two, with a space between them: one that is right will do."
        ),
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}

_ANSWERS: Json = {
    "2XX": {"description": "Taken. What the body says does not matter."},
    "410": {"description": "Not wanted any more: the endpoint is switched off."},
    "429": {"description": "Later: after as many seconds as Retry-After says."},
    "503": {"description": "Later: after as many seconds as Retry-After says."},
    "default": {"description": "Not taken: it is sent again. Redirects are not followed."},
}


def described_webhooks() -> Json:
    """The `webhooks` of the OpenAPI description."""
    return {each.name: {"post": _operation(each)} for each in MESSAGES}


def _operation(message: Message) -> Json:
    reference = {"$ref": f"#/components/schemas/{message.schema}"}
    return {
        "summary": message.heading,
        "description": message.about,
        "tags": ["webhooks"],
        "security": [],  # the receiver checks the signature
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": about,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, (about, example) in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": reference, "example": said}
                for kind, said in message.examples.items()
            },
        },
        "responses": _ANSWERS,
    }


def shown_messages() -> list[tuple[str, str]]:
    """Messages as people read them, under what they are."""
    bodies = {each.name: each.bodies for each in MESSAGES}
    return [
        ("Body, standard", _laid_out(bodies[OPT_OUT][JSON])),
        ("Body, sms-json", _laid_out(bodies[SMS][JSON])),
        ("Body, sms-form", bodies[SMS][FORM]),
    ]


def _laid_out(body: str) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
