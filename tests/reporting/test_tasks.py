"""The worker: what is on its timetable, and that work is done once however many workers there are."""

import json
from datetime import timedelta
from io import StringIO
from typing import cast

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from lists.api_auth import WrongPasswordError, authenticate
from lists.credentials import make_password
from lists.models import (
    ApiKey,
    List,
    PasswordFailure,
    Realm,
    RealmCredential,
    Subscription,
    User,
)
from optout.choices import Channel, RefusalCause
from optout.models import OptOut, Suppression
from optout.quarantine import quarantine_optout
from reporting import tasks
from reporting.counters import CURSOR
from reporting.feed import START, read_feed
from reporting.models import DailyCount, Download, FeedCursor
from tests import make
from tests.reporting.test_downloads import Door

pytestmark = pytest.mark.alone

COMMANDS = (
    "count_optouts",
    "tell_owners",
    "send_reports",
    "send_sms_reports",
    "send_text_messages",
    "confirm_stops",
    "send_recipient_mails",
    "accept_quarantined",
    "tend_limits",
    "apply_retention",
)


def run_worker() -> None:
    """Work until nothing is left to do."""
    connector = cast("DjangoConnector", app.connector).get_worker_connector()
    with app.replace_connector(connector) as worker:
        # One after the other: what is put back in the queue must be there before nothing is left.
        worker.run_worker(
            wait=False, install_signal_handlers=False, listen_notify=False, concurrency=1
        )


def run(command: str) -> dict[str, int]:
    out = StringIO()
    call_command(command, "--json", stdout=out)
    return json.loads(out.getvalue())


class TestTheTimetable:
    def test_everything_is_on_it(self) -> None:
        on_it = {
            task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()
        }
        assert on_it == {
            "reporting.count_optouts": "* * * * *",
            "reporting.tell_owners": "* * * * *",
            "reporting.send_reports": "* * * * *",
            "reporting.send_sms_reports": "* * * * *",
            "reporting.send_text_messages": "* * * * *",
            "reporting.confirm_stops": "* * * * *",
            "reporting.send_recipient_mails": "* * * * *",
            "reporting.accept_quarantined": "7 * * * *",
            "reporting.tend_limits": "11 * * * *",
            "reporting.apply_retention": "23 2 * * *",
            "reporting.revive_jobs": "* * * * *",
            "reporting.forget_jobs": "41 * * * *",
        }

    @pytest.mark.parametrize("name", COMMANDS)
    def test_no_two_workers_do_the_same_at_once(self, name: str) -> None:
        task = app.tasks[f"reporting.{name}"]
        assert task.lock == task.queueing_lock == name


