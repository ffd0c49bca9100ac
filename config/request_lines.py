"""What gunicorn is taught about the first line of a request: what old scripts send, and what an answer may repeat of it."""

import re
import socket
from urllib.parse import quote_from_bytes

from gunicorn import util
from gunicorn.http.message import Request

_SAFE = "".join(map(chr, range(0x21, 0x7F)))
_COMMAND = re.compile(
    rb"(GET|HEAD|POST) (/{1,2}(?:(?:bin/)?api_web|(?:g/\w{1,40}/{1,2})?unsubscribe/unsubscribe)/?\?[^\r\n]*) (HTTP/1\.[01])",
    re.DOTALL,
)


def mend_request_line(line: bytes) -> bytes:
    """The request line of an `api_web` command or a global request in a form that HTTP allows: spaces and non-ASCII bytes in its
    query escaped.

    Scripts send them as they are: the old service's own document has a space in an example (S4.8). Every other line stays.
    """
    command = _COMMAND.fullmatch(line)
    if command is None:
        return line
    method, target, version = command.groups()
    return b" ".join((method, quote_from_bytes(target, safe=_SAFE).encode("ascii"), version))


class OldScriptsRequest(Request):  # type: ignore[misc]  # gunicorn has no types
    """A request whose first line may be one of an old script."""

    def parse_request_line(self, line_bytes: bytes) -> None:
        """gunicorn's own reading, of the mended line. Raises its errors."""
        super().parse_request_line(mend_request_line(line_bytes))


def write_error(client: socket.socket, status: int, reason: str, _said: str) -> None:
    """Answer a request that cannot be read, in the words of the status: gunicorn's page repeats the line, password and all
    (AT-26). `FAILURE:` is what scripts look for."""
    body = f"FAILURE: {reason}, nothing was done"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, (head + body).encode("ascii", "replace"))
