"""`make run`: database, tables, demo, web, worker and sender, until Ctrl-C.

Exit codes: 0 after Ctrl-C or SIGTERM, 1 when something did not start or died, 2 when the port is taken.
"""

import argparse
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
WEB_STOP_SECONDS = 12
WORKER_STOP_SECONDS = 12
SENDER_STOP_SECONDS = 12  # what is being sent may take 10
# A worker or sender that dies is started again; one that ends by itself again and again, not at once.
REVIVAL_PAUSE_SECONDS = 10.0
POLL_SECONDS = 0.1
SIGN_INS = {
    "operator": "runs this installation",
    "owner": "owns the lists",
    "list_owner": "owns two of them",
    "mailer": "sends to them",
    "viewer": "may only look",
    "stranger": "owns a list elsewhere",
}


class NotStartedError(Exception):
    """Heed cannot run; the message says why."""


def say(text: str = "") -> None:
    print(text, flush=True)


def end_with_parent() -> None:
    """Linux: be told to stop when the program that started this one is killed outright."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Part:
    """One process of ours, in a group of its own: Ctrl-C reaches only us, and we stop it in turn."""

    def __init__(
        self, name: str, *command: str, stop_seconds: float, revives: bool = False
    ) -> None:
        self.name = name
        self.command = command
        self.stop_seconds = stop_seconds
        # Whether it is started again when it dies: the web goes on without it, and what it left is taken up.
        self.revives = revives
        self.process = self._start()
        self.started_at = time.monotonic()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *self.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 -- one thread here
        )

    def may_revive(self) -> bool:
        """Whether it may be started now: somebody killed it, or its last start is a while ago."""
        was_killed = (self.process.poll() or 0) < 0
        return was_killed or time.monotonic() - self.started_at > REVIVAL_PAUSE_SECONDS

    def revive(self) -> None:
        """Start it again after it died."""
        self._signal(signal.SIGKILL)  # whatever is left of its group
        self.process = self._start()
        self.started_at = time.monotonic()

    def stop(self) -> None:
        """Ask, wait, then insist."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_seconds)
        # Whatever is left of its group, such as the workers of a web that was killed.
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Interrupted:
    """Becomes true with the first SIGINT, SIGTERM or SIGHUP."""

    def __init__(self) -> None:
        self.happened = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.happened = True

    def __bool__(self) -> bool:
        return self.happened


def check_port(host: str, port: int) -> None:
    """Exit with 2 if somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            say(
                f"Port {port} cannot be used: {problem.strerror}. Take another one: make run PORT={port + 1}"
            )
            raise SystemExit(2) from None


def join_database() -> None:
    """Read the settings: that starts the embedded server, and keeps it up as long as this process lives."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        settings.DATABASES  # noqa: B018
    except ImproperlyConfigured as problem:
        raise NotStartedError(str(problem)) from None


def prepare(interrupted: Interrupted) -> dict[str, dict[str, dict[str, str]]] | None:
    """Tables, static files, demo; the demo's answer, if there is a demo."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.prepare"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    printed: bytes | None = None
    while printed is None:
        if interrupted:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            printed, _ = process.communicate(timeout=POLL_SECONDS)
    if interrupted:
        return None
    if process.returncode != 0:
        raise NotStartedError("The database could not be prepared; see above.")
    found: dict[str, dict[str, dict[str, str]]] | None = json.loads(printed)["demo"]
    return found


def is_answering(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def has_ended(parts: list[Part]) -> bool:
    """Whether one is dead that is not started again."""
    return any(not part.revives and part.process.poll() is not None for part in parts)


def wait_until_answering(url: str, parts: list[Part], interrupted: Interrupted) -> None:
    patience = time.monotonic() + START_SECONDS
    while not interrupted and not is_answering(url):
        if has_ended(parts):
            return
        if time.monotonic() > patience:
            raise NotStartedError(f"The web did not answer within {START_SECONDS} seconds.")
        time.sleep(POLL_SECONDS)


def greet(url: str, demo: dict[str, dict[str, dict[str, str]]] | None) -> None:
    say()
    say(f"  Heed is running   {url}/manage/")
    if demo:
        say()
        users = demo["users"]
        wide = {
            part: max(len(user[part]) for user in users.values()) for part in ("email", "password")
        }
        for role, what in SIGN_INS.items():
            if user := users.get(role):
                email, password = (
                    f"{user['email']:<{wide['email']}}",
                    f"{user['password']:<{wide['password']}}",
                )
                say(f"  {role:<10} {email}   {password}   {what}")
        say()
        say("  These are demo sign-ins, for trying things out on this machine only.")
    say("  Ctrl-C stops everything; what you did is kept for the next run.")
    say()


def watch(parts: list[Part], interrupted: Interrupted) -> int:
    """Until somebody stops us (0), or a part dies that is not started again (1)."""
    while not interrupted:
        for part in parts:
            code = part.process.poll()
            if code is None:
                continue
            if not part.revives:
                say(f"The {part.name} ended by itself (exit code {code}); stopping the rest.")
                return 1
            if part.may_revive():
                part.revive()
                say(f"The {part.name} ended by itself (exit code {code}); it was started again.")
        time.sleep(POLL_SECONDS)
    return 0


def serve(host: str, port: int, interrupted: Interrupted) -> int:
    """Start everything, wait, stop everything in order: web, worker, sender; the database follows."""
    url = (
        f"http://localhost:{port}" if host in {"127.0.0.1", "0.0.0.0"} else f"http://{host}:{port}"
    )
    os.environ.setdefault("BASE_URL", url)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["PYTHONUNBUFFERED"] = "1"
    join_database()
    demo = prepare(interrupted)
    if interrupted:
        return 0
    web = ("-m", "gunicorn", "-c", "python:config.gunicorn", "--bind", f"{host}:{port}")
    quiet = ("--log-level", "warning", "--graceful-timeout", "5")
    worker = ("manage.py", "procrastinate", "worker")
    sender = ("manage.py", "send_webhooks")
    parts: list[Part] = []
    try:
        parts.append(Part("web", *web, *quiet, stop_seconds=WEB_STOP_SECONDS))
        parts.append(Part("worker", *worker, stop_seconds=WORKER_STOP_SECONDS, revives=True))
        parts.append(Part("sender", *sender, stop_seconds=SENDER_STOP_SECONDS, revives=True))
        wait_until_answering(
            f"http://127.0.0.1:{port}" if host == "0.0.0.0" else url, parts, interrupted
        )
        if not interrupted and not has_ended(parts):
            greet(os.environ["BASE_URL"], demo)
        return watch(parts, interrupted)
    finally:
        say("Stopping ...")
        for part in parts:
            part.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when make is killed (Linux)"
    )
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    check_port(options.host, options.port)
    interrupted = Interrupted()
    if options.with_parent:
        end_with_parent()
    try:
        return serve(options.host, options.port, interrupted)
    except NotStartedError as problem:
        say(str(problem))
        return 1
    finally:
        from config.embedded import leave_server

        leave_server()


if __name__ == "__main__":
    sys.exit(main())
