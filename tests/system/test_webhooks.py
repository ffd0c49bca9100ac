"""Webhooks with real processes: a sender that is killed, two at once, receivers that hang (S3.9, AT-22)."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook

from lists.choices import DirectLinkMode
from lists.models import List, Realm, User
from optout.addresses import parse_address
from optout.links import make_token
from reporting.models import DeliveryState, FeedCursor, OffCause, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from reporting.webhooks.replays import send_test
from reporting.webhooks.signing import secret_of
from tests import make
from tests.receiver import Received, Receiver, start_receiver
from tests.reporting.portal import signed_in
from tests.system.senders import (
    ALLOWED,
    PATIENCE,
    RunningSender,
    holder_of,
    running_sender,
    start_sender,
    wait_for_holder,
)
from tests.system.servers import Web, ask, running_web
from tests.threads import in_thread

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

KILLS = 20
ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture(scope="module")
def process() -> Iterator[Receiver]:
    with start_receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(process: Receiver, settings: Any) -> Receiver:
    settings.WEBHOOK_ALLOW_CIDRS = [ALLOWED]
    process.reset()
    return process


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    (tmp_path / "web").mkdir()
    with running_web(tmp_path / "web") as running:
        yield running


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[RunningSender]:
    with running_sender(tmp_path) as running:
        yield running


def endpoint_at(realm: Realm, url: str, **plan: Any) -> WebhookEndpoint:
    return make_endpoint(realm, EndpointPlan(url, **plan), actor=None, now=timezone.now())


def entries(received: Sequence[Received]) -> list[dict[str, Any]]:
    """What they told, one after the other."""
    found: list[dict[str, Any]] = []
    for each in received:
        data = each.json()["data"]
        found += data.get("changes", [data])
    return found


def addresses(received: Sequence[Received]) -> list[str]:
    return [entry["address"] for entry in entries(received)]


class TestEveryWayIn:
    """What a recipient, a mailer's program or an owner did arrives, signed, within seconds."""

    def test_it_arrives(
        self,
        realm: Realm,
        alice: User,
        web: Web,
        receiver: Receiver,
        sender: RunningSender,
    ) -> None:
        letters = make.make_list(realm, 1, direct_link_mode=DirectLinkMode.INSTANT)
        endpoint = endpoint_at(realm, receiver.url())
        key = make.make_api_key(realm)
        json_headers = [
            ("Authorization", f"Bearer {key}"),
            ("Content-Type", "application/json"),
        ]
        form = [("Content-Type", "application/x-www-form-urlencoded")]
        browser = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("User-Agent", "x")]

        page = ask(
            web.address, "GET", f"/u/{letters.public_id}?item=page@example.com", headers=browser
        )
        assert page.status == 303
        one_click = f"/o/{make_token(letters.pk, 'click@example.com')}"
        assert ask(web.address, "POST", one_click, headers=form, body=ONE_CLICK).status == 200
        many = json.dumps({"addresses": [f"bulk{n}@example.com" for n in range(120)]}).encode()
        bulk = "/api/v1/lists/1/suppressions"
        assert ask(web.address, "POST", bulk, headers=json_headers, body=many).status == 200
        make.make_contact(realm, "owner@example.com", letters)
        digest = parse_address("owner@example.com", "email", "US").digest.hex()
        removed = signed_in(alice).post(
            f"/manage/lists/{letters.public_id}/contacts/{digest}/remove", {"do": "opt_out"}
        )
        assert removed.status_code == 302
        expected = {"page@example.com", "click@example.com", "owner@example.com"} | {
            f"bulk{n}@example.com" for n in range(120)
        }

        def has_all(got: list[Received]) -> bool:
            return set(addresses(got)) >= expected

        got = _wait_until(receiver, has_all)
        assert len(addresses(got)) == len(expected)
        assert any(each.json()["type"] == "changes.batch" for each in got)
        for each in got:
            Webhook(secret_of(bytes(endpoint.salt))).verify(each.body, each.headers)
        assert "example.com" not in sender.printed()


class TestOneReceiverHangs:
    def test_the_others_and_the_web_do_not_notice(
        self,
        realm: Realm,
        optout_list: List,
        web: Web,
        receiver: Receiver,
        sender: RunningSender,
    ) -> None:
        endpoint_at(realm, receiver.url("/hang"))
        good = endpoint_at(realm, receiver.url("/ok"))
        wait_for_holder(good.pk)
        form = [("Content-Type", "application/x-www-form-urlencoded")]
        answered: dict[str, float] = {}
        for n in range(40):
            address = f"p{n}@example.com"
            path = f"/o/{make_token(optout_list.pk, address)}"
            asked_at = time.time()
            assert ask(web.address, "POST", path, headers=form, body=ONE_CLICK).status == 200
            answered[address] = time.time()
            assert answered[address] - asked_at < 2
        got = receiver.wait_for(40, "/ok")
        assert max(each.at - answered[one] for each in got for one in addresses([each])) < 2
        assert len(receiver.got("/hang")) == 8  # its connections, and no more

    def test_what_is_under_way_ends_before_the_sender_does(
        self, realm: Realm, optout_list: List, receiver: Receiver, sender: RunningSender
    ) -> None:
        endpoint_at(realm, receiver.url("/slow?seconds=0.5"))
        make.make_optout(optout_list)
        receiver.wait_for(1)
        assert sender.stop() == 0
        assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED
        assert "delivered: 1" in sender.printed()


