"""The feed: the ledger in the order in which it became visible, read with a cursor that skips nothing (architecture.md).

A row becomes visible when its transaction commits, which may be long after a row with a higher id did. So the order is
(transaction, id), and only transactions below the oldest one still running are read: no row can appear there any more.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from lists.prepared import fetch, fetch_prepared
from optout.choices import Assurance, Channel, Kind, Medium, Origin, Reason
from optout.retention import KEPT
from reporting.models import DailyCount, FeedCursor, GlobalDailyCount

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a consumer has read: every row up to and including (xid, last_id) is done."""

    xid: int
    last_id: int


START = Cursor(0, 0)


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A row of the ledger, as consumers see it. `address` is None where only a hash is known; `digest` has 16 bytes."""

    xid: int
    id: int
    recorded_at: datetime
    list_id: int
    kind: Kind
    channel: Channel | None  # None: of a newer release
    medium: Medium
    reason: Reason
    origin: Origin
    assurance: Assurance
    is_new: bool
    digest: bytes
    address: str | None


_READ = """
SELECT xid::text::bigint, id, recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest,
    address
FROM optout_optout
WHERE (xid, id) > (%s::text::xid8, %s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id
LIMIT %s
"""


def read_feed(cursor: Cursor, limit: int) -> tuple[list[FeedRow], Cursor]:
    """The next rows of the ledger after `cursor`, at most `limit`, and the cursor to go on from (the same when there are none).

    A row that is being written delays those after it, also of transactions that began later; it is never skipped. The caller
    keeps the cursor, in the transaction in which it keeps what it made of the rows.
    """
    rows = fetch_prepared(_READ, (str(cursor.xid), cursor.last_id, limit))
    found = [
        FeedRow(
            xid=row[0],
            id=row[1],
            recorded_at=row[2],
            list_id=row[3],
            kind=Kind(row[4]),
            channel=Channel.find(row[5]),
            medium=Medium(row[6]),
            reason=Reason(row[7]),
            origin=Origin(row[8]),
            assurance=Assurance(row[9]),
            is_new=row[10],
            digest=bytes(row[11]),
            address=row[12],
        )
        for row in rows
    ]
    return found, Cursor(found[-1].xid, found[-1].id) if found else cursor


def done_sql(name: str) -> str:
    """SQL for the transaction up to which that consumer has read, as a value, so that the index optout_feed is used.

    NULL without a cursor, and for one that this server has not reached: that came with a dump from another server and says
    nothing here, nor does what was counted up to it, until `mend_feed` has mended both.
    """
    reached = "xid <= pg_snapshot_xmax(pg_current_snapshot())"
    return f"(SELECT xid FROM reporting_feedcursor WHERE name = '{name}' AND {reached})"  # noqa: S608 -- made of constants


def lock_cursor(name: str) -> Cursor:
    """Where that consumer goes on; no other one of its name until the transaction ends."""
    row = FeedCursor.objects.select_for_update().get(name=name)
    return Cursor(row.xid, row.last_id)


# Whatever was committed here lies below the end of our snapshot. Rows of our own transaction may lie above.
FOREIGN = "xid >= pg_snapshot_xmax(pg_current_snapshot()) AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()"
_IS_AHEAD = "xid > pg_snapshot_xmax(pg_current_snapshot())"
_IS_FOREIGN = f"""
SELECT EXISTS (SELECT FROM reporting_feedcursor WHERE {_IS_AHEAD})
    OR EXISTS (SELECT FROM reporting_webhookendpoint WHERE {_IS_AHEAD} AND removed_at IS NULL)
    OR EXISTS (SELECT FROM reporting_unsubscriptionreport WHERE {_IS_AHEAD})
    OR EXISTS (SELECT FROM (SELECT xid FROM optout_optout ORDER BY xid DESC LIMIT 1) newest WHERE {FOREIGN})
"""  # noqa: S608 -- made of constants
# The first number a transaction can have, before every one of this server. Among themselves these rows keep their order by id.
RENUMBERED = 3
_RENUMBER = f"UPDATE optout_optout SET xid = '{RENUMBERED}' WHERE {FOREIGN}"  # noqa: S608


def mend_feed() -> dict[str, int]:
    """Make the feed work after a dump was restored on another server; how many ledger rows were changed.

    Transactions are numbered by the server. Rows with numbers that it has not reached would wait for ever, and new rows would
    stand before every cursor. Cursors and daily counts are started anew; who was told of something goes on where it stood, and
    may be told of some of it twice. Does nothing where all is well: a few quick look-ups.
    """
    with transaction.atomic():
        ((is_foreign,),) = fetch_prepared(_IS_FOREIGN)
        if not is_foreign:
            return {"renumbered": 0}
        list(
            FeedCursor.objects.select_for_update().order_by("name")
        )  # before the rows, as every consumer does
        for statement in _LOCK_TOLD:
            fetch(statement)
        starts = {table: fetch(_FIND_STARTS.format(table=table)) for table in _TOLD}
        with connection.cursor() as cursor:
            cursor.execute(_RENUMBER)
            renumbered = cursor.rowcount
        DailyCount.objects.all().delete()
        drop_global_counts(timezone.now())
        FeedCursor.objects.update(xid=0, last_id=0)
        for table, places in starts.items():
            _go_on_from(table, places)
    logger.warning(
        "The ledger was restored from another server: its feed begins anew (%d rows renumbered).",
        renumbered,
    )
    return {"renumbered": renumbered}


# Whoever stands somewhere in the ledger and has told others of it, whom it would be wrong to tell everything again.
_TOLD = ("reporting_webhookendpoint", "reporting_unsubscriptionreport")
_LOCK_TOLD = (  # in the order of webhooks/locks.py
    "SELECT id FROM reporting_webhookendpoint ORDER BY is_callback AND list_ids IS NULL DESC, id FOR NO KEY UPDATE",
    "SELECT id FROM reporting_unsubscriptionreport ORDER BY id FOR NO KEY UPDATE",
)
# Where one who stands there goes on. Before the first row that it is to be told of: of those after it, and of those that this
# server got since the dump, whose numbers may be smaller. If there is none, at the end of the dump, or without one at the last
# row that none can come before any more. All in one statement: what commits while rows are renumbered comes after either.
_FIND_STARTS = f"""
WITH dump AS MATERIALIZED (
    SELECT max(id) AS last_id FROM optout_optout WHERE {FOREIGN}
), the_end AS MATERIALIZED (
    SELECT xid, id FROM optout_optout WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1
), found AS (
    SELECT c.xid, c.last_id, coalesce(least(
        (SELECT min(o.id) FROM optout_optout o WHERE (o.xid, o.id) > (c.xid, c.last_id)),
        (SELECT min(o.id) FROM optout_optout o WHERE o.id > coalesce((SELECT last_id FROM dump), c.last_id))
    ) - 1, (SELECT last_id FROM dump)) AS start
    FROM (
        SELECT DISTINCT t.xid, t.last_id FROM {{table}} t, dump d
        WHERE d.last_id IS NOT NULL OR t.xid > pg_snapshot_xmax(pg_current_snapshot())
    ) c
)
SELECT xid::text, last_id,
    CASE WHEN start IS NULL THEN coalesce((SELECT xid FROM the_end), '0') ELSE '{RENUMBERED}' END::text,
    coalesce(start, (SELECT id FROM the_end), 0)
FROM found
"""  # noqa: S608 -- made of constants
_GO_ON_FROM = """
UPDATE {table} t SET xid = s.new_xid::xid8, last_id = s.new_id
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[]) s (xid, last_id, new_xid, new_id)
WHERE t.xid = s.xid::xid8 AND t.last_id = s.last_id
"""


def _go_on_from(table: str, places: Sequence[Sequence[Any]]) -> None:
    """Set the cursors that stand at the one place of each to the other one, which is right when all is renumbered."""
    columns = [list(column) for column in zip(*places, strict=True)] or [[], [], [], []]
    fetch(_GO_ON_FROM.format(table=table), columns)


# Global requests are counted from the ledger's evidence, which is kept for 90 days. What is older stands in the counts alone.
_COUNTED_ANEW = KEPT - timedelta(days=5)


def drop_global_counts(now: datetime) -> None:
    """Drop the counts of global requests that the ledger can give again."""
    GlobalDailyCount.objects.filter(day__gt=(now - _COUNTED_ANEW).date()).delete()
