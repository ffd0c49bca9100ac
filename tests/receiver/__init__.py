"""A receiver of webhooks in a process of its own, which does right or wrong by path; see `behaviours.py` for the paths.

    with start_receiver() as receiver:
        …url of an endpoint: receiver.url("/ok")
        receiver.wait_for(3, "/ok")    # → the three requests, as soon as they are there
        receiver.switch("/ok", "/503", times=2)

A path may go on as it likes (`/ok/crm`), so that a test tells its endpoints apart. It ends with the process that started it,
also if that was killed.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds at most for what a test waits for; it goes on as soon as it is there

HOST = "127.0.0.1"
INNER_HOST = (
    "127.0.0.2"  # what must not be reached: another address, so that one can be allowed alone
)


@dataclass(frozen=True)
class Received:
    """A request as it came. Header names in lower case; `at`: seconds since 1970."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Receiver:
    """A running receiver. `tls_ports`: by the names that its certificates were given."""

    pid: int
    port: int
    inner_port: int
    tls_ports: Mapping[str, int]

    def url(self, path: str = "/ok") -> str:
        return f"http://{HOST}:{self.port}{path}"

    def tls_url(self, name: str, path: str = "/ok") -> str:
        return f"https://{HOST}:{self.tls_ports[name]}{path}"

    def inner_url(self, path: str = "/ok") -> str:
        """A URL at the listener which nobody may reach: it counts who does, and answers 200."""
        return f"http://{INNER_HOST}:{self.inner_port}{path}"

    def got(self, path: str = "/") -> list[Received]:
        """What came to that path and those below it, oldest first (of the last 20,000)."""
        return _received(self.ask("/_got", path=path))

    def wait_for(self, count: int, path: str = "/", seconds: float = PATIENCE) -> list[Received]:
        """As `got`, as soon as there are that many; fewer if there are not in time."""
        return _received(self.ask("/_wait", path=path, count=count, seconds=seconds))

    def ids(self, path: str = "/") -> list[str]:
        """The `webhook-id` of each request, in order; of all of them."""
        return list(self.ask("/_ids", path=path))

    def counts(self) -> dict[str, int]:
        """How many `requests`, `connections`, and connections to the inner listener (`inner`) there have been."""
        return dict(self.ask("/_counts"))

    def switch(self, path: str, to: str, times: int | None = None) -> None:
        """Treat requests below `path` as if they were for `to`, the next `times` ones or (None) until `reset`."""
        self.ask("/_switch", path=path, to=to, **({} if times is None else {"times": times}))

    def reset(self) -> None:
        """Forget what came, the counts and the switches."""
        self.ask("/_reset")

    def ask(self, command: str, **parameters: object) -> Any:
        """One of the commands of `__main__.py`; what it answers."""
        client = HTTPConnection(HOST, self.port, timeout=2 * PATIENCE)
        try:
            client.request("GET", f"{command}?{urlencode(parameters)}")
            return json.loads(client.getresponse().read())
        finally:
            client.close()


@contextmanager
def start_receiver(
    *, certificates: Mapping[str, Path] | None = None, ids_to: Path | None = None
) -> Iterator[Receiver]:
    """Start a receiver and end it.

    `certificates`: name → file with a key and its chain; for each it listens with TLS as well. `ids_to`: a file that each
    `webhook-id` is appended to, a line each, for counting more than one wants to ask for.
    """
    with subprocess.Popen(
        _command(certificates or {}, ids_to),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ports = json.loads(process.stdout.readline())
            yield Receiver(process.pid, ports["port"], ports["inner"], ports["tls"])
        finally:
            process.kill()


def _command(certificates: Mapping[str, Path], ids_to: Path | None) -> Sequence[str]:
    command = [sys.executable, "-m", "tests.receiver"]
    for name, path in certificates.items():
        command += ["--tls", f"{name}={path}"]
    if ids_to is not None:
        command += ["--ids-to", str(ids_to)]
    return command


def _received(found: list[dict[str, Any]]) -> list[Received]:
    return [
        Received(
            method=each["method"],
            path=each["path"],
            headers=each["headers"],
            body=each["body"].encode("latin-1"),
            at=each["at"],
        )
        for each in found
    ]
