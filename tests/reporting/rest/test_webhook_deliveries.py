"""What was sent to an endpoint, over REST; tests and replays (S3.9)."""

from datetime import timedelta
from typing import Any

import pytest

from lists.models import Realm
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.rest.example_rows import OPTED_OUT
from tests import make
from tests.reporting.rest.webhooks import URL, Program, make_delivery, refused


@pytest.fixture
def program(realm: Realm) -> Program:
    """One that may do everything in the realm."""
    return Program(realm)


@pytest.mark.django_db
class TestDeliveries:
    def test_newest_first_with_what_was_sent(self, program: Program) -> None:
        made = program.make()
        endpoint = WebhookEndpoint.objects.get()
        old = make_delivery(
            endpoint,
            DeliveryState.DELIVERED,
            tries=2,
            status=204,
            took_ms=31,
            tried_at=make.NOW + timedelta(seconds=5),
        )
        new = make_delivery(endpoint, DeliveryState.WAITING, changes=[OPTED_OUT] * 3)

        page = program.read(f"/{made['id']}/deliveries")
        assert [each["id"] for each in page["deliveries"]] == [new.pk, old.pk]
        assert page["next"] is None
        waiting, done = page["deliveries"]
        assert (waiting["state"], waiting["changes"], waiting["tries"]) == ("waiting", 3, 0)
        assert waiting["due_at"] and waiting["status"] is waiting["answer"] is None
        assert (done["state"], done["status"], done["took_ms"]) == ("delivered", 204, 31)
        assert done["webhook_id"] == old.webhook_id and done["due_at"] is None
        assert done["tried_at"] == "2026-03-04T12:00:05Z"
        assert done["request"]["url"] == URL
        assert done["request"]["headers"]["webhook-id"] == old.webhook_id
        assert "webhook-signature" not in done["request"]["headers"]
        assert '"type":"opt_out.recorded"' in done["request"]["body"]
        assert '"type":"changes.batch"' in waiting["request"]["body"]

    def test_page_by_page(self, program: Program) -> None:
        made = program.make()
        endpoint = WebhookEndpoint.objects.get()
        ids = [make_delivery(endpoint, DeliveryState.DELIVERED).pk for _ in range(5)]
        path = f"/{made['id']}/deliveries?limit=2"
        found, page = [], program.read(path)
        while page["next"]:
            found += [each["id"] for each in page["deliveries"]]
            page = program.read(f"{path}&cursor={page['next']}")
        found += [each["id"] for each in page["deliveries"]]
        assert found == ids[::-1]

    def test_by_state(self, program: Program) -> None:
        made = program.make()
        endpoint = WebhookEndpoint.objects.get()
        ids = {each.name.lower(): make_delivery(endpoint, each).pk for each in DeliveryState}
        for state, pk in ids.items():
            page = program.read(f"/{made['id']}/deliveries?state={state}")
            assert [each["id"] for each in page["deliveries"]] == [pk]
        assert program("GET", f"/{made['id']}/deliveries?state=lost").status_code == 422

    def test_another_ones_cursor_leads_nowhere(self, program: Program) -> None:
        one, two = program.make(), program.make()
        endpoint = WebhookEndpoint.objects.get(public_id=one["id"])
        for _ in range(2):
            make_delivery(endpoint, DeliveryState.FAILED)
        cursor = program.read(f"/{one['id']}/deliveries?limit=1")["next"]
        assert program.read(f"/{two['id']}/deliveries")["deliveries"] == []
        assert program("GET", f"/{two['id']}/deliveries?cursor={cursor}").status_code == 422


@pytest.mark.django_db
class TestTestMessage:
    def test_it_is_queued(self, program: Program) -> None:
        made = program.make()
        answer = program("POST", f"/{made['id']}/test")

        assert answer.status_code == 202
        (told,) = program.read(f"/{made['id']}/deliveries")["deliveries"]
        assert told["id"] == answer.json()["delivery"]
        assert (told["is_test"], told["state"]) == (True, "queued")
        assert '"type":"webhook.test"' in told["request"]["body"]
        assert WebhookDelivery.objects.get().asked_by == "API key a program"

    def test_of_an_sms_endpoint_it_has_the_three_fields(self, program: Program) -> None:
        made = program.make(format="sms-form")
        program("POST", f"/{made['id']}/test", {})
        (told,) = program.read(f"/{made['id']}/deliveries")["deliveries"]
        assert "unsubscribed_number=%2B12025550123&source=Optout+Link" in told["request"]["body"]


