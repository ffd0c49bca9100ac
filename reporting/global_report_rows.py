"""The lines of the Global Unsubscribe report: a page of them, found by position, and all of them as a csv (S1.21)."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict

from lists.copying import copy_out
from lists.prepared import fetch
from optout.addresses import mask
from reporting.exports import spreadsheet_safe
from reporting.global_unsubscribe import NOT_DEFINED, GlobalReport, Order, Sort
from reporting.paging import PAGE_SIZE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 253_000_000_000 * 1_000_000  # the year 9987: what a datetime can hold
_HIGHEST = 2**63 - 1
_LONGEST = 40  # characters of a position

# The names are looked up for the lines that are shown. Columns of the report compare by bytes, others as the database does.
_LINES = """
SELECT {columns}
FROM (SELECT * FROM optout_globalrequest g WHERE {condition}{cut}) g
LEFT JOIN lists_product p ON p.realm_id = g.realm_id AND p.number = g.product_number
LEFT JOIN lists_publisher b ON b.realm_id = g.realm_id AND b.reference = g.publisher COLLATE "default"
ORDER BY {order}
"""
# The text at a position. A line that the reader may not see is none: where others stand beside it would tell of it.
_TEXT_AT = """(
SELECT b.{} FROM optout_globalrequest b
WHERE b.realm_id = %(realm)s AND b.id = %(id)s::bigint
  AND (%(may_see)s::int[] IS NULL OR b.product_number = ANY (%(may_see)s::int[]))
)"""
_SHOWN = """
g.id, g.first_seen_at, g.last_seen_at, g.email, g.phone, ARRAY[g.custom1, g.custom2, g.custom3], g.product_number,
coalesce(p.name, ''), g.website, g.publisher, coalesce(b.name, ''), coalesce(g.form::text, ''), g.unsubscribe_count
"""


@dataclass(frozen=True, slots=True)
class GlobalLine:
    """A line as it is shown: addresses already masked where the reader may not see them. Empty: NOT DEFINED.

    `product` and `publisher_name` are what the realm calls them now, if it does.
    """

    id: int
    first_seen_at: datetime
    last_seen_at: datetime
    email: str
    phone: str
    custom: list[str]
    product_number: int
    product: str
    website: str
    publisher: str
    publisher_name: str
    form: str
    count: int

    @property
    def has_custom(self) -> bool:
        return any(self.custom)


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines, and the positions from which the pages beside them go on; None where there is none."""

    lines: list[GlobalLine]
    following: "Position | None" = None
    preceding: "Position | None" = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place beside a line: its id, and the number that it is ordered by, if that is one. As text: `12-345`.

    A time counts as its microseconds. A text, which may be an address, is never in a URL: it is read from the line itself. It
    cannot have changed, unlike a line's counter and last date.
    """

    id: int
    number: int | None = None

    def __str__(self) -> str:
        return str(self.id) if self.number is None else f"{self.number}-{self.id}"


def read_position(text: str, sort: Sort) -> Position | None:
    """The position that a link carries, or None for anything else."""
    parts = text.split("-")
    if len(text) > _LONGEST or not all(each.isascii() and each.isdigit() for each in parts):
        return None
    numbers = [int(each) for each in parts]
    if len(numbers) != (1 if _is_found_by_id(sort) else 2) or max(numbers) > _HIGHEST:
        return None
    if sort.is_time and numbers[0] > _LATEST:
        return None
    return Position(numbers[-1], None if _is_found_by_id(sort) else numbers[0])


def read_page(report: GlobalReport, query: QueryDict, *, size: int = PAGE_SIZE) -> LinePage:
    """The page that `?after=` or `?before=` asks for; the first one where neither does or nothing is there any more."""
    sort = report.order.sort
    before = read_position(query.get("before", ""), sort)
    after = None if before else read_position(query.get("after", ""), sort)
    lines = _read(report, before or after, size + 1, is_backward=before is not None)
    if not lines and (before or after):
        before = after = None
        lines = _read(report, None, size + 1)
    shown, has_more = lines[:size], len(lines) > size
    if before:
        shown.reverse()
    page = LinePage([_as_line(report, row) for row in shown])
    if not shown:
        return page
    has_following, has_preceding = (True, has_more) if before else (has_more, after is not None)
    return LinePage(
        page.lines,
        _position(sort, shown[-1]) if has_following else None,
        _position(sort, shown[0]) if has_preceding else None,
    )


def _read(
    report: GlobalReport, position: Position | None, count: int, *, is_backward: bool = False
) -> list[tuple[Any, ...]]:
    order = report.order.reversed() if is_backward else report.order
    condition, values = report.condition()
    if position is not None:
        condition += f" AND {_beyond(report, order)}"
        numbers = report.reader.product_numbers
        values["may_see"] = None if numbers is None else list(numbers)
        at = position.number
        values["id"] = position.id
        values["at"] = _EPOCH + (at or 0) * _MICROSECOND if order.sort.is_time else at
    ordered = _order(order)
    statement = _LINES.format(
        columns=_SHOWN,
        condition=condition,
        order=ordered,
        cut=f" ORDER BY {ordered} LIMIT {int(count)}",
    )
    return fetch(statement, values)


def _order(order: Order) -> str:
    direction = "DESC" if order.is_descending else "ASC"
    if order.sort == Sort.ID:
        return f"g.id {direction}"
    return f"g.{order.sort.column} {direction}, g.id {direction}"


def _beyond(report: GlobalReport, order: Order) -> str:
    """What holds for the lines behind a position."""
    compare = "<" if order.is_descending else ">"
    if order.sort == Sort.ID:
        return f"g.id {compare} %(id)s::bigint"
    at = "%(at)s"
    if order.sort.is_text:
        at = _TEXT_AT.format(order.sort.column)
    elif not order.sort.is_time:
        at = "%(at)s::bigint"
    return f"(g.{order.sort.column}, g.id) {compare} ({at}, %(id)s::bigint)"


def _is_found_by_id(sort: Sort) -> bool:
    return sort.is_text or sort == Sort.ID


# Where the figure that a line is ordered by stands in a row.
_PLACES = {Sort.FIRST_SEEN: 1, Sort.LAST_SEEN: 2, Sort.PRODUCT: 6, Sort.COUNT: 12}


def _position(sort: Sort, row: tuple[Any, ...]) -> Position:
    if _is_found_by_id(sort):
        return Position(row[0])
    at = row[_PLACES[sort]]
    return Position(row[0], (at - _EPOCH) // _MICROSECOND if sort.is_time else at)


def _as_line(report: GlobalReport, row: tuple[Any, ...]) -> GlobalLine:
    values = list(row)
    if not report.reader.is_clear:
        values[3:5] = [mask(each) if each else "" for each in row[3:5]]
    return GlobalLine(*values)


# ── As a file ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def _csv_columns(*, is_raw: bool) -> str:
    """The columns of the page, by the names that the requests' parameters have."""

    def text(column: str, empty: str = NOT_DEFINED) -> str:
        safe = column if is_raw else spreadsheet_safe(column)
        return f"CASE WHEN {column} <> '' THEN {safe} ELSE '{empty}' END"

    columns = {
        "id": "g.id",
        "firstSeen": _TIME.format("g.first_seen_at"),
        "lastSeen": _TIME.format("g.last_seen_at"),
        "email": text("g.email"),
        "phoneNumber": text("g.phone"),
        "customField1": text("g.custom1"),
        "customField2": text("g.custom2"),
        "customField3": text("g.custom3"),
        "productId": "g.product_number",
        "product": text("p.name", ""),
        "website": text("g.website"),
        "pubID": text("g.publisher"),
        "publisher": text("b.name", ""),
        "uuid": f"coalesce(g.form::text, '{NOT_DEFINED}')",
        "unsubscribeCount": "g.unsubscribe_count",
    }
    return ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())


def stream_csv(report: GlobalReport, *, is_raw: bool) -> Generator[bytes]:
    """All lines of the report, in its order, as pieces of csv; for a spreadsheet, unless it `is_raw` (AT-23). See `copy_out`."""
    condition, values = report.condition()
    lines = _LINES.format(
        columns=_csv_columns(is_raw=is_raw),
        condition=condition,
        order=_order(report.order),
        cut="",
    )
    yield from copy_out(f"COPY ({lines}) TO STDOUT (FORMAT csv, HEADER)", values)
