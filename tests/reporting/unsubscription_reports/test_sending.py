"""Reports from the screen to the mail: what comes in goes out once, to those who may know it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from lists import sms
from lists.choices import Role
from lists.models import List, ListAccess, Membership, Realm, User
from optout.actions import LiftIntent, lift_suppressions
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.models import OptOut
from reporting import upkeep
from reporting.entries import REHEARSAL_AGENT
from reporting.models import UnsubscriptionReport
from reporting.unsubscription_reports import sending
from tests import make
from tests.reporting.portal import signed_in
from tests.reporting.test_feed import OpenTransaction
from tests.threads import in_thread

# What the test itself has not committed is not in the feed yet.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

PATH = "/manage/settings/notifications"
NUMBER = "+12025550123"


def choose(user: User, reports: str = "email", rhythm: str = "immediate", **more: str) -> None:
    """As on the screen."""
    response = signed_in(user).post(PATH, {"reports": reports, "rhythm": rhythm, **more})
    assert response.status_code == 302, response.content.decode()


def run(now: datetime | None = None) -> dict[str, int]:
    """Mails and text messages, as the worker sends them: each by itself."""
    at = now or timezone.now()
    both = upkeep.send_reports(at), upkeep.send_sms_reports(at)
    return {name: sum(each[name] for each in both) for name in ("sent", "failed")}


def due() -> datetime:
    """When the next one is due."""
    return UnsubscriptionReport.objects.earliest("due_at").due_at


def bodies() -> list[str]:
    return [str(message.body) for message in mail.outbox]


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The text messages that were sent: number and text."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(sms, "send", lambda to, text: sent.append((to, text)))
    return sent


class TestImmediate:
    def test_what_came_in_meanwhile_goes_out_together_and_once(
        self, optout_list: List, alice: User
    ) -> None:
        make.make_optout(optout_list, "before@example.com")
        choose(alice)
        assert run() == {"sent": 0, "failed": 0}
        for address in ("jane@example.com", "joe@example.com", "jane@example.com"):
            make.make_optout(optout_list, address)

        assert run() == {"sent": 1, "failed": 0}
        assert run() == {"sent": 0, "failed": 0}

        (message,) = mail.outbox
        assert message.to == ["alice@acme.example"]
        assert message.subject == "3 opt-outs: Acme Garden"
        assert "before@example.com" not in message.body
        lines = [line for line in str(message.body).splitlines() if "@example.com" in line]
        assert [line.split("  ")[1:] for line in lines] == [
            ["jane@example.com", "Garden letters", "Hosted page", "new"],
            ["joe@example.com", "Garden letters", "Hosted page", "new"],
            ["jane@example.com", "Garden letters", "Hosted page", "repeated"],
        ]
        assert lines[0].startswith("2026-03-04 12:00  ")
        assert "Garden letters: 3, 1 of them repeated" in message.body
        entries = f"http://localhost:8000/manage/lists/{optout_list.public_id}/entries"
        assert entries in message.body
        assert f"http://localhost:8000{PATH}" in message.body

    def test_a_lift_is_no_opt_out(self, optout_list: List, alice: User) -> None:
        made = make.make_optout(optout_list)
        choose(alice)
        lift = LiftIntent(
            optout_list.pk,
            made.digest,
            Medium.EMAIL,
            Channel.PORTAL,
            Assurance.OPERATOR,
            Reason.MANUAL,
            Origin.OWNER,
            make.NOW,
            Evidence(),
        )
        assert lift_suppressions([lift])[0].is_new

        assert run() == {"sent": 0, "failed": 0}
        assert mail.outbox == []

    def test_a_test_of_the_service_page_is_called_one(self, optout_list: List, alice: User) -> None:
        choose(alice)
        make.make_optout(optout_list, evidence=Evidence(agent=REHEARSAL_AGENT))
        run()
        assert bodies()[0].count("new, a test of the Service page\n") == 1

    def test_it_is_in_english_whatever_recipients_read(
        self, optout_list: List, alice: User, in_german: Callable[..., None]
    ) -> None:
        in_german(new="neu", **{"Hosted page": "Seite"})
        choose(alice)
        make.make_optout(optout_list)

        with translation.override("de"):
            run()

        assert mail.outbox[0].subject == "1 opt-out: Acme Garden"
        assert bodies()[0].count("Hosted page  new\n") == 1

    def test_what_is_committed_late_is_told_later_and_not_passed_over(
        self, optout_list: List, alice: User
    ) -> None:
        choose(alice)
        late = OpenTransaction(optout_list, "late@example.com")
        make.make_optout(optout_list, "quick@example.com")
        assert run() == {"sent": 0, "failed": 0}
        late.commit()
        assert run() == {"sent": 1, "failed": 0}
        assert "late@example.com" in bodies()[0] and "quick@example.com" in bodies()[0]

    def test_where_nothing_came_in_each_costs_nothing(
        self,
        optout_list: List,
        alice: User,
        bob: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        choose(alice)
        choose(bob)
        make.make_optout(optout_list)
        run()
        with django_assert_num_queries(6):
            upkeep.send_reports(timezone.now())

    def test_what_comes_to_another_realm_costs_nobody_anything(
        self,
        optout_list: List,
        alice: User,
        bob: User,
        charlie: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        choose(alice)
        choose(bob)
        theirs = List.objects.get(realm__name="other", number=1)
        make.make_optout(theirs, "theirs@example.com")
        with django_assert_num_queries(6):
            assert upkeep.send_reports(timezone.now()) == {"sent": 0, "failed": 0}
        make.make_optout(optout_list)
        assert run() == {"sent": 2, "failed": 0}
        assert not any("theirs@" in text for text in bodies())

    def test_who_was_passed_over_misses_nothing_that_is_committed_late(
        self, optout_list: List, alice: User, charlie: User
    ) -> None:
        choose(alice)
        late = OpenTransaction(optout_list, "late@example.com")
        make.make_optout(List.objects.get(realm__name="other", number=1), "theirs@example.com")
        assert run() == {"sent": 0, "failed": 0}
        late.commit()
        assert run() == {"sent": 1, "failed": 0}
        assert "late@example.com" in bodies()[0]

    def test_a_report_takes_few_queries(
        self, realm: Realm, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        choose(bob)
        for number in range(2, 20):
            optout_list = make.make_list(realm, number)
            ListAccess.objects.create(
                membership=Membership.objects.get(user=bob), optout_list=optout_list
            )
            make.make_optout(optout_list)
        with django_assert_max_num_queries(16):
            assert upkeep.send_reports(timezone.now()) == {"sent": 1, "failed": 0}

    def test_many_are_counted_and_the_first_listed(self, optout_list: List, alice: User) -> None:
        choose(alice)
        for n in range(205):
            make.make_optout(optout_list, f"p{n}@example.com")
        run()

        (text,) = bodies()
        assert "Garden letters: 205\n" in text
        assert text.count("@example.com") == 200
        assert "And 5 more." in text


class TestDailyAndWeekly:
    def test_daily_at_seven(self, optout_list: List, alice: User) -> None:
        choose(alice, rhythm="daily")
        make.make_optout(optout_list)
        at = due()
        assert (at.hour, at.minute) == (7, 0)

        assert run(at - timedelta(seconds=1)) == {"sent": 0, "failed": 0}
        assert run(at) == {"sent": 1, "failed": 0}
        assert due() == at + timedelta(days=1)
        assert UnsubscriptionReport.objects.get().sent_at == at

    def test_weekly_on_monday(self, optout_list: List, alice: User) -> None:
        choose(alice, rhythm="weekly")
        make.make_optout(optout_list)
        at = due()
        assert (at.weekday(), at.hour) == (0, 7)
        assert run(at) == {"sent": 1, "failed": 0}
        assert due() == at + timedelta(days=7)

    def test_nothing_is_sent_when_nobody_opted_out(self, alice: User) -> None:
        choose(alice, rhythm="daily")
        at = due()
        assert run(at) == {"sent": 0, "failed": 0}
        assert due() == at + timedelta(days=1)
        assert UnsubscriptionReport.objects.get().sent_at is None

    def test_another_rhythm_goes_on_where_the_old_one_was(
        self, optout_list: List, alice: User
    ) -> None:
        choose(alice, rhythm="weekly")
        make.make_optout(optout_list)
        choose(alice, rhythm="immediate")
        assert run() == {"sent": 1, "failed": 0}

    def test_off_and_on_again_begins_anew(self, optout_list: List, alice: User) -> None:
        choose(alice)
        make.make_optout(optout_list)
        choose(alice, "off")
        choose(alice)
        assert run() == {"sent": 0, "failed": 0}


class TestWhoIsTold:
    def test_an_owner_of_their_own_lists_only(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        second = make.make_list(realm, 2, "Offers")
        choose(bob)
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(second, "secret@example.com")
        make.make_optout(make.do_not_mail(realm), "global@example.com")
        run()

        (text,) = bodies()
        assert "jane@example.com" in text
        assert "secret@" not in text and "Offers" not in text and "global@" not in text

    def test_a_viewer_of_all_lists_and_do_not_mail_masked(
        self, realm: Realm, optout_list: List
    ) -> None:
        viewer = make.make_user("vera@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        choose(viewer)
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(make.do_not_mail(realm), "global@example.com")
        run()

        (text,) = bodies()
        assert "ja•••@example.com" in text and "gl•••@example.com" in text
        assert "jane@" not in text and "global@" not in text
        assert "Do Not Mail: 1" in text

    def test_nobody_of_another_realm(self, optout_list: List, alice: User, charlie: User) -> None:
        choose(charlie)
        make.make_optout(optout_list)
        assert run() == {"sent": 0, "failed": 0}

    def test_an_operator_of_the_realm_that_they_looked_at(
        self, optout_list: List, charlie: User
    ) -> None:
        operator = make.make_user("op@heed.example", is_superuser=True)
        choose(operator)  # the first by name: acme
        make.make_optout(optout_list)
        make.make_optout(List.objects.get(realm__name="other", number=1), "theirs@example.com")
        run()
        (text,) = bodies()
        assert "jane@example.com" in text and "theirs@" not in text

    def test_who_left_the_realm_gets_nothing_more(
        self, optout_list: List, alice: User, bob: User
    ) -> None:
        choose(bob)
        make.make_optout(optout_list)
        Membership.objects.filter(user=bob).delete()
        assert run() == {"sent": 0, "failed": 0}
        assert not UnsubscriptionReport.objects.exists()

    def test_who_lost_the_list_gets_nothing_of_it(self, optout_list: List, bob: User) -> None:
        choose(bob)
        make.make_optout(optout_list, "jane@example.com")
        access = ListAccess.objects.get()
        access.delete()
        assert run() == {"sent": 0, "failed": 0}
        access.save(force_insert=True)
        make.make_optout(optout_list, "joe@example.com")
        run()
        (text,) = bodies()
        assert "joe@" in text and "jane@" not in text

    def test_who_was_made_inactive_or_a_mailer_gets_nothing_of_that_time(
        self, optout_list: List, alice: User, bob: User
    ) -> None:
        choose(alice)
        choose(bob)
        User.objects.filter(pk=alice.pk).update(is_active=False)
        Membership.objects.filter(user=bob).update(role=Role.MAILER)
        make.make_optout(optout_list)
        assert run() == {"sent": 0, "failed": 0}
        User.objects.update(is_active=True)
        Membership.objects.filter(user=bob).update(role=Role.OWNER)
        assert run() == {"sent": 0, "failed": 0}

    @pytest.mark.parametrize("leaves", ["the realm", "the list", "in any way"])
    def test_who_leaves_while_another_one_is_told_is_told_nothing(
        self,
        optout_list: List,
        alice: User,
        bob: User,
        *,
        leaves: str,
        messages: list[tuple[str, str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        choose(alice, "both", phone=NUMBER)
        choose(bob, "both", phone="+12025550199")
        make.make_optout(optout_list, "jane@example.com")
        send = EmailMessage.send

        def meanwhile(message: EmailMessage, *args: Any, **more: Any) -> int:
            if leaves == "the realm":
                Membership.objects.filter(user=bob).delete()
            elif leaves == "the list":
                ListAccess.objects.all().delete()
            else:
                User.objects.filter(pk=bob.pk).update(is_active=False)
            return send(message, *args, **more)

        monkeypatch.setattr(EmailMessage, "send", meanwhile)
        assert run() == {"sent": 2, "failed": 0}
        assert [message.to for message in mail.outbox] == [[alice.email]]
        assert [number for number, _text in messages] == [NUMBER]

    def test_a_sealed_address_is_a_hash(self, optout_list: List, alice: User) -> None:
        choose(alice)
        recorded = make.make_optout(optout_list)
        OptOut.objects.update(address=None)
        run()
        assert f"{recorded.digest.hex()[:12]}…" in bodies()[0]


class TestSms:
    def test_numbers_and_a_link_and_no_address(
        self, realm: Realm, optout_list: List, alice: User, messages: list[tuple[str, str]]
    ) -> None:
        second = make.make_list(realm, 2, "Angebote für Stammkunden – jetzt")
        choose(alice, "both", phone="(202) 555-0123")
        for optout in (optout_list, second):
            make.make_optout(optout, "jane@example.com")
        make.make_optout(optout_list, "joe@example.com")

        assert run() == {"sent": 2, "failed": 0}

        ((number, text),) = messages
        assert number == NUMBER
        assert text == (
            "acme: 3 opt-outs. Garden letters: 2, List 2: 1. http://localhost:8000/manage/"
        )
        assert sms.is_gsm(text) and len(text) <= 160
        assert len(mail.outbox) == 1

    def test_many_lists_still_fit_into_one_message(
        self, realm: Realm, alice: User, messages: list[tuple[str, str]]
    ) -> None:
        choose(alice, "sms", phone=NUMBER)
        for number in range(1, 20):
            make.make_optout(make.make_list(realm, number, f"Garden letters {number}"))
        run()
        ((_number, text),) = messages
        assert len(text) <= 160 and "more lists" in text

    def test_a_gateway_that_is_away_holds_up_no_mail(
        self, optout_list: List, alice: User, settings: Settings
    ) -> None:
        choose(alice, "both", phone=NUMBER)
        settings.BASE_URL = "https://optout.example.com"  # where nothing is printed
        make.make_optout(optout_list)
        assert run() == {"sent": 1, "failed": 1}
        failing = UnsubscriptionReport.objects.get(medium=Medium.SMS)
        assert failing.failed_at is not None
        assert UnsubscriptionReport.objects.get(medium=Medium.EMAIL).failed_at is None

    def test_a_new_number_is_tried_at_once(
        self, optout_list: List, alice: User, settings: Settings, messages: list[tuple[str, str]]
    ) -> None:
        choose(alice, "sms", "daily", phone=NUMBER)
        at = due()
        UnsubscriptionReport.objects.update(failed_at=at, due_at=at + timedelta(hours=6))
        make.make_optout(optout_list)
        choose(alice, "sms", "daily", phone="+12025550199")
        assert run() == {"sent": 1, "failed": 0}
        assert messages[0][0] == "+12025550199"


class TestFailing:
    def test_nothing_is_lost_and_the_tries_get_fewer(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice, rhythm="daily")
        make.make_optout(optout_list, "jane@example.com")
        began = now = due()
        gaps = []
        with monkeypatch.context() as away:
            away.setattr(EmailMessage, "send", refuse)
            for _ in range(4):
                assert run(now) == {"sent": 0, "failed": 1}
                assert run(now) == {"sent": 0, "failed": 0}  # not before it is due
                gaps.append((due() - now) // timedelta(minutes=1))
                now = due()
        report = UnsubscriptionReport.objects.get()
        assert gaps == [5, 5, 10, 20]
        assert (report.failed_at, report.sent_at) == (began, None)
        make.make_optout(optout_list, "joe@example.com")

        assert run(now) == {"sent": 1, "failed": 0}

        (text,) = bodies()
        assert "jane@example.com" in text and "joe@example.com" in text
        report.refresh_from_db()
        assert (report.failed_at, report.sent_at) == (None, now)
        assert report.due_at == began + timedelta(days=1)

    def test_one_holds_up_nobody_else(
        self, optout_list: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice)
        choose(bob)
        make.make_optout(optout_list)
        send = EmailMessage.send

        def refuse_alice(message: EmailMessage, *args: Any, **more: Any) -> int:
            if "alice" in message.to[0]:
                raise ValueError("not even an OSError")
            return send(message, *args, **more)

        monkeypatch.setattr(EmailMessage, "send", refuse_alice)
        assert run() == {"sent": 1, "failed": 1}
        assert mail.outbox[0].to == ["bob@acme.example"]

    def test_a_killed_worker_repeats_and_loses_nothing(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice)
        make.make_optout(optout_list)
        with monkeypatch.context() as killed:
            killed.setattr(sending, "_move_on", kill)
            with pytest.raises(KeyboardInterrupt):
                run()
        assert run() == {"sent": 1, "failed": 0}
        assert len(mail.outbox) == 2

    def test_a_long_run_ends_and_the_next_begins_with_the_immediate(
        self, optout_list: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice, rhythm="daily")
        choose(bob)
        make.make_optout(optout_list)
        monkeypatch.setattr(sending, "LONGEST_RUN", -1)
        assert run(due() + timedelta(days=2)) == {"sent": 0, "failed": 0}
        monkeypatch.setattr(sending, "LONGEST_RUN", 45)
        assert run(timezone.now() + timedelta(days=2)) == {"sent": 2, "failed": 0}
        assert [message.to for message in mail.outbox] == [
            ["bob@acme.example"],
            ["alice@acme.example"],
        ]


class TestTwoWorkers:
    def test_send_one(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice)
        make.make_optout(optout_list)
        is_sending, go_on = Event(), Event()
        send = EmailMessage.send

        def slowly(message: EmailMessage, *args: Any, **more: Any) -> int:
            is_sending.set()
            assert go_on.wait(10)
            return send(message, *args, **more)

        monkeypatch.setattr(EmailMessage, "send", slowly)
        first = in_thread(run)
        assert is_sending.wait(10)
        assert run() == {"sent": 0, "failed": 0}
        go_on.set()

        assert first.result(10) == {"sent": 1, "failed": 0}
        assert run() == {"sent": 0, "failed": 0}
        assert len(mail.outbox) == 1

    def test_while_one_sends_no_transaction_is_open(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It would hold up the feed, and with it every webhook."""
        choose(alice)
        make.make_optout(optout_list)
        seen = []

        def look(*_: Any, **__: Any) -> int:
            seen.append(connection.in_atomic_block)
            return 1

        monkeypatch.setattr(EmailMessage, "send", look)
        run()
        assert seen == [False]

    def test_what_was_chosen_meanwhile_stays(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice)
        make.make_optout(optout_list)
        send = EmailMessage.send

        def meanwhile(message: EmailMessage, *args: Any, **more: Any) -> int:
            choose(alice, rhythm="weekly")
            return send(message, *args, **more)

        monkeypatch.setattr(EmailMessage, "send", meanwhile)
        run()
        report = UnsubscriptionReport.objects.get()
        assert (report.rhythm, report.due_at.weekday()) == ("weekly", 0)
        assert run(report.due_at) == {"sent": 0, "failed": 0}  # nothing twice


class TestHeaders:
    @pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
    def test_names_cannot_break_them(
        self, realm: Realm, optout_list: List, alice: User, end: str
    ) -> None:
        choose(alice)
        Realm.objects.update(sender_name=f"Acme{end}Bcc: all@example.com")
        List.objects.update(name=f"Garden{end}Bcc: all@example.com{end}{end}x")
        make.make_optout(optout_list)
        run()
        (message,) = mail.outbox
        assert message.subject == "1 opt-out: Acme Bcc: all@example.com"
        assert message.from_email == settings.DEFAULT_FROM_EMAIL
        assert message.recipients() == ["alice@acme.example"]
        assert f"{end}Bcc:" not in str(message.body)
        headers = {name.lower() for name in message.message()}
        assert "bcc" not in headers and "cc" not in headers


def refuse(*_: Any, **__: Any) -> int:
    raise OSError("no route")


def kill(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt
