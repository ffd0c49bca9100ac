"""The sender in this process, against a real receiver; its clock is the test's."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook

from lists.models import List, Realm
from optout.models import OptOut
from reporting.models import (
    DeliveryState,
    FeedCursor,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks import lines
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint, switch_off, switch_on
from reporting.webhooks.payloads import sample_change
from reporting.webhooks.replays import replay_failed, send_test
from reporting.webhooks.sender import Sender
from reporting.webhooks.serving import Summary
from reporting.webhooks.signing import secret_of
from reporting.webhooks.timetable import GAPS
from tests import make
from tests.receiver import Receiver
from tests.reporting.test_downloads import lift
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

HOUR = timedelta(hours=1)


def drain(now: datetime | None = None) -> Summary:
    """Send what is due at that time; without jitter."""
    clock: Callable[[], datetime] = timezone.now if now is None else lambda: now

    async def run() -> Summary:
        return await Sender(clock=clock, dice=lambda: 0.0).drain()

    return asyncio.run(run())


@pytest.fixture
def endpoint_at(realm: Realm, receiver: Receiver) -> Callable[..., WebhookEndpoint]:
    """Makes an endpoint of the realm at that path of the receiver."""

    def make_one(path: str = "/ok", **plan: Any) -> WebhookEndpoint:
        plan_of_it = EndpointPlan(receiver.url(path), **plan)
        return make_endpoint(realm, plan_of_it, actor=None, now=timezone.now())

    return make_one


class TestSending:
    def test_an_optout_arrives_signed(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        make.make_optout(optout_list, "jane@example.com")

        assert drain() == Summary(delivered=1)

        (got,) = receiver.got()
        message = Webhook(secret_of(bytes(endpoint.salt))).verify(got.body, got.headers)
        assert message["type"] == "opt_out.recorded"
        assert message["data"]["address"] == "jane@example.com"
        row = endpoint.deliveries.get()
        assert (row.state, row.status, row.answer) == (DeliveryState.DELIVERED, 200, "ok")
        assert (row.webhook_id, row.tries, row.step) == (got.webhook_id, 1, 1)
        endpoint.refresh_from_db()
        assert endpoint.succeeded_at and not endpoint.failed_at
        assert drain() == Summary()

    def test_everybody_is_told_and_order_is_kept(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        for n in range(3):
            endpoint_at(f"/ok/{n}", batches=False)
        for n in range(40):
            make.make_optout(optout_list, f"p{n % 4}@example.com")
        assert drain().delivered == 120
        for n in range(3):
            got = [each.json()["data"] for each in receiver.got(f"/ok/{n}")]
            for person in range(4):
                ids = [e["id"] for e in got if e["address"] == f"p{person}@example.com"]
                assert len(ids) == 10 and ids == sorted(ids)

    def test_more_than_there_is_room_for(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(lines, "MOST_UNFINISHED", 500)
        endpoint_at(batches=False)
        fill_ledger(optout_list, 1_200)
        assert drain().delivered == 1_200
        assert len(set(receiver.ids())) == 1_200

    def test_the_sms_callback(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint_at(format=WebhookFormat.SMS_FORM)
        make.make_optout(optout_list, "+14155552671")
        drain()
        (got,) = receiver.got()
        assert got.body.startswith(b"timestamp=2026-03-04T12%3A00%3A00Z&")
        assert b"unsubscribed_number=%2B14155552671&source=Optout+Link" in got.body

    def test_one_that_somebody_else_serves_is_left_to_them(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        make.make_optout(optout_list)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x57656268, endpoint.pk])
            assert drain() == Summary()
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [0x57656268, endpoint.pk])
        assert drain().delivered == 1

    def test_the_command_says_what_it_did(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, capsys: Any
    ) -> None:
        endpoint_at()
        make.make_optout(optout_list)
        call_command("send_webhooks", "--once")
        assert "delivered: 1, failed tries: 0" in capsys.readouterr().out
        call_command("send_webhooks", "--once", "--json")
        assert '"delivered": 0' in capsys.readouterr().out


class TestFailing:
    def test_ten_tries_then_a_dead_letter_and_the_endpoint_is_off(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, caplog: Any
    ) -> None:
        endpoint = endpoint_at("/500?token=secret")
        now = timezone.now() + timedelta(seconds=1)
        make.make_optout(optout_list)
        for gap in GAPS:
            if gap:
                assert drain(now + gap - timedelta(seconds=1)).failed_tries == 0
            now += gap
            assert drain(now).failed_tries == 1
        row = endpoint.deliveries.get()
        assert (row.state, row.step, row.tries) == (DeliveryState.FAILED, 10, 10)
        assert len(set(receiver.ids())) == 1 and len(receiver.ids()) == 10
        endpoint.refresh_from_db()
        assert endpoint.off_cause == OffCause.FAILING
        assert drain(now + 48 * HOUR) == Summary()
        assert "secret" not in caplog.text

    def test_one_dead_letter_among_others_switches_nothing_off(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        now = timezone.now()
        old = make_delivery(
            endpoint, step=9, tries=9, first_tried_at=now - 75 * HOUR, due_at=now - HOUR
        )
        WebhookEndpoint.objects.update(succeeded_at=now - HOUR)
        receiver.switch("/ok", "/500", times=1)
        summary = drain()
        assert (summary.given_up, summary.switched_off) == (1, 0)
        old.refresh_from_db()
        assert old.state == DeliveryState.FAILED

    def test_410_switches_off_and_what_waits_comes_when_it_is_on_again(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        receiver.switch("/ok", "/410")
        make.make_optout(optout_list, "first@example.com")
        assert drain() == Summary(failed_tries=1, switched_off=1)
        endpoint.refresh_from_db()
        assert endpoint.off_cause == OffCause.GONE
        make.make_optout(optout_list, "second@example.com")
        assert drain() == Summary()

        receiver.reset()
        switch_on(endpoint, skips_missed=False, actor=None, now=timezone.now())
        assert drain().delivered == 2
        assert len(set(receiver.ids())) == 2

    @pytest.mark.parametrize("path", ["/429?after=3600", "/503?date=3600"])
    def test_who_asks_for_time_gets_it(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, path: str
    ) -> None:
        endpoint = endpoint_at(path)
        make.make_optout(optout_list)
        drain()
        row = endpoint.deliveries.get()
        assert row.tried_at
        assert timedelta(minutes=59) < row.due_at - row.tried_at <= HOUR
        assert drain(timezone.now() + 0.9 * HOUR) == Summary(waiting=1)

    def test_after_a_success_whatever_waited_is_tried_at_once(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint_at(batches=False)
        receiver.switch("/ok", "/500")
        for n in range(12):
            make.make_optout(optout_list, f"p{n}@example.com")
        now = timezone.now()
        drain()
        drain(now + timedelta(minutes=1))
        drain(now + timedelta(minutes=10))
        assert not WebhookDelivery.objects.filter(step__lt=3).exists()
        receiver.reset()
        make.make_optout(optout_list, "new@example.com")
        later = now + timedelta(minutes=11)
        assert drain(later).delivered == 13

    def test_a_retry_says_what_is_suppressed_by_then(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint_at(gets_lifts=False)
        receiver.switch("/ok", "/500", times=1)
        make.make_optout(optout_list, "jane@example.com")
        drain()
        lift(optout_list, "jane@example.com", make.NOW)
        List.objects.filter(pk=optout_list.pk).update(number=77)
        drain(timezone.now() + HOUR)
        first, second = receiver.got()
        assert first.webhook_id == second.webhook_id
        assert first.json()["data"]["suppressed"] is True
        assert second.json()["data"] == {**first.json()["data"], "suppressed": False}

    def test_one_that_cannot_be_sent_stops_no_other(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        broken = make_delivery(endpoint, changes=[{"id": 1}])
        make.make_optout(optout_list)
        assert drain().delivered == 1
        broken.refresh_from_db()
        assert (broken.state, broken.failure) == (DeliveryState.WAITING, "broken")

    def test_of_each_address_the_order_is_kept_whatever_fails_in_between(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint_at(batches=False)
        now = timezone.now()
        for turn in range(6):
            for n in range(20):
                make.make_optout(optout_list, f"p{n}@example.com")
            receiver.switch("/ok", "/500", times=7 * (turn % 2))
            drain(now + turn * timedelta(seconds=4))
        drain(now + HOUR)
        took: dict[str, list[int]] = defaultdict(list)
        for each in receiver.got():
            entry = each.json()["data"]
            if entry["id"] not in took[entry["address"]]:
                took[entry["address"]].append(entry["id"])
        assert len(receiver.got()) > 120  # some were sent again
        for ids in took.values():
            assert len(ids) == 6 and ids == sorted(ids)
        assert not WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


class TestStopping:
    def test_it_does_not_wait_for_ever(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, monkeypatch: Any
    ) -> None:
        """What was under way is sent again by the next one."""
        monkeypatch.setattr("reporting.webhooks.sender.STOP_SECONDS", 0.05)
        endpoint_at("/hang")
        make.make_optout(optout_list)

        async def run() -> None:
            sender = Sender()
            running = asyncio.create_task(sender.run())
            await asyncio.to_thread(receiver.wait_for, 1)
            sender.stop()
            await running

        asyncio.run(run())
        row = WebhookDelivery.objects.get()
        assert (row.state, row.tries) == (DeliveryState.WAITING, 0)


class TestWhatWasLeft:
    def test_a_delivery_that_was_not_sent_is_taken_up_with_its_id(
        self, endpoint_at: Any, receiver: Receiver
    ) -> None:
        left = make_delivery(endpoint_at())
        drain()
        assert receiver.ids() == [left.webhook_id]

    def test_what_failed_is_replayed_when_somebody_asks(
        self, endpoint_at: Any, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at()
        dead = make_delivery(endpoint, state=DeliveryState.FAILED, step=10, tries=10)
        replay_failed(endpoint, make.NOW, asked_by="alice", actor=None, now=timezone.now())
        assert drain().delivered == 1
        dead.refresh_from_db()
        assert (dead.state, dead.tries) == (DeliveryState.DELIVERED, 11)
        assert receiver.ids() == [dead.webhook_id]

    def test_more_than_there_is_room_for_at_once(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver, monkeypatch: Any
    ) -> None:
        """What was missed comes before what the ledger has of the same address."""
        monkeypatch.setattr(lines, "MOST_ASKED_FOR", 2)
        monkeypatch.setattr("reporting.webhooks.sender.LOOK_EVERY", 0.0)
        endpoint = endpoint_at()
        make.make_optout(optout_list, "jane@example.com")
        change = {
            **sample_change(WebhookFormat.STANDARD, make.NOW),
            "digest": bytes(OptOut.objects.get().digest).hex(),
        }
        missed = [
            make_delivery(endpoint, state=DeliveryState.QUEUED, changes=[change]).webhook_id
            for _ in range(5)
        ]
        assert drain().delivered == 6
        assert receiver.ids()[:5] == missed

    @pytest.mark.parametrize("left_as", [DeliveryState.QUEUED, DeliveryState.WAITING])
    def test_a_test_goes_out_to_one_that_is_off_and_nothing_else_does(
        self,
        endpoint_at: Any,
        optout_list: List,
        receiver: Receiver,
        left_as: DeliveryState,
    ) -> None:
        endpoint = endpoint_at()
        switch_off(endpoint, actor=None, now=timezone.now())
        make_delivery(endpoint)
        make_delivery(endpoint, state=DeliveryState.QUEUED)
        make.make_optout(optout_list)
        test = send_test(endpoint, asked_by="alice", now=timezone.now())
        WebhookDelivery.objects.filter(pk=test.pk).update(state=left_as)
        drain()
        assert receiver.ids() == [test.webhook_id]
        endpoint.refresh_from_db()
        assert endpoint.succeeded_at is None

    def test_a_test_that_fails_is_over_and_counts_for_nothing(
        self, endpoint_at: Any, receiver: Receiver
    ) -> None:
        endpoint = endpoint_at("/410")
        test = send_test(endpoint, asked_by="alice", now=timezone.now())
        drain()
        test.refresh_from_db()
        endpoint.refresh_from_db()
        assert (test.state, test.status) == (DeliveryState.FAILED, 410)
        assert endpoint.is_on and endpoint.failed_at is None


class TestTheLedger:
    def test_one_that_is_behind_catches_up_and_goes_on_with_the_others(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        old = endpoint_at("/ok/old", batches=False)
        for n in range(5):
            make.make_optout(optout_list, f"p{n}@example.com")
        new = endpoint_at("/ok/new")
        make.make_optout(optout_list, "new@example.com")
        assert drain().delivered == 7
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.xid, old.last_id) == (new.xid, new.last_id)

    def test_after_a_restore_the_rest_is_sent(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        endpoint_at()
        make.make_optout(optout_list, "told@example.com")
        drain()
        make.make_optout(optout_list, "untold@example.com")
        with connection.cursor() as cursor:
            for table in ("optout_optout", "reporting_webhookendpoint", "reporting_feedcursor"):
                cursor.execute(
                    f"UPDATE {table} SET xid = (xid::text::bigint + 9000000000)::text::xid8"
                )
        make.make_optout(optout_list, "new@example.com")
        assert drain().delivered == 2
        assert [each.json()["data"]["address"] for each in receiver.got()] == [
            "told@example.com",
            "untold@example.com",
            "new@example.com",
        ]
        assert not OptOut.objects.filter(xid__gt="8000000000").exists()

    def test_the_pulse_is_given_without_endpoints_too(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        drain()
        row = OptOut.objects.get()
        pulse = FeedCursor.objects.get(name="webhooks")
        assert (pulse.xid, pulse.last_id) == (row.xid, row.id)
        assert timezone.now() - pulse.moved_at < timedelta(seconds=5)


class TestTheClockIsSetBack:
    def test_what_was_never_tried_goes_out_and_what_comes_after_it(
        self, endpoint_at: Any, optout_list: List, receiver: Receiver
    ) -> None:
        later = timezone.now() + HOUR
        left = make_delivery(endpoint_at(), due_at=later, created_at=later)
        assert drain().delivered == 1
        left.refresh_from_db()
        assert (left.state, left.step) == (DeliveryState.DELIVERED, 1)

    def test_also_its_first_failure_counts(self, endpoint_at: Any, receiver: Receiver) -> None:
        left = make_delivery(endpoint_at("/500"), due_at=timezone.now() + HOUR)
        assert drain().failed_tries == 1
        left.refresh_from_db()
        assert left.step == 1 and left.due_at < timezone.now() + timedelta(minutes=1)


class TestSlowReceivers:
    """A hundred that hang, with eight messages each; somebody else is told at once."""

    @pytest.fixture(autouse=True)
    def _short_end(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("reporting.webhooks.sender.STOP_SECONDS", 0.05)

    @pytest.mark.parametrize("is_neighbour", [True, False])
    def test_delay_nobody(
        self,
        endpoint_at: Any,
        optout_list: List,
        receiver: Receiver,
        is_neighbour: bool,
    ) -> None:
        for _ in range(99):
            endpoint_at("/hang")
        for n in range(8):
            make.make_optout(optout_list, f"p{n}@example.com")
        good_realm = make.make_realm("second") if is_neighbour else optout_list.realm
        good_list = make.make_list(good_realm) if is_neighbour else optout_list
        plan = EndpointPlan(receiver.url("/ok"))
        make_endpoint(good_realm, plan, actor=None, now=timezone.now())

        async def run() -> None:
            sender = Sender()
            running = asyncio.create_task(sender.run())
            await asyncio.to_thread(receiver.wait_for, 100, "/hang")
            await asyncio.to_thread(make_in_thread, good_list, "new@example.com")
            got = await asyncio.to_thread(receiver.wait_for, 1, "/ok", 5.0)
            sender.stop()
            await running
            assert got[0].json()["data"]["address"] == "new@example.com"

        asyncio.run(run())
        assert receiver.counts()["requests"] < 200


def fill_ledger(optout_list: List, rows: int) -> None:
    """Opt-outs of so many people, without suppressions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_optout (recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance,"
            " is_new, digest, address, agent)"
            " SELECT now(), %s, 1, 4, 1, 1, 1, 3, true, substr(sha256(n::text::bytea), 1, 16), n || '@example.com', ''"
            " FROM generate_series(1, %s) n",
            [optout_list.pk, rows],
        )


def make_in_thread(optout_list: List, address: str) -> None:
    """An opt-out, on a connection of this thread's own."""
    try:
        make.make_optout(optout_list, address)
    finally:
        connection.close()
