"""The next of what the ledger got, for all endpoints that have come equally far."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.prepared import fetch_prepared
from optout.choices import Medium
from reporting.changes import NotMendedError, entry_sql
from reporting.feed import FOREIGN, Cursor

WINDOW = 500  # changes that are made into deliveries at once
LOOKED_THROUGH = (
    20_000  # rows of the ledger at once: those of realms without endpoints stand between
)


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the ledger, and as JSON the entry that tells of it. `source`: the number that was texted, if one was."""

    id: int
    realm_id: int
    list_id: int
    is_global: bool  # of Do Not Mail
    kind: int
    channel: int
    medium: int
    digest: bytes
    recorded_at: datetime
    entry: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """The next changes, in the order of the ledger's ids; where to go on; whether there is more right now."""

    changes: list[Change]
    cursor: Cursor
    has_more: bool


_AFTER = (
    "(xid, id) > (%(xid)s::text::xid8, %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())"
)
_UNTIL = "(xid, id) <= (%(until_xid)s::text::xid8, %(until_id)s)"


def _reading(after: str, the_end: str) -> str:
    """One statement, so one view of the data (reporting/changes.py says why `IS TRUE`). `reached` is where it stops: at the last
    change there is room for, where it has looked through enough, or at the end."""
    return f"""
WITH covered AS MATERIALIZED (
    SELECT id, number, realm_id FROM lists_list WHERE realm_id = ANY (%(realms)s::int[])
), found AS MATERIALIZED (
    SELECT o.* FROM (
        SELECT xid, id, recorded_at, optout_list_id, kind, channel, medium, reason, origin, is_new, digest, address, evidence
        FROM optout_optout WHERE {after} ORDER BY xid, id LIMIT %(looked_through)s
    ) o
    WHERE (o.optout_list_id IN (SELECT id FROM covered)) IS TRUE
    LIMIT %(limit)s
), reached AS (
    SELECT xid, id, true AS has_more FROM (SELECT xid, id FROM found ORDER BY xid DESC, id DESC LIMIT 1) last_found
    WHERE (SELECT count(*) FROM found) >= %(limit)s
    UNION ALL (
        SELECT xid, id, true FROM optout_optout WHERE (SELECT count(*) FROM found) < %(limit)s AND {after}
        ORDER BY xid, id OFFSET %(looked_through)s - 1 LIMIT 1
    )
    UNION ALL ({the_end})
)
SELECT
    EXISTS (SELECT FROM (SELECT xid FROM optout_optout ORDER BY xid DESC LIMIT 1) newest WHERE {FOREIGN}),
    r.xid::text::bigint, r.id, r.has_more,
    f.id, c.realm_id, c.id, c.number = 0, f.kind, f.channel, f.medium, f.digest, f.recorded_at,
    {entry_sql("f", "c.number")},
    CASE WHEN f.medium = {Medium.SMS:d} THEN f.evidence->>'texted' END
FROM (SELECT) one
LEFT JOIN (SELECT * FROM reached ORDER BY xid, id, has_more LIMIT 1) r ON true
LEFT JOIN (found f JOIN covered c ON c.id = f.optout_list_id) ON true
ORDER BY f.id
"""  # noqa: S608 -- made of constants


_READ = _reading(
    _AFTER,
    f"SELECT xid, id, false FROM optout_optout WHERE {_AFTER} ORDER BY xid DESC, id DESC LIMIT 1",  # noqa: S608
)
_READ_UNTIL = _reading(
    f"{_AFTER} AND {_UNTIL}", "SELECT %(until_xid)s::text::xid8, %(until_id)s::bigint, false"
)


def read_window(
    realm_ids: Collection[int], start: Cursor, until: Cursor | None, limit: int = WINDOW
) -> Window:
    """The next changes of these realms after the cursor, at most `limit`, none after `until`. Raises NotMendedError.

    By id: of two opt-outs of one address at the same moment, the one that waited for the other has the higher id, though its
    transaction may have begun first.
    """
    parameters: dict[str, Any] = {
        "realms": sorted(realm_ids),
        "xid": str(start.xid),
        "id": start.last_id,
        "limit": limit,
        "looked_through": LOOKED_THROUGH,
    }
    if until:
        parameters |= {"until_xid": str(until.xid), "until_id": until.last_id}
    rows = fetch_prepared(_READ_UNTIL if until else _READ, parameters)
    is_foreign, xid, last_id, has_more = rows[0][:4]
    if is_foreign:
        raise NotMendedError
    if xid is None:  # there is nothing new
        return Window([], start, has_more=False)
    changes = [_change(row[4:]) for row in rows if row[4] is not None]
    return Window(changes, Cursor(xid, last_id), has_more)


def _change(row: Sequence[Any]) -> Change:
    row_id, realm_id, list_id, is_global, kind, channel, medium, digest, at, entry, source = row
    return Change(
        row_id,
        realm_id,
        list_id,
        is_global,
        kind,
        channel,
        medium,
        bytes(digest),
        at,
        entry,
        source,
    )
