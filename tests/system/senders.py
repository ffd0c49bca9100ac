"""Real senders for system tests: `manage.py send_webhooks` on the test's database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.system.servers import ROOT, test_database_url

PATIENCE = 30.0  # seconds for a sender to take over or to end; it is over as soon as it has
ALLOWED = "127.0.0.1/32"


@dataclass
class RunningSender:
    """A sender's process, and what it has printed."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """At once, without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def printed(self) -> str:
        return self.log.read_text(errors="replace")


def start_sender(folder: Path) -> RunningSender:
    """Start one; it may take a second until it serves anybody."""
    variables = os.environ | {
        "DATABASE_URL": test_database_url(),
        "HEED_STATE": str(folder),
        "SECRET_KEY": settings.SECRET_KEY,
        "LINK_SECRETS": settings.LINK_SECRETS,
        "SECRET_PEPPER": settings.SECRET_PEPPER,
        "WEBHOOK_ALLOW_CIDRS": ALLOWED,
    }
    log = folder / "sender.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "send_webhooks"],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return RunningSender(process, log)


@contextmanager
def running_sender(folder: Path) -> Iterator[RunningSender]:
    """A sender while the block runs; it may be killed in it."""
    sender = start_sender(folder)
    try:
        yield sender
    finally:
        if sender.process.poll() is None:
            sender.kill()


def holder_of(endpoint_id: int) -> int | None:
    """The database process of the sender that serves an endpoint; None: nobody does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND objsubid = 2 AND granted"
            " AND classid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [endpoint_id, 0x57656268],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def wait_for_holder(endpoint_id: int, other_than: int | None = None) -> int:
    """Wait until a sender (another one than that) serves the endpoint; its database process."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        holder = holder_of(endpoint_id)
        if holder is not None and holder != other_than:
            return holder
        time.sleep(0.01)  # polling another process
    raise AssertionError("nobody serves the endpoint")
