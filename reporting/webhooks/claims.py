"""What the ledger got, made into deliveries: read once for all endpoints that have come equally far, and written down before
anything is sent, together with how far they have come then.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from lists.prepared import fetch, fetch_prepared
from optout.choices import Kind, Medium
from reporting.feed import Cursor
from reporting.models import DeliveryState, WebhookEndpoint, WebhookFormat
from reporting.webhooks.handover import cursor_of
from reporting.webhooks.lines import Waiting
from reporting.webhooks.locks import lock_endpoints
from reporting.webhooks.payloads import LINK_SOURCE, goes_alone, goes_out
from reporting.webhooks.windows import WINDOW, Change, read_window

MOST_TOLD = (
    10_000  # times that a change is told to somebody, at once: all of it is in memory meanwhile
)
KEEPS_UP = 50  # deliveries that wait for their first try; with more, changes go out together
MOST_TOGETHER = 100  # changes in one message


@dataclass(slots=True)
class Taker:
    """An endpoint that is served: its row, how far it has read, and how far its row in the database says it has.

    The second is behind where what it read last was not for it.
    """

    endpoint: WebhookEndpoint
    cursor: Cursor
    kept: Cursor
    untried: int = 0

    @property
    def is_default(self) -> bool:
        """Whether it is its realm's default callback."""
        return self.endpoint.is_callback and self.endpoint.list_ids is None


