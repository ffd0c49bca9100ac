"""Sending what recipients asked for: once, again where it could not be sent, not for ever, and no transaction meanwhile."""

import email
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import policy
from threading import Barrier, local
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from lists.mail import Mail
from lists.models import List
from optout import mail_requests
from optout.choices import MailKind, MailState
from optout.models import RecipientMail
from optout.recipient_mails import compose
from reporting import upkeep
from tests.lists.mail_servers import MailServer, running_mail_server
from tests.optout.test_recipient_mails import ask
from tests.threads import in_thread

NOTHING = {"sent": 0, "left_out": 0, "failed": 0, "given_up": 0}
JANE = "jane@example.com"


@pytest.fixture
def letters(optout_list: List) -> List:
    List.objects.update(join_is_open=True)
    return optout_list


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with running_mail_server(settings) as told:
        yield told


def send(**later: float) -> dict[str, int]:
    return upkeep.send_recipient_mails(timezone.now() + timedelta(**later))


def ask_for_many(optout_list: List, count: int) -> None:
    for n in range(count):
        ask(optout_list, MailKind.PREFERENCES, address=f"person{n}@example.com")


def states() -> list[int]:
    return list(RecipientMail.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.django_db
class TestOne:
    def test_is_sent_once(self, letters: List) -> None:
        ask(letters)
        now = timezone.now()
        assert (send(), send(), send(days=1)) == (NOTHING | {"sent": 1}, NOTHING, NOTHING)

        (sent,) = mail.outbox
        assert sent.to == [JANE]
        row = RecipientMail.objects.get()
        assert row.state == MailState.SENT
        assert row.sent_at is not None and row.sent_at >= now

    def test_is_left_out_where_the_address_has_had_enough(self, letters: List) -> None:
        for _ in range(3):
            ask(letters)
        assert send() == NOTHING | {"sent": 1, "left_out": 2}
        assert states() == [MailState.SENT, MailState.LEFT_OUT, MailState.LEFT_OUT]
        assert len(mail.outbox) == 1

    def test_that_a_killed_worker_had_claimed_is_sent_after_ten_minutes(
        self, letters: List
    ) -> None:
        ask(letters)
        mail_requests.claim_due(timezone.now(), 10)
        assert send(minutes=9, seconds=55) == NOTHING
        assert send(minutes=10, seconds=5) == NOTHING | {"sent": 1}

    def test_a_mistake_of_ours_holds_up_no_other(
        self, letters: List, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def stumble(row: RecipientMail, now: datetime) -> Mail | None:
            if row.address == JANE:
                raise KeyError(row.address)
            return compose(row, now)

        monkeypatch.setattr("reporting.recipient_mails.compose", stumble)
        ask(letters)
        ask(letters, address="joe@example.com")
        assert send() == NOTHING | {"sent": 1, "failed": 1}
        assert "recipient mail" in caplog.text

    def test_to_an_address_that_no_mail_can_be_written_to_is_given_up(
        self, letters: List, server: MailServer
    ) -> None:
        ask(letters, address="größe@example.com")
        assert send() == NOTHING | {"given_up": 1}


@pytest.mark.django_db
class TestAMailServer:
    def test_gets_the_whole_mail(self, letters: List, server: MailServer) -> None:
        ask(letters)
        assert send() == NOTHING | {"sent": 1}

        (octets,) = server.mails
        sent = email.message_from_bytes(octets, policy=policy.default)
        assert sent["Subject"] == "Please confirm: Garden letters"
        assert [part.get_content_type() for part in sent.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]

    @pytest.mark.parametrize(
        "answers", [{"recipient": b"450 later"}, {"whole": b"451 later"}, {"hangs": True}]
    )
    def test_that_does_not_take_it_now_is_asked_again(
        self,
        letters: List,
        server: MailServer,
        caplog: pytest.LogCaptureFixture,
        answers: dict[str, Any],
    ) -> None:
        for name, value in answers.items():
            setattr(server, name, value)
        ask(letters)
        with caplog.at_level(logging.DEBUG):
            assert send() == NOTHING | {"failed": 1}
        assert JANE not in caplog.text and "Garden" not in caplog.text  # AT-26
        assert send(seconds=50) == NOTHING

        server.recipient = server.whole = b"250 OK"
        server.hangs = False
        assert send(seconds=70) == NOTHING | {"sent": 1}
        assert len(server.mails) == 1

    @pytest.mark.parametrize("answers", [{"recipient": b"550 unknown"}, {"whole": b"554 no"}])
    def test_that_never_takes_it_is_left_alone(
        self, letters: List, server: MailServer, answers: dict[str, bytes]
    ) -> None:
        for name, value in answers.items():
            setattr(server, name, value)
        ask(letters)
        assert (send(), send(days=1)) == (NOTHING | {"given_up": 1}, NOTHING)
        assert states() == [MailState.GIVEN_UP]

    def test_that_is_not_there_is_asked_for_a_day_and_then_no_more(
        self, letters: List, settings: Settings
    ) -> None:
        with running_mail_server(settings):
            pass
        ask(letters)
        waited = timedelta()
        for wait in (*mail_requests.WAITS, timedelta()):
            assert send(seconds=waited.total_seconds()) == NOTHING | {"failed": 1}
            waited += wait + timedelta(seconds=1)
        assert states() == [MailState.GIVEN_UP]
        assert send(days=3) == NOTHING

    def test_that_is_not_there_is_left_alone_after_three_tries(
        self, letters: List, settings: Settings
    ) -> None:
        with running_mail_server(settings):
            pass
        ask_for_many(letters, 12)
        assert send() == NOTHING | {"failed": 3}
        assert (
            list(RecipientMail.objects.order_by("pk").values_list("tries", flat=True))
            == [1] * 3 + [0] * 9
        )
        assert send(seconds=5) == NOTHING | {"failed": 3}, "others are tried first"

    def test_that_takes_one_now_and_then_is_asked_on(
        self, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def fail_but_each_third(_mail: Mail) -> None:
            seen.append(_mail)
            if len(seen) % 3:
                raise ConnectionError

        monkeypatch.setattr(Mail, "send", fail_but_each_third)
        ask_for_many(letters, 6)
        assert send() == NOTHING | {"sent": 2, "failed": 4}

    def test_that_refuses_some_recipients_is_asked_on(
        self, letters: List, server: MailServer
    ) -> None:
        server.recipient = b"450 later"
        ask_for_many(letters, 12)
        assert send() == NOTHING | {"failed": 12}


@pytest.mark.django_db(transaction=True)
class TestSeveralWorkers:
    def test_send_each_once(self, letters: List, monkeypatch: pytest.MonkeyPatch) -> None:
        ask_for_many(letters, 15)
        both, has_begun = Barrier(2, timeout=10), local()
        claim_due = mail_requests.claim_due

        def claim_together(now: datetime, limit: int) -> list[RecipientMail]:
            if not hasattr(has_begun, "here"):
                has_begun.here = True
                both.wait()
            return claim_due(now, limit)

        monkeypatch.setattr(mail_requests, "claim_due", claim_together)
        results = [each.result(20) for each in (in_thread(send), in_thread(send))]

        assert sum(each["sent"] for each in results) == 15
        assert len({tuple(each.to) for each in mail.outbox}) == len(mail.outbox) == 15
        assert set(states()) == {MailState.SENT}

    def test_keep_no_transaction_open_while_the_server_thinks(
        self, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One would hold up the feed, and with it every webhook."""
        seen = []
        monkeypatch.setattr(Mail, "send", lambda _mail: seen.append(connection.in_atomic_block))
        ask(letters)
        assert send() == NOTHING | {"sent": 1}
        assert seen == [False]
