"""An example of each operation of the REST API: what is sent, and what comes back. Tests send every one of them."""

import json
from dataclasses import dataclass
from typing import Any

from reporting.rest.example_rows import DIGEST, OPTED_OUT
from reporting.rest.example_text_messages import TEXT_MESSAGE_CALLS
from reporting.rest.example_webhooks import WEBHOOK_CALLS
from reporting.rest.programs import Call

API = "/api/v1"
# What `parse_address` says of a text that is neither.
UNREADABLE = "Enter an email address like name@example.com, or a phone number."
_CURSOR = "Y2hhbmdlczo3NDE6MTA0"


@dataclass(frozen=True, slots=True)
class Example:
    """A call and its answer: what JSON is made of, or the text of a file; None where the body is empty."""

    call: Call
    answer: Any

    def shown(self) -> str:
        """The answer as it is printed on the page."""
        if self.answer is None or isinstance(self.answer, str):
            return self.answer or ""
        return _laid_out(self.answer)


def _get(path: str, answer: Any, **query: str) -> Example:
    return Example(Call("GET", API + path, tuple(query.items())), answer)


def _post(path: str, body: Any, answer: Any) -> Example:
    return Example(Call("POST", API + path, body=body), answer)


_LIST = {
    "number": 1,
    "name": "Garden letters",
    "description": "News from the garden, twice a month.",
    "is_do_not_mail": False,
    "is_closed": False,
    "url": "https://optout.example.com/u/p3vUvrRNiatMJwjP",
    "suppressed": 1204,
    "contacts": 18311,
    "created_at": "2026-01-05T08:00:00Z",
    "modified_at": "2026-11-22T09:30:00Z",
}
_SUPPRESSION = {
    "address": "jane@example.com",
    "digest": DIGEST,
    "hash": None,
    "hash_kind": None,
    "medium": "email",
    "channel": "one_click",
    "reason": "unsubscribed",
    "suppressed_at": "2026-11-22T09:30:00Z",
}

_CONTACT = {
    "id": "4711",
    "address": "ann@example.com",
    "medium": "email",
    "lists": [1],
    "fields": {"first": "Ann"},
    "customer_key": None,
    "created_at": "2026-01-05T08:00:00Z",
    "changed_at": "2026-11-22T09:30:00Z",
    "do_not_mail": False,
}

# name of the operation → its example
EXAMPLES: dict[str, Example] = {
    "read_lists": _get("/lists", {"lists": [_LIST], "next": None}),
    "read_list": _get("/lists/1", _LIST),
    "add_suppressions": _post(
        "/lists/1/suppressions",
        {"addresses": ["jane@example.com", "+14155550123", "nonsense"]},
        {
            "recorded": 2,
            "new": 1,
            "already": 1,
            "rejected": [{"index": 2, "detail": UNREADABLE}],
        },
    ),
    "lift_suppressions": _post(
        "/lists/1/suppressions/lift",
        {"addresses": ["jane@example.com"], "reason": "Asked on the phone to be put back."},
        {"lifted": 1, "not_suppressed": 0, "rejected": []},
    ),
    "read_suppressions": _get(
        "/lists/1/suppressions", {"suppressions": [_SUPPRESSION], "next": None}, limit="1000"
    ),
    "look_up": _post(
        "/lookup",
        {"list": 1, "addresses": ["jane@example.com", "joe@example.com", "nonsense"]},
        {
            "results": [
                {"address": "jane@example.com", "suppressed": True, "scope": "list"},
                {"address": "joe@example.com", "suppressed": False, "scope": None},
                {"address": "nonsense", "suppressed": True, "scope": "unusable"},
            ]
        },
    ),
    "look_up_one": _get(
        "/lookup",
        {"address": "jane@example.com", "suppressed": True, "scope": "list"},
        list="1",
        address="jane@example.com",
    ),
    "read_opt_outs": _get(
        "/lists/1/opt-outs", {"opt_outs": [OPTED_OUT], "next": None}, since="2026-01-01"
    ),
    "read_changes": _get(
        "/changes", {"changes": [OPTED_OUT], "cursor": _CURSOR, "has_more": False}, limit="1000"
    ),
    "read_do_not_mail": _get(
        "/do-not-mail",
        {
            "do_not_mail": [
                {
                    "id": "4711",
                    "address": "ann@example.com",
                    "digest": "fd876f8cd6a58277fc664d47ea10ad19",
                    "hash": None,
                    "hash_kind": None,
                    "medium": "email",
                    "suppressed_at": "2026-11-22T09:30:00Z",
                    "channel": "rest",
                    "reason": "unsubscribed",
                }
            ],
            "next": None,
        },
        limit="1000",
    ),
    "read_do_not_mail_csv": _get(
        "/do-not-mail.csv",
        "address,medium,suppressed_at,reason\nann@example.com,email,2026-11-22T09:30:00Z,unsubscribed\n",
    ),
    "read_do_not_mail_txt": _get("/do-not-mail.txt", "ann@example.com\n"),
    "read_list_contacts": _get(
        "/lists/1/contacts",
        {
            "contacts": [
                {
                    "id": "4711",
                    "address": "ann@example.com",
                    "medium": "email",
                    "fields": {"first": "Ann"},
                    "customer_key": None,
                    "subscribed_at": "2026-01-05T08:00:00Z",
                    "changed_at": "2026-11-22T09:30:00Z",
                }
            ],
            "next": None,
        },
        modified_since="2026-01-01",
    ),
    "read_contacts": _get(
        "/contacts", {"contacts": [_CONTACT], "next": None}, email="ann@example.com"
    ),
    "read_contact": _get("/contacts/4711", _CONTACT),
    "write_contact": _post(
        "/contacts",
        {"address": "ann@example.com", "lists": [1], "fields": {"first": "Ann"}},
        _CONTACT,
    ),
    "set_contact": Example(
        Call("PUT", f"{API}/contacts/4711", body={"lists": []}), {**_CONTACT, "lists": []}
    ),
    "delete_contact": Example(Call("DELETE", f"{API}/contacts/4711"), None),
    **{
        name: Example(call, answer)
        for name, (call, answer) in (TEXT_MESSAGE_CALLS | WEBHOOK_CALLS).items()
    },
}


def _laid_out(answer: Any) -> str:
    """JSON with each row of an array on a few lines, as people write it."""
    return json.dumps(answer, ensure_ascii=False, indent=2)
