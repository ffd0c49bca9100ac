"""What the ledger got since somebody was told last, of the lists that they may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from lists.access import OpenedList, Permission
from lists.models import List
from lists.prepared import fetch
from optout.choices import Channel, Kind
from reporting.entries import REHEARSAL_AGENT, shown_address
from reporting.feed import Cursor

MOST_LISTED = 200  # opt-outs told one by one; of the others only how many


@dataclass(frozen=True, slots=True)
class ListCount:
    """A list with how many opt-outs it got, and how many of them were new: not repeated."""

    optout_list: List
    total: int
    new: int


@dataclass(frozen=True, slots=True)
class OptOutLine:
    """One opt-out as it is told; `address` is masked where the reader may not see it in clear."""

    recorded_at: datetime
    address: str
    optout_list: List
    channel: str
    is_new: bool
    is_test: bool


@dataclass(frozen=True, slots=True)
class News:
    """The opt-outs of each list that got any, and the first MOST_LISTED of them in the order in which they became visible."""

    counts: Sequence[ListCount]
    lines: Sequence[OptOutLine]

    @property
    def total(self) -> int:
        return sum(each.total for each in self.counts)

    @property
    def new(self) -> int:
        return sum(each.new for each in self.counts)

    @property
    def unlisted(self) -> int:
        return self.total - len(self.lines)


# Both read the same rows: nothing can appear any more before an end of the feed.
_BETWEEN = f"""
FROM optout_optout
WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s) AND (xid, id) <= (%(end_xid)s::text::xid8, %(end_id)s)
  AND kind = {Kind.OPT_OUT:d} AND optout_list_id = ANY (%(lists)s::int[])
"""
_COUNT = f"SELECT optout_list_id, count(*), count(*) FILTER (WHERE is_new) {_BETWEEN} GROUP BY 1"
_LINES = f"""
SELECT recorded_at, optout_list_id, channel, is_new, digest, address, position('{REHEARSAL_AGENT}' IN agent) > 0
{_BETWEEN} ORDER BY xid, id LIMIT {MOST_LISTED}
"""


def read_news(lists: Sequence[OpenedList], cursor: Cursor, end: Cursor) -> News:
    """The opt-outs of these lists after `cursor` up to `end`, which is one of the feed (`changes.find_end`). At most two queries.

    In the feed's order, but not through `read_changes`: the database counts a busy week, and only a few entries are read.
    """
    if not lists or cursor >= end:
        return News((), ())
    parameters = {
        "xid": str(cursor.xid),
        "id": cursor.last_id,
        "end_xid": str(end.xid),
        "end_id": end.last_id,
        "lists": [each.optout_list.pk for each in lists],
    }
    counted = {list_id: (total, new) for list_id, total, new in fetch(_COUNT, parameters)}
    if not counted:
        return News((), ())
    counts = [
        ListCount(each.optout_list, *counted[each.optout_list.pk])
        for each in lists
        if each.optout_list.pk in counted
    ]
    by_id = {each.optout_list.pk: each for each in lists}
    lines = [_line(by_id[row[1]], row) for row in fetch(_LINES, parameters)]
    return News(counts, lines)


def _line(
    opened: OpenedList, row: tuple[datetime, int, int, bool, bytes, str | None, bool]
) -> OptOutLine:
    recorded_at, _list_id, code, is_new, digest, address, is_test = row
    channel = Channel.find(code)
    return OptOutLine(
        recorded_at,
        shown_address(address, bytes(digest), clear=opened.may(Permission.CLEAR)),
        opened.optout_list,
        _("Another way") if channel is None else str(channel.label),
        is_new,
        is_test,
    )
