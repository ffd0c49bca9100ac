"""The sender's command; what it sends is tried in test_sender.py."""

import resource
from typing import Any

import pytest

from reporting.management.commands import send_webhooks
from reporting.management.commands.send_webhooks import OPEN_FILES

FOR_EVER = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "asked_for"),
    [
        ((1_024, 4_096), [(4_096, 4_096)]),
        ((1_024, FOR_EVER), [(OPEN_FILES, FOR_EVER)]),
        ((100_000, 200_000), []),
        ((FOR_EVER, FOR_EVER), []),
    ],
)
def test_each_connection_is_an_open_file(
    monkeypatch: Any, limits: tuple[int, int], asked_for: list[tuple[int, int]]
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, wanted: set_to.append(wanted))
    send_webhooks.allow_connections()
    assert set_to == asked_for
