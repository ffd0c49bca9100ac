"""Recorded requests: files that hold a raw HTTP request as clients in the field send it, and the answer byte for byte."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

FOLDER = Path(__file__).parent / "recorded"
_ANSWER = b"\n=== answer\n"


@dataclass(frozen=True)
class Recorded:
    """One file. `suppressed` and `left` name what changes, as `list/address`; see the README beside the files."""

    name: str
    what: str
    suppressed: str
    left: str
    request: bytes
    answer: str


@dataclass(frozen=True)
class Replayed:
    """What came back: the status code, the headers in lower case, the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_recorded() -> list[Recorded]:
    """All of them, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> Recorded:
    request, _, answer = path.read_bytes().removesuffix(b"\n").rpartition(_ANSWER)
    what, suppressed, left, request = request.split(b"\n", 3)
    head, _, body = request.partition(b"\n\n")
    return Recorded(
        path.stem,
        what.decode().removeprefix("# "),
        suppressed.decode().removeprefix("# suppressed:").strip(),
        left.decode().removeprefix("# left:").strip(),
        head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body,
        answer.decode(),
    )


def replay(raw: bytes, ip: str = "192.0.2.7") -> Replayed:
    """Send a raw request through the whole application, as a WSGI server hands it over."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, rest = first.split(" ", 1)
    target = rest.rpartition(" ")[0]  # which may have spaces in it
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "optout.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": ip,
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    for line in lines:
        name, _, value = line.partition(":")
        key = name.upper().replace("-", "_")
        prefix = "" if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_"
        environ[prefix + key] = value.strip()
    answered: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _error: Any = None, /
    ) -> Callable[[bytes], object]:
        answered.append((status, headers))
        return lambda _content: None

    # The test's transaction is on this connection.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        result = get_wsgi_application()(environ, start_response)
        content = b"".join(result)
        result.close()
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
    ((status, headers),) = answered
    return Replayed(int(status[:3]), {name.lower(): value for name, value in headers}, content)
