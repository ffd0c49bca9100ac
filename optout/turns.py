"""How many requests this process works on at the same moment.

It has more threads than that: room for those who wait. Threads that all work fight for Python's lock, and then each gets less
done: eight of them answer between a third and nine tenths of what four do, and nobody knows beforehand how many.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.conf import settings


class _Mine(threading.local):
    depth = 0


class Turns:
    """So many turns. `with turns:` works in one of them; a thread that has one needs no second.

    What waits for something other than the database must not hold one meanwhile (`given_back`), or recipients would wait with
    it. The body of a long answer is sent after its request's turn has ended: how many there are is for `optout/slots.py` to say.
    """

    def __init__(self, count: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._mine = _Mine()
        for _ in range(max(count, 1)):
            self._free.put(None)

    def __enter__(self) -> None:
        mine = self._mine
        if not mine.depth:
            self._free.get()
        mine.depth += 1

    def __exit__(self, *_: object) -> None:
        mine = self._mine
        mine.depth -= 1
        if not mine.depth:
            self._free.put(None)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Wait without a turn; then take one again. Nothing is done by a thread that has none."""
        mine = self._mine
        depth = mine.depth
        if not depth:
            yield
            return
        mine.depth = 0
        self._free.put(None)
        try:
            yield
        finally:
            self._free.get()
            mine.depth = depth

    def free(self) -> int:
        """How many nobody has just now."""
        return self._free.qsize()


turns = Turns(settings.WEB_THREADS)
