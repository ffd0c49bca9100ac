"""How often somebody may ask in an hour: one statement, exact across processes."""

from datetime import datetime, timedelta

from lists.prepared import fetch_prepared

HOUR = timedelta(hours=1)

# In the table of the database cache, whose clean-up takes old rows away; the cache itself never reads them.
_COUNT = """
INSERT INTO lists_cache AS c (cache_key, value, expires) VALUES (%(key)s, '1', %(until)s)
ON CONFLICT (cache_key) DO UPDATE SET
    value = CASE WHEN c.expires <= %(now)s THEN '1' ELSE (c.value::int + 1)::text END,
    expires = CASE WHEN c.expires <= %(now)s THEN EXCLUDED.expires ELSE c.expires END
RETURNING value::int, expires
"""


def count_use(name: str, most: int, now: datetime) -> datetime | None:
    """Count one use of `name`. None while there were at most `most` in the hour; else the time when the next hour begins."""
    ((uses, until),) = fetch_prepared(
        _COUNT, {"key": f"quota:{name}", "now": now, "until": now + HOUR}
    )
    return until if uses > most else None
