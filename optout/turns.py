"""How many requests a process works on at the same moment.

It has more threads than that, for those who wait. Threads that all work fight for Python's lock, and each of them then gets less
done. A semaphore around the work costs what it saves: each request would wake a thread twice. So it is the pool that starts no
more of them (`config/gunicorn.py`).
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any


class _Job:
    """What was handed in, and who wants to know what became of it."""

    __slots__ = ("_arguments", "_named", "_work", "future")

    def __init__(self, work: Callable[..., Any], arguments: Any, named: Any) -> None:
        self._work, self._arguments, self._named = work, arguments, named
        self.future: Future[Any] = Future()

    def do(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._work(*self._arguments, **self._named)
        except BaseException as error:  # noqa: BLE001  the future's, as in every executor
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Mine(threading.local):
    pool: "TurnPool | None" = None
    is_away = False


_mine = _Mine()


def give_turn_back() -> None:
    """Let another request work instead of this thread's, which waits or sends a long answer. Twice is once.

    Nothing is done by a thread of another pool, or of none, as in tests and commands.
    """
    if _mine.pool is not None and not _mine.is_away:
        _mine.is_away = True
        _mine.pool.leave()


def take_turn_again() -> None:
    """Go on working. It never waits: for a moment one more than there are turns may work."""
    if _mine.pool is not None and _mine.is_away:
        _mine.is_away = False
        _mine.pool.come_back()


@contextmanager
def turn_given_back() -> Iterator[None]:
    """Wait without a turn."""
    give_turn_back()
    try:
        yield
    finally:
        take_turn_again()


class TurnPool(Executor):
    """Threads, `most` of them, of which `turns` work at once; the others wait for something, or for work."""

    def __init__(self, turns: int, most: int) -> None:
        self._turns = max(turns, 1)
        self._most = max(most, self._turns)
        self._lock = threading.Lock()
        self._jobs: deque[_Job] = deque()
        self._idle: list[SimpleQueue[_Job | None]] = []
        self._threads = self._working = 0
        self._is_shut = False

    def submit[**P, T](
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        job = _Job(fn, args, kwargs)
        with self._lock:
            if self._is_shut:
                raise RuntimeError("no work is taken after the end")
            self._jobs.append(job)
            self._start()
        return job.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; what was handed in is done. It does not wait: the threads end with the process."""
        with self._lock:
            self._is_shut = True
            if cancel_futures:
                for job in self._jobs:
                    job.future.cancel()
            for inbox in self._idle:
                inbox.put(None)
            self._idle.clear()

    def leave(self) -> None:
        """For `give_turn_back`."""
        with self._lock:
            self._working -= 1
            self._start()

    def come_back(self) -> None:
        """For `take_turn_again`."""
        with self._lock:
            self._working += 1

    def _start(self) -> None:
        """Give the oldest job to a thread, if one may work and is there or can be made. The lock is held."""
        if not self._jobs or self._working >= self._turns:
            return
        if self._idle:
            self._idle.pop().put(
                self._jobs.popleft()
            )  # the last one that worked: it is the warmest
        elif self._threads < self._most:
            self._threads += 1
            job = self._jobs.popleft()
            threading.Thread(target=self._run, args=(job,), name="turn", daemon=True).start()
        else:
            return
        self._working += 1

    def _run(self, job: _Job | None) -> None:
        _mine.pool = self
        inbox: SimpleQueue[_Job | None] = SimpleQueue()
        while job is not None:
            job.do()
            del job  # or the request would stay until the next one
            take_turn_again()  # whoever forgot to
            job = self._next(inbox) or inbox.get()

    def _next(self, inbox: "SimpleQueue[_Job | None]") -> _Job | None:
        """More work at once; or nothing, and it will come by the inbox."""
        with self._lock:
            if self._jobs and self._working <= self._turns:
                return self._jobs.popleft()
            self._working -= 1
            if self._is_shut:
                inbox.put(None)
            else:
                self._idle.append(inbox)
            return None
