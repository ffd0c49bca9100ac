"""Other web sites, on other ports of this machine: where lists redirect to, and where attacks come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

# path with query -> status, headers, HTML
type Answer = Callable[[str], tuple[int, dict[str, str], str]]


@dataclass
class Origin:
    """A running site: where it is, and what it was asked for."""

    url: str
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def html(body: str) -> tuple[int, dict[str, str], str]:
    """A page with this body."""
    return 200, {"Content-Type": "text/html; charset=utf-8"}, f"<!doctype html><html lang=en>{body}"


def redirect(target: str) -> tuple[int, dict[str, str], str]:
    """302 to another place."""
    return 302, {"Location": target}, ""


@contextmanager
def serving() -> Iterator[Callable[..., Origin]]:
    """Gives a function that starts a site: `open_origin(answer, host="127.0.0.1")`. All stop at the end of the block.

    `localhost` and `127.0.0.1` are two sites to a browser, and every port is another origin.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer, host: str = "127.0.0.1") -> Origin:
        origin = Origin("")
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(origin, answer))
        origin.url = f"http://{host}:{server.server_address[1]}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return origin

    try:
        yield start
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler(origin: Origin, answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/favicon.ico":
                origin.paths.append(self.path)
                origin.headers.append({name.lower(): text for name, text in self.headers.items()})
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            content = body.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is Python's
            pass

    return Handler
