"""How many global requests a realm got a day, by channel and product: the chart of the Global Unsubscribe report (S1.21).

Kept by the worker from the feed, and read with what is not counted yet: never behind. The cursor is its own: a worker of the
release before counts the ledger by day and knows nothing of global requests, and what it has passed is not lost here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lists.prepared import fetch_prepared
from optout.choices import Channel, Kind
from reporting.feed import done_sql, drop_global_counts, lock_cursor

# Made by the migration where daily counts are kept already: it begins where they stand, for before it there is no such request.
CURSOR = "global_counts"

# A ledger row with which a global request begins: it may have named two addresses, and is counted once (GlobalDailyCount).
_IS_REQUEST = f"""
kind = {Kind.OPT_OUT:d} AND channel IN ({Channel.GLOBAL_FORM:d}, {Channel.GLOBAL_API:d})
AND NOT coalesce((evidence->>'also')::bool, false)
"""
_DAY = "(recorded_at AT TIME ZONE 'UTC')::date"
_PRODUCT = "coalesce((evidence->>'product')::int, 0)"

# As the daily counts are kept. A cursor at 0 begins anew, and a ledger row's evidence is kept for 90 days: the days whose
# counts were left stand as they are.
_ADVANCE = f"""
WITH horizon AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
), fresh AS MATERIALIZED (
    SELECT optout_list_id, {_DAY} AS day, channel, {_PRODUCT} AS product_number, count(*) AS requests
    FROM optout_optout
    WHERE xid >= %(done)s::text::xid8 AND xid < (SELECT xid FROM horizon) AND {_IS_REQUEST}
    GROUP BY 1, 2, 3, 4
), kept AS (
    INSERT INTO reporting_globaldailycount AS c (realm_id, day, channel, product_number, requests)
    SELECT l.realm_id, f.day, f.channel, f.product_number, sum(f.requests)::bigint
    FROM fresh f JOIN lists_list l ON l.id = f.optout_list_id
    WHERE f.day > coalesce((SELECT max(day) FROM reporting_globaldailycount WHERE %(done)s = '0'), '-infinity')
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (realm_id, day, channel, product_number)
    DO UPDATE SET requests = c.requests + EXCLUDED.requests
)
UPDATE reporting_feedcursor SET xid = (SELECT xid FROM horizon), last_id = 0, moved_at = %(now)s
WHERE name = %(name)s
"""  # noqa: S608 -- made of constants

_DONE = done_sql(CURSOR)
# What is above the cursor. Of one at 0 only what is younger than the counts that were left: the rest is in them.
_TAIL = f"""
xid >= coalesce({_DONE}, '0'::xid8)
AND optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
AND {_IS_REQUEST}
AND (
    {_DONE} IS DISTINCT FROM '0'::xid8
    OR recorded_at >= coalesce(
        ((SELECT max(day) + 1 FROM reporting_globaldailycount)::timestamp AT TIME ZONE 'UTC'), '-infinity'
    )
)
"""  # noqa: S608

_PER_DAY = f"""
SELECT day, channel, sum(requests)::bigint FROM (
    SELECT day, channel, product_number, requests FROM reporting_globaldailycount
    WHERE {_DONE} IS NOT NULL AND realm_id = %(realm)s
    UNION ALL
    SELECT {_DAY}, channel, {_PRODUCT}, 1
    FROM optout_optout
    WHERE {_TAIL}
) c
WHERE %(products)s::int[] IS NULL OR product_number = ANY (%(products)s::int[])
GROUP BY 1, 2
ORDER BY 1, 2
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class GlobalDayCount:
    """The global requests of a day (UTC) by one channel, repeats included."""

    day: date
    channel: Channel
    requests: int


def advance_global_counts(now: datetime) -> None:
    """Count the global requests that the ledger has got since the last time. `advance_counts` runs it in its transaction."""
    done = lock_cursor(CURSOR)
    if done.xid == 0:
        # Usually there are none. But the feed may have been mended by a worker of the release before, or by hand.
        drop_global_counts(now)
    fetch_prepared(_ADVANCE, {"done": str(done.xid), "name": CURSOR, "now": now})


def global_requests_per_day(realm_id: int, products: Sequence[int] | None) -> list[GlobalDayCount]:
    """All days that had any, oldest first: for these product numbers, or for all. Two rows a day at most."""
    rows = fetch_prepared(
        _PER_DAY, {"realm": realm_id, "products": None if products is None else list(products)}
    )
    return [GlobalDayCount(day, Channel(channel), requests) for day, channel, requests in rows]
