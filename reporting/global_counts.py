"""How many global requests a realm got a day, by channel and product: the chart of the Global Unsubscribe report (S1.21).

Kept by `advance_counts` together with the daily counts, and read with what is not counted yet: never behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lists.prepared import fetch_prepared
from optout.choices import Channel
from reporting.counters import DONE, GLOBAL_REQUEST, IS_COUNTED

# What is above the cursor. A cursor at 0 begins anew, after a dump was restored on another server: then only what is younger
# than the counts that were left is not in them.
_TAIL = f"""
xid >= coalesce({DONE}, '0'::xid8)
AND optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
AND {GLOBAL_REQUEST}
AND (
    {DONE} IS DISTINCT FROM '0'::xid8
    OR recorded_at >= coalesce(
        ((SELECT max(day) + 1 FROM reporting_globaldailycount)::timestamp AT TIME ZONE 'UTC'), '-infinity'
    )
)
"""  # noqa: S608 -- made of constants

_PER_DAY = f"""
SELECT day, channel, sum(requests)::bigint FROM (
    SELECT day, channel, product_number, requests FROM reporting_globaldailycount
    WHERE {IS_COUNTED} AND realm_id = %(realm)s
    UNION ALL
    SELECT (recorded_at AT TIME ZONE 'UTC')::date, channel, coalesce((evidence->>'product')::int, 0), 1
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


def global_requests_per_day(realm_id: int, products: Sequence[int] | None) -> list[GlobalDayCount]:
    """All days that had any, oldest first: for these product numbers, or for all. Two rows a day at most."""
    rows = fetch_prepared(
        _PER_DAY, {"realm": realm_id, "products": None if products is None else list(products)}
    )
    return [GlobalDayCount(day, Channel(channel), requests) for day, channel, requests in rows]
