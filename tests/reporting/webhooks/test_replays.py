"""What somebody asks to be sent: a test, one delivery again, all that failed since."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from lists.models import AuditEntry, Realm, User
from reporting.models import DeliveryState, WebhookDelivery, WebhookFormat
from reporting.webhooks import replays
from reporting.webhooks.replays import replay_failed, replay_one, send_test
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery
from tests.threads import in_thread

pytestmark = pytest.mark.django_db

NOW = make.NOW
LATER = NOW + timedelta(days=2)
FAILED, DELIVERED = DeliveryState.FAILED, DeliveryState.DELIVERED


class TestATest:
    @pytest.mark.parametrize("message_format", WebhookFormat)
    def test_waits_to_be_sent_and_tells_of_nobody(
        self, realm: Realm, message_format: WebhookFormat
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, format=message_format)

        test = send_test(endpoint, asked_by="alice@acme.example", now=NOW)

        row = WebhookDelivery.objects.get()
        assert row == test and row.is_test and row.state == DeliveryState.QUEUED
        assert row.asked_by == "alice@acme.example"
        assert (row.recorded_at, row.created_at, row.due_at) == (NOW, NOW, NOW)
        (change,) = row.changes
        assert (change["id"], change["list"]) == (0, 0)
        is_standard = message_format == WebhookFormat.STANDARD
        assert change["address"] == ("test@example.com" if is_standard else "+12025550123")

    def test_a_second_one_waits_for_the_first(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        first = send_test(endpoint, asked_by="", now=NOW)
        assert send_test(endpoint, asked_by="", now=NOW) == first
        WebhookDelivery.objects.update(state=DeliveryState.WAITING)  # it is being sent
        assert send_test(endpoint, asked_by="", now=NOW) == first
        WebhookDelivery.objects.update(state=DeliveryState.FAILED)
        assert send_test(endpoint, asked_by="x" * 300, now=NOW) != first


@pytest.mark.django_db(transaction=True)
class TestADoubleClick:
    def test_asks_for_one_test(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        barrier = threading.Barrier(4)

        def click() -> int:
            barrier.wait()
            return send_test(endpoint, asked_by="", now=NOW).pk

        clicks = [in_thread(click) for _ in range(4)]
        assert len({each.result(timeout=20) for each in clicks}) == 1


class TestOneAgain:
    @pytest.mark.parametrize("state", [FAILED, DELIVERED])
    def test_it_is_sent_again_under_the_same_id(
        self, realm: Realm, alice: User, state: DeliveryState
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        delivery = make_delivery(endpoint, state=state, step=10, tries=12, status=500)
        other = make_delivery(endpoint, state=state, step=10)

        replay_one(endpoint, delivery.pk, asked_by="alice", actor=alice, now=LATER)

        row = WebhookDelivery.objects.get(pk=delivery.pk)
        assert (row.state, row.step, row.due_at) == (DeliveryState.QUEUED, 0, LATER)
        assert (row.tries, row.status, row.message) == (12, 500, delivery.message)
        assert row.asked_by == "alice"
        other.refresh_from_db()
        assert other.state == state
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("replay_webhook", alice)
        assert entry.detail == {
            "webhook": endpoint.public_id,
            "replayed": 1,
            "delivery": delivery.pk,
        }

    @pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.WAITING])
    def test_one_that_was_never_tried_is_left_alone(
        self, realm: Realm, state: DeliveryState
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        delivery = make_delivery(endpoint, state=state, step=4, tries=0)
        assert replay_one(endpoint, delivery.pk, asked_by="alice", actor=None, now=LATER) == 0
        delivery.refresh_from_db()
        assert (delivery.state, delivery.step, delivery.asked_by) == (state, 4, "")
        assert not AuditEntry.objects.exists()

    def test_one_that_failed_and_waits_is_tried_at_once(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        delivery, other = (
            make_delivery(endpoint, state=DeliveryState.WAITING, step=4, tries=6) for _ in range(2)
        )
        assert replay_one(endpoint, delivery.pk, asked_by="alice", actor=None, now=LATER) == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.step) == (DeliveryState.WAITING, 0)
        assert delivery.due_at == LATER and delivery.asked_by == ""
        other.refresh_from_db()
        assert other.step == 4
        revision = endpoint.revision
        endpoint.refresh_from_db()
        assert endpoint.revision == revision + 1  # the sender looks again

    def test_tests_and_other_endpoints_deliveries_are_not_there(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        theirs = make_delivery(make.make_webhook_endpoint(realm), state=FAILED)
        test = make_delivery(endpoint, state=FAILED, is_test=True)
        for delivery_id in (theirs.pk, test.pk, 0, -1):
            with pytest.raises(WebhookDelivery.DoesNotExist):
                replay_one(endpoint, delivery_id, asked_by="", actor=None, now=LATER)
        assert not AuditEntry.objects.exists()


class TestAllThatFailed:
    def test_some_at_a_time(self, realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replays, "REPLAYED_AT_ONCE", 2)
        endpoint = make.make_webhook_endpoint(realm)
        for _ in range(4):
            make_delivery(endpoint, state=FAILED)
        again: dict[str, Any] = {"asked_by": "shop", "actor": None, "now": LATER}
        assert replay_failed(endpoint, NOW, **again) == 4
        entries = AuditEntry.objects.order_by("pk")
        assert [entry.detail["replayed"] for entry in entries] == [2, 2]

    def test_since_a_moment_of_which_they_tell(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        hour = timedelta(hours=1)
        make_delivery(endpoint, state=FAILED, recorded_at=NOW - hour)
        wanted = [make_delivery(endpoint, state=FAILED, recorded_at=NOW + n * hour) for n in (0, 1)]
        make_delivery(endpoint, state=FAILED, is_test=True)
        make_delivery(endpoint, state=DELIVERED)
        make_delivery(make.make_webhook_endpoint(realm), state=FAILED)

        again: dict[str, Any] = {"asked_by": "shop", "actor": None, "key_id": 7, "now": LATER}
        assert replay_failed(endpoint, NOW, **again) == 2
        assert replay_failed(endpoint, NOW, **again) == 0

        queued = WebhookDelivery.objects.filter(state=DeliveryState.QUEUED)
        assert list(queued.order_by("pk")) == wanted
        assert {each.asked_by for each in queued} == {"shop"}
        entry = AuditEntry.objects.get()
        assert entry.detail == {
            "webhook": endpoint.public_id,
            "key": 7,
            "replayed": 2,
            "since": NOW.isoformat(),
        }