@pytest.mark.django_db(transaction=True)
class TestTheWorker:
    @pytest.fixture(autouse=True)
    def _empty_queue(self, transactional_db: None) -> None:
        """The queue's tables are not ours: the test database is not emptied of them by itself."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")

    @pytest.fixture(autouse=True)
    def _no_connection_outlives_its_thread(self, monkeypatch) -> None:
        monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)

    def test_it_does_what_is_in_the_queue(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        tasks.count_optouts.defer(timestamp=0)

        run_worker()

        assert DailyCount.objects.get().requests == 1
        assert ProcrastinateJob.objects.earliest("pk").status == "succeeded"

    def test_the_same_work_does_not_wait_twice(self, db: None) -> None:
        tasks.count_optouts.defer(timestamp=0)
        with pytest.raises(AlreadyEnqueued):
            tasks.count_optouts.defer(timestamp=60)

    @pytest.mark.parametrize("is_waiting", [False, True])
    def test_what_a_killed_worker_left_is_taken_up(self, optout_list: List, is_waiting) -> None:
        make.make_optout(optout_list)
        tasks.count_optouts.defer(timestamp=0)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
            )
            ((worker_id,),) = cursor.fetchall()
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker_id]
            )
        if is_waiting:
            tasks.count_optouts.defer(timestamp=60)
        tasks.revive_jobs.configure().defer(timestamp=0)
        # Not those that the timetable adds when a minute begins just now.
        jobs = list(ProcrastinateJob.objects.values_list("pk", flat=True))

        run_worker()

        found = ProcrastinateJob.objects.filter(pk__in=jobs)
        assert not found.filter(status__in=["todo", "doing"]).exists()
        assert DailyCount.objects.get().requests == 1


@pytest.mark.django_db(transaction=True)
class TestTheCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_can_be_run_by_hand_twice(self, name: str, optout_list: List) -> None:
        make.make_optout(optout_list)
        run(name)
        assert not any(run(name).values())
        out = StringIO()
        call_command(name, stdout=out)
        assert ": 0" in out.getvalue()

    def test_a_restored_ledger_is_read_and_counted_again(self, optout_list: List) -> None:
        make.make_optout(optout_list, "old@example.com")
        with connection.cursor() as cursor:  # as on a server that had made more transactions
            cursor.execute("UPDATE optout_optout SET xid = '9000000000'")
        FeedCursor.objects.create(
            name=CURSOR, xid=9_000_000_001, last_id=0, moved_at=timezone.now()
        )
        DailyCount.objects.create(
            optout_list=optout_list, day=make.NOW, kind=1, channel=1, reason=1, requests=1, new=1
        )
        make.make_optout(optout_list, "new@example.com")

        assert run("mend_feed") == {"renumbered": 1, "counted": 2}
        assert run("mend_feed") == {"renumbered": 0, "counted": 0}

        assert DailyCount.objects.get().requests == 2
        assert [row.address for row in read_feed(START, 10)[0]] == [
            "old@example.com",
            "new@example.com",
        ]

    def test_quarantined_opt_outs_are_accepted_after_7_days(self, optout_list: List) -> None:
        asked_at = timezone.now() - timedelta(days=7, minutes=1)
        for address, cause in (
            ("jane@example.com", RefusalCause.ADDRESS_LIMIT),
            ("scanner@example.com", RefusalCause.UNLISTED_SERVER),
        ):
            intent = make.make_intent(
                optout_list, address, requested_at=asked_at, channel=Channel.DIRECT_LINK
            )
            quarantine_optout(intent, cause)

        assert run("accept_quarantined") == {"accepted": 1}

        assert Suppression.objects.get().address == "jane@example.com"

    def test_a_mail_server_that_is_away_is_an_exit_code(
        self, optout_list: List, alice: User, monkeypatch
    ) -> None:
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        def refuse(*_: object, **__: object) -> None:
            raise OSError("no route")

        with monkeypatch.context() as away:
            away.setattr(mail.EmailMessage, "send", refuse)
            with pytest.raises(CommandError, match="no route"):
                run("tell_owners")
        told = {"raised": 0, "mailed": 2, "webhooks_off": 0}  # Do Not Mail as well
        assert run("tell_owners") == told

    def test_wrong_passwords_are_forgotten_after_a_day(self, db: None) -> None:
        for hours in (23, 25):
            asked_at = timezone.now() - timedelta(hours=hours)
            with pytest.raises(WrongPasswordError):
                authenticate(f"realm-{hours}", "wrong", None, asked_at)

        assert run("tend_limits")["password_failures_forgotten"] == 1
        assert PasswordFailure.objects.count() == 1

    def test_retention_empties_who_called_and_keeps_the_suppressions(
        self, optout_list: List
    ) -> None:
        long_ago = timezone.now() - timedelta(days=91)
        make.make_optout(optout_list, requested_at=long_ago)
        Door(optout_list).get(headers={"user-agent": "curl/8"})
        Download.objects.update(started_at=long_ago)

        result = run("apply_retention")

        assert (result["ledger_rows"], result["downloads"]) == (1, 1)
        assert OptOut.objects.get().ip is None
        download = Download.objects.get()
        assert (download.ip, download.agent, download.rows) == (None, "", 1)
        assert Suppression.objects.get().address == "jane@example.com"

    def test_retention_empties_from_where_a_password_was_used(self, realm: Realm) -> None:
        for days in (91, 89):
            row = make_password(realm, actor=None).row
            RealmCredential.objects.filter(pk=row.pk).update(
                last_used_at=timezone.now() - timedelta(days=days), last_used_ip="203.0.113.9"
            )

        assert run("apply_retention")["passwords"] == 1

        kept = RealmCredential.objects.order_by("last_used_at")
        assert [row.last_used_ip for row in kept] == [None, "203.0.113.9"]
        assert None not in [row.last_used_at for row in kept]

    def test_retention_empties_from_where_an_api_key_was_used(self, realm: Realm) -> None:
        for days in (91, 89):
            at = timezone.now() - timedelta(days=days)
            make.make_api_key(realm, last_used_at=at, last_used_ip="203.0.113.9")

        assert run("apply_retention")["api_keys"] == 1

        kept = ApiKey.objects.order_by("last_used_at")
        assert [row.last_used_ip for row in kept] == [None, "203.0.113.9"]
        assert None not in [row.last_used_at for row in kept]

    def test_at_night_nobody_stays_on_a_list_that_they_are_out_of(self, optout_list: List) -> None:
        """As after an opt-out that ran while the address was subscribed."""
        make.make_optout(optout_list)
        for address in ("jane@example.com", "joe@example.com"):
            make.make_subscription(optout_list, address)

        assert run("apply_retention")["subscriptions_ended"] == 1

        assert Subscription.objects.count() == Suppression.objects.count() == 1
