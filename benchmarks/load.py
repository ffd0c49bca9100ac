"""A load generator: keep-alive connections that send prepared requests, one after the other, for a bounded time.

It is lean on purpose, since it runs on the same cores as what it measures.
"""

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CONNECTIONS = 16
TURNS = 3
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def http_request(
    method: str,
    path: str,
    headers: str,
    body: str = "",
    ip: str | None = None,
    *,
    content_type: str = FORM,
) -> bytes:
    """A raw request from `ip`: if none is given, from one of 65,536 behind our proxy."""
    address = ip or f"203.0.{random.randrange(256)}.{random.randrange(256)}"
    content = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n" if body else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n{headers}{content}\r\n{body}"
    ).encode()


@dataclass
class Load:
    """What a run measured: seconds taken, one latency (seconds) a request, and how often each status came."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    samples: dict[int, bytes] = field(default_factory=dict)  # one answer of each status, to look at

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency, in milliseconds, that `percent` of the requests stayed below."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class _Connection(asyncio.Protocol):
    def __init__(
        self, requests: Iterator[bytes], load: Load, until: float, done: asyncio.Future[None]
    ) -> None:
        self.requests, self.load, self.until, self.done = requests, load, until, done
        self.buffer = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        now = time.perf_counter()
        request = next(self.requests, None) if now < self.until else None
        if request is None:
            self.transport.close()
            return
        self.sent_at = now
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self.buffer[:head_end].lower()
        start = head.find(b"content-length: ")
        length = int(head[start + 16 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self.buffer) < head_end + 4 + length:
            return
        self.load.latencies.append(time.perf_counter() - self.sent_at)
        status = int(head[9:12])
        self.load.statuses[status] += 1
        self.load.samples.setdefault(status, self.buffer[:2000])
        self.buffer = b""
        self.send()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def run_load(
    port: int, requests: Iterator[bytes], seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Send `requests` (raw HTTP/1.1) to 127.0.0.1:`port` until the time or the requests are up."""
    return asyncio.run(_run(port, requests, seconds, connections))


async def _run(port: int, requests: Iterator[bytes], seconds: float, connections: int) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    started = time.perf_counter()
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        ends.append(loop.create_future())
        await loop.create_connection(
            lambda: _Connection(requests, load, started + seconds, ends[-1]), "127.0.0.1", port
        )
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*ends)
    load.seconds = time.perf_counter() - started
    return load


def by_turns(
    reference: Callable[[float], Load], measured: Callable[[float], Load], seconds: float
) -> tuple[Load, float]:
    """Run both by turns, so that they meet the same machine, for `seconds` each; the measured load in the middle, and the
    median of its rate as a share of the other's.
    """
    pairs = [(reference(seconds / TURNS), measured(seconds / TURNS)) for _ in range(TURNS)]
    loads = sorted((load for _reference, load in pairs), key=lambda load: load.rate)
    return loads[TURNS // 2], statistics.median(load.rate / other.rate for other, load in pairs)
