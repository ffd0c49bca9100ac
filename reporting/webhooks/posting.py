"""One try to deliver a message: a POST to a URL that a stranger chose, answered by a server that may mean harm (AT-19–22).

So: the address is checked where the connection is made, no redirect is followed, nothing of the environment is used (proxies,
.netrc), nothing is kept between calls but the connection, nothing is unpacked, and both time and memory are bounded.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from reporting.models import Failure
from reporting.webhooks.guard import is_allowed
from reporting.webhooks.names import Names
from reporting.webhooks.payloads import Payload

TIMEOUT = 15.0  # seconds for everything, looking the name up as well
MAX_READ = 64 * 1024  # octets of the answer; what is longer ends the connection
MAX_KEPT = 1000  # characters of it, for the delivery log
IDLE = 15.0  # seconds that a connection is kept for the next message
MAX_RETRY_AFTER = timedelta(hours=24)

_SECONDS = re.compile(r"[0-9]{1,10}")
# PostgreSQL keeps no NUL, and people read the log.
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one POST. It was delivered where `failure` is empty.

    `status` is None where no answer began; it may be 200 with a failure where the answer broke off. `answer`: the beginning of
    what the receiver said. `took_ms`: milliseconds until the end of the answer, or until we gave up. `retry_after`: how long a
    429 or 503 asks us to wait, at most 24 hours.
    """

    status: int | None
    failure: Failure | str
    answer: str
    took_ms: int
    retry_after: timedelta | None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took the message."""
        return not self.failure


@dataclass(slots=True)
class _Connecting:
    """What happened on the way to a connection, as the socket factory saw it."""

    is_new: bool = False  # a connection was begun; else one from before is used
    is_forbidden: bool = False  # an address was refused


_connecting: ContextVar[_Connecting] = ContextVar("connecting")


def _make_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """The socket for a connection that is about to be made. Every one passes here, with the address that is really called."""
    family, kind, protocol, _name, target = address
    connecting = _connecting.get()
    if not is_allowed(str(target[0])):
        connecting.is_forbidden = True
        raise PermissionError("inside a network that must not be called")
    connecting.is_new = True
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@dataclass(slots=True)
class _Answer:
    """What has come of an answer so far."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""
    connecting: _Connecting = field(default_factory=_Connecting)  # of the last connection


class Poster:
    """Sends messages, keeping connections to receivers open. An asynchronous context manager; belongs to one event loop.

    `timeout`: seconds for a whole try. How many are under way at once is the caller's affair.
    """

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=Names(),
                use_dns_cache=False,
                socket_factory=_make_socket,
                keepalive_timeout=IDLE,
                limit=0,
                ssl=ssl.create_default_context(),
            ),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("accept", "accept-encoding", "user-agent"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # `post` has its own
            read_bufsize=MAX_READ,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, url: str, payload: Payload, headers: Mapping[str, str]) -> Try:
        """POST the payload once. `url` as `check_url` made it; `headers` from `request_headers`. Never raises for what a receiver
        does."""
        answer = _Answer()
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                await self._post(url, payload, headers, answer)
        except TimeoutError:
            failure: Failure | str = Failure.TIMEOUT
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure_of(error, answer.connecting)
        else:
            failure = "" if 200 <= (answer.status or 0) < 300 else Failure.STATUS
        took_ms = round((time.perf_counter() - began) * 1000)
        return Try(answer.status, failure, _text(answer.body), took_ms, _retry_after(answer))

    async def _post(
        self, url: str, payload: Payload, headers: Mapping[str, str], answer: _Answer
    ) -> None:
        """Fill in the answer; on a connection of ours that the receiver had closed meanwhile, begin anew.

        Nothing of the answer had come then, and messages may come twice: it would only look like a failure of the receiver.
        """
        while True:
            connecting = answer.connecting = _Connecting()
            _connecting.set(connecting)
            try:
                await self._post_once(url, payload, headers, answer)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if connecting.is_new or connecting.is_forbidden or answer.status is not None:
                    raise
            else:
                return

    async def _post_once(
        self, url: str, payload: Payload, headers: Mapping[str, str], answer: _Answer
    ) -> None:
        async with self._session.post(
            _parsed(url), data=payload.body, headers=headers, allow_redirects=False
        ) as response:
            answer.status = response.status
            answer.retry_after = response.headers.get("retry-after")
            content = response.content
            while not content.at_eof():
                answer.body += await content.read(MAX_READ)
                if len(answer.body) >= MAX_READ:
                    response.close()  # whatever is left of it belongs to no other answer
                    return


@lru_cache(maxsize=1024)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


def _failure_of(error: Exception, connecting: _Connecting) -> Failure:
    """What went wrong, told by the error and by how far the connection had come."""
    if connecting.is_forbidden and not connecting.is_new:
        return Failure.FORBIDDEN
    if isinstance(error, aiohttp.InvalidURL):
        return (
            Failure.FORBIDDEN
        )  # an address in an odd spelling, which `check_url` lets nobody save
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure.NAME
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Failure.TLS
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return Failure.REFUSED
        return Failure.UNREACHABLE
    return Failure.BROKEN


def _text(body: bytes) -> str:
    return body[: MAX_KEPT * 4].decode("utf-8", "replace")[:MAX_KEPT].translate(_CONTROLS)


def _retry_after(answer: _Answer) -> timedelta | None:
    """What a 429 or 503 asks for: seconds or an HTTP date; None for what is neither."""
    if answer.status not in {429, 503} or answer.retry_after is None:
        return None
    text = answer.retry_after.strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - datetime.now(UTC), timedelta(0)), MAX_RETRY_AFTER)
