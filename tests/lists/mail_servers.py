"""A mail server: a real one on loopback, which takes mails, refuses them, or hangs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread

from pytest_django.fixtures import Settings

TIMEOUT = 0.3  # seconds that we wait for it


@dataclass
class MailServer:
    """What it answers to the recipient and to the whole mail, and the mails that it took."""

    recipient: bytes = b"250 OK"
    whole: bytes = b"250 OK"
    hangs: bool = False
    mails: list[bytes] = field(default_factory=list)
    is_over: Event = field(default_factory=Event)


@contextmanager
def running_mail_server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that mails go to until the block ends."""
    told = MailServer()

    class Conversation(StreamRequestHandler):
        def handle(self) -> None:
            if told.hangs:
                told.is_over.wait(20)
                return
            self.say(b"220 mail.example.com")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    self.say(told.recipient)
                elif verb == b"DATA":
                    self.say(b"354 go on")
                    self.take()
                elif verb == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 OK")

        def take(self) -> None:
            lines = list(iter(self.rfile.readline, b".\r\n"))
            if told.whole.startswith(b"250"):
                told.mails.append(b"".join(lines))
            self.say(told.whole)

        def say(self, answer: bytes) -> None:
            self.wfile.write(answer + b"\r\n")

    server = ThreadingTCPServer(("127.0.0.1", 0), Conversation)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    host, port = server.server_address[:2]
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": host, "port": port, "timeout": TIMEOUT},
        }
    }
    yield told
    told.is_over.set()
    server.shutdown()
    server.server_close()
