"""Which endpoints a sender has in its hands, and what it must know of them: what it reads and keeps besides claims and outcomes.

An endpoint is served by whoever has its advisory lock, which belongs to the database session: it is free in the moment in which
that session ends, however it ends. So there are no leases to renew, and nobody's clock matters.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from lists.prepared import fetch, fetch_prepared
from reporting.changes import NotMendedError
from reporting.feed import Cursor
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.lines import Line, Waiting
from reporting.webhooks.locks import lock_endpoints

PULSE = "webhooks"  # the name of the cursor that says that a sender runs
_LOCKS = 0x57656268  # any number: it tells these advisory locks from others in the database
_ASKED_TO_WAIT = (429, 503)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look around found: every endpoint there is work for, those that are ours from now on, and their deliveries.

    `queued`: those for which more is queued than there was room for; `missed`: of these, where some of it is what they missed and
    nobody had to ask for. That comes before what the ledger has.
    """

    endpoints: dict[int, WebhookEndpoint]
    taken: set[int]
    waiting: dict[int, list[Waiting]]
    queued: set[int]
    missed: set[int]


def look_around(held: Mapping[int, Line], done: Collection[int]) -> Sight:
    """Give the locks of `done` back, take those that are free, and read what is theirs. In a transaction. Raises NotMendedError.

    `held`: endpoints that stay ours. What waits is read of those that are new to us; of all what was asked for, as far as there
    is room.
    """
    if done:
        fetch("SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) id", (_LOCKS, list(done)))
    endpoints = _read_endpoints()
    taken = _take_locks(set(endpoints) - set(held))
    if taken:
        # Their last holder may have written until we had the lock.
        endpoints = _read_endpoints()
    taken &= set(endpoints)
    waiting = _read_waiting([endpoints[pk] for pk in taken])
    rooms = {pk: line.asked_room() for pk, line in held.items()}
    for pk in taken:
        line = Line()
        for delivery in waiting.get(pk, ()):
            line.add(delivery)
        rooms[pk] = line.asked_room()
    ours = [endpoints[pk] for pk in rooms if pk in endpoints]
    missed: set[int] = set()
    if queued := _find_queued(ours):
        chosen = [endpoint for endpoint in ours if endpoint.pk in queued]
        for endpoint_id, deliveries in _take_up(chosen, rooms).items():
            waiting.setdefault(endpoint_id, []).extend(deliveries)
        queued = _find_queued(chosen)
        missed = {pk for (pk,) in fetch_prepared(_MISSED, (list(queued),))}
    for each in waiting.values():
        # What failed for good and is asked for again may be older than what waits, and about the same address.
        each.sort(key=lambda delivery: delivery.id)
    return Sight(endpoints, taken, waiting, queued, missed)


def _read_endpoints() -> dict[int, WebhookEndpoint]:
    """Those that are on, and those for which there is a test."""
    tests = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"),
        state__in=(DeliveryState.QUEUED, DeliveryState.WAITING),
        is_test=True,
    )
    found = WebhookEndpoint.objects.filter(Q(off_at=None) | Exists(tests), removed_at=None)
    return {endpoint.pk: endpoint for endpoint in found.order_by("pk")}


def _take_locks(endpoint_ids: Collection[int]) -> set[int]:
    if not endpoint_ids:
        return set()
    rows = fetch(
        "SELECT id, pg_try_advisory_lock(%s, id) FROM unnest(%s::int[]) id",
        (_LOCKS, sorted(endpoint_ids)),
    )
    return {endpoint_id for endpoint_id, is_ours in rows if is_ours}


# ── Deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_FIELDS = """
d.endpoint_id, d.id, d.message, d.is_test, d.due_at, d.step, d.tries, d.first_tried_at, d.tried_at, d.status,
d.asked_by <> '' AND NOT d.is_test, ARRAY(
    SELECT decode(c->>'digest', 'hex') FROM jsonb_array_elements(d.changes) c WHERE NOT d.is_test AND c ? 'digest'
)
"""
# Of an endpoint that is off only tests.
_WAITING = f"""
SELECT {_FIELDS} FROM reporting_webhookdelivery d
WHERE d.endpoint_id = ANY (%s::int[]) AND d.state = {DeliveryState.WAITING:d}
    AND (d.is_test OR d.endpoint_id = ANY (%s::int[]))
ORDER BY d.id
"""  # noqa: S608 -- made of constants
_QUEUED = f"endpoint_id = e.id AND state = {DeliveryState.QUEUED:d}"
# One row of each is looked for, not all of them as with EXISTS: there may be 100,000 replays.
_WITH_QUEUED = f"""
SELECT e.id FROM unnest(%s::int[], %s::boolean[]) e (id, is_on) CROSS JOIN LATERAL (
    (SELECT FROM reporting_webhookdelivery WHERE {_QUEUED} AND is_test LIMIT 1)
    UNION ALL
    (SELECT FROM reporting_webhookdelivery WHERE e.is_on AND {_QUEUED} LIMIT 1)
    LIMIT 1
) d
"""  # noqa: S608
# Tests always; then what nobody had to ask for, then the rest, both oldest first, as far as there is room. They are found by id:
# the planner thinks that few are queued, and would compare each with each.
_TAKE_UP = f"""
WITH chosen AS MATERIALIZED (
    SELECT d.id FROM unnest(%s::int[], %s::boolean[], %s::int[], %s::int[]) e (id, is_on, deliveries, changes)
    CROSS JOIN LATERAL (
        SELECT id FROM reporting_webhookdelivery WHERE {_QUEUED} AND is_test
        UNION ALL
        SELECT id FROM (
            SELECT id, row_number() OVER places AS deliveries, sum(jsonb_array_length(changes)) OVER places AS changes FROM (
                (SELECT id, changes, 0 AS place FROM reporting_webhookdelivery
                WHERE e.is_on AND {_QUEUED} AND asked_by = '' AND NOT is_test ORDER BY id LIMIT greatest(0, e.deliveries))
                UNION ALL
                (SELECT id, changes, 1 FROM reporting_webhookdelivery
                WHERE e.is_on AND {_QUEUED} AND asked_by <> '' AND NOT is_test ORDER BY id LIMIT greatest(0, e.deliveries))
            ) oldest
            WINDOW places AS (ORDER BY place, id)
        ) counted
        WHERE counted.deliveries <= e.deliveries AND counted.changes <= e.changes
    ) d
), asked AS (
    UPDATE reporting_webhookdelivery d SET state = {DeliveryState.WAITING:d}
    WHERE d.id = ANY (ARRAY(SELECT id FROM chosen)) AND d.state + 0 = {DeliveryState.QUEUED:d}
    RETURNING d.*
)
SELECT {_FIELDS} FROM asked d ORDER BY d.id
"""  # noqa: S608
_MISSED = f"""
SELECT e.id FROM unnest(%s::int[]) e (id) CROSS JOIN LATERAL (
    SELECT FROM reporting_webhookdelivery WHERE {_QUEUED} AND asked_by = '' AND NOT is_test LIMIT 1
) d
"""  # noqa: S608


def _read_waiting(endpoints: Sequence[WebhookEndpoint]) -> dict[int, list[Waiting]]:
    if not endpoints:
        return {}
    every = [endpoint.pk for endpoint in endpoints]
    on = [endpoint.pk for endpoint in endpoints if endpoint.is_on]
    return _by_endpoint(fetch_prepared(_WAITING, (every, on)))


def _find_queued(endpoints: Sequence[WebhookEndpoint]) -> set[int]:
    every = [endpoint.pk for endpoint in endpoints]
    on = [endpoint.is_on for endpoint in endpoints]
    return {pk for (pk,) in fetch_prepared(_WITH_QUEUED, (every, on))}


def _take_up(
    endpoints: Sequence[WebhookEndpoint], rooms: Mapping[int, tuple[int, int]]
) -> dict[int, list[Waiting]]:
    """What is queued, as far as there is room, in deliveries and changes. All of it counts as asked for."""
    every = [endpoint.pk for endpoint in endpoints]
    # Switched off meanwhile or changed, an endpoint has another revision, and what we have of it is given up.
    lock_endpoints(every)
    on = [endpoint.is_on for endpoint in endpoints]
    deliveries = [rooms[pk][0] for pk in every]
    changes = [rooms[pk][1] for pk in every]
    taken = _by_endpoint(fetch(_TAKE_UP, (every, on, deliveries, changes)))
    for of_one in taken.values():
        for waiting in of_one:
            waiting.is_asked_for = not waiting.is_test
    return taken


def _by_endpoint(rows: Iterable[Sequence[Any]]) -> dict[int, list[Waiting]]:
    found: dict[int, list[Waiting]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_waiting(row[1:]))
    return found


def _waiting(row: Sequence[Any]) -> Waiting:
    (
        delivery_id,
        message,
        is_test,
        due_at,
        step,
        tries,
        first_tried_at,
        tried_at,
        status,
        is_asked_for,
        digests,
    ) = row
    return Waiting(
        id=delivery_id,
        message=message,
        is_test=is_test,
        due_at=due_at,
        step=step,
        tries=tries,
        first_tried_at=first_tried_at,
        tried_at=tried_at,
        digests=tuple(bytes(digest) for digest in digests),
        changes=max(1, len(digests)),
        is_asked_for=is_asked_for,
        not_before=due_at if status in _ASKED_TO_WAIT else None,
    )


# By the ledger's row: a list may have another number by now, and its old one be another list's.
_TEXTS = """
SELECT d.id, jsonb_agg(
    CASE WHEN o.id IS NULL THEN c.entry ELSE jsonb_set(c.entry, '{suppressed}', to_jsonb(EXISTS (
        SELECT FROM optout_suppression s WHERE s.optout_list_id = o.optout_list_id AND s.digest = o.digest
    ))) END ORDER BY c.place
)::text
FROM reporting_webhookdelivery d
CROSS JOIN LATERAL jsonb_array_elements(d.changes) WITH ORDINALITY c (entry, place)
LEFT JOIN optout_optout o ON o.digest = decode(c.entry->>'digest', 'hex') AND o.id = (c.entry->>'id')::bigint
WHERE d.id = ANY (%s::bigint[])
GROUP BY d.id
"""


def read_texts(delivery_ids: Iterable[int]) -> dict[int, str]:
    """What deliveries say, as JSON, with what is suppressed now: a late try must not un-suppress anybody."""
    ids = list(delivery_ids)
    return dict(fetch(_TEXTS, (ids,))) if ids else {}


# ── The pulse ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_PULSE = f"""
INSERT INTO reporting_feedcursor (name, xid, last_id, moved_at) VALUES ('{PULSE}', %(xid)s::text::xid8, %(id)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET xid = excluded.xid, last_id = excluded.last_id, moved_at = excluded.moved_at
"""  # noqa: S608
# A cursor that the server has not reached came with a dump, and nothing would ever come after it.
_IS_FOREIGN = """
SELECT EXISTS (SELECT FROM reporting_webhookendpoint WHERE removed_at IS NULL AND xid > pg_snapshot_xmax(pg_current_snapshot()))
"""


def give_pulse(head: Cursor, now: datetime) -> None:
    """Say that a sender runs, and how far it has read. Raises NotMendedError."""
    ((is_foreign,),) = fetch_prepared(_IS_FOREIGN)
    if is_foreign:
        raise NotMendedError
    fetch_prepared(_PULSE, {"xid": str(head.xid), "id": head.last_id, "now": now})
