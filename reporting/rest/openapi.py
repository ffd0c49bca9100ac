"""The description of the REST API in OpenAPI 3.1: what django-ninja knows of the operations, and what they have in common.

An operation says what is special about it by its types, its docstring and `openapi_extra`. What every operation answers when
it refuses, which headers its answers carry and what it looks like in use is added here, once.
"""

import json
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.conf import settings

from optout.channels.rest.problems import DOCS, Kind
from optout.channels.rest.queries import SAY_NOTHING_WHEN_EMPTY
from reporting.rest.api import api
from reporting.rest.components import (
    ALLOWANCE,
    PROBLEM,
    described_headers,
    described_refusals,
    to_header,
    to_refusal,
)
from reporting.rest.examples import EXAMPLES, Example
from reporting.rest.meanings import MEANINGS
from reporting.rest.webhook_messages import SCHEMAS as MESSAGE_SCHEMAS
from reporting.rest.webhook_messages import described_webhooks

type Json = dict[str, Any]

ROOT = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
# Of operations that are sent with POST, those that write nothing: the scope to read will do.
READING_POSTS = frozenset({"look_up"})
# Those that write nothing either, but give out what an opt-out can be made with: a key needs both scopes.
UNSAVED_POSTS = frozenset({"make_opt_out_links", "preview_text_message"})
# Those that may be refused because the address opted out.
ADDING_CONTACTS = frozenset({"write_contact", "set_contact"})
# Those that write and show what came of it, or send elsewhere what the key may read: a key needs both scopes.
SHOWING_WRITES = ADDING_CONTACTS | {
    "make_webhook",
    "change_webhook",
    "delete_webhook",
    "send_webhook_test",
    "replay_webhook",
    "rotate_webhook",
    "make_opt_out_links",
    "read_recipients_csv",
    "preview_text_message",
    "make_text_message",
    "read_text_message",
    "stop_text_message",
}
# Those whose body names a list.
FINDING_LISTS = frozenset(
    {
        "look_up",
        "make_webhook",
        "change_webhook",
        "make_opt_out_links",
        "preview_text_message",
        "make_text_message",
    }
)
# Those that answer 304 to whoever has the answer already.
CONDITIONAL = frozenset({"read_lists", "read_list"})
FILES = {".csv": "text/csv", "/recipients": "text/csv", ".txt": "text/plain"}

TAGS = {
    "lists": "What people opt out of, with counts. Made for polling.",
    "suppressions": "Tell Heed who opted out, and read or lift what is suppressed.",
    "look-up": "Ask whether an address may be written to.",
    "opt-outs": "The requests of one list, oldest first, with how they came.",
    "changes": "Every opt-out and every lift, in order, with a cursor: nothing is skipped.",
    "do-not-mail": "The list that covers everything: page by page, or as one file.",
    "contacts": "People as you know them. Deleting one is an opt-out from everything.",
    "text-messages": "Opt-out links for text messages, and messages of the Send editor.",
    "webhooks": "Endpoints of yours that Heed tells of every opt-out, and what became of each message.",
}

# What an operation is called where people read.
HEADINGS = {
    "read_lists": "Read the lists",
    "read_list": "Read one list",
    "read_list_contacts": "Read the contacts on a list",
    "add_suppressions": "Add opt-outs",
    "lift_suppressions": "Lift suppressions",
    "read_suppressions": "Read what is suppressed",
    "look_up": "Look up many addresses",
    "look_up_one": "Look up one address",
    "read_opt_outs": "Read the opt-outs of a list",
    "read_changes": "Read the changes",
    "read_do_not_mail": "Read Do Not Mail",
    "read_do_not_mail_csv": "Download Do Not Mail as .csv",
    "read_do_not_mail_txt": "Download Do Not Mail as .txt",
    "read_contacts": "Find contacts",
    "read_contact": "Read one contact",
    "write_contact": "Add a contact",
    "set_contact": "Set a contact’s lists",
    "delete_contact": "Delete a contact: opt it out of everything",
    "make_opt_out_links": "Make opt-out links",
    "read_recipients_csv": "Download a list’s recipients with their links",
    "preview_text_message": "Preview a message",
    "make_text_message": "Send a message",
    "read_text_message": "Read how far a message is",
    "stop_text_message": "Stop a message",
    "make_webhook": "Make an endpoint",
    "read_webhooks": "Read the endpoints",
    "read_webhook": "Read one endpoint",
    "change_webhook": "Change an endpoint, or switch it on or off",
    "delete_webhook": "Remove an endpoint",
    "read_webhook_deliveries": "Read what was sent",
    "send_webhook_test": "Send a test",
    "replay_webhook": "Send again",
    "rotate_webhook": "Rotate the secret",
}