@dataclass(slots=True)
class Message:
    """What is to become a delivery."""

    endpoint_id: int
    changes: list[Change]
    text: str  # the entries as a JSON array
    message: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of a window: the deliveries made, by endpoint; where it ended; whether there is more.

    `stale`: endpoints whose rows were changed by somebody else. They were not moved and must be read anew.
    """

    made: dict[int, list[Waiting]]
    moved: set[int]
    stale: set[int]
    cursor: Cursor
    has_more: bool


def claim(takers: Sequence[Taker], until: Cursor | None, now: datetime) -> Claim:
    """Make the next window into deliveries, for endpoints that stand at the same place; at most as far as `until`.

    In a transaction, of whoever holds the endpoints' advisory locks. The cursor is written of those that are told of something,
    and of a default callback also where another one was told in its place. Raises NotMendedError.
    """
    start = takers[0].cursor
    of_realms = Counter(taker.endpoint.realm_id for taker in takers)
    limit = min(WINDOW, max(1, MOST_TOLD // max(of_realms.values())))
    window = read_window(of_realms, start, until, limit)
    if not window.changes:
        return Claim({}, set(), set(), window.cursor, window.has_more)
    concerned = {change.realm_id for change in window.changes}
    takers = [taker for taker in takers if taker.endpoint.realm_id in concerned]
    # After the window was read: a change of an endpoint that was made before any of its rows is seen here.
    revisions = lock_endpoints(taker.endpoint.pk for taker in takers)
    changed = {
        taker.endpoint.pk
        for taker in takers
        if revisions.get(taker.endpoint.pk) != taker.endpoint.revision
    }
    takers = [taker for taker in takers if taker.endpoint.pk not in changed]
    own = _own_lists(takers)
    by_realm: dict[int, list[Change]] = {}
    for change in window.changes:
        by_realm.setdefault(change.realm_id, []).append(change)
    messages: list[Message] = []
    movers: list[Taker] = []
    for taker in takers:
        told = [
            change
            for change in by_realm[taker.endpoint.realm_id]
            if is_told(taker.endpoint, own, change)
        ]
        made = make_messages(taker.endpoint, told, taker.untried)
        messages += made
        if made or taker.is_default:
            movers.append(taker)
    moved, ids = _write(movers, window.cursor, messages, now)
    result: dict[int, list[Waiting]] = {}
    for message in messages:
        if message.message in ids:
            waiting = _as_waiting(message, ids[message.message], now)
            result.setdefault(message.endpoint_id, []).append(waiting)
    stale = {taker.endpoint.pk for taker in movers} - moved
    return Claim(result, moved, stale | changed, window.cursor, window.has_more)


# ── Who is told of what ──────────────────────────────────────────────────────────────────────────────────────────────────


def is_told(endpoint: WebhookEndpoint, own: Collection[int], change: Change) -> bool:
    """Whether an endpoint of the change's realm is told of it. `own`: the lists that have a callback of their own (S3.11).

    Do Not Mail holds for every list, so every endpoint hears of it.
    """
    if not change.is_global:
        if endpoint.list_ids is not None and change.list_id not in endpoint.list_ids:
            return False
        if endpoint.is_callback and endpoint.list_ids is None and change.list_id in own:
            return False
    return (
        (endpoint.channels is None or change.channel in endpoint.channels)
        and endpoint.medium in {None, change.medium}
        and (endpoint.gets_lifts or change.kind != Kind.LIFT)
    )


def make_messages(
    endpoint: WebhookEndpoint, changes: Sequence[Change], untried: int
) -> list[Message]:
    """Put the changes into messages: one each while the endpoint keeps up, else many in one, if it may be.

    `untried`: how many of its deliveries wait for their first try.
    """
    together = MOST_TOGETHER if endpoint.batches and untried + len(changes) > KEEPS_UP else 1
    messages: list[Message] = []
    batch: list[tuple[Change, str]] = []

    def close() -> None:
        if batch:
            text = f"[{','.join(entry for _change, entry in batch)}]"
            messages.append(Message(endpoint.pk, [change for change, _entry in batch], text))
            batch.clear()

    for change, entry, is_alone in _as_told(endpoint.format, changes):
        if is_alone or len(batch) >= together:
            close()
        batch.append((change, entry))
        if is_alone:
            close()
    close()
    return messages


def _as_told(message_format: str, changes: Iterable[Change]) -> Iterable[tuple[Change, str, bool]]:
    """Each change that goes out in that format, its entry, and whether it must go alone."""
    for change in changes:
        if change.medium != Medium.SMS or (
            message_format == WebhookFormat.STANDARD and change.source is None
        ):
            yield change, change.entry, False
            continue
        entry = json.loads(change.entry)
        if goes_out(message_format, entry):
            entry["source"] = change.source or LINK_SOURCE
            yield change, json.dumps(entry), goes_alone(message_format, entry)


_OWN = """
SELECT unnest(list_ids) FROM reporting_webhookendpoint
WHERE realm_id = ANY (%s::int[]) AND is_callback AND list_ids IS NOT NULL AND removed_at IS NULL
"""


def _own_lists(takers: Sequence[Taker]) -> set[int]:
    """Where default callbacks are among them, the lists that have their own (handover.py).

    The default ones are locked: whoever gives a list a callback of its own, or takes it away, waits, or came before.
    """
    defaults = [taker.endpoint for taker in takers if taker.is_default]
    if not defaults:
        return set()
    own = fetch_prepared(_OWN, (sorted({endpoint.realm_id for endpoint in defaults}),))
    return {list_id for (list_id,) in own}


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WRITE = f"""
WITH moved AS (
    UPDATE reporting_webhookendpoint e SET xid = %(xid)s::text::xid8, last_id = %(id)s
    FROM unnest(%(endpoints)s::int[], %(revisions)s::int[], %(xids)s::text[], %(ids)s::bigint[]) m (id, revision, xid, last_id)
    WHERE e.id = m.id AND e.revision = m.revision AND e.xid = m.xid::xid8 AND e.last_id = m.last_id
        AND e.off_at IS NULL AND e.removed_at IS NULL
    RETURNING e.id
), made AS (
    INSERT INTO reporting_webhookdelivery (
        endpoint_id, message, is_test, changes, recorded_at, created_at, state, due_at, step, tries, failure, answer, asked_by
    )
    SELECT n.endpoint_id, n.message, false, n.changes::jsonb, n.recorded_at, %(now)s, {DeliveryState.WAITING:d}, %(now)s,
        0, 0, '', '', ''
    FROM unnest(
        %(of)s::int[], %(messages)s::uuid[], %(changes)s::text[], %(recorded)s::timestamptz[]
    ) WITH ORDINALITY n (endpoint_id, message, changes, recorded_at, place)
    WHERE n.endpoint_id IN (SELECT id FROM moved)
    ORDER BY n.place
    RETURNING id, message
)
SELECT id, NULL::uuid FROM moved UNION ALL SELECT id, message FROM made
"""  # noqa: S608 -- made of constants


def _write(
    movers: Sequence[Taker], cursor: Cursor, messages: Sequence[Message], now: datetime
) -> tuple[set[int], dict[UUID, int]]:
    """Move these endpoints to the cursor and keep their messages; which were moved, and the messages' ids as deliveries.

    An endpoint that does not stand where its taker says, or is off by now, is left alone, and so are its messages.
    """
    if not movers:
        return set(), {}
    rows = fetch(
        _WRITE,
        {
            "xid": str(cursor.xid),
            "id": cursor.last_id,
            "endpoints": [taker.endpoint.pk for taker in movers],
            "revisions": [taker.endpoint.revision for taker in movers],
            "xids": [str(taker.kept.xid) for taker in movers],
            "ids": [taker.kept.last_id for taker in movers],
            "now": now,
            "of": [message.endpoint_id for message in messages],
            "messages": [message.message for message in messages],
            "changes": [message.text for message in messages],
            "recorded": [message.changes[0].recorded_at for message in messages],
        },
    )
    moved = {row_id for row_id, message in rows if message is None}
    return moved, {message: row_id for row_id, message in rows if message is not None}


_KEEP = """
UPDATE reporting_webhookendpoint e SET xid = m.new_xid::xid8, last_id = m.new_id
FROM unnest(
    %(endpoints)s::int[], %(revisions)s::int[], %(xids)s::text[], %(ids)s::bigint[], %(new_xids)s::text[], %(new_ids)s::bigint[]
) m (id, revision, xid, last_id, new_xid, new_id)
WHERE e.id = m.id AND e.revision = m.revision AND e.xid = m.xid::xid8 AND e.last_id = m.last_id
    AND e.off_at IS NULL AND e.removed_at IS NULL
RETURNING e.id
"""


def keep_cursors(takers: Sequence[Taker]) -> set[int]:
    """Write down how far they have read although nothing was for them; which were where we thought they were.

    Of several, they are locked (locks.py).
    """
    if not takers:
        return set()
    rows = fetch(
        _KEEP,
        {
            "endpoints": [taker.endpoint.pk for taker in takers],
            "revisions": [taker.endpoint.revision for taker in takers],
            "xids": [str(taker.kept.xid) for taker in takers],
            "ids": [taker.kept.last_id for taker in takers],
            "new_xids": [str(taker.cursor.xid) for taker in takers],
            "new_ids": [taker.cursor.last_id for taker in takers],
        },
    )
    return {endpoint_id for (endpoint_id,) in rows}


def taker_of(endpoint: WebhookEndpoint) -> Taker:
    """An endpoint that was just read."""
    return Taker(endpoint, cursor_of(endpoint), cursor_of(endpoint))


def _as_waiting(message: Message, delivery_id: int, now: datetime) -> Waiting:
    return Waiting(
        id=delivery_id,
        message=message.message,
        is_test=False,
        due_at=now,
        digests=tuple(change.digest for change in message.changes),
        changes=len(message.changes),
        text=message.text,
        read_at=now,
    )
