"""Answers that may be long: in one where they are short, so that they have a length, which old scripts ask for."""

from collections.abc import Callable, Generator

from optout.channels.api_web.command import Answer
from optout.channels.api_web.lines import CommandError
from optout.long_answers import LongAnswer
from optout.slots import slots

SHORT = 5_000  # lines


def answer_lines(
    read: Callable[[int | None], Generator[bytes]],
    write: Callable[[Generator[bytes]], Generator[bytes]],
    realm_id: int,
) -> Answer:
    """What `read` gives, as `write` puts it: pieces of lines, at most as many as it is told. Each realm has one long answer at a
    time in each process. Raises CommandError.

    Whether it is a long one is found out by reading its beginning. That is closed again: the connection must be free until the
    server asks for the pieces.
    """
    begin = b"".join(read(SHORT + 1))
    if begin.count(b"\n") <= SHORT:
        return b"".join(write(piece for piece in (begin,) if piece)).decode()
    slot = slots.take(f"realm {realm_id}")
    if slot is None:
        raise CommandError("Too many long answers at once, try again in a minute")
    return LongAnswer(write(read(None)), slot)
