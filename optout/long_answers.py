"""The body of a long answer: for how long it may run, and that half of it is never taken for the whole."""

import os
import socket
import struct
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from optout.slots import Slot
from optout.turns import give_turn_back, take_turn_again

DEADLINE = timedelta(minutes=30)

_RESET_ON_CLOSE, _END_ON_CLOSE = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)


class DeadlineError(Exception):
    """A long answer has run for DEADLINE. Raised into the server, which gives up."""


class LongAnswer(Iterator[bytes]):
    """The pieces of an answer, in a slot that `close` gives back; the server calls that, also when the client has gone away.

    Errors, and DeadlineError, are raised into the server. It then ends the connection like any other, and to a client that
    speaks HTTP/1.0 (nginx does, unless told otherwise) that end is the end of the file. So from the first piece to the last
    the connection is one that breaks instead of ending, whoever closes it: us, or the kernel when this process is killed.
    """

    def __init__(
        self, pieces: Generator[bytes], slot: Slot, client: socket.socket | None = None
    ) -> None:
        self._pieces = pieces
        self._slot = slot
        self._client = client
        self._ends_at = monotonic() + DEADLINE.total_seconds()
        self._has_begun = False
        self.is_complete = False

    def lend(self, client: socket.socket | None) -> None:
        """The client's socket, where the server lends it: only there can a client be dropped that reads nothing at all."""
        self._client = client

    def __next__(self) -> bytes:
        give_turn_back()  # however slowly the client reads, nobody waits for it
        try:
            piece = next(self._pieces)
        except StopIteration:
            self.is_complete = True
            raise
        left = self._ends_at - monotonic()
        if left <= 0:
            raise DeadlineError
        if self._client is not None:
            # The client may take its time with this piece until the deadline; then the server's own write fails.
            self._client.settimeout(left)
            if not self._has_begun:
                _set_linger(self._client, _RESET_ON_CLOSE)
        self._has_begun = True
        return piece

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._has_begun:
            with suppress(OSError):  # the client may be gone
                if self.is_complete:
                    client.settimeout(None)
                    _set_linger(client, _END_ON_CLOSE)
                else:
                    _reset(client)
        try:
            self._pieces.close()
        finally:
            self._slot.give_back()
            take_turn_again()


def _set_linger(client: socket.socket, value: bytes) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)


def _reset(client: socket.socket) -> None:
    """Close a connection that is set to break, with another, unused socket in its place: the server still closes that one, and
    would miscount its connections if it could not."""
    with socket.socket() as unused:
        os.dup2(unused.fileno(), client.fileno(), inheritable=False)
