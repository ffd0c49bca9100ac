"""tools/run.py: everything starts with one command, and nothing is left behind by it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.system


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


class Run:
    """One `make run` with a state folder of its own."""

    def __init__(self, state: Path, port: int) -> None:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"BASE_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.run", "--port", str(port)],
            cwd=ROOT,
            env=environment | {"HEED_STATE": str(state)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""

    def wait_until_it_says(self, words: str) -> None:
        assert self.process.stdout
        while words not in self.printed:
            line = self.process.stdout.readline()
            assert line, self.printed
            self.printed += line

    def part(self, named: str) -> int:
        """The process id of the part with that in its command."""
        return self._parts(named)[0]

    def part_at_its_start(self, named: str) -> int:
        """The same, of one that is not there yet, as soon as it is."""
        until = time.monotonic() + 60
        while not (found := self._parts(named)):
            assert self.process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        return found[0]

    def _parts(self, named: str) -> list[int]:
        children = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", named],
            capture_output=True,
            text=True,
            check=False,  # 1 where there is none
        )
        return [int(number) for number in children.stdout.split()]

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=40)
        self.printed += rest
        return self.process.returncode


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept between runs, as in a checkout: the demo is loaded once."""
    return tmp_path_factory.mktemp("run") / "state"


@pytest.fixture
def run(state: Path, port: int) -> Iterator[Run]:
    running = Run(state, port)
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGTERM)


def refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class TestRunning:
    def test_it_serves_and_ctrl_c_leaves_nothing_behind(
        self, run: Run, port: int, state: Path
    ) -> None:
        run.wait_until_it_says("Ctrl-C stops everything")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
            assert answer.status == 200

        assert run.stop(signal.SIGINT) == 0
        assert "owner@" in run.printed
        assert refuses_connections(port)
        assert not (state / "pg" / "postmaster.pid").exists()

    def test_a_log_line_holds_no_query_and_no_address(self, run: Run, port: int) -> None:
        run.wait_until_it_says("Ctrl-C stops everything")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"GET /u/anna@example.com%0AGET%20/forged?email=anna@example.com HTTP/1.1\r\n"
                b"Host: localhost\r\nReferer: http://x/?canary\r\nConnection: close\r\n\r\n"
            )
            assert b" 404 " in connection.makefile("rb").readline()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"G@T /?email=anna@example.com&canary HTTP/9.9\r\n\r\n")
            assert b" 400 " in connection.makefile("rb").readline()
        run.stop(signal.SIGTERM)

        assert "GET /u/" in run.printed
        assert not any(line.startswith("GET /forged") for line in run.printed.splitlines())
        for secret in ("anna@example.com", "email=", "canary"):
            assert secret not in run.printed

    def test_a_sender_that_dies_is_started_again(self, run: Run, port: int) -> None:
        run.wait_until_it_says("Ctrl-C stops everything")
        killed = run.part("send_webhooks")
        os.kill(killed, signal.SIGKILL)
        run.wait_until_it_says("The sender ended by itself (exit code -9); it was started again.")

        assert run.part("send_webhooks") != killed
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
            assert answer.status == 200
        assert run.stop(signal.SIGTERM) == 0

    def test_it_says_where_it_runs_though_the_sender_died_at_the_start(self, run: Run) -> None:
        os.kill(run.part_at_its_start("send_webhooks"), signal.SIGKILL)
        run.wait_until_it_says("The sender ended by itself (exit code -9); it was started again.")

        assert "Heed is running" in run.printed
        assert run.stop(signal.SIGTERM) == 0

    def test_a_web_that_dies_takes_everything_down_with_it(
        self, run: Run, state: Path, port: int
    ) -> None:
        run.wait_until_it_says("Ctrl-C stops everything")
        os.kill(run.part("gunicorn"), signal.SIGKILL)
        rest, _ = run.process.communicate(timeout=40)

        assert run.process.returncode == 1
        assert "The web ended by itself" in rest
        assert refuses_connections(port)
        assert not (state / "pg" / "postmaster.pid").exists()


class TestPortThatIsTaken:
    def test_it_says_so_and_names_another(self, tmp_path: Path, port: int) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            running = Run(tmp_path / "state", port)
            printed, _ = running.process.communicate(timeout=20)

        assert running.process.returncode == 2
        assert f"make run PORT={port + 1}" in printed