class TestKilled:
    def test_nothing_is_lost_in_twenty_kills(
        self, realm: Realm, optout_list: List, receiver: Receiver, tmp_path: Path
    ) -> None:
        """One sender works, one stands by; whichever works is killed in mid-delivery, while opt-outs go on."""
        endpoint = endpoint_at(realm, receiver.url("/slow?seconds=0.03"))
        over = Event()

        def opt_out() -> list[str]:
            made: list[str] = []
            while not over.wait(0.01):  # the load, not a wait for something
                made.append(f"p{len(made) % 300}.{len(made)}@example.com")
                make.make_optout(optout_list, made[-1])
            return made

        work: Future[list[str]] = in_thread(opt_out)
        senders = [start_sender(tmp_path) for _ in range(2)]
        try:
            holder = None
            for _ in range(KILLS):
                holder = wait_for_holder(endpoint.pk, other_than=holder)
                receiver.wait_for(len(receiver.ids()) + 5)
                working = _process_of(holder, senders)
                working.kill()
                senders.remove(working)
                senders.append(start_sender(tmp_path))
            over.set()
            made = work.result(timeout=30)
            _wait_until(receiver, lambda got: set(addresses(got)) >= set(made))
        finally:
            over.set()
            for each in senders:
                each.kill()

        got = receiver.got()
        assert set(addresses(got)) == set(made)
        said: dict[str, set[str]] = defaultdict(set)
        for one in got:
            said[one.webhook_id].add(one.body.decode())
        assert all(len(bodies) == 1 for bodies in said.values())
        assert len(said) == WebhookDelivery.objects.count()


class TestTwoSenders:
    def test_nothing_is_sent_twice_and_one_takes_over_from_the_other(
        self, realm: Realm, optout_list: List, receiver: Receiver, tmp_path: Path
    ) -> None:
        endpoints = [endpoint_at(realm, receiver.url(f"/ok/{n}")) for n in range(3)]
        with running_sender(tmp_path) as one, running_sender(tmp_path) as other:
            holder = wait_for_holder(endpoints[0].pk)
            for n in range(50):
                make.make_optout(optout_list, f"p{n}@example.com")
            for endpoint in endpoints:
                assert len(receiver.wait_for(50, _path(endpoint))) == 50
            wait_until_written()
            _process_of(holder, [one, other]).kill()
            make.make_optout(optout_list, "after@example.com")
            for endpoint in endpoints:
                got = receiver.wait_for(51, _path(endpoint))
                assert addresses(got)[-1] == "after@example.com"
            assert len(set(receiver.ids())) == len(receiver.ids()) == 153

    def test_one_that_loses_its_connection_begins_anew(
        self, realm: Realm, optout_list: List, receiver: Receiver, sender: RunningSender
    ) -> None:
        endpoint = endpoint_at(realm, receiver.url())
        holder = wait_for_holder(endpoint.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [holder])
        make.make_optout(optout_list)
        assert len(receiver.wait_for(1)) == 1
        assert wait_for_holder(endpoint.pk, other_than=holder)
        assert sender.stop() == 0
        assert "The sender has no database" in sender.printed()
        assert holder_of(endpoint.pk) is None


class TestAsked:
    def test_a_test_goes_out_at_once_also_to_one_that_is_off(
        self, realm: Realm, receiver: Receiver, sender: RunningSender
    ) -> None:
        first = endpoint_at(realm, receiver.url("/ok/on"))
        wait_for_holder(first.pk)
        off = endpoint_at(realm, receiver.url("/ok/off"))
        WebhookEndpoint.objects.filter(pk=off.pk).update(
            off_at=timezone.now(), off_cause=OffCause.OWNER
        )
        send_test(off, asked_by="alice", now=timezone.now())
        (got,) = receiver.wait_for(1, "/ok/off")
        assert got.json()["type"] == "webhook.test"

    def test_there_is_a_pulse_while_a_sender_runs(
        self, realm: Realm, optout_list: List, receiver: Receiver, sender: RunningSender
    ) -> None:
        endpoint_at(realm, receiver.url())
        make.make_optout(optout_list)
        receiver.wait_for(1)
        pulse = FeedCursor.objects.get(name="webhooks")
        assert (timezone.now() - pulse.moved_at).total_seconds() < 5


def wait_until_written() -> None:
    """Wait until no delivery waits: what a sender has not written down yet, the next one sends again."""
    deadline = time.monotonic() + PATIENCE
    while WebhookDelivery.objects.filter(state=DeliveryState.WAITING).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # polling another process


def _path(endpoint: WebhookEndpoint) -> str:
    return urlsplit(endpoint.url).path


def _process_of(holder: int, senders: Sequence[RunningSender]) -> RunningSender:
    """Whose database process that is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = %s", [holder])
        ((name,),) = cursor.fetchall()
    return next(each for each in senders if name == f"heed sender {each.process.pid}")


def _wait_until(receiver: Receiver, is_enough: Any, path: str = "/") -> list[Received]:
    """Whatever came, as soon as it is enough."""
    deadline = time.monotonic() + PATIENCE
    got = receiver.got(path)
    while not is_enough(got) and time.monotonic() < deadline:
        got = receiver.wait_for(len(got) + 1, path, seconds=1)
    return got
