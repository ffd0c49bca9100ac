from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from lists.models import AuditEntry, Realm
from reporting.models import DeliveryState, Failure, OffCause, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from reporting.webhooks.lines import Line, Waiting
from reporting.webhooks.outcomes import (
    Outcome,
    judge,
    off_cause,
    settle,
    switch_off,
    write_health,
    write_outcomes,
)
from reporting.webhooks.posting import Try
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

NOW = make.NOW
HOUR = timedelta(hours=1)
TAKEN = Try(200, "", "ok", 12, None)


def failed(status: int | None = 500, retry_after: timedelta | None = None) -> Try:
    failure = Failure.TIMEOUT if status is None else Failure.STATUS
    return Try(status, failure, "no", 12, retry_after)


def waiting(**fields: Any) -> Waiting:
    return Waiting(**{"id": 1, "message": uuid4(), "is_test": False, "due_at": NOW, **fields})


class TestJudging:
    def test_a_success_is_the_end(self) -> None:
        outcome = judge(waiting(), TAKEN, NOW, 0)
        assert outcome.state == DeliveryState.DELIVERED
        assert (outcome.step, outcome.tries, outcome.status) == (1, 1, 200)
        assert (outcome.first_tried_at, outcome.tried_at) == (NOW, NOW)

    @pytest.mark.parametrize("status", [None, 301, 400, 404, 500])
    def test_whatever_else_comes_it_is_tried_again(self, status: int | None) -> None:
        outcome = judge(waiting(step=2, tries=2, first_tried_at=NOW - HOUR), failed(status), NOW, 0)
        assert outcome.state == DeliveryState.WAITING
        assert (outcome.step, outcome.tries) == (3, 3)
        assert outcome.due_at == NOW + timedelta(minutes=30)
        assert outcome.first_tried_at == NOW - HOUR

    def test_after_the_tenth_it_is_a_dead_letter(self) -> None:
        outcome = judge(waiting(step=9, tries=14), failed(), NOW, 0)
        assert outcome.state == DeliveryState.FAILED
        assert (outcome.step, outcome.tries) == (10, 15)

    def test_a_receiver_that_asks_for_time_gets_it(self) -> None:
        outcome = judge(waiting(), failed(429, timedelta(seconds=90)), NOW, 0)
        assert outcome.due_at == NOW + timedelta(seconds=90)

    def test_a_try_out_of_turn_leaves_the_timetable_alone(self) -> None:
        later = waiting(step=4, due_at=NOW + HOUR)
        outcome = judge(later, failed(), NOW, 0)
        assert (outcome.step, outcome.due_at, outcome.tries) == (4, NOW + HOUR, 1)
        asked = judge(later, failed(503, 2 * HOUR), NOW, 0)
        assert (asked.step, asked.due_at) == (4, NOW + 2 * HOUR)

    def test_one_that_is_gone_keeps_its_tries(self) -> None:
        outcome = judge(waiting(step=9), failed(410), NOW, 0)
        assert (outcome.state, outcome.step, outcome.due_at) == (DeliveryState.WAITING, 9, NOW)

    @pytest.mark.parametrize("status", [500, 410])
    def test_a_test_has_one_try(self, status: int) -> None:
        outcome = judge(waiting(is_test=True), failed(status), NOW, 0)
        assert outcome.state == DeliveryState.FAILED


class TestSettling:
    def test_one_that_failed_waits_for_its_time_and_is_read_anew(self) -> None:
        line, delivery = Line(), waiting(text="[]", read_at=NOW)
        line.add(delivery)
        line.take(NOW)
        tried = failed(429, timedelta(seconds=60))
        settle(line, delivery, judge(delivery, tried, NOW, 0), tried)
        assert (delivery.tries, delivery.step, delivery.text) == (1, 1, None)
        assert delivery.due_at == delivery.not_before == NOW + timedelta(seconds=60)
        assert len(line) == 1 and line.running == 0

    def test_one_that_arrived_is_forgotten(self) -> None:
        line, delivery = Line(), waiting()
        line.add(delivery)
        line.take(NOW)
        settle(line, delivery, judge(delivery, TAKEN, NOW, 0), TAKEN)
        assert len(line) == 0


