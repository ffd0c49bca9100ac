"""A realm's changes, as programs follow them: the feed with a cursor, its entries written as JSON by the database.

A program reads thousands of entries at a time; as objects each would cost ten times as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from lists.prepared import fetch, fetch_prepared
from optout.choices import Channel, Kind, Medium, Origin, Reason
from reporting.feed import FOREIGN, START, Cursor, mend_feed

# Ledger rows that a call looks through: other realms' stand between. Then the cursor moves on with what was found.
LOOKED_THROUGH = 100_000


class CursorGoneError(Exception):
    """No row is where the cursor says: the ledger was restored on another server, and its transactions numbered anew."""


class NotMendedError(Exception):
    """The ledger was restored on another server, and what it got since may stand before every cursor (`mend_feed`)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found: the entries as JSON, joined by commas; where to go on; whether there is more right now.

    The cursor has moved on although nothing was found, where there were other realms' rows. With `has_more` there may still
    be nothing for this reader.
    """

    entries: str
    count: int
    cursor: Cursor
    has_more: bool


# SQL for a time: RFC 3339 in UTC, whole seconds.
TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def words(choices: type[IntEnum], column: str) -> str:
    """SQL for the code in a column as a word, such as `one_click`; "other" for one of a newer release."""
    names = {int(choice): choice.name.lower() for choice in choices}
    array = ", ".join(f"'{names.get(code, 'other')}'" for code in range(1, max(names) + 1))
    return f"coalesce((ARRAY[{array}])[{column}], 'other')"


def entry_sql(row: str, number: str) -> str:
    """SQL for a ledger row as a JSON object (text), as `/changes` and a list's opt-outs tell it.

    `suppressed` is the state as this statement sees it. The feed's order is that of transactions: of an opt-out and a lift of one
    address at the same moment, the one that waited for the other may have begun first and come first. A reader who takes the
    state from each entry ends up right all the same: whatever changes it after this statement has an entry that comes later.
    """
    return f"""
'{{"id":' || {row}.id || ',"type":"' || CASE {row}.kind WHEN {Kind.LIFT:d} THEN 'lift' ELSE 'opt_out' END
|| '","list":' || {number} || ',"address":' || coalesce(to_json({row}.address)::text, 'null')
|| ',"digest":"' || encode({row}.digest, 'hex')
|| '","medium":"' || {words(Medium, f"{row}.medium")}
|| '","channel":"' || {words(Channel, f"{row}.channel")}
|| '","reason":"' || {words(Reason, f"{row}.reason")}
|| '","origin":"' || {words(Origin, f"{row}.origin")}
|| '","is_new":' || CASE WHEN {row}.is_new THEN 'true' ELSE 'false' END
|| ',"suppressed":' || coalesce((
    SELECT 'true' FROM optout_suppression s WHERE s.optout_list_id = {row}.optout_list_id AND s.digest = {row}.digest
), 'false')
|| ',"recorded_at":"' || {TIME.format(f"{row}.recorded_at")} || '"}}'
"""  # noqa: S608 -- made of constants


# The last row below the oldest transaction that still runs; found from the end of the index.
_END = """
    SELECT xid, id FROM optout_optout
    WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1
"""
_IS_FOREIGN = f"EXISTS (SELECT FROM (SELECT xid FROM optout_optout ORDER BY xid DESC LIMIT 1) newest WHERE {FOREIGN})"  # noqa: S608

# One statement, so one view of the data: which lists there are, which rows, and where a row can still appear. A list that is made
# between two statements would be passed over.
#
# `IS TRUE` keeps the planner from joining: so rows are looked at in the order of the index, and no longer than needed.
_READ = f"""
WITH covered AS MATERIALIZED (
    SELECT id, number FROM lists_list
    WHERE realm_id = %(realm)s AND (%(lists)s::int[] IS NULL OR id = ANY (%(lists)s::int[]))
), found AS MATERIALIZED (
    SELECT o.* FROM (
        SELECT xid, id, recorded_at, optout_list_id, kind, channel, medium, reason, origin, is_new, digest, address
        FROM optout_optout
        WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, id
        LIMIT %(looked_through)s
    ) o
    WHERE (o.optout_list_id IN (SELECT id FROM covered)) IS TRUE
    LIMIT %(limit)s
), told AS (
    SELECT string_agg({entry_sql("f", "c.number")}, ',' ORDER BY f.xid, f.id) AS entries, count(*) AS count
    FROM found f JOIN covered c ON c.id = f.optout_list_id
), the_end AS MATERIALIZED (
    {_END}
), reached AS (
    (SELECT xid, id FROM found WHERE (SELECT count FROM told) >= %(limit)s ORDER BY xid DESC, id DESC LIMIT 1)
    UNION ALL (
        SELECT xid, id FROM optout_optout
        WHERE (SELECT count FROM told) < %(limit)s
          AND (xid, id) > (%(xid)s::text::xid8, %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, id
        OFFSET %(looked_through)s - 1
        LIMIT 1
    )
    UNION ALL SELECT xid, id FROM the_end WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s)
)
SELECT
    {_IS_FOREIGN},
    (%(xid)s::text, %(id)s) = ('0', 0) OR EXISTS (SELECT FROM optout_optout WHERE xid = %(xid)s::text::xid8 AND id = %(id)s),
    t.entries, t.count, r.xid::text::bigint, r.id, (r.xid, r.id) < (e.xid, e.id)
FROM told t LEFT JOIN (SELECT * FROM reached ORDER BY xid, id LIMIT 1) r ON true LEFT JOIN the_end e ON true
"""  # noqa: S608 -- made of constants


def read_changes(
    realm_id: int, list_ids: Sequence[int] | None, cursor: Cursor, limit: int
) -> Changes:
    """The next changes of these lists (None: every list) of a realm after the cursor. One query.

    Raises CursorGoneError, NotMendedError.
    """
    parameters = {
        "realm": realm_id,
        "lists": None if list_ids is None else list(list_ids),
        "xid": str(cursor.xid),
        "id": cursor.last_id,
        "limit": limit,
        "looked_through": LOOKED_THROUGH,
    }
    ((is_foreign, is_there, entries, count, xid, last_id, has_more),) = fetch(_READ, parameters)
    if is_foreign:
        raise NotMendedError
    if not is_there:
        raise CursorGoneError
    if xid is None:
        return Changes("", 0, cursor, has_more=False)
    return Changes(entries or "", count, Cursor(xid, last_id), has_more=has_more)


_FIND_END = f"SELECT {_IS_FOREIGN}, (SELECT xid::text || ' ' || id FROM ({_END}) e)"  # noqa: S608


def find_end() -> Cursor:
    """Where the feed ends now: whatever becomes visible from now on comes after it. Raises NotMendedError."""
    ((is_foreign, end),) = fetch_prepared(_FIND_END)
    if is_foreign:
        raise NotMendedError
    if end is None:
        return START
    xid, last_id = end.split()
    return Cursor(int(xid), int(last_id))


def end_of_feed() -> Cursor:
    """The same, of a ledger that is put in order first where a dump was restored, and the worker has not come to it yet."""
    try:
        return find_end()
    except NotMendedError:
        mend_feed()
        return find_end()


_HAS_NEWS = f"SELECT 1 FROM ({_END}) e WHERE (xid, id) > (%s::text::xid8, %s)"  # noqa: S608


def has_news(cursor: Cursor) -> bool:
    """Whether the feed has anything after the cursor, of whatever realm; a tenth of the price of reading it."""
    return bool(fetch_prepared(_HAS_NEWS, (str(cursor.xid), cursor.last_id)))
