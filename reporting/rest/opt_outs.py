"""The opt-outs of a list: its rows of the ledger, oldest first, as `/changes` tells them."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from lists.prepared import fetch
from optout.channels.rest.door import find_list, reader_of
from optout.channels.rest.paging import UpTo10000, make_cursor, read_cursor, refuse_cursor
from reporting.changes import entry_sql
from reporting.paging import LATEST, as_microseconds, from_microseconds
from reporting.rest.changes import ChangeOut
from reporting.rest.parameters import Moment, json_answer

router = Router(tags=["opt-outs"])

# By the index optout_of_list; rows of one moment have their order by id.
_READ = """
WITH found AS MATERIALIZED (
    SELECT * FROM optout_optout
    WHERE optout_list_id = %(list)s {conditions}
    ORDER BY recorded_at, id
    LIMIT %(limit)s
), last AS (
    SELECT recorded_at, id FROM found ORDER BY recorded_at DESC, id DESC LIMIT 1
)
SELECT
    (SELECT string_agg({entry}, ',' ORDER BY f.recorded_at, f.id) FROM found f),
    (SELECT count(*) FROM found), last.recorded_at, last.id
FROM last
"""
_ENTRY = entry_sql("f", "%(number)s::int")


class OptOutsOut(Schema):
    """A page of opt-outs and lifts; `next` is the cursor of the page after it."""

    opt_outs: list[ChangeOut]
    next: str | None


@router.get("/lists/{int:number}/opt-outs", response=OptOutsOut)
def read_opt_outs(
    request: HttpRequest,
    number: int,
    *,
    since: Moment = None,
    until: Moment = None,
    cursor: str | None = None,
    limit: UpTo10000 = 1_000,
) -> HttpResponse:
    """The opt-outs and lifts of a list in a time: from `since` on, before `until`.

    To follow what happens, use the changes: what is being recorded while you read may come before the end of a page.
    """
    optout_list = find_list(reader_of(request), number)
    parameters: dict[str, Any] = {"list": optout_list.id, "number": number, "limit": limit}
    conditions = ""
    if since is not None:
        conditions += " AND recorded_at >= %(since)s"
        parameters["since"] = since
    if until is not None:
        conditions += " AND recorded_at < %(until)s"
        parameters["until"] = until
    kind = f"opt-outs {optout_list.id}"
    if cursor:
        after, last_id = _position(kind, cursor)
        # The first half is for the index.
        conditions += " AND recorded_at >= %(after)s AND (recorded_at, id) > (%(after)s, %(id)s)"
        parameters |= {"after": after, "id": last_id}
    rows = fetch(_READ.format(entry=_ENTRY, conditions=conditions), parameters)
    entries, count, moment, last_id = rows[0] if rows else ("", 0, None, 0)
    following = "null"
    if count == limit:
        following = f'"{make_cursor(kind, as_microseconds(moment), last_id)}"'
    return json_answer(f'{{"opt_outs":[{entries}],"next":{following}}}')


def _position(kind: str, cursor: str) -> tuple[datetime, int]:
    microseconds, last_id = read_cursor(kind, cursor, int, int)
    if microseconds > LATEST:
        raise refuse_cursor()
    return from_microseconds(microseconds), last_id
