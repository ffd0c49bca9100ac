"""An example of each operation of the REST API: what is sent, and what comes back. Tests send every one of them."""

import json
from dataclasses import dataclass
from typing import Any

from reporting.rest.programs import Call

API = "/api/v1"
_DIGEST = "8c87b489ce35cf2e2f39f80e282cb2e8"
_CURSOR = "Y2hhbmdlczo3NDE6MTA0"
_NEXT = "c3VwcHJlc3Npb25zIDE6OGM4N2I0ODk"


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


def _post(path: str, body: Any, answer: Any, key: str = "") -> Example:
    return Example(Call("POST", API + path, body=body, idempotency_key=key), answer)


_OPTED_OUT = {
    "id": 104,
    "type": "opt_out",
    "list": 1,
    "address": "jane@example.com",
    "digest": _DIGEST,
    "medium": "email",
    "channel": "one_click",
    "reason": "unsubscribed",
    "origin": "recipient",
    "is_new": True,
    "recorded_at": "2026-11-22T09:30:00Z",
}

# name of the operation → its example
EXAMPLES: dict[str, Example] = {
    "add_suppressions": _post(
        "/lists/1/suppressions",
        {"addresses": ["jane@example.com", "+14155550123", "nonsense"]},
        {
            "recorded": 2,
            "new": 1,
            "already": 1,
            "rejected": [{"index": 2, "detail": "This is no email address and no phone number."}],
        },
        key="import-2026-11-22-001",
    ),
    "lift_suppressions": _post(
        "/lists/1/suppressions/lift",
        {"addresses": ["jane@example.com"], "reason": "Asked on the phone to be put back."},
        {"lifted": 1, "not_suppressed": 0, "rejected": []},
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
    "read_changes": _get(
        "/changes", {"changes": [_OPTED_OUT], "cursor": _CURSOR, "has_more": False}, limit="1000"
    ),
}


def _laid_out(answer: Any) -> str:
    """JSON with each row of an array on a few lines, as people write it."""
    return json.dumps(answer, ensure_ascii=False, indent=2)
