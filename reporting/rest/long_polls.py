"""Waiting for something new, so that a program hears of it at once and need not ask again and again.

Whoever waits holds a thread of this process, but no turn to work (`optout/turns.py`), and nothing in the database. Each process
has LONG_POLLS_AT_ONCE threads more than it needs otherwise, and lets so many wait; whoever comes on top is answered at once, and
told when to ask again.
"""

import select
import socket
import threading
from collections.abc import Callable
from time import monotonic
from time import sleep as pause

from optout.slots import Slots
from optout.turns import turn_given_back

INTERVAL = 0.2  # seconds between two looks
RETRY_AFTER = 5  # seconds, for whom there was no room

long_polls = Slots("LONG_POLLS_AT_ONCE")

_is_running: Callable[[], bool] = lambda: True  # noqa: E731


def wait_while_running(is_running: Callable[[], bool]) -> None:
    """Have waits end when the server says that this process stops: a restart need not wait for them."""
    global _is_running  # noqa: PLW0603
    _is_running = is_running


def wait_for(
    look: Callable[[], bool],
    seconds: float,
    client: socket.socket | None = None,
) -> bool:
    """Look every INTERVAL until there is something, the time is over, the client has gone, or the process stops.

    Says whether there was room: it does not wait when LONG_POLLS_AT_ONCE do so already. `client`: its socket, where the server
    lends it.
    """
    slot = long_polls.take(f"thread {threading.get_ident()}")
    if slot is None:
        return False
    try:
        ends_at = monotonic() + seconds
        while _is_running() and (left := ends_at - monotonic()) > 0 and not _has_gone(client):
            with turn_given_back():
                pause(min(INTERVAL, left))
            if look():
                break
    finally:
        slot.give_back()
    return True


def _has_gone(client: socket.socket | None) -> bool:
    """Whether the client has closed its connection."""
    if client is None:
        return False
    try:
        is_readable = bool(select.select([client], [], [], 0)[0])
        return is_readable and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