class TestSwitchingOff:
    def outcome(self, status: int = 500, **fields: Any) -> Outcome:
        return judge(waiting(**fields), failed(status), NOW, 0)

    def test_for_who_is_gone(self) -> None:
        assert off_cause(Line(), self.outcome(410)) == OffCause.GONE

    def test_for_who_took_nothing_in_all_the_time(self) -> None:
        dead = self.outcome(step=9, first_tried_at=NOW - 75 * HOUR)
        assert off_cause(Line(), dead) == OffCause.FAILING
        assert off_cause(Line(succeeded_at=NOW - 76 * HOUR), dead) == OffCause.FAILING

    def test_not_for_who_took_others(self) -> None:
        dead = self.outcome(step=9, first_tried_at=NOW - 75 * HOUR)
        assert off_cause(Line(succeeded_at=NOW - HOUR), dead) is None

    def test_not_for_one_failure(self) -> None:
        assert off_cause(Line(), self.outcome()) is None


@pytest.mark.django_db
class TestWriting:
    @pytest.fixture
    def endpoint(self, realm: Realm) -> WebhookEndpoint:
        plan = EndpointPlan("https://crm.example/in?token=secret")
        return make_endpoint(realm, plan, actor=None, now=timezone.now())

    def of(self, delivery: WebhookDelivery, tried: Try, **fields: Any) -> Outcome:
        return judge(waiting(id=delivery.pk, **fields), tried, NOW, 0)

    def test_many_in_one_statement(
        self, endpoint: WebhookEndpoint, django_assert_num_queries: Any
    ) -> None:
        first, second = make_delivery(endpoint), make_delivery(endpoint)
        outcomes = [(endpoint, self.of(first, TAKEN)), (endpoint, self.of(second, failed()))]
        with django_assert_num_queries(2):  # lock, write
            write_outcomes(outcomes)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, first.status, first.answer) == (DeliveryState.DELIVERED, 200, "ok")
        assert (second.state, second.failure, second.step) == (DeliveryState.WAITING, "status", 1)
        assert second.due_at == NOW + timedelta(seconds=5)
        assert (second.tries, second.took_ms, second.tried_at) == (1, 12, NOW)

    def test_of_two_tries_of_one_the_last_counts(self, endpoint: WebhookEndpoint) -> None:
        delivery = make_delivery(endpoint)
        first, second = self.of(delivery, failed()), self.of(delivery, TAKEN, tries=1)
        write_outcomes([(endpoint, first), (endpoint, second)])
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 2)

    @pytest.mark.parametrize(
        ("tried", "state"), [(failed(), DeliveryState.FAILED), (TAKEN, DeliveryState.DELIVERED)]
    )
    def test_what_was_given_up_meanwhile_stays_so_unless_it_arrived(
        self, endpoint: WebhookEndpoint, tried: Try, state: DeliveryState
    ) -> None:
        delivery = make_delivery(endpoint, state=DeliveryState.FAILED)
        write_outcomes([(endpoint, self.of(delivery, tried))])
        delivery.refresh_from_db()
        assert delivery.state == state

    def test_how_endpoints_do(self, endpoint: WebhookEndpoint) -> None:
        line = Line(succeeded_at=NOW - HOUR)
        line.note_failure(NOW)
        write_health([(endpoint, line)])
        endpoint.refresh_from_db()
        assert (endpoint.succeeded_at, endpoint.failed_at) == (NOW - HOUR, NOW)
        assert endpoint.failing_since == NOW

    def test_of_one_that_was_changed_since_only_what_arrived_counts(
        self, endpoint: WebhookEndpoint
    ) -> None:
        first, second = make_delivery(endpoint), make_delivery(endpoint)
        WebhookEndpoint.objects.update(revision=endpoint.revision + 1)
        write_outcomes(
            [(endpoint, self.of(first, TAKEN)), (endpoint, self.of(second, failed(), step=9))]
        )
        line = Line()
        line.note_failure(NOW)
        write_health([(endpoint, line)])
        switch_off(endpoint, OffCause.GONE, NOW)
        first.refresh_from_db()
        second.refresh_from_db()
        endpoint.refresh_from_db()
        assert (first.state, second.state) == (DeliveryState.DELIVERED, DeliveryState.WAITING)
        assert second.tries == 0
        assert endpoint.is_on and endpoint.failing_since is None

    def test_switching_off_is_audited_without_the_url(self, endpoint: WebhookEndpoint) -> None:
        switch_off(endpoint, OffCause.GONE, NOW)
        switch_off(endpoint, OffCause.FAILING, NOW)
        endpoint.refresh_from_db()
        assert (endpoint.off_at, endpoint.off_cause) == (NOW, OffCause.GONE)
        entry = AuditEntry.objects.get(action="switch_off_webhook")
        assert entry.detail == {"webhook": endpoint.public_id, "cause": "gone"}
