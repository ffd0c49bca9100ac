"""One order of locks: endpoints before their deliveries, default callbacks first."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from lists.models import List, Realm
from reporting.feed import mend_feed
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.claims import claim, taker_of
from reporting.webhooks.endpoints import (
    change_endpoint,
    plan_of,
    remove_endpoint,
    set_callback_url,
    switch_on,
)
from reporting.webhooks.locks import lock_endpoints
from reporting.webhooks.outcomes import judge, write_outcomes
from reporting.webhooks.replays import replay_failed, replay_one
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery
from tests.reporting.webhooks.test_callbacks import is_somebody_waiting, set_url, wait_until
from tests.reporting.webhooks.test_mending import restore
from tests.reporting.webhooks.test_outcomes import failed, waiting
from tests.threads import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

NOW = make.NOW
BY: dict[str, Any] = {"actor": None, "now": NOW}
ASKED: dict[str, Any] = {"asked_by": "alice", "actor": None, "now": NOW}


def while_it_waits(work: Callable[[], object], look: Callable[[], None]) -> None:
    """Start it in a transaction of its own, and look what it has locked while it waits for what we hold."""

    def begin() -> None:
        with transaction.atomic():
            work()

    began = in_thread(begin)
    wait_until(lambda: began.done() or is_somebody_waiting())
    assert not began.done()
    look()
    transaction.on_commit(lambda: began.result(timeout=20))


def test_whoever_touches_deliveries_has_the_endpoint_first(realm: Realm) -> None:
    endpoint = make.make_webhook_endpoint(realm, off_at=NOW, off_cause="failing")
    other = make_delivery(endpoint)
    dead = make_delivery(endpoint, state=DeliveryState.FAILED, step=10)
    outcome = judge(waiting(id=other.pk), failed(), NOW, 0)
    plan = plan_of(make.make_webhook_endpoint(realm, url="https://crm.example/new"))

    def are_free() -> None:
        list(WebhookDelivery.objects.select_for_update(nowait=True))

    for work in (
        lambda: write_outcomes([(endpoint, outcome)]),
        lambda: replay_one(endpoint, dead.pk, **ASKED),
        lambda: replay_failed(endpoint, NOW, **ASKED),
        lambda: change_endpoint(endpoint, plan, **BY),
        lambda: switch_on(endpoint, skips_missed=False, **BY),
        lambda: switch_on(endpoint, skips_missed=True, **BY),
    ):
        with transaction.atomic():
            lock_endpoints([endpoint.pk])
            while_it_waits(work, are_free)


def test_whoever_locks_several_endpoints_has_the_default_one_first(
    realm: Realm, optout_list: List
) -> None:
    own, default = set_url(realm, optout_list), set_url(realm, None)
    assert own.pk < default.pk
    make.make_optout(optout_list)
    takers = [taker_of(own), taker_of(default)]
    takers[0].cursor = takers[1].cursor

    def is_own_free() -> None:
        WebhookEndpoint.objects.select_for_update(nowait=True, no_key=True).get(pk=own.pk)

    for work in (
        lambda: lock_endpoints([own.pk, default.pk]),
        lambda: claim(takers, None, timezone.now()),
        lambda: set_callback_url(realm, optout_list, "https://crm.example/new", **BY),
        lambda: remove_endpoint(own, **BY),
    ):
        with transaction.atomic():
            lock_endpoints([default.pk])
            while_it_waits(work, is_own_free)


def test_so_has_who_mends(realm: Realm, optout_list: List) -> None:
    make.make_optout(optout_list)
    own, default = set_url(realm, optout_list), set_url(realm, None)
    restore()

    def is_own_free() -> None:
        WebhookEndpoint.objects.select_for_update(nowait=True, no_key=True).get(pk=own.pk)

    with transaction.atomic():
        lock_endpoints([default.pk])
        while_it_waits(mend_feed, is_own_free)
    assert mend_feed() == {"renumbered": 0}
