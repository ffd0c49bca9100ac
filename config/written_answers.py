"""How gunicorn writes an answer here: its head and its body at once, and constant headers checked once.

Two writes are two calls of the system, each with a hand-over between threads, and wake the client twice.
"""

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gunicorn.http.wsgi import Response

TOGETHER = 1 << 16  # bytes of a body that are worth copying behind the head

# Headers whose values are few, and hold nothing of anybody: these were checked when they came first.
CONSTANT = frozenset(
    {
        "Allow",
        "Cache-Control",
        "Content-Language",
        "Content-Security-Policy",
        "Content-Type",
        "Cross-Origin-Opener-Policy",
        "RateLimit-Limit",
        "RateLimit-Reset",
        "Referrer-Policy",
        "Strict-Transport-Security",
        "Vary",
        "X-Content-Type-Options",
        "X-Robots-Tag",
    }
)


class AnswerInOnePiece(Response):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own, but that the head waits for the first piece of the body."""

    headers_sent: bool
    _head = b""

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """gunicorn's checks, once for a header that is always the same. Raises its errors."""
        for name, value in headers:
            if name in CONSTANT:
                self.headers.append(_checked(name, value))
            else:
                super().process_headers([(name, value)])

    def send_headers(self) -> None:
        """Make the head; it goes out with what comes next, or at the end."""
        if not self.headers_sent:
            lines = self.default_headers()
            lines += [f"{name}: {value}\r\n" for name, value in self.headers]
            self._head = f"{''.join(lines)}\r\n".encode("latin-1")
            self.headers_sent = True

    def write_file(self, respiter: Any) -> None:
        """A file goes to the socket past `write`."""
        self.send_headers()
        self._send_head()
        super().write_file(respiter)

    def close(self) -> None:
        """The end of the answer; of one without a body it is the head."""
        self.send_headers()
        self._send_head()
        super().close()

    def _emit_body(self, data: bytes) -> None:
        if self._head and not self.chunked and len(data) <= TOGETHER:
            head, self._head = self._head, b""
            self.sock.sendall(head + data)
        else:
            self._send_head()
            super()._emit_body(data)

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self.sock.sendall(head)


@lru_cache(maxsize=512)
def _checked(name: str, value: str) -> tuple[str, str]:
    """A header as gunicorn would send it. Raises its errors."""
    answer = Response.__new__(Response)
    answer.headers = []
    Response.process_headers(answer, [(name, value)])
    return answer.headers[0]  # type: ignore[no-any-return]


def http_date(timestamp: float | None = None) -> str:
    """A time as headers have it; of each second made once."""
    return _date_of(int(time.time() if timestamp is None else timestamp))


@lru_cache(maxsize=8)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)
