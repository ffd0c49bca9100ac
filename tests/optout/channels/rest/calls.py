"""Calls of the REST API as a program makes them."""

import json
from typing import Any

from django.test import Client

from tests.pages import SERVER

PROBLEM = "application/problem+json"


def call(
    key: str, method: str, path: str, sent: Any = None, *, query: str = "", **headers: str
) -> Any:
    """The answer to a call below /api/v1 from 192.0.2.7; `idempotency_key=…` is such a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic(
        method,
        f"/api/v1{path}",
        b"" if sent is None else json.dumps(sent).encode(),
        content_type="application/json",
        headers={"user-agent": SERVER["user-agent"], "authorization": f"Bearer {key}", **named},
        REMOTE_ADDR="192.0.2.7",
        QUERY_STRING=query,
    )


def told(answer: Any, status: int = 200) -> Any:
    """The JSON of an answer, which has that status; a problem says so itself."""
    assert answer.status_code == status, answer.content
    said = answer.json()
    if status >= 400:
        assert answer.headers["Content-Type"] == PROBLEM
        assert said["status"] == status
    return said


def slug(answer: Any, status: int) -> str:
    """Which problem it is."""
    return str(told(answer, status)["type"]).partition("#problem-")[2]
