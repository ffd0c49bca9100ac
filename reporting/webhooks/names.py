"""Host names → addresses, in threads of their own, so that one receiver's slow name server stops nobody else.

The system's resolver blocks, cannot be called off, and may take half a minute. So: one look-up of a name at a time, answers
kept for a while, and names that were slow wait for each other alone. What an address may be called is not decided
here: the guard looks at it when the connection is made.
"""

import asyncio
import socket
import threading
from collections import OrderedDict
from dataclasses import dataclass
from socket import getaddrinfo
from time import monotonic

from aiohttp.abc import AbstractResolver, ResolveResult

KEPT = 30.0  # seconds that an answer holds
UNKNOWN_KEPT = 3.0  # seconds that no answer holds: shorter than the first retry waits
SLOW = 3.0  # seconds; a name that takes longer does not get in the way of others again
AT_ONCE = 64  # look-ups, and threads; a thread costs a few pages of memory
SLOW_AT_ONCE = 8
MAX_NAMES = 10_000
MAX_ADDRESSES = 6  # of a name; each is called, and whose they are its owner decides


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the resolver said of a name: addresses, or that there are none; when it is out of date (monotonic); if it was slow."""

    addresses: tuple[str, ...]
    until: float
    is_slow: bool


class NameNotKnownError(OSError):
    """There is no address for the name."""


class Names(AbstractResolver):
    """Looks names up for aiohttp. Belongs to one event loop."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._asked: dict[str, asyncio.Task[_Answer]] = {}
        self._quick = asyncio.Semaphore(AT_ONCE)
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host, in the system's order. Raises NameNotKnownError."""
        answer = self._answers.get(host)
        if answer is None or answer.until < monotonic():
            task = self._asked.get(host)
            if task is None:
                task = self._asked[host] = asyncio.create_task(self._ask(host, answer))
            answer = await asyncio.shield(task)  # others may wait for the same name
        if not answer.addresses:
            raise NameNotKnownError(socket.EAI_NONAME, "name not known")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer.addresses
        ]

    async def close(self) -> None:
        """Wait for nobody: the threads end with the process."""
        for task in self._asked.values():
            task.cancel()

    async def _ask(self, host: str, before: _Answer | None) -> _Answer:
        is_slow = before is not None and before.is_slow
        try:
            async with self._slow if is_slow else self._quick:
                began = monotonic()
                addresses = await _in_thread(host)
                took = monotonic() - began
        finally:
            del self._asked[host]
        kept = KEPT if addresses else UNKNOWN_KEPT
        answer = _Answer(addresses, monotonic() + kept, is_slow=took > SLOW)
        self._answers[host] = answer
        self._answers.move_to_end(host)
        if len(self._answers) > MAX_NAMES:
            self._answers.popitem(last=False)
        return answer


async def _in_thread(host: str) -> tuple[str, ...]:
    """Ask the system in a thread that nobody waits for when the process ends, which an executor would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def tell(addresses: tuple[str, ...]) -> None:
        if not future.done():
            future.set_result(addresses)

    def run() -> None:
        addresses = _look_up(host)
        try:
            loop.call_soon_threadsafe(tell, addresses)
        except RuntimeError:
            return  # the loop is closed: nobody wants to know any more

    try:
        threading.Thread(target=run, name="look-up", daemon=True).start()
    except RuntimeError:  # the system has no thread to spare
        return ()
    return await future


def _look_up(host: str) -> tuple[str, ...]:
    """The addresses of a name as texts; none if it is not known, or no name."""
    try:
        found = getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a part of more than 63 characters
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))[:MAX_ADDRESSES]