# What a parameter means, wherever it is.
PARAMETERS = {
    "number": "Number of the list; 0 is Do Not Mail.",
    "contact_id": "The contact’s id, or the digest of its address.",
    "webhook_id": "The endpoint’s id.",
    "message_id": "The message’s id.",
    "cursor": "Where to go on: as an answer gave it. Left out: from the beginning.",
    "limit": "The most rows in an answer.",
    "wait": "Seconds to wait for something to happen, if there is nothing yet.",
    "modified_since": "Only what changed since: a date, or a time with its zone. Answers reach back two minutes further: rather "
    "some rows twice than one never. Send the Next-Since of your last call; of several pages that of the first.",
    "since": "From this time on: a date, or a time with its zone.",
    "until": "Before this time: a date, or a time with its zone.",
    "list": "Number of a list; 0 is Do Not Mail.",
    "state": "Only messages that are in this state.",
    "address": "An email address or a phone number. A + in it stays a plus.",
    "email": "An email address. A + in it stays a plus.",
    "raw": "For programs: nothing is done for spreadsheets.",
}

ABOUT = """\
Opt-outs and suppressions, for programs. Every request carries an API key: `Authorization: Bearer hk_…`.
Whatever is refused is answered with a problem (RFC 9457); an error never means "not suppressed".
"""

IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer that you have: 304 without a body says that it still holds.",
    "schema": {"type": "string"},
}


@cache
def described(base_url: str) -> tuple[bytes, str]:
    """The description as JSON, for an installation at that address; and its ETag."""
    text = json.dumps(describe(base_url), ensure_ascii=False, separators=(",", ":")).encode()
    return text, f'"{sha256(text).hexdigest()[:32]}"'


def describe(base_url: str | None = None) -> Json:
    """The whole description."""
    found: Json = json.loads(json.dumps(api.get_openapi_schema(path_prefix=ROOT)))
    base = settings.BASE_URL if base_url is None else base_url
    for path, operations in found["paths"].items():
        operations.pop("head", None)  # of whatever answers GET
        for method in METHODS:
            if method in operations:
                _complete(operations[method], method, path)
    schemas = {name: _plain(each) for name, each in found["components"]["schemas"].items()}
    for schema, each in schemas.items():
        for name, one in each.get("properties", {}).items():
            if f"{schema}.{name}" in MEANINGS:
                one.setdefault("description", MEANINGS[f"{schema}.{name}"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heed REST API",
            "version": api.version,
            "summary": "Opt-outs and suppressions, for programs.",
            "description": ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "externalDocs": {"url": base + DOCS, "description": "Guide, with programs to copy"},
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"key": []}],
        "paths": {path: _plain(each) for path, each in found["paths"].items()},
        "webhooks": described_webhooks(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of the realm: `hk_…`. Made in the portal under Settings › API keys.",
                }
            },
            "schemas": {**schemas, **MESSAGE_SCHEMAS, "Problem": PROBLEM},
            "headers": described_headers(),
            "responses": described_refusals(base),
        },
    }


# What every call may answer.
EVERYWHERE = (
    Kind.MALFORMED,
    Kind.UNAUTHORIZED,
    Kind.FORBIDDEN,
    Kind.IP_NOT_APPROVED,
    Kind.INVALID,
    Kind.RATE_LIMITED,
    Kind.INTERNAL,
    Kind.UNAVAILABLE,
)


def scope_of(operation: Json, method: str) -> str:
    """Which scope a key needs: `read`, `write`, or both."""
    if operation["operationId"] in SHOWING_WRITES:
        return "read and write"
    is_reading = method == "get" or operation["operationId"] in READING_POSTS
    return "read" if is_reading else "write"


