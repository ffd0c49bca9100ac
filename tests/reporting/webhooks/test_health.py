"""How endpoints are: states, counts, delay, and whether a sender runs."""

from datetime import timedelta

import pytest

from lists.models import List, Realm
from optout.choices import Channel, Medium
from reporting.feed import START
from reporting.models import (
    DeliveryState,
    FeedCursor,
    OffCause,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks import health
from reporting.webhooks.health import EndpointState, Health, health_of, is_sender_running
from reporting.webhooks.holding import PULSE
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

NOW = make.NOW
HOUR = timedelta(hours=1)
QUEUED, WAITING = DeliveryState.QUEUED, DeliveryState.WAITING


def of(endpoint: WebhookEndpoint, now=NOW + HOUR) -> Health:
    (found,) = health_of([endpoint], now)
    return found


class TestState:
    @pytest.mark.parametrize(
        ("fields", "state", "since"),
        [
            ({}, EndpointState.NEW, None),
            ({"succeeded_at": NOW}, EndpointState.DELIVERING, None),
            ({"succeeded_at": NOW, "failing_since": NOW}, EndpointState.FAILING, NOW),
            ({"failing_since": NOW}, EndpointState.FAILING, NOW),
            (
                {"failing_since": NOW, "off_at": NOW + HOUR, "off_cause": OffCause.GONE},
                EndpointState.OFF,
                NOW + HOUR,
            ),
        ],
    )
    def test_of_an_endpoint(self, realm: Realm, fields, state, since) -> None:
        found = of(make.make_webhook_endpoint(realm, **fields))
        assert (found.state, found.since) == (state, since)


class TestCounts:
    def test_what_waits_and_what_failed(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        for state in (QUEUED, WAITING, WAITING, DeliveryState.FAILED, DeliveryState.DELIVERED):
            make_delivery(endpoint, state=state)
        make_delivery(endpoint, is_test=True)
        make_delivery(endpoint, is_test=True, state=DeliveryState.FAILED)
        make_delivery(make.make_webhook_endpoint(realm))
        found = of(endpoint)
        assert (found.waiting, found.failed) == (3, 1)

    def test_they_stop_somewhere(self, realm: Realm, monkeypatch) -> None:
        monkeypatch.setattr(health, "MOST_COUNTED", 2)
        endpoint = make.make_webhook_endpoint(realm)
        for _ in range(3):
            make_delivery(endpoint)
            make_delivery(endpoint, state=DeliveryState.FAILED)
        found = of(endpoint)
        assert (found.waiting, found.failed) == (2, 2)

    def test_what_no_sender_has_read_waits_too(
        self, realm: Realm, optout_list: List, monkeypatch
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, optout_list)
        make_delivery(endpoint)
        for name in "abc":
            make.make_optout(optout_list, f"{name}@example.com")
        make.make_optout(make.make_list(realm, 2))
        found = of(endpoint)
        assert (found.waiting, found.waiting_is_more, found.waiting_in_words) == (4, False, "4")

        monkeypatch.setattr(health, "LOOKED_THROUGH", 2)
        found = of(endpoint)
        assert (found.waiting, found.waiting_is_more) == (3, True)
        assert found.waiting_in_words == "3 or more"

    def test_since_when_something_failed(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        failed = DeliveryState.FAILED
        make_delivery(endpoint, recorded_at=NOW - 4 * HOUR)
        make_delivery(endpoint, recorded_at=NOW - 3 * HOUR, state=failed, is_test=True)
        assert of(endpoint).failed_since is None
        make_delivery(endpoint, recorded_at=NOW - HOUR, state=failed)
        make_delivery(endpoint, recorded_at=NOW - 2 * HOUR, state=failed)
        assert of(endpoint).failed_since == NOW - 2 * HOUR

    def test_whether_its_last_test_arrived(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        assert not of(endpoint).is_tested
        make_delivery(endpoint, is_test=True, state=DeliveryState.FAILED)
        make_delivery(endpoint, is_test=True, state=DeliveryState.DELIVERED)
        make_delivery(endpoint)
        assert of(endpoint).is_tested
        make_delivery(endpoint, is_test=True, state=DeliveryState.FAILED)
        assert not of(endpoint).is_tested


class TestDelay:
    def test_none_where_all_has_arrived(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        make_delivery(endpoint, state=DeliveryState.DELIVERED)
        make_delivery(endpoint, state=DeliveryState.FAILED)
        make_delivery(endpoint, state=QUEUED, asked_by="alice")  # a replay is no delay
        make_delivery(endpoint, is_test=True)
        found = of(endpoint)
        assert (found.behind_since, found.delay, found.is_unread) == (None, timedelta(0), False)

    def test_is_the_age_of_the_oldest_change_that_waits(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        make_delivery(endpoint, recorded_at=NOW - HOUR)
        make_delivery(endpoint, recorded_at=NOW - 3 * HOUR)
        make.make_optout(make.do_not_mail(realm))
        found = of(endpoint)
        assert found.delay == 4 * HOUR and found.is_unread

    def test_or_of_the_oldest_that_no_sender_has_read(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, optout_list)
        make.make_optout(optout_list)
        make.make_optout(optout_list, "joe@example.com", requested_at=NOW + HOUR)
        found = of(endpoint)
        assert found.is_unread and found.delay == HOUR

    def test_only_of_what_it_is_told_of(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        both = [optout_list, other]
        yes = {
            "the whole realm": make.make_webhook_endpoint(realm),
            "its list": make.make_webhook_endpoint(realm, optout_list),
            "its channel": make.make_webhook_endpoint(realm, channels=[Channel.PAGE]),
            "its medium": make.make_webhook_endpoint(realm, *both, medium=Medium.SMS),
            "a callback": make.make_webhook_endpoint(
                realm, is_callback=True, format=WebhookFormat.SMS_FORM
            ),
        }
        no = {
            "another list": make.make_webhook_endpoint(realm, other),
            "another channel": make.make_webhook_endpoint(realm, channels=[Channel.S2S]),
            "another medium": make.make_webhook_endpoint(realm, medium=Medium.EMAIL),
            "another realm": make.make_webhook_endpoint(make.make_realm("other")),
        }
        make.make_optout(optout_list, "+14155550123")
        found = health_of([*yes.values(), *no.values()], NOW)
        assert [each.is_unread for each in found] == [True] * len(yes) + [False] * len(no)

        make.make_webhook_endpoint(realm, optout_list, is_callback=True)
        assert not of(yes["a callback"]).is_unread
        make.make_optout(make.do_not_mail(realm))
        for endpoint in (yes["a callback"], no["another list"]):
            assert of(endpoint).is_unread

    def test_a_long_way_to_read_is_a_delay_of_which_the_age_is_not_known(
        self, realm: Realm, optout_list: List, monkeypatch
    ) -> None:
        monkeypatch.setattr(health, "LOOKED_THROUGH", 2)
        endpoint = make.make_webhook_endpoint(realm, make.make_list(realm, 2))
        make.make_optout(optout_list, "a@example.com")
        assert not of(endpoint).is_unread and of(endpoint).delay_seconds == 0
        make.make_optout(optout_list, "b@example.com")
        found = of(endpoint)
        assert found.is_unread and found.behind_since is None and found.delay_seconds is None
        assert (found.waiting, found.waiting_is_more) == (0, True)


class TestManyAtOnce:
    def test_two_queries_however_many_there_are(
        self, realm: Realm, django_assert_num_queries
    ) -> None:
        endpoints = [make.make_webhook_endpoint(realm) for _ in range(5)]
        for endpoint in endpoints:
            make_delivery(endpoint)
            make_delivery(endpoint, is_test=True, state=DeliveryState.DELIVERED)
        with django_assert_num_queries(2):
            found = health_of(endpoints[::-1], NOW)
        assert [each.endpoint for each in found] == endpoints[::-1]
        assert all(each.is_tested for each in found)
        with django_assert_num_queries(0):
            assert health_of([], NOW) == []


class TestTheSender:
    def test_runs_while_it_gives_signs_of_life(self, db: None) -> None:
        assert not is_sender_running(NOW)
        FeedCursor.objects.create(
            name=PULSE, xid=START.xid, last_id=START.last_id, moved_at=NOW - timedelta(seconds=59)
        )
        assert is_sender_running(NOW)
        assert not is_sender_running(NOW + timedelta(seconds=1))
