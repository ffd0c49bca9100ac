"""Somebody changes an endpoint while a sender serves it: what the sender knew of it, and what it has under way, does no harm.

The sender runs in a thread of its own; what its receiver answers, and when, each test says.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Queue
from typing import Any

import pytest
from django.utils import timezone

from lists.models import List, Realm
from optout.choices import Channel, Medium
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.webhooks import sender
from reporting.webhooks.claims import keep_cursors, taker_of
from reporting.webhooks.endpoints import (
    EndpointPlan,
    change_endpoint,
    make_endpoint,
    plan_of,
    rotate_secret,
    switch_off,
    switch_on,
)
from reporting.webhooks.payloads import Payload
from reporting.webhooks.posting import Try
from reporting.webhooks.replays import replay_failed, send_test
from tests import make
from tests.reporting.webhooks.test_callbacks import wait_until
from tests.reporting.webhooks.test_claims import claim_for, run, told
from tests.reporting.webhooks.test_outcomes import TAKEN, failed
from tests.threads import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

OLD, NEW = "https://crm.example/old", "https://crm.example/new"
BY_HAND: dict[str, Any] = {"actor": None, "now": make.NOW}


@dataclass(frozen=True)
class Request:
    """A try that is under way, until it is answered."""

    url: str
    body: bytes
    answer: Callable[[Try], None]

    @property
    def address(self) -> str:
        return str(json.loads(self.body)["data"]["address"])


class Rig:
    """A sender, the receiver it posts to, and its clock."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._requests: Queue[Request] = Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender = sender.Sender(clock=self._clock, dice=lambda: 0.0)
        self._running: Future[Any] | None = None

    def start(self) -> None:
        is_ready = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            is_ready.set()
            await self._sender.run()

        self._running = in_thread(lambda: asyncio.run(serve()))
        assert is_ready.wait(10)

    def stop(self) -> None:
        if self._loop is not None and self._running is not None:
            self._loop.call_soon_threadsafe(self._sender.stop)
            self._running.result(timeout=20)

    def next(self) -> Request:
        """The next try that it begins."""
        return self._requests.get(timeout=10)

    def _clock(self) -> datetime:
        return timezone.now() + self.ahead

    # ── As a Poster ──

    async def __aenter__(self) -> "Rig":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def post(self, url: str, payload: Payload, _headers: dict[str, str]) -> Try:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Try] = loop.create_future()

        def answer(tried: Try) -> None:
            loop.call_soon_threadsafe(answered.set_result, tried)

        self._requests.put(Request(url, payload.body, answer))
        return await answered


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """Looks around in each of its turns."""
    made = Rig()
    monkeypatch.setattr(sender, "Poster", lambda: made)
    monkeypatch.setattr(sender, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(sender, "STOP_SECONDS", 0.1)
    yield made
    made.stop()


@pytest.fixture
def endpoint(realm: Realm, optout_list: List) -> WebhookEndpoint:
    plan = EndpointPlan(OLD, list_ids=[optout_list.pk])
    return make_endpoint(realm, plan, actor=None, now=timezone.now())


def change(endpoint: WebhookEndpoint, **fields: Any) -> None:
    row = WebhookEndpoint.objects.select_related("realm").get(pk=endpoint.pk)
    change_endpoint(row, replace(plan_of(row), **fields), **BY_HAND)


class TestWhatComesAfterAChange:
    def test_goes_by_the_change_though_the_sender_has_not_looked(
        self,
        realm: Realm,
        optout_list: List,
        endpoint: WebhookEndpoint,
        rig: Rig,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sender, "LOOK_EVERY", 3600.0)
        second = make.make_list(realm, 2)
        rig.start()
        make.make_optout(optout_list, "first@example.com")
        rig.next().answer(TAKEN)

        change(endpoint, list_ids=[optout_list.pk, second.pk])
        make.make_optout(second, "second@example.com")

        assert rig.next().address == "second@example.com"

    @pytest.mark.parametrize(
        "fields",
        [
            {"url": NEW},
            {"format": WebhookFormat.SMS_JSON},
            {"list_ids": None},
            {"channels": [Channel.PIXEL]},
            {"medium": Medium.SMS},
            {"gets_lifts": False},
            {"batches": False},
        ],
    )
    def test_is_left_to_a_sender_that_knows_it(
        self, optout_list: List, endpoint: WebhookEndpoint, fields: dict[str, Any]
    ) -> None:
        taker = taker_of(endpoint)
        change(endpoint, **fields)
        make.make_optout(optout_list)
        claimed = run(taker)
        assert (claimed.stale, claimed.moved, claimed.made) == ({endpoint.pk}, set(), {})
        taker.cursor = claimed.cursor
        assert keep_cursors([taker]) == set()
        assert claim_for(endpoint).stale == set()

    def test_so_it_is_after_off_and_on(self, optout_list: List, endpoint: WebhookEndpoint) -> None:
        taker = taker_of(endpoint)
        switch_off(endpoint, **BY_HAND)
        make.make_optout(optout_list)
        assert run(taker).stale == {endpoint.pk}
        switch_on(endpoint, skips_missed=False, **BY_HAND)
        assert run(taker).stale == {endpoint.pk}
        claim_for(endpoint)
        assert told(endpoint) == [["jane@example.com"]]

    def test_what_does_not_matter_to_the_sender_stops_nothing(
        self, optout_list: List, endpoint: WebhookEndpoint
    ) -> None:
        taker = taker_of(endpoint)
        change(endpoint, label="CRM")
        rotate_secret(endpoint, timedelta(0), **BY_HAND)
        make.make_optout(optout_list)
        assert run(taker).moved == {endpoint.pk}


class TestWhatIsUnderWay:
    @pytest.mark.parametrize("tried", [failed(), failed(410)])
    def test_says_nothing_of_the_new_url(
        self, optout_list: List, endpoint: WebhookEndpoint, rig: Rig, tried: Try
    ) -> None:
        make.make_optout(optout_list, "a@example.com")
        rig.start()
        request = rig.next()
        assert request.url == OLD
        WebhookEndpoint.objects.update(failing_since=make.NOW, failed_at=make.NOW)
        change(endpoint, url=NEW)
        request.answer(tried)

        again = rig.next()

        assert (again.url, again.address) == (NEW, "a@example.com")
        row = WebhookDelivery.objects.get()
        assert (row.state, row.step, row.tries) == (DeliveryState.WAITING, 0, 0)
        endpoint.refresh_from_db()
        assert endpoint.is_on and endpoint.failing_since is None

    def test_has_arrived_all_the_same(
        self, optout_list: List, endpoint: WebhookEndpoint, rig: Rig
    ) -> None:
        make.make_optout(optout_list, "a@example.com")
        rig.start()
        request = rig.next()
        change(endpoint, url=NEW)
        request.answer(TAKEN)
        make.make_optout(optout_list, "b@example.com")
        assert rig.next().address == "b@example.com"
        assert WebhookDelivery.objects.order_by("pk")[0].state == DeliveryState.DELIVERED


class TestWhatWaits:
    def test_what_was_left_out_is_tried_no_more(
        self, optout_list: List, endpoint: WebhookEndpoint, rig: Rig
    ) -> None:
        make.make_optout(optout_list, "left-out@example.com")
        rig.start()
        rig.next().answer(failed())
        wait_until(lambda: WebhookDelivery.objects.filter(tries=1).exists())
        switch_off(endpoint, **BY_HAND)
        switch_on(endpoint, skips_missed=True, **BY_HAND)
        make.make_optout(optout_list, "b@example.com")
        request = rig.next()
        assert request.address == "b@example.com"  # by a sender that knows of the change
        rig.ahead = timedelta(hours=1)
        request.answer(TAKEN)  # one that failed would be due again, too
        make.make_optout(optout_list, "c@example.com")
        assert rig.next().address == "c@example.com"
        assert WebhookDelivery.objects.order_by("pk")[0].state == DeliveryState.FAILED

    def test_is_tried_at_once_when_a_test_arrives(
        self, optout_list: List, endpoint: WebhookEndpoint, rig: Rig
    ) -> None:
        make.make_optout(optout_list, "a@example.com")
        rig.start()
        rig.next().answer(failed())
        wait_until(lambda: WebhookDelivery.objects.filter(tries=1).exists())
        send_test(endpoint, asked_by="alice", now=timezone.now())
        test = rig.next()
        assert test.address == "test@example.com"
        test.answer(TAKEN)
        assert rig.next().address == "a@example.com"
        endpoint.refresh_from_db()
        assert endpoint.succeeded_at is None

    def test_is_tried_at_once_when_somebody_asks(
        self, optout_list: List, endpoint: WebhookEndpoint, rig: Rig
    ) -> None:
        """Which a stranger calls a replay of what failed, though it is not given up."""
        make.make_optout(optout_list, "a@example.com")
        rig.start()
        rig.next().answer(failed())
        wait_until(lambda: WebhookDelivery.objects.filter(tries=1).exists())
        asked: dict[str, Any] = {"asked_by": "alice", "actor": None, "now": timezone.now()}
        assert replay_failed(endpoint, make.NOW, **asked) == 1
        again = rig.next()
        assert again.address == "a@example.com"
        again.answer(TAKEN)
        wait_until(lambda: WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).exists())
