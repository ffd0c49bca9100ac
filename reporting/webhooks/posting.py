"""One try to deliver a message: a POST to a URL that a stranger chose, answered by a server that may mean harm (AT-19–22).

So: the address is checked where the connection is made, no redirect is followed, nothing of the environment is used (proxies,
.netrc), nothing is kept between calls but the connection, nothing is unpacked, and both time and memory are bounded.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from lists.retry_after import read_retry_after
from reporting.models import Failure
from reporting.webhooks.connections import MAX_READ, Connecting, connecting, make_connector
from reporting.webhooks.payloads import Payload

logger = logging.getLogger(__name__)

TIMEOUT = 15.0  # seconds for everything, looking the name up as well
MAX_KEPT = 1000  # characters of it, for the delivery log
MAX_RETRY_AFTER = timedelta(hours=24)

# PostgreSQL keeps no NUL, and people read the log: nothing in it moves their cursor or turns the text round.
_C0_C1 = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
_LINES_AND_BIDI = (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = dict.fromkeys((*_C0_C1, *_LINES_AND_BIDI), "\N{REPLACEMENT CHARACTER}")


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
class _Answer:
    """What has come of an answer so far."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""
    is_packed: bool = False  # such as gzip, which nobody asked for
    connecting: Connecting = field(default_factory=Connecting)  # of the last connection


class Poster:
    """Sends messages, keeping connections to receivers open. An asynchronous context manager; belongs to one event loop.

    `timeout`: seconds for a whole try. How many are under way at once is the caller's affair.
    """

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=make_connector(),
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
        except Exception:  # whatever an answer brings a parser to do, the others go on being served
            logger.exception("An answer to a webhook could not be read.")
            failure = Failure.BROKEN
        else:
            failure = "" if 200 <= (answer.status or 0) < 300 else Failure.STATUS
        took_ms = round((time.perf_counter() - began) * 1000)
        return Try(answer.status, failure, _text(answer), took_ms, _retry_after(answer))

    async def _post(
        self, url: str, payload: Payload, headers: Mapping[str, str], answer: _Answer
    ) -> None:
        """Fill in the answer; on a connection of ours that the receiver had closed meanwhile, begin anew.

        Nothing of the answer had come then, and messages may come twice: it would only look like a failure of the receiver.
        """
        while True:
            answer.connecting = Connecting()
            connecting.set(answer.connecting)
            try:
                await self._post_once(url, payload, headers, answer)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if answer.connecting.is_new:
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
            answer.is_packed = "content-encoding" in response.headers
            content = response.content
            # Whatever is left of it belongs to no other answer: such a connection is not used again.
            while len(answer.body) < MAX_READ and not content.at_eof():
                answer.body += await content.read(MAX_READ)


@lru_cache(maxsize=1024)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


def _failure_of(error: Exception, on_the_way: Connecting) -> Failure:
    """What went wrong, told by the error and by how far the connection had come."""
    if on_the_way.is_forbidden and not on_the_way.is_new:
        return Failure.FORBIDDEN
    if isinstance(error, aiohttp.InvalidURL):
        # An address in an odd spelling; `check_url` lets nobody save it.
        return Failure.FORBIDDEN
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure.NAME
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Failure.TLS
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return Failure.REFUSED
        return Failure.UNREACHABLE
    return Failure.BROKEN


def _text(answer: _Answer) -> str:
    """The beginning of the answer, for people; nothing is unpacked for them."""
    if answer.is_packed:
        return ""
    return answer.body[: MAX_KEPT * 4].decode("utf-8", "replace")[:MAX_KEPT].translate(_CONTROLS)


def _retry_after(answer: _Answer) -> timedelta | None:
    """What a 429 or 503 asks for: seconds or an HTTP date; None for what is neither."""
    if answer.status not in {429, 503}:
        return None
    return read_retry_after(answer.retry_after, MAX_RETRY_AFTER)
