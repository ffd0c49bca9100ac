"""The delivery log of an endpoint."""

from datetime import timedelta

import pytest

from lists.models import Realm
from reporting.models import DeliveryState, WebhookDelivery, WebhookFormat
from reporting.webhooks import log
from reporting.webhooks.log import Chosen, count_daily, find_delivery, read_log, show_request
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

NOW = make.NOW
DAY = timedelta(days=1)


class TestPages:
    def test_newest_first_to_and_fro(self, realm: Realm, django_assert_num_queries) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        make_delivery(make.make_webhook_endpoint(realm))
        ids = [make_delivery(endpoint).pk for _ in range(5)][::-1]

        with django_assert_num_queries(1):
            first = read_log(endpoint, size=2)
        second = read_log(endpoint, after=first.older, size=2)
        third = read_log(endpoint, after=second.older, size=2)

        pages = (first, second, third)
        assert [[line.delivery.pk for line in page.lines] for page in pages] == [
            ids[:2],
            ids[2:4],
            ids[4:],
        ]
        assert (first.newer, third.older) == (None, None)
        back = read_log(endpoint, before=third.newer, size=2)
        assert back == second
        newest = read_log(endpoint, before=back.newer, size=2)
        assert (newest.lines, newest.newer) == (first.lines, None)
        assert newest.older == first.older

    def test_which_deliveries(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        made = {state: make_delivery(endpoint, state=state) for state in DeliveryState}
        test = make_delivery(endpoint, state=DeliveryState.FAILED, is_test=True)
        queued, waiting, delivered, failed = (made[state] for state in DeliveryState)
        for chosen, shown in (
            (Chosen.ALL, [test, failed, delivered, waiting, queued]),
            (Chosen.WAITING, [waiting, queued]),
            (Chosen.DELIVERED, [delivered]),
            (Chosen.FAILED, [failed]),
            (Chosen.TESTS, [test]),
        ):
            assert [line.delivery for line in read_log(endpoint, chosen).lines] == shown

    def test_an_old_test_among_many_deliveries_is_not_looked_for(
        self, realm: Realm, monkeypatch
    ) -> None:
        monkeypatch.setattr(log, "LOOKED_THROUGH", 2)
        endpoint = make.make_webhook_endpoint(realm)
        make_delivery(endpoint, is_test=True)
        make_delivery(endpoint)
        assert len(read_log(endpoint, Chosen.TESTS).lines) == 1
        make_delivery(endpoint)
        assert not read_log(endpoint, Chosen.TESTS).lines

    def test_a_line_knows_the_first_change_and_how_many_there_are(
        self, realm: Realm, django_assert_num_queries
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        batch = make_delivery(endpoint)
        change = batch.changes[0]
        WebhookDelivery.objects.update(changes=[{**change, "id": n} for n in range(30)])
        with django_assert_num_queries(1):
            (line,) = read_log(endpoint).lines
            assert (line.first, line.size) == ({**change, "id": 0}, 30)
            assert line.delivery.webhook_id == batch.webhook_id


class TestOneDelivery:
    def test_is_found_by_its_number_below_its_endpoint(self, realm: Realm) -> None:
        endpoint, other = (make.make_webhook_endpoint(realm) for _ in range(2))
        delivery = make_delivery(endpoint)
        assert find_delivery(endpoint, delivery.pk) == delivery
        assert find_delivery(other, delivery.pk) is None
        for number in (0, -1, 2**63, 10**30):
            assert find_delivery(endpoint, number) is None

    def test_what_was_sent_without_the_signature(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, format=WebhookFormat.SMS_FORM)
        delivery = make_delivery(endpoint, tried_at=NOW)
        assert show_request(endpoint, delivery, NOW + DAY) == log.ShownRequest(
            url=endpoint.url,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "user-agent": "Heed-Webhooks/1",
                "webhook-id": delivery.webhook_id,
                "webhook-timestamp": str(int(NOW.timestamp())),
            },
            body="timestamp=2026-03-04T12%3A00%3A00Z&unsubscribed_number=jane%40example.com&source=Optout+Link",
        )


class TestDays:
    def test_what_became_of_them(self, realm: Realm, django_assert_num_queries) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        for ago, state in (
            (7, DeliveryState.FAILED),
            (6, DeliveryState.FAILED),
            (1, DeliveryState.DELIVERED),
            (1, DeliveryState.DELIVERED),
            (0, DeliveryState.WAITING),
            (0, DeliveryState.QUEUED),
        ):
            make_delivery(endpoint, state=state, created_at=NOW - ago * DAY)
        make_delivery(endpoint, is_test=True)
        with django_assert_num_queries(1):
            daily = count_daily(endpoint, NOW)
        assert daily.days[0] == (NOW - 6 * DAY).date() and daily.days[-1] == NOW.date()
        assert daily.failed == [1, 0, 0, 0, 0, 0, 0]
        assert daily.delivered == [0, 0, 0, 0, 0, 2, 0]
        assert daily.waiting == [0, 0, 0, 0, 0, 0, 2]
        assert not daily.is_cut

    def test_of_very_many_only_the_last_ones(self, realm: Realm, monkeypatch) -> None:
        monkeypatch.setattr(log, "LOOKED_THROUGH", 3)
        endpoint = make.make_webhook_endpoint(realm)
        for ago in (1, 1, 0, 0):
            make_delivery(endpoint, created_at=NOW - ago * DAY)
        daily = count_daily(endpoint, NOW)
        assert daily.waiting[-2:] == [1, 2] and daily.is_cut
