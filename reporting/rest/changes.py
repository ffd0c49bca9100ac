"""The change feed: every opt-out and lift of the lists that a key is for, in an order that skips nothing (S2.7)."""

from datetime import timedelta
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from optout.channels.rest.door import KeyAuth, find_list, readable_lists, reader_of
from optout.channels.rest.paging import (
    DIGITS,
    PlainNumber,
    UpTo10000,
    make_cursor,
    read_cursor,
)
from optout.channels.rest.problems import Kind, ProblemError
from reporting import changes
from reporting.changes import Changes, CursorGoneError, NotMendedError
from reporting.feed import START, Cursor
from reporting.rest.long_polls import RETRY_AFTER, wait_for
from reporting.rest.parameters import json_answer

NOW = "now"
LONGEST_WAIT = 30  # seconds
_KIND = "changes"

router = Router(tags=["changes"])


class ChangeOut(Schema):
    """An opt-out or a lift, new or repeated."""

    id: int
    type: Literal["opt_out", "lift"]
    list: int = Field(description="The list's number; 0 is Do Not Mail.")
    address: str | None = Field(description="Null where only a hash is known.")
    digest: str = Field(
        description="What it is kept under, in hex: the first 16 bytes of the address's SHA-256; "
        "where `address` is null, of the hash that it came as."
    )
    medium: Literal["email", "sms", "other"]
    channel: str = Field(description="How it reached us, such as page or one_click.")
    reason: str
    origin: str
    is_new: bool = Field(description="Whether it suppressed the address, or ended that.")
    suppressed: bool = Field(
        description="Whether the list suppresses the address now: what a copy is to keep."
    )
    recorded_at: str = Field(description="RFC 3339, in UTC.")


class ChangesOut(Schema):
    """Some changes, and the cursor to ask for what comes after them. `has_more`: there is more now; ask again at once."""

    changes: list[ChangeOut]
    cursor: str
    has_more: bool


@router.get("/changes", response=ChangesOut)
def read_changes(
    request: HttpRequest,
    cursor: str | None = None,
    limit: UpTo10000 = 1_000,
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT), DIGITS] = 0,
    numbers: Annotated[list[PlainNumber], Query(alias="list", max_length=1_000)] = [],  # noqa: B006
) -> HttpResponse:
    """What happened after the cursor, oldest first; without one from the beginning, with `now` from now on.

    Without `list` it is about every list of the key, and Do Not Mail, which holds for each of them. With `list` it is about those
    lists alone: ask for `list=1&list=0` to hear of everybody who may not be contacted for list 1.

    Each change comes exactly once to whoever goes on with the cursor of each answer. An opt-out that is being recorded delays
    those after it for a moment; it is never skipped. With `wait` the answer comes as soon as there is something, or after so
    many seconds. When too many wait already, it comes at once, with `Retry-After`: ask again after so many seconds.
    """
    caller = reader_of(request)
    if numbers:
        list_ids: list[int] | None = [find_list(caller, number).id for number in set(numbers)]
    else:
        list_ids = readable_lists(caller)
    try:
        position = _position(cursor)

        def read(after: Cursor) -> Changes:
            return changes.read_changes(caller.realm_id, list_ids, after, limit)

        page, had_room = read(position), True
        if wait and _is_idle(page):

            def look() -> bool:
                nonlocal page
                if changes.has_news(page.cursor):
                    page = read(page.cursor)
                return not _is_idle(page)

            had_room = wait_for(look, wait, request.META.get("gunicorn.socket"))
            KeyAuth().ask_again(request)  # it may have been revoked meanwhile
    except CursorGoneError:
        raise ProblemError(
            Kind.CURSOR_GONE,
            "What it leads to is gone: the ledger was restored from another server. Begin anew, without a cursor.",
        ) from None
    except NotMendedError:
        raise ProblemError(
            Kind.UNAVAILABLE,
            "The ledger was restored from another server and is being put in order. Nothing is lost.",
            wait=timedelta(seconds=30),
        ) from None
    answer = json_answer(_render(page))
    if not had_room:
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _is_idle(page: Changes) -> bool:
    return not page.count and not page.has_more


def _position(cursor: str | None) -> Cursor:
    if not cursor:
        return START
    if cursor == NOW:
        return changes.find_end()
    return Cursor(*read_cursor(_KIND, cursor, int, int))


def _render(page: Changes) -> str:
    following = make_cursor(_KIND, page.cursor.xid, page.cursor.last_id)
    more = "true" if page.has_more else "false"
    return f'{{"changes":[{page.entries}],"cursor":"{following}","has_more":{more}}}'
