"""What a sender reads: taking up what was asked for, as far as there is room."""

from datetime import timedelta
from typing import Any

import pytest

from lists.models import Realm
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks import lines
from reporting.webhooks.holding import Sight, look_around
from reporting.webhooks.lines import Line, Waiting
from reporting.webhooks.replays import replay_failed
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

QUEUED, WAITING = DeliveryState.QUEUED, DeliveryState.WAITING


@pytest.fixture
def endpoint(realm: Realm, monkeypatch: Any) -> WebhookEndpoint:
    """Up to five deliveries that were asked for are taken up, with five changes."""
    monkeypatch.setattr(lines, "MOST_ASKED_FOR", 5)
    return make.make_webhook_endpoint(realm)


def look(endpoint: WebhookEndpoint, line: Line) -> Sight:
    """As the sender does that serves it: what was found is added to its line."""
    sight = look_around({endpoint.pk: line}, set())
    for each in sight.waiting.get(endpoint.pk, ()):
        line.add(each)
    return sight


def found(sight: Sight, endpoint: WebhookEndpoint) -> list[int]:
    return [each.id for each in sight.waiting.get(endpoint.pk, ())]


def finish(line: Line) -> None:
    """One was delivered."""
    taken = line.take(make.NOW)
    assert isinstance(taken, Waiting)
    line.finish(taken)


class TestReplays:
    def test_as_many_as_there_is_room_for_oldest_first(self, endpoint: WebhookEndpoint) -> None:
        dead = [make_delivery(endpoint, state=DeliveryState.FAILED, step=10).pk for _ in range(12)]
        replay_failed(endpoint, make.NOW, asked_by="alice", actor=None, now=make.NOW)
        line = Line()
        sight = look(endpoint, line)
        assert found(sight, endpoint) == dead[:5]
        assert (sight.queued, sight.missed) == ({endpoint.pk}, set())
        assert found(look(endpoint, line), endpoint) == []
        finish(line)
        assert found(look(endpoint, line), endpoint) == dead[5:6]
        assert WebhookDelivery.objects.filter(state=QUEUED).count() == 6
        assert line.has_room(lines.MOST_UNFINISHED)

    def test_after_a_start_those_taken_up_before_count(self, endpoint: WebhookEndpoint) -> None:
        for _ in range(4):
            make_delivery(endpoint, state=WAITING, asked_by="alice", step=1)
        for _ in range(3):
            make_delivery(endpoint, state=QUEUED, asked_by="alice")
        sight = look_around({}, set())
        assert sight.taken == {endpoint.pk}
        assert len(found(sight, endpoint)) == 5
        assert sight.queued == {endpoint.pk}

    def test_batches_count_by_their_changes(self, endpoint: WebhookEndpoint) -> None:
        change = {"id": 1, "digest": "ab" * 16}
        batches = [
            make_delivery(endpoint, state=QUEUED, asked_by="alice", changes=[change] * size).pk
            for size in (2, 3, 1)
        ]
        assert found(look(endpoint, Line()), endpoint) == batches[:2]


class TestWhatWasMissed:
    """Nobody asked for it: it was given back by a list's callback, or failed before the endpoint was switched on again."""

    def test_comes_before_replays_and_before_the_ledger(self, endpoint: WebhookEndpoint) -> None:
        for _ in range(9):
            make_delivery(endpoint, state=QUEUED, asked_by="alice")
        missed = [make_delivery(endpoint, state=QUEUED).pk for _ in range(6)]
        line = Line()
        sight = look(endpoint, line)
        assert found(sight, endpoint) == missed[:5]
        assert sight.missed == {endpoint.pk}
        finish(line)
        sight = look(endpoint, line)
        assert found(sight, endpoint) == missed[5:]
        assert (sight.queued, sight.missed) == ({endpoint.pk}, set())


class TestTests:
    def test_are_taken_up_whatever_there_is_beside(self, endpoint: WebhookEndpoint) -> None:
        for _ in range(6):
            make_delivery(endpoint, state=QUEUED, asked_by="alice")
        line = Line()
        look(endpoint, line)
        test = make_delivery(endpoint, state=QUEUED, asked_by="alice", is_test=True)
        assert found(look(endpoint, line), endpoint) == [test.pk]

    def test_alone_of_an_endpoint_that_is_off(self, endpoint: WebhookEndpoint) -> None:
        WebhookEndpoint.objects.update(off_at=make.NOW - timedelta(days=1), off_cause="owner")
        make_delivery(endpoint, state=QUEUED)
        test = make_delivery(endpoint, state=QUEUED, is_test=True)
        sight = look(endpoint, Line())
        assert found(sight, endpoint) == [test.pk]
        assert sight.queued == set()


class TestOrder:
    def test_what_is_asked_for_again_comes_before_what_is_newer(
        self, endpoint: WebhookEndpoint
    ) -> None:
        dead = make_delivery(endpoint, state=QUEUED)
        waits = make_delivery(endpoint)
        assert found(look_around({}, set()), endpoint) == [dead.pk, waits.pk]
