"""Counts of the ledger per list and day, kept by the worker from the feed, and read together with what is not counted yet.

So a chart over millions of rows reads a few hundred, and still shows an opt-out the moment it is recorded (promise 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from lists.prepared import fetch_prepared
from optout.choices import Channel, Kind
from reporting.feed import mend_feed
from reporting.models import FeedCursor

CURSOR = "daily_counts"

# A ledger row with which a global request begins: it may have named two addresses, and is counted once (GlobalDailyCount).
GLOBAL_REQUEST = f"""
kind = {Kind.OPT_OUT:d} AND channel IN ({Channel.GLOBAL_FORM:d}, {Channel.GLOBAL_API:d})
AND NOT coalesce((evidence->>'also')::bool, false)
"""

# Everything below the oldest running transaction, in one go: what was above the cursor is counted and the cursor put behind it.
# One statement, so one view of the data. The cursor has no id: whole transactions are counted.
# `product_number` is set where a global request begins (the row of its second address, `also`, is the same request).
# A ledger row's evidence is kept for 90 days. So when everything is counted anew, the days whose counts `mend_feed` left alone
# stand as they are.
_ADVANCE = f"""
WITH horizon AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
), fresh AS MATERIALIZED (
    SELECT optout_list_id, (recorded_at AT TIME ZONE 'UTC')::date AS day, kind, channel, reason,
        CASE WHEN {GLOBAL_REQUEST} THEN coalesce((evidence->>'product')::int, 0) END AS product_number,
        count(*) AS requests, count(*) FILTER (WHERE is_new) AS new
    FROM optout_optout
    WHERE xid >= %(done)s::text::xid8 AND xid < (SELECT xid FROM horizon)
    GROUP BY 1, 2, 3, 4, 5, 6
), counted AS MATERIALIZED (
    SELECT optout_list_id, day, kind, channel, reason, sum(requests)::bigint AS requests, sum(new)::bigint AS new
    FROM fresh
    GROUP BY 1, 2, 3, 4, 5
), kept AS (
    INSERT INTO reporting_dailycount AS c (optout_list_id, day, kind, channel, reason, requests, new)
    SELECT * FROM counted
    ON CONFLICT (optout_list_id, day, kind, channel, reason)
    DO UPDATE SET requests = c.requests + EXCLUDED.requests, new = c.new + EXCLUDED.new
), kept_global AS (
    INSERT INTO reporting_globaldailycount AS c (realm_id, day, channel, product_number, requests)
    SELECT l.realm_id, f.day, f.channel, f.product_number, sum(f.requests)::bigint
    FROM fresh f JOIN lists_list l ON l.id = f.optout_list_id
    WHERE f.product_number IS NOT NULL AND f.day > coalesce((
        SELECT max(day) FROM reporting_globaldailycount WHERE %(done)s = '0'
    ), '-infinity')
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (realm_id, day, channel, product_number)
    DO UPDATE SET requests = c.requests + EXCLUDED.requests
), moved AS (
    UPDATE reporting_feedcursor SET xid = (SELECT xid FROM horizon), last_id = 0, moved_at = %(now)s
    WHERE name = %(name)s
)
SELECT coalesce(sum(requests), 0)::bigint FROM counted
"""  # noqa: S608 -- made of constants

# The cursor as a value, so that the index optout_feed is used. One that this server has not reached came with a dump from
# another one: it says nothing here, nor do the counts up to it, until `advance_counts` has mended both.
DONE = f"""
(SELECT xid FROM reporting_feedcursor WHERE name = '{CURSOR}' AND xid <= pg_snapshot_xmax(pg_current_snapshot()))
"""  # noqa: S608 -- made of constants
IS_COUNTED = f"{DONE} IS NOT NULL"
# Without a cursor everything is tail.
_TAIL = f"""
o.xid >= coalesce({DONE}, '0'::xid8)
AND o.optout_list_id = ANY (%(lists)s::int[])
"""

_PER_DAY = f"""
SELECT optout_list_id, day, channel, sum(requests)::bigint, sum(new)::bigint FROM (
    SELECT optout_list_id, day, channel, requests, new FROM reporting_dailycount
    WHERE {IS_COUNTED} AND optout_list_id = ANY (%(lists)s::int[]) AND day BETWEEN %(first)s AND %(last)s
      AND kind = {Kind.OPT_OUT:d}
    UNION ALL
    SELECT o.optout_list_id, (o.recorded_at AT TIME ZONE 'UTC')::date, o.channel, 1, o.is_new::int
    FROM optout_optout o
    WHERE {_TAIL} AND o.recorded_at >= %(begin)s AND o.recorded_at < %(end)s AND o.kind = {Kind.OPT_OUT:d}
) c
GROUP BY 1, 2, 3
ORDER BY 2, 3, 1
"""  # noqa: S608

_TOTALS = f"""
SELECT optout_list_id, sum(CASE WHEN kind = {Kind.OPT_OUT:d} THEN new ELSE -new END)::bigint FROM (
    SELECT optout_list_id, kind, new FROM reporting_dailycount
    WHERE {IS_COUNTED} AND optout_list_id = ANY (%(lists)s::int[])
    UNION ALL
    SELECT o.optout_list_id, o.kind, 1 FROM optout_optout o WHERE {_TAIL} AND o.is_new
) c
GROUP BY 1
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class DayCount:
    """The opt-outs of a list on a day (UTC) by one channel: all requests, and those that were new."""

    list_id: int
    day: date
    channel: Channel
    requests: int
    new: int


def advance_counts(now: datetime) -> int:
    """Count what the ledger has got since the last time; how many rows. Run by the worker.

    Counts and cursor are kept in one transaction under the cursor's lock: a crash or a second worker counts nothing twice.
    After a dump was restored on another server, everything is counted anew (see `mend_feed`).
    """
    with transaction.atomic():
        FeedCursor.objects.bulk_create(
            [FeedCursor(name=CURSOR, xid=0, last_id=0, moved_at=now)], ignore_conflicts=True
        )
        mend_feed()
        cursor = FeedCursor.objects.select_for_update().get(name=CURSOR)
        ((counted,),) = fetch_prepared(
            _ADVANCE, {"done": str(cursor.xid), "name": CURSOR, "now": now}
        )
    return int(counted)


def opt_outs_per_day(list_ids: Sequence[int], first_day: date, last_day: date) -> list[DayCount]:
    """The opt-outs of these lists by day (UTC, both ends included), channel and list, oldest first; never behind.

    Days without any are not there.
    """
    rows = fetch_prepared(
        _PER_DAY,
        {
            "lists": list(list_ids),
            "first": first_day,
            "last": last_day,
            "begin": datetime.combine(first_day, time.min, UTC),
            "end": datetime.combine(last_day + timedelta(days=1), time.min, UTC),
        },
    )
    return [
        DayCount(list_id, day, Channel(channel), requests, new)
        for list_id, day, channel, requests, new in rows
    ]


def suppressed_totals(list_ids: Sequence[int]) -> dict[int, int]:
    """How many addresses each list suppresses: what was new minus what was lifted; exact. Lists without any are left out."""
    return dict(fetch_prepared(_TOTALS, {"lists": list(list_ids)}))
