"""How endpoints are: what a screen, a program and an operator's command are told of each.

Of any number of endpoints in three queries. Counts stop at MOST_COUNTED, and no more than LOOKED_THROUGH rows of the ledger are
looked through for each: a receiver that is dead for weeks makes no page slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models.expressions import RawSQL

from lists.choices import ListKind
from lists.prepared import fetch
from optout.choices import Kind, Medium
from reporting.models import (
    DeliveryState,
    FeedCursor,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)

MOST_COUNTED = 10_000  # waiting deliveries, and failed ones
LOOKED_THROUGH = 2_000  # rows of the ledger after an endpoint's cursor
TESTS_AMONG = 500  # its last deliveries, among which its last test is looked for

SENDER = "webhooks"  # its feed cursor is the sender's pulse, at most 5 s old while one runs
PULSE_LOST = timedelta(minutes=1)


class EndpointState(Enum):
    """What an endpoint does."""

    DELIVERING = "delivering"
    NEW = "new"  # it waits for its first delivery
    FAILING = "failing"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint is at a moment. Tests count nowhere but in `last_test`."""

    endpoint: WebhookEndpoint
    waiting: int  # deliveries, replays among them; at most MOST_COUNTED
    failed: int  # dead letters; at most MOST_COUNTED
    # When the oldest change was recorded that has not arrived; without what failed for good, and replays of it.
    behind_since: datetime | None
    is_unread: bool  # whether the sender has yet to read some of the ledger for it
    last_test: (
        WebhookDelivery | None
    )  # as far as it is among the last TESTS_AMONG; without `changes`
    now: datetime

    @property
    def state(self) -> EndpointState:
        if not self.endpoint.is_on:
            return EndpointState.OFF
        if self.endpoint.failing_since is not None:
            return EndpointState.FAILING
        return EndpointState.NEW if self.endpoint.succeeded_at is None else EndpointState.DELIVERING

    @property
    def since(self) -> datetime | None:
        """Since when it is off or fails."""
        return self.endpoint.off_at or self.endpoint.failing_since

    @property
    def delay(self) -> timedelta:
        """How late it is: the age of the oldest change that has not arrived."""
        if self.behind_since is None:
            return timedelta(0)
        return max(self.now - self.behind_since, timedelta(0))


def health_of(
    endpoints: Sequence[WebhookEndpoint], now: datetime, *, with_tests: bool = True
) -> list[Health]:
    """How these are, in their order. Three queries for all of them, two without their last tests; none for none."""
    if not endpoints:
        return []
    keys = [each.pk for each in endpoints]
    counted = {row[0]: row[1:] for row in fetch(_COUNT, {"endpoints": keys, "most": MOST_COUNTED})}
    unread = {
        row[0]: row[1:] for row in fetch(_UNREAD, {"endpoints": keys, "most": LOOKED_THROUGH})
    }
    tests = _last_tests(keys) if with_tests else {}
    return [
        _health(each, counted[each.pk], unread[each.pk], tests.get(each.pk), now)
        for each in endpoints
    ]


def is_sender_running(now: datetime) -> bool:
    """Whether some sender (`manage.py send_webhooks`) gave a sign of life within the last minute."""
    return FeedCursor.objects.filter(name=SENDER, moved_at__gt=now - PULSE_LOST).exists()


def _health(
    endpoint: WebhookEndpoint,
    counted: tuple[Any, ...],
    unread: tuple[Any, ...],
    last_test: WebhookDelivery | None,
    now: datetime,
) -> Health:
    waiting, failed, waiting_since = counted
    unread_since, has_more = unread
    oldest = [each for each in (waiting_since, unread_since) if each is not None]
    return Health(
        endpoint=endpoint,
        waiting=waiting,
        failed=failed,
        behind_since=min(oldest, default=None),
        is_unread=unread_since is not None or has_more,
        last_test=last_test,
        now=now,
    )


_COUNT = f"""
SELECT e.id, w.count, f.count, w.oldest
FROM reporting_webhookendpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS count, min(recorded_at) FILTER (WHERE asked_by = '') AS oldest FROM (
        SELECT recorded_at, asked_by FROM reporting_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state IN ({DeliveryState.QUEUED:d}, {DeliveryState.WAITING:d}) AND NOT d.is_test
        LIMIT %(most)s
    ) d
) w
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
        SELECT 1 FROM reporting_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state = {DeliveryState.FAILED:d} AND NOT d.is_test
        LIMIT %(most)s
    ) d
) f
WHERE e.id = ANY (%(endpoints)s)
"""  # noqa: S608 -- made of constants

# What the sender has yet to read for an endpoint. Rows that it may not read yet, while an older transaction runs, are among them.
_UNREAD = f"""
SELECT e.id, u.since, u.looked_through = %(most)s
FROM reporting_webhookendpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS looked_through, min(o.recorded_at) FILTER (
        WHERE l.id IS NOT NULL
        AND (e.list_ids IS NULL OR l.id = ANY (e.list_ids) OR l.kind = '{ListKind.GLOBAL}')
        AND (e.channels IS NULL OR o.channel = ANY (e.channels))
        AND (e.medium IS NULL OR o.medium = e.medium)
        AND (e.gets_lifts OR o.kind = {Kind.OPT_OUT:d})
        AND NOT (
            e.format <> '{WebhookFormat.STANDARD}' AND o.medium = {Medium.SMS:d}
            AND (o.kind = {Kind.LIFT:d} OR o.address IS NULL)
        )
        AND NOT (e.is_callback AND e.list_ids IS NULL AND EXISTS (
            SELECT FROM reporting_webhookendpoint c
            WHERE c.realm_id = e.realm_id AND c.is_callback AND c.removed_at IS NULL AND c.list_ids = ARRAY[l.id]
        ))
    ) AS since
    FROM (
        SELECT recorded_at, optout_list_id, kind, channel, medium, address FROM optout_optout o
        WHERE (o.xid, o.id) > (e.xid, e.last_id)
        ORDER BY o.xid, o.id
        LIMIT %(most)s
    ) o
    LEFT JOIN lists_list l ON l.id = o.optout_list_id AND l.realm_id = e.realm_id
) u
WHERE e.id = ANY (%(endpoints)s)
"""  # noqa: S608

# BETWEEN, and ordered as the index delivery_of_endpoint is: with an equal sign the order by id alone would be the same to the
# planner, and it might look for an endpoint's few deliveries among everybody's.
_LAST_TESTS = """
SELECT t.id FROM unnest(%s::int[]) e (id)
CROSS JOIN LATERAL (
    SELECT d.id FROM (
        SELECT d.id, d.is_test FROM reporting_webhookdelivery d
        WHERE d.endpoint_id BETWEEN e.id AND e.id ORDER BY d.endpoint_id, d.id DESC LIMIT %s
    ) d
    WHERE d.is_test ORDER BY d.id DESC LIMIT 1
) t
"""


def _last_tests(endpoints: Sequence[int]) -> dict[int, WebhookDelivery]:
    chosen = RawSQL(_LAST_TESTS, (endpoints, TESTS_AMONG))  # noqa: S611 -- a constant
    tests = WebhookDelivery.objects.filter(pk__in=chosen).defer("changes")
    return {each.endpoint_id: each for each in tests}
