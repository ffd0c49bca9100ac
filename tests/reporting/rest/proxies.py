"""A small server in front of Heed that answers as a test says, or hands a call on."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.db import connections


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back; `is_cut`: the connection ends in the middle of the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False


def page(body: object, **headers: str) -> Reply:
    """A good answer."""
    return Reply(
        200, json.dumps(body).encode(), {k.replace("_", "-"): v for k, v in headers.items()}
    )


def refusal(status: int, detail: str) -> Reply:
    """A problem."""
    return Reply(status, json.dumps({"status": status, "detail": detail}).encode())


class Proxy:
    """Asks `answer` for each path (with its query), in the order of the calls. A ConnectionAbortedError is no answer at all."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self.answer = answer
        self.paths: list[str] = []
        self.url = ""


def handed_on(url: str, path: str, key: str) -> Reply:
    """What Heed itself says."""
    try:
        with urlopen(Request(url + path, headers={"Authorization": f"Bearer {key}"})) as answer:
            return Reply(answer.status, answer.read(), {"Content-Type": "application/json"})
    except HTTPError as error:
        return Reply(error.code, error.read())


def in_turn(replies: Sequence[Reply], then: Reply) -> Callable[[str], Reply]:
    """Each reply once, then always the same."""
    left = iter(replies)
    return lambda _path: next(left, then)


@contextmanager
def serving(answer: Callable[[str], Reply]) -> Iterator[Proxy]:
    """A proxy while the block runs."""
    proxy = Proxy(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.paths.append(self.path)
            try:
                reply = proxy.answer(self.path)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            finally:
                connections.close_all()  # this thread's own
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.is_cut else reply.body)
            self.close_connection = True

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
