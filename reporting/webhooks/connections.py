"""Connections to receivers: where each leads is looked at as it is made (AT-19), and how much comes in on it is bounded."""

import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from reporting.webhooks.guard import is_allowed
from reporting.webhooks.names import Names

MAX_READ = 64 * 1024  # octets of an answer's body
MAX_HEAD = 64 * 1024  # octets of its headers, and of interim answers before it
IDLE = 15.0  # seconds that a connection is kept for the next message


@dataclass(slots=True)
class Connecting:
    """What happened on the way to the connection of a call."""

    is_new: bool = False  # one was begun; else one that was kept is used
    is_forbidden: bool = False  # an address was refused


# Of the call that runs; aiohttp tells the socket factory nothing of it.
connecting: ContextVar[Connecting] = ContextVar("connecting")


def make_connector() -> aiohttp.TCPConnector:
    """The connections of one event loop. How many there are at once is the caller's affair."""
    return _Connector(
        resolver=Names(),
        use_dns_cache=False,
        socket_factory=_make_socket,
        keepalive_timeout=IDLE,
        limit=0,
        ssl=_tls(),
    )


def _tls() -> ssl.SSLContext:
    """Certificates are checked against the system's authorities, or those that SSL_CERT_FILE names."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _make_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """The socket for a connection that is about to be made to this very address.

    Every connection passes here, whatever its name resolved to a moment ago and however the address was written.
    """
    family, kind, protocol, _name, target = address
    state = connecting.get()
    if not is_allowed(str(target[0])):
        state.is_forbidden = True
        raise PermissionError("inside a network that must not be called")
    state.is_new = True
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class _Handler(ResponseHandler):
    """Reads answers; of each no more than we want to know, so that a receiver who floods us costs neither memory nor time.

    aiohttp bounds each line and each buffer, but would go on reading interim answers (103 Early Hints) for ever.
    """

    _left = 0

    def set_response_params(self, **parameters: Any) -> None:
        self._left = MAX_HEAD + MAX_READ
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        kept = data[: self._left]
        self._left -= len(kept)
        super().data_received(kept)
        if len(kept) < len(data) and self.transport is not None:
            # Whoever waits for the answer is woken with what was kept before it is told that the connection is lost.
            self.transport.abort()

    def is_connected(self) -> bool:
        """Also asked before a connection is used again: not one on which something came that nobody asked for."""
        return super().is_connected() and not self.should_close


class _Connector(aiohttp.TCPConnector):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        handler: type[ResponseHandler] = _Handler
        self._factory = partial(handler, loop=self._loop)
