"""How endpoints are: what a screen, a program and an operator's command are told of each.

Of any number of endpoints in two queries. Counts stop at MOST_COUNTED, and no more than LOOKED_THROUGH rows of the ledger are
looked through for each: a receiver that is dead for weeks makes no page slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from lists.choices import ListKind
from lists.prepared import fetch
from optout.choices import Kind, Medium
from reporting.models import (
    DeliveryState,
    FeedCursor,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks.holding import PULSE

MOST_COUNTED = 10_000  # waiting deliveries, and failed ones
LOOKED_THROUGH = 2_000  # rows of the ledger after an endpoint's cursor
TESTS_AMONG = 500  # its last deliveries, among which its last test is looked for

PULSE_LOST = timedelta(minutes=1)  # at most 5 s old while a sender runs


class EndpointState(Enum):
    """What an endpoint does."""

    DELIVERING = "delivering"
    NEW = "new"  # it waits for its first delivery
    FAILING = "failing"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint is at a moment. Tests count nowhere but in `is_tested`."""

    endpoint: WebhookEndpoint
    # Deliveries that have not arrived, replays among them, and changes that no sender has made into deliveries yet.
    waiting: int
    waiting_is_more: bool  # not all was looked through: at least so many
    failed: int  # dead letters; at most MOST_COUNTED
    failed_since: datetime | None  # when the oldest change was recorded that is in one of them
    # When the oldest change was recorded that has not arrived; without what failed for good, and replays of it.
    behind_since: datetime | None
    is_unread: bool  # whether the sender has yet to read some of the ledger for it
    # Whether its last test arrived, where nothing else ever did; as far as it is among the last TESTS_AMONG.
    is_tested: bool
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
    def delay(self) -> timedelta | None:
        """How late it is: the age of the oldest change that has not arrived. None where that one was not found."""
        if self.behind_since is None:
            return None if self.is_unread else timedelta(0)
        return max(self.now - self.behind_since, timedelta(0))

    @property
    def delay_seconds(self) -> int | None:
        """The same for programs."""
        return None if self.delay is None else int(self.delay.total_seconds())

    @property
    def waiting_in_words(self) -> str:
        """For people: "34", or "2,000 or more"."""
        count = f"{self.waiting:,}"
        return _("%(count)s or more") % {"count": count} if self.waiting_is_more else count


def health_of(endpoints: Sequence[WebhookEndpoint], now: datetime) -> list[Health]:
    """How these are, in their order. Two queries for all of them; none for none."""
    if not endpoints:
        return []
    keys = [each.pk for each in endpoints]
    limits = {"most": MOST_COUNTED, "tests": TESTS_AMONG}
    counted = {row[0]: row[1:] for row in fetch(_COUNT, {"endpoints": keys, **limits})}
    unread = {
        row[0]: row[1:] for row in fetch(_UNREAD, {"endpoints": keys, "most": LOOKED_THROUGH})
    }
    return [_health(each, counted[each.pk], unread[each.pk], now) for each in endpoints]


def is_sender_running(now: datetime) -> bool:
    """Whether some sender (`manage.py send_webhooks`) gave a sign of life within the last minute."""
    return FeedCursor.objects.filter(name=PULSE, moved_at__gt=now - PULSE_LOST).exists()


def _health(
    endpoint: WebhookEndpoint,
    counted: tuple[Any, ...],
    not_read: tuple[Any, ...],
    now: datetime,
) -> Health:
    waiting, waiting_since, failed, failed_since, last_test = counted
    unread, unread_since, has_more = not_read
    oldest = [each for each in (waiting_since, unread_since) if each is not None]
    return Health(
        endpoint=endpoint,
        waiting=waiting + unread,
        waiting_is_more=has_more or waiting >= MOST_COUNTED,
        failed=failed,
        failed_since=failed_since,
        behind_since=min(oldest, default=None),
        is_unread=unread > 0 or has_more,
        is_tested=last_test == DeliveryState.DELIVERED,
        now=now,
    )


# The last test is looked for by BETWEEN, and ordered as the index delivery_of_endpoint is: with an equal sign the order by id
# alone would be the same to the planner, and it might look for an endpoint's few deliveries among everybody's.
_COUNT = f"""
SELECT e.id, w.count, w.oldest, f.count, f.oldest, t.state
FROM reporting_webhookendpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS count, min(recorded_at) FILTER (WHERE asked_by = '') AS oldest FROM (
        SELECT recorded_at, asked_by FROM reporting_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state IN ({DeliveryState.QUEUED:d}, {DeliveryState.WAITING:d}) AND NOT d.is_test
        LIMIT %(most)s
    ) d
) w
CROSS JOIN LATERAL (
    SELECT count(*) AS count, min(recorded_at) AS oldest FROM (
        SELECT recorded_at FROM reporting_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state = {DeliveryState.FAILED:d} AND NOT d.is_test
        ORDER BY recorded_at
        LIMIT %(most)s
    ) d
) f
LEFT JOIN LATERAL (
    SELECT d.state FROM (
        SELECT d.id, d.is_test, d.state FROM reporting_webhookdelivery d
        WHERE d.endpoint_id BETWEEN e.id AND e.id AND e.succeeded_at IS NULL
        ORDER BY d.endpoint_id, d.id DESC LIMIT %(tests)s
    ) d
    WHERE d.is_test ORDER BY d.id DESC LIMIT 1
) t ON true
WHERE e.id = ANY (%(endpoints)s)
"""  # noqa: S608 -- made of constants

# What the sender has yet to read for an endpoint. Rows that it may not read yet, while an older transaction runs, are among them.
_UNREAD = f"""
SELECT e.id, u.count, u.since, u.looked_through = %(most)s
FROM reporting_webhookendpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS looked_through, count(*) FILTER (WHERE m.matches) AS count,
        min(o.recorded_at) FILTER (WHERE m.matches) AS since
    FROM (
        SELECT recorded_at, optout_list_id, kind, channel, medium, address FROM optout_optout o
        WHERE (o.xid, o.id) > (e.xid, e.last_id)
        ORDER BY o.xid, o.id
        LIMIT %(most)s
    ) o
    LEFT JOIN lists_list l ON l.id = o.optout_list_id AND l.realm_id = e.realm_id
    CROSS JOIN LATERAL (
        SELECT l.id IS NOT NULL
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
        )) AS matches
    ) m
) u
WHERE e.id = ANY (%(endpoints)s)
"""  # noqa: S608
