"""Counts of the ledger per list and day, kept by the worker from the feed, and read together with what is not counted yet.

So a chart over millions of rows reads a few hundred, and still shows an opt-out the moment it is recorded (promise 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from lists.prepared import fetch_prepared
from optout.choices import Channel, Kind
from reporting.feed import done_sql, lock_cursor, mend_feed
from reporting.global_report import counts as global_counts
from reporting.models import FeedCursor

CURSOR = "daily_counts"

# Everything below the oldest running transaction, in one go: what was above the cursor is counted and the cursor put behind it.
# One statement, so one view of the data. The cursor has no id: whole transactions are counted.
_ADVANCE = """
WITH horizon AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
), fresh AS MATERIALIZED (
    SELECT optout_list_id, (recorded_at AT TIME ZONE 'UTC')::date AS day, kind, channel, reason,
        count(*) AS requests, count(*) FILTER (WHERE is_new) AS new
    FROM optout_optout
    WHERE xid >= %(done)s::text::xid8 AND xid < (SELECT xid FROM horizon)
    GROUP BY 1, 2, 3, 4, 5
), kept AS (
    INSERT INTO reporting_dailycount AS c (optout_list_id, day, kind, channel, reason, requests, new)
    SELECT * FROM fresh
    ON CONFLICT (optout_list_id, day, kind, channel, reason)
    DO UPDATE SET requests = c.requests + EXCLUDED.requests, new = c.new + EXCLUDED.new
), moved AS (
    UPDATE reporting_feedcursor SET xid = (SELECT xid FROM horizon), last_id = 0, moved_at = %(now)s
    WHERE name = %(name)s
)
SELECT coalesce(sum(requests), 0)::bigint FROM fresh
"""

_DONE = done_sql(CURSOR)
_IS_COUNTED = f"{_DONE} IS NOT NULL"
# Without a cursor everything is tail.
_TAIL = f"""
o.xid >= coalesce({_DONE}, '0'::xid8)
AND o.optout_list_id = ANY (%(lists)s::int[])
"""

_PER_DAY = f"""
SELECT optout_list_id, day, channel, sum(requests)::bigint, sum(new)::bigint FROM (
    SELECT optout_list_id, day, channel, requests, new FROM reporting_dailycount
    WHERE {_IS_COUNTED} AND optout_list_id = ANY (%(lists)s::int[]) AND day BETWEEN %(first)s AND %(last)s
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
    WHERE {_IS_COUNTED} AND optout_list_id = ANY (%(lists)s::int[])
    UNION ALL
    SELECT o.optout_list_id, o.kind, 1 FROM optout_optout o WHERE {_TAIL} AND o.is_new
) c
GROUP BY 1
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class DayCount:
    """The opt-outs of a list on a day (UTC) by one channel: all requests, and those that were new.

    `channel` is None for one that a newer release has added.
    """

    list_id: int
    day: date
    channel: Channel | None
    requests: int
    new: int


def advance_counts(now: datetime) -> int:
    """Count what the ledger has got since the last time, global requests as well; how many rows. Run by the worker.

    Counts and cursors are kept in one transaction under the cursors' locks: a crash or a second worker counts nothing twice.
    After a dump was restored on another server, everything is counted anew (see `mend_feed`).
    """
    with transaction.atomic():
        FeedCursor.objects.bulk_create(
            [
                FeedCursor(name=name, xid=0, last_id=0, moved_at=now)
                for name in (CURSOR, global_counts.CURSOR)
            ],
            ignore_conflicts=True,
        )
        mend_feed()
        done = lock_cursor(CURSOR)
        ((counted,),) = fetch_prepared(
            _ADVANCE, {"done": str(done.xid), "name": CURSOR, "now": now}
        )
        global_counts.advance_global_counts(now)
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
        DayCount(list_id, day, Channel.find(channel), requests, new)
        for list_id, day, channel, requests, new in rows
    ]


def suppressed_totals(list_ids: Sequence[int]) -> dict[int, int]:
    """How many addresses each list suppresses: what was new minus what was lifted; exact. Lists without any are left out."""
    return dict(fetch_prepared(_TOTALS, {"lists": list(list_ids)}))
