"""The Send editor's messages with real workers: killed, two at once, without their database, woken (S3.6, S3.7)."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from lists.models import List
from reporting.models import RecipientState, TextMessage, TextRecipient, TextState
from tests import make
from tests.receiver import Receiver, start_receiver
from tests.reporting.send_editor.making import make_text, numbered, subscribe
from tests.system.servers import ROOT, test_database_url

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

PATIENCE = 30.0  # seconds for a process to do what it is asked; it is over as soon as it has
KILLS = 8
SEND = ("send_text_messages",)
WORKER = ("procrastinate", "worker")


@pytest.fixture(scope="module")
def process() -> Iterator[Receiver]:
    with start_receiver() as receiver:
        yield receiver


@pytest.fixture
def gateway(process: Receiver) -> Receiver:
    process.reset()
    return process


@contextmanager
def running(folder: Path, url: str, command: Sequence[str] = SEND) -> Iterator[Any]:
    """A worker that hands messages to that gateway, while the block runs; it may be killed in it."""
    variables = os.environ | {
        "DATABASE_URL": test_database_url(),
        "HEED_STATE": str(folder),
        "SECRET_KEY": settings.SECRET_KEY,
        "LINK_SECRETS": settings.LINK_SECRETS,
        "SECRET_PEPPER": settings.SECRET_PEPPER,
        "SMS_GATEWAY_URL": url,
        "SMS_PER_SECOND": "0",
    }
    with (folder / "worker.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def numbers_got(gateway: Receiver) -> Counter[str]:
    return Counter(each.json()["to"] for each in gateway.got())


def wait_for(message: TextMessage, state: TextState) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        message.refresh_from_db()
        if message.state == state:
            return
        time.sleep(0.02)  # polling another process
    raise AssertionError(f"the message is still {message.state}")


class TestKilled:
    def test_nobody_is_sent_it_twice_and_nobody_is_lost(
        self, optout_list: List, gateway: Receiver, tmp_path: Path
    ) -> None:
        everybody = numbered(400)
        subscribe(optout_list, everybody)
        message = make_text(optout_list)
        url = gateway.url("/slow?seconds=0.01")
        for _ in range(KILLS):
            with running(tmp_path, url) as one, running(tmp_path, url) as other:
                gateway.wait_for(gateway.counts()["requests"] + 10)
                one.kill()
                other.kill()
        with running(tmp_path, url) as last:
            assert last.wait(timeout=PATIENCE) == 0

        message.refresh_from_db()
        assert message.state == TextState.DONE
        got = numbers_got(gateway)
        assert set(got.values()) == {1}, "each once at most"
        unknown = set(
            TextRecipient.objects.filter(state=RecipientState.UNKNOWN).values_list(
                "number", flat=True
            )
        )
        assert set(got) | unknown == set(everybody), "nobody is passed over in silence"
        assert len(unknown) == message.unknown <= KILLS
        assert message.sent == len(everybody) - message.unknown
        assert not TextRecipient.objects.filter(state=RecipientState.CLAIMED).exists()


class TestTwoWorkers:
    def test_share_the_messages(self, optout_list: List, gateway: Receiver, tmp_path: Path) -> None:
        everybody = numbered(60)
        lists = [optout_list, make.make_list(optout_list.realm, 2, "Offers")]
        for each in lists:
            subscribe(each, everybody)
        messages = [make_text(each) for each in lists]
        url = gateway.url("/slow?seconds=0.01")
        with running(tmp_path, url) as one, running(tmp_path, url) as other:
            for worker in (one, other):
                assert worker.wait(timeout=PATIENCE) == 0
        with running(tmp_path, url) as last:  # whatever both left to each other
            assert last.wait(timeout=PATIENCE) == 0

        assert numbers_got(gateway) == dict.fromkeys(everybody, 2)
        for message in messages:
            message.refresh_from_db()
            assert (message.state, message.sent, message.unknown) == (TextState.DONE, 60, 0)


class TestADatabaseThatIsAway:
    def test_it_goes_on_and_nobody_is_sent_it_twice(
        self, optout_list: List, gateway: Receiver, tmp_path: Path
    ) -> None:
        everybody = numbered(80)
        subscribe(optout_list, everybody)
        message = make_text(optout_list)
        url = gateway.url("/slow?seconds=0.01")
        with running(tmp_path, url) as worker:
            gateway.wait_for(20)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7294014"
                )
            worker.wait(timeout=PATIENCE)
        with running(tmp_path, url) as last:
            assert last.wait(timeout=PATIENCE) == 0

        message.refresh_from_db()
        got = numbers_got(gateway)
        assert set(got.values()) == {1}
        assert message.state == TextState.DONE
        assert message.sent + message.unknown == len(everybody)
        assert message.unknown <= 1


class TestTheWorker:
    @pytest.fixture(autouse=True)
    def _empty_queue(self, transactional_db: None) -> Iterator[None]:
        """The queue's tables are not ours: the test database is not emptied of them by itself."""
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")

    def test_begins_when_the_message_is_made(
        self, optout_list: List, gateway: Receiver, tmp_path: Path
    ) -> None:
        subscribe(optout_list, numbered(3))
        with running(tmp_path, gateway.url(), WORKER):
            message = make_text(optout_list)
            wait_for(message, TextState.DONE)

        assert sorted(numbers_got(gateway)) == numbered(3)