def _complete(operation: Json, method: str, path: str) -> None:
    """Add what is not special about an operation."""
    name = operation["operationId"]
    operation["security"] = [{"key": []}]
    operation["summary"] = HEADINGS.get(name, operation["summary"])
    operation["description"] = _unfolded(operation.get("description", ""))
    parameters = operation.setdefault("parameters", [])
    is_done_once = any(each["name"] == "Idempotency-Key" for each in parameters)
    for each in parameters:
        _complete_parameter(each)

    answers = operation["responses"] = {
        str(status): each for status, each in operation["responses"].items()
    }
    for status, answer in answers.items():
        _dress(answer, status, path, is_done_once=is_done_once)
    for header in _headers_of_success(name, {each["name"] for each in parameters}):
        answers["200"]["headers"][header] = to_header(header)
    if name in CONDITIONAL:
        parameters.append(IF_NONE_MATCH)
        answers["200"]["headers"]["ETag"] = to_header("ETag")
        answers["304"] = {
            "description": "Nothing changed since.",
            "headers": {**answers["200"]["headers"]},
        }
    for code in {kind.status for kind in kinds_of(operation, method, path)}:
        answers.setdefault(str(code), to_refusal(code))
    example = EXAMPLES.get(name)
    if example is not None:
        _show(operation, example)
    operation["responses"] = dict(sorted(answers.items()))


def _headers_of_success(name: str, parameters: set[str]) -> list[str]:
    """What only some operations say with what they answer."""
    found = ["Next-Since"] if "modified_since" in parameters else []
    return [*found, "Retry-After"] if name == "read_changes" else found


def _complete_parameter(parameter: Json) -> None:
    """Its meaning; and nothing of null, which no URL can say."""
    name, schema = parameter["name"], parameter["schema"]
    if name in PARAMETERS:
        parameter.setdefault("description", PARAMETERS[name])
    if name == "number":
        schema.update(minimum=0, maximum=2**31 - 1)
    others = [each for each in schema.pop("anyOf", ()) if each.get("type") != "null"]
    for each in others:
        schema.update(each)
    if name in SAY_NOTHING_WHEN_EMPTY:
        parameter["allowEmptyValue"] = True
    if schema.get("default", 0) in (None, []):
        del schema["default"]


def _unfolded(text: str) -> str:
    """A docstring with each paragraph on one line."""
    return "\n\n".join(" ".join(each.split()) for each in text.split("\n\n"))


def _dress(answer: Json, status: str, path: str, *, is_done_once: bool) -> None:
    """Headers of a success, and its media type where it is a file."""
    kind = next((FILES[each] for each in FILES if path.endswith(each)), "")
    if kind and status == "200" and "content" not in answer:
        answer["content"] = {kind: {"schema": {"type": "string"}}}
    names = [*ALLOWANCE, *(["Idempotent-Replayed"] if is_done_once else [])]
    headers = answer.setdefault("headers", {})
    for name in names:
        headers.setdefault(name, to_header(name))
    answer["description"] = answer.get("description") or HTTPStatus(int(status)).phrase


def kinds_of(operation: Json, method: str, path: str) -> list[Kind]:
    """The problems with which an operation may say no."""
    parameters = {each["name"] for each in operation["parameters"]}
    name, has_body = operation["operationId"], "requestBody" in operation
    found = set(EVERYWHERE)
    if "{" in path or "list" in parameters or name in FINDING_LISTS:
        found.add(Kind.NOT_FOUND)
    if method != "get":
        found.add(Kind.TOO_LARGE)
    if has_body:
        found.add(Kind.UNSUPPORTED)
    if "Idempotency-Key" in parameters:
        found |= {Kind.CONFLICT, Kind.KEY_REUSED}
    if name in ADDING_CONTACTS:
        found.add(Kind.OPTED_OUT)
    if path.endswith("/changes"):
        found.add(Kind.CURSOR_GONE)
    return [kind for kind in Kind if kind in found]


def _show(operation: Json, example: Example) -> None:
    """Put the example where tools look for it."""
    if example.call.body is not None:
        for media in operation["requestBody"]["content"].values():
            media["example"] = example.call.body
    for status, answer in operation["responses"].items():
        if status.startswith("2") and example.answer is not None:
            for media in answer.get("content", {}).values():
                media["example"] = example.answer
    sent = dict(example.call.query)
    for each in operation["parameters"]:
        if each["name"] in sent:
            text = sent[each["name"]]
            is_number = "integer" in json.dumps(each["schema"])
            each["example"] = int(text) if is_number else text


def _plain(value: Any) -> Any:
    """Without the titles that are made of the names of fields."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each if name in {"example", "examples"} else _plain(each)
        for name, each in value.items()
        if not (name == "title" and isinstance(each, str))
    }
