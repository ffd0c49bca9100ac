"""What waits while an endpoint gets a format in which phones' opt-outs go alone."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from lists.models import Realm
from reporting.models import DeliveryState, Failure, WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.webhooks import splitting
from reporting.webhooks.locks import lock_endpoints
from reporting.webhooks.payloads import render, sample_change
from reporting.webhooks.splitting import split_batches
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

NOW = make.NOW
SMS = (WebhookFormat.SMS_JSON, WebhookFormat.SMS_FORM)
KEYS = {"timestamp", "unsubscribed_number", "source"}


@pytest.fixture
def endpoint(realm: Realm) -> WebhookEndpoint:
    return make.make_webhook_endpoint(realm)


def phone(number: int, **fields: Any) -> dict[str, Any]:
    at = NOW + timedelta(seconds=number)
    change = sample_change(WebhookFormat.SMS_JSON, at)
    return {**change, "id": number, "address": f"+1202555{number:04}", **fields}


def lift(number: int) -> dict[str, Any]:
    return phone(number, type="lift")


def hashed(number: int) -> dict[str, Any]:
    return phone(number, address=None)


def email(number: int) -> dict[str, Any]:
    at = NOW + timedelta(seconds=number)
    return {**sample_change(WebhookFormat.STANDARD, at), "id": number}


def split(
    endpoint: WebhookEndpoint, message_format: WebhookFormat = WebhookFormat.SMS_JSON
) -> list[WebhookDelivery]:
    """Change the format as its owner does; the rows then, as the sender reads them."""
    with transaction.atomic():
        lock_endpoints([endpoint.pk])
        endpoint.format = message_format
        endpoint.save(update_fields=("format",))
        split_batches(endpoint)
    return rows()


def rows() -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.order_by("pk"))


def told(found: list[WebhookDelivery]) -> list[list[int]]:
    return [[change["id"] for change in row.changes] for row in found]


def values(row: WebhookDelivery, *without: str) -> dict[str, Any]:
    names = [field.attname for field in WebhookDelivery._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in without}


def said(row: WebhookDelivery, message_format: WebhookFormat) -> dict[str, Any]:
    payload = render(message_format, row.changes, is_test=False, now=NOW)
    if payload.content_type == "application/json":
        result: dict[str, Any] = json.loads(payload.body)
        return result
    return {key: value for key, (value,) in parse_qs(payload.body.decode()).items()}


class TestABatchOfPhones:
    @pytest.mark.parametrize("state", [1, 2, 4])
    @pytest.mark.parametrize("message_format", SMS)
    def test_becomes_a_message_for_each(
        self, endpoint: WebhookEndpoint, message_format: WebhookFormat, state: int
    ) -> None:
        make_delivery(endpoint, changes=[phone(1), phone(2), phone(3)], state=state)

        found = split(endpoint, message_format)

        texts = [said(row, message_format) for row in found]
        assert all(text.keys() == KEYS for text in texts)
        numbers = [text["unsubscribed_number"] for text in texts]
        assert numbers == ["+12025550001", "+12025550002", "+12025550003"]

    @pytest.mark.parametrize("state", [1, 2, 4])
    def test_each_part_has_come_as_far(self, endpoint: WebhookEndpoint, state: int) -> None:
        before = make_delivery(
            endpoint,
            changes=[phone(1), phone(2), phone(3)],
            state=state,
            step=3,
            tries=4,
            due_at=NOW + timedelta(hours=1),
            recorded_at=NOW + timedelta(seconds=1),
            created_at=NOW + timedelta(minutes=1),
            first_tried_at=NOW + timedelta(minutes=2),
            tried_at=NOW + timedelta(minutes=3),
            took_ms=5,
            status=500,
            failure=Failure.STATUS,
            answer="Oops",
            asked_by="alice",
        )

        first, *further = split(endpoint)

        assert values(first, "id", "changes") == values(before, "id", "changes")
        assert len({first.message, *(row.message for row in further)}) == 3
        for row in further:
            own = ("id", "changes", "message", "recorded_at")
            assert values(row, *own) == values(before, *own)
            assert row.recorded_at == datetime.fromisoformat(row.changes[0]["recorded_at"])

    def test_what_does_not_go_out_is_left_out(self, endpoint: WebhookEndpoint) -> None:
        for state in (DeliveryState.WAITING, DeliveryState.QUEUED, DeliveryState.FAILED):
            make_delivery(endpoint, changes=[lift(1), hashed(2)], state=state)
            make_delivery(endpoint, changes=[lift(3)], state=state)
            make_delivery(endpoint, changes=[lift(4), phone(5)], state=state)
            make_delivery(endpoint, changes=[phone(6), hashed(7), phone(8)], state=state)
            make_delivery(endpoint, changes=[lift(9)], state=state)
        found = split(endpoint)
        for state in (DeliveryState.WAITING, DeliveryState.QUEUED, DeliveryState.FAILED):
            assert told([row for row in found if row.state == state]) == [[5], [6], [8]]

    def test_emails_stay_together_around_a_phone(self, endpoint: WebhookEndpoint) -> None:
        make_delivery(endpoint, changes=[email(1), email(2), phone(3), email(4), lift(5), email(6)])
        found = split(endpoint)
        assert told(found) == [[1, 2], [3], [4, 6]]
        types = [said(row, WebhookFormat.SMS_JSON).get("type") for row in found]
        assert types == ["changes.batch", None, "changes.batch"]


class TestOrder:
    def test_what_comes_after_a_split_one_stays_after_it(self, endpoint: WebhookEndpoint) -> None:
        waiting, queued = DeliveryState.WAITING, DeliveryState.QUEUED
        made = [
            make_delivery(endpoint, changes=[phone(1)], state=waiting),
            make_delivery(endpoint, changes=[lift(2), phone(3)], state=queued),
            make_delivery(endpoint, changes=[phone(4), phone(5)], state=waiting),
            make_delivery(endpoint, changes=[email(6), email(7)], state=queued, asked_by="alice"),
            make_delivery(endpoint, changes=[phone(8)], state=waiting),
            make_delivery(endpoint, changes=[phone(9), phone(10)], state=queued),
        ]

        found = split(endpoint)

        assert told(found) == [[1], [3], [4], [5], [6, 7], [8], [9], [10]]
        assert [row.pk for row in found[:2]] == [row.pk for row in made[:2]]
        assert found[2].pk > made[-1].pk
        assert [found[n].message for n in (0, 1, 2, 4, 5, 6)] == [row.message for row in made]
        for place, row in ((4, made[3]), (5, made[4])):
            assert values(found[place], "id") == values(row, "id")

    def test_it_holds_over_several_parts(
        self, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(splitting, "AT_ONCE", 2)
        monkeypatch.setattr(splitting, "_INSERTED_AT_ONCE", 3)
        for state in (DeliveryState.WAITING, DeliveryState.FAILED):
            for n in range(0, 6, 2):
                make_delivery(endpoint, changes=[phone(n)], state=state)
            for n in range(10, 40, 5):
                make_delivery(endpoint, changes=[phone(n + m) for m in range(5)], state=state)
        found = split(endpoint)
        waiting = [row for row in found if row.state == DeliveryState.WAITING]
        assert told(waiting) == [[n] for n in (0, 2, 4, *range(10, 40))]
        failed = [row for row in found if row.state == DeliveryState.FAILED]
        assert sorted(told(failed)) == told(waiting)


class TestNothingChanges:
    @pytest.fixture
    def others(self, endpoint: WebhookEndpoint, realm: Realm) -> None:
        """What no format splits."""
        another = make.make_webhook_endpoint(realm)
        batch = [phone(1), phone(2)]
        make_delivery(another, changes=batch)
        make_delivery(endpoint, changes=batch, state=DeliveryState.DELIVERED)
        make_delivery(endpoint, changes=[lift(0)], is_test=True)
        for state in (DeliveryState.WAITING, DeliveryState.QUEUED, DeliveryState.FAILED):
            make_delivery(endpoint, changes=[email(3), email(4)], state=state)
            make_delivery(endpoint, changes=[phone(5)], state=state, message=uuid.uuid4())

    @pytest.mark.usefixtures("others")
    @pytest.mark.parametrize("message_format", WebhookFormat)
    def test_where_nothing_has_to_be_split(
        self, endpoint: WebhookEndpoint, message_format: WebhookFormat
    ) -> None:
        before = [values(row) for row in rows()]
        assert [values(row) for row in split(endpoint, message_format)] == before

    def test_in_a_format_that_takes_batches(self, endpoint: WebhookEndpoint) -> None:
        make_delivery(endpoint, changes=[phone(1), lift(2)])
        before = [values(row) for row in rows()]
        assert [values(row) for row in split(endpoint, WebhookFormat.STANDARD)] == before

    def test_where_there_is_nothing(self, endpoint: WebhookEndpoint) -> None:
        assert split(endpoint) == []


class TestCost:
    def test_more_rows_take_no_more_queries(self, endpoint: WebhookEndpoint) -> None:
        def count(deliveries: int) -> int:
            WebhookDelivery.objects.all().delete()
            for state in (DeliveryState.WAITING, DeliveryState.FAILED):
                make_delivery(endpoint, changes=[lift(0), phone(1)], state=state)
                for _ in range(deliveries):
                    make_delivery(endpoint, changes=[phone(2), phone(3), lift(4)], state=state)
            with CaptureQueriesContext(connection) as queries:
                split_batches(endpoint)
            return len(queries)

        endpoint.format = WebhookFormat.SMS_JSON
        assert count(20) == count(1) <= 20
