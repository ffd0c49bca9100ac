"""The delivery log of an endpoint: pages of it, what a request looked like, and how many arrived on a day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet, Subquery
from django.db.models.functions import Coalesce

from lists.prepared import fetch
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.paging import HIGHEST_ID
from reporting.webhooks.payloads import Change, render, request_headers

PAGE_SIZE = 50
DAYS = 7  # of the chart: so long are delivered ones kept
# The newest deliveries of an endpoint, among which those of a day are counted and tests are looked for.
LOOKED_THROUGH = 50_000

SIGNATURE = "webhook-signature"


class Chosen(Enum):
    """Which deliveries to show."""

    ALL = "all"
    WAITING = "waiting"  # those that nobody has taken up yet as well
    FAILED = "failed"
    DELIVERED = "delivered"
    TESTS = "tests"


_STATES = {
    Chosen.WAITING: (DeliveryState.QUEUED, DeliveryState.WAITING),
    Chosen.FAILED: (DeliveryState.FAILED,),
    Chosen.DELIVERED: (DeliveryState.DELIVERED,),
}


@dataclass(frozen=True, slots=True)
class LogLine:
    """A delivery (its `changes` not read), the first of the changes that it tells of, and how many these are."""

    delivery: WebhookDelivery
    first: Change
    size: int


@dataclass(frozen=True, slots=True)
class LogPage:
    """Deliveries, newest first; `older` and `newer` are the ids from which the pages beside begin, None where there is none."""

    lines: Sequence[LogLine]
    older: int | None
    newer: int | None


def read_log(
    endpoint: WebhookEndpoint,
    chosen: Chosen = Chosen.ALL,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = PAGE_SIZE,
) -> LogPage:
    """A page of the log, found by position: the newest; those older than the id `after`; or those newer than `before`. One query.

    As in paging.py, `after` goes on to what is older.
    """
    rows = _log(endpoint, chosen)
    if before is not None:
        found = list(rows.filter(pk__gt=before).order_by("-endpoint_id", "pk")[: size + 1])
        shown = found[:size][::-1]
        has_older, has_newer = bool(shown), len(found) > size
    else:
        if after is not None:
            rows = rows.filter(pk__lt=after)
        found = list(rows.order_by("endpoint_id", "-pk")[: size + 1])
        shown = found[:size]
        has_older, has_newer = len(found) > size, after is not None and bool(shown)
    return LogPage(
        [LogLine(each, each.first, each.size) for each in shown],
        older=shown[-1].pk if has_older else None,
        newer=shown[0].pk if has_newer else None,
    )


def find_delivery(endpoint: WebhookEndpoint, delivery_id: int) -> WebhookDelivery | None:
    """One delivery of the endpoint with all its changes; None where it has none such."""
    if not 0 < delivery_id <= HIGHEST_ID:
        return None
    return WebhookDelivery.objects.filter(endpoint=endpoint, pk=delivery_id).first()


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request as somebody who looks for a fault wants to see it: not its signature, as who has the body could check secrets."""

    url: str
    headers: dict[str, str]
    body: str


def show_request(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime
) -> ShownRequest:
    """What was sent at the last try, or would be now. The URL and the format are those of today."""
    payload = render(
        endpoint.format, delivery.changes, is_test=delivery.is_test, now=delivery.recorded_at
    )
    headers = request_headers(payload, delivery.webhook_id, [], delivery.tried_at or now)
    del headers[SIGNATURE]
    return ShownRequest(endpoint.url, headers, payload.body.decode())


@dataclass(frozen=True, slots=True)
class Daily:
    """Deliveries of an endpoint by the day (UTC) on which they were made and by what became of them, tests left out."""

    days: list[date]
    delivered: list[int]
    failed: list[int]
    waiting: list[int]
    is_cut: bool  # only the last LOOKED_THROUGH were counted, and there are more


def count_daily(endpoint: WebhookEndpoint, now: datetime) -> Daily:
    """The last DAYS days, today's last. One query."""
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    counts: Counter[tuple[date, str]] = Counter()
    looked_through = 0
    oldest = today
    for day, state, count in fetch(_DAILY, (endpoint.pk, endpoint.pk, LOOKED_THROUGH)):
        counts[day, _COLUMNS[state]] += count
        looked_through += count
        oldest = min(oldest, day)
    columns = {name: [counts[day, name] for day in days] for name in set(_COLUMNS.values())}
    is_cut = looked_through == LOOKED_THROUGH and oldest >= days[0]
    return Daily(days, columns["delivered"], columns["failed"], columns["waiting"], is_cut)


_COLUMNS = {
    DeliveryState.QUEUED: "waiting",
    DeliveryState.WAITING: "waiting",
    DeliveryState.FAILED: "failed",
    DeliveryState.DELIVERED: "delivered",
}
_DAILY = """
SELECT (created_at AT TIME ZONE 'UTC')::date, state, count(*) FROM (
    SELECT created_at, state, is_test FROM reporting_webhookdelivery
    WHERE endpoint_id BETWEEN %s AND %s AND NOT is_test ORDER BY endpoint_id, id DESC LIMIT %s
) d
GROUP BY 1, 2
"""


def _log(endpoint: WebhookEndpoint, chosen: Chosen) -> QuerySet[WebhookDelivery, Any]:
    """Those deliveries, without their changes: a batch is long. To be ordered by endpoint and id (health.py says why)."""
    every = WebhookDelivery.objects.filter(endpoint__gte=endpoint, endpoint__lte=endpoint)
    rows = every
    if chosen is Chosen.TESTS:
        # Among millions there may be none. Tests have no index of their own: somebody has just asked for one.
        last = every.order_by("endpoint_id", "-pk").values("pk")[
            LOOKED_THROUGH : LOOKED_THROUGH + 1
        ]
        rows = every.filter(is_test=True, pk__gt=Coalesce(Subquery(last), 0))
    elif chosen is not Chosen.ALL:
        rows = every.filter(state__in=_STATES[chosen], is_test=False)
    size = Func("changes", function="jsonb_array_length", output_field=IntegerField())
    return rows.defer("changes").annotate(first=F("changes__0"), size=size)
