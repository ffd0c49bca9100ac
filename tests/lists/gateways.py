"""An SMS gateway: a real server on loopback, well or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from pytest_django.fixtures import Settings


@dataclass
class Gateway:
    """A server on loopback that answers as it is told, and remembers what it got."""

    url: str = ""
    status: int = 202
    how: str = "answers"  # or hangs, or drips
    retry_after: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    is_over: Event = field(default_factory=Event)


@contextmanager
def running_gateway(settings: Settings) -> Iterator[Gateway]:
    """A gateway that messages go to until the block ends."""
    told = Gateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((self.path, dict(self.headers), body))
            if told.how == "hangs":
                told.is_over.wait(20)
                return
            if told.how == "drips":
                try:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    while not told.is_over.wait(0.01):
                        self.wfile.write(b"x")
                except OSError:
                    return
            self.send_response(told.status)
            self.send_header("Location", told.url)
            if told.retry_after:
                self.send_header("Retry-After", told.retry_after)
            self.send_header("Content-Length", "10000000")  # none of it is waited for
            self.end_headers()

        do_GET = do_POST  # noqa: N815 -- the server's own names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/messages?account=7"
    settings.SMS_GATEWAY_URL = told.url
    settings.SMS_GATEWAY_TOKEN = "s3cret"
    settings.SMS_FROM = "Acme"
    yield told
    told.is_over.set()
    server.shutdown()
    server.server_close()