@pytest.mark.django_db
class TestReplay:
    @pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.DELIVERED])
    def test_one(self, program: Program, state: DeliveryState) -> None:
        path = f"/{program.make()['id']}/replay"
        delivery = make_delivery(WebhookEndpoint.objects.get(), state, step=10, tries=10)
        answer = program("POST", path, {"delivery": delivery.pk})

        assert (answer.status_code, answer.json()) == (202, {"replayed": 1})
        webhook_id = delivery.webhook_id
        delivery.refresh_from_db()
        assert (delivery.state, delivery.step) == (DeliveryState.QUEUED, 0)
        assert delivery.webhook_id == webhook_id

    def test_one_that_waits_is_left_alone(self, program: Program) -> None:
        path = f"/{program.make()['id']}/replay"
        delivery = make_delivery(WebhookEndpoint.objects.get(), DeliveryState.WAITING)
        assert program("POST", path, {"delivery": delivery.pk}).json() == {"replayed": 0}

    def test_all_that_failed_since(self, program: Program) -> None:
        path = f"/{program.make()['id']}/replay"
        endpoint = WebhookEndpoint.objects.get()
        hours = [make.NOW + timedelta(hours=n) for n in range(3)]
        for each in hours:
            make_delivery(endpoint, DeliveryState.FAILED, recorded_at=each)
            make_delivery(endpoint, DeliveryState.DELIVERED, recorded_at=each)

        answer = program("POST", path, {"since": "2026-03-04T13:00:00Z"})
        assert (answer.status_code, answer.json()) == (202, {"replayed": 2})
        assert program("POST", path, {"since": "2026-03-04"}).json() == {"replayed": 1}
        assert WebhookDelivery.objects.filter(state=DeliveryState.QUEUED).count() == 3

    @pytest.mark.parametrize("body", [None, {}])
    def test_all_that_failed(self, program: Program, body: Any) -> None:
        path = f"/{program.make()['id']}/replay"
        endpoint = WebhookEndpoint.objects.get()
        make_delivery(endpoint, DeliveryState.FAILED)
        answer = program("POST", path, body)
        assert (answer.status_code, answer.json()) == (202, {"replayed": 1})

    @pytest.mark.parametrize("names_it", [True, False])
    def test_what_failed_and_waits_is_tried_at_once(self, program: Program, names_it: bool) -> None:
        path = f"/{program.make()['id']}/replay"
        later = make.NOW + timedelta(days=400)
        delivery = make_delivery(
            WebhookEndpoint.objects.get(), DeliveryState.WAITING, step=4, tries=4, due_at=later
        )
        body = {"delivery": delivery.pk} if names_it else {"since": "2026-03-04"}
        assert program("POST", path, body).json() == {"replayed": 1}
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.WAITING and delivery.step == 0
        assert delivery.due_at < later

    def test_no_other_endpoints(self, program: Program) -> None:
        one, two = program.make(), program.make()
        delivery = make_delivery(
            WebhookEndpoint.objects.get(public_id=one["id"]), DeliveryState.FAILED
        )
        answer = program("POST", f"/{two['id']}/replay", {"delivery": delivery.pk})
        assert answer.status_code == 404
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.FAILED

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"delivery": 1, "since": "2026-03-04"}, "#/delivery"),
            ({"delivery": "1"}, "#/delivery"),
            ({"delivery": 2**63}, "#/delivery"),
            ({"since": "yesterday"}, "#/since"),
            ({"since": 5}, "#/since"),
        ],
    )
    def test_one_of_the_two(self, program: Program, body: Any, pointer: str) -> None:
        refused(program("POST", f"/{program.make()['id']}/replay", body), pointer)
