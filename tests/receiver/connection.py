"""One connection to the receiver: HTTP/1.1, as little of it as clients of ours need, and so as fast as one can be."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

TLS = b"\x16\x03"  # how a client begins who takes us for a server with TLS


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Handler(Protocol):
    """Answers a request: at once with octets, or later by writing to the connection."""

    def __call__(
        self, request: Request, connection: "Connection"
    ) -> bytes | Coroutine[Any, Any, None]: ...


class Connection(asyncio.Protocol):
    """Reads requests, one after the other, and hands each to the handler."""

    def __init__(self, handle: Handler, met: Callable[[], None]) -> None:
        self._handle = handle
        self._met = met
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport
        self.is_asking = False  # of a test that asks what came; not counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._met()

    def connection_lost(self, error: Exception | None) -> None:
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def write(self, data: bytes) -> None:
        """Write once the peer has taken most of what came before. Ends the task when it has gone."""
        await self._writable.wait()
        if self.transport.is_closing():
            raise asyncio.CancelledError
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.startswith(TLS):
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self.transport.close()
            return
        while self._task is None and (request := self._take()) is not None:
            answer = self._handle(request, self)
            if isinstance(answer, bytes):
                self.transport.write(answer)
            else:
                self._task = asyncio.get_running_loop().create_task(answer)
                self._task.add_done_callback(self._go_on)

    def _go_on(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and not self.transport.is_closing():
            self.data_received(b"")

    def _take(self) -> Request | None:
        """The next whole request in the buffer."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return Request(method, target, headers, rest[:length])
