"""Answers that may be long: in one where they are short, so that they have a length, which old scripts ask for."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from socket import socket
from time import monotonic

from optout.channels.api_web.command import Answer
from optout.channels.api_web.lines import CommandError
from optout.places import DEADLINE, DeadlineError, Place, places

SHORT = 5_000  # lines


class LongAnswer(Iterator[bytes]):
    """The pieces of an answer, from a place of its own, which `close` gives back. The server calls that, also when the client
    has gone away. Errors, and DeadlineError when it takes too long, are raised into the server, which drops the connection."""

    def __init__(self, pieces: Generator[bytes], place: Place) -> None:
        self._pieces = pieces
        self._place = place
        self._ends_at = monotonic() + DEADLINE.total_seconds()
        self._socket: socket | None = None

    def lend(self, client: socket | None) -> None:
        """The client's socket, where the server lends it: only there can a client be dropped that reads nothing at all."""
        self._socket = client

    def __next__(self) -> bytes:
        left = self._ends_at - monotonic()
        if left <= 0:
            raise DeadlineError
        if self._socket is not None:
            self._socket.settimeout(left)
        return next(self._pieces)

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the client may be gone
                self._socket.settimeout(None)
        try:
            self._pieces.close()
        finally:
            self._place.give_back()


def answer_lines(
    read: Callable[[int | None], Generator[bytes]],
    write: Callable[[Generator[bytes]], Generator[bytes]],
    realm_id: int,
) -> Answer:
    """What `read` gives, as `write` puts it: pieces of lines, at most as many as it is told. Each realm has one long answer at a
    time. Raises CommandError.

    Whether it is a long one is found out by reading its beginning. That is closed again: the connection must be free until the
    server asks for the pieces.
    """
    begin = b"".join(read(SHORT + 1))
    if begin.count(b"\n") <= SHORT:
        return b"".join(write(piece for piece in (begin,) if piece)).decode()
    place = places.take(f"realm {realm_id}")
    if place is None:
        raise CommandError("Too many long answers at once, try again in a minute")
    return LongAnswer(write(read(None)), place)
