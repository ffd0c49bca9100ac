"""The lines of the Global Unsubscribe report: a page of them, found by position, and all of them as a csv (S1.21)."""

import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict

from lists.copying import copy_out
from lists.global_actions import NOT_DEFINED
from lists.prepared import fetch
from optout.addresses import mask
from reporting.exports import spreadsheet_safe
from reporting.global_report.report import GlobalReport, Order, Sort
from reporting.paging import HIGHEST_ID, LATEST, PAGE_SIZE, as_microseconds, from_microseconds

_LONGEST = 60  # characters of a position
_TIMES = frozenset({"first_seen_at", "last_seen_at"})
_TEXTS = frozenset({"email", "phone", "website", "publisher"})

# An address may stand in any text that a website sends, and a phone number in what people typed.
_EMAIL = re.compile(r"[^\s@/]*@[^\s@/]*")
_NUMBER = re.compile(r"\+?\d(?:[\s()./-]*\d){5,}")
_HIDDEN = "•••"

# The names are looked up for the lines that are shown. Columns of the report compare by bytes, others as the database does.
_LINES = """
SELECT {columns}
FROM (SELECT * FROM {found}{cut}) g
LEFT JOIN lists_product p ON p.realm_id = g.realm_id AND p.number = g.product_number
LEFT JOIN lists_publisher b ON b.realm_id = g.realm_id AND b.reference = g.publisher COLLATE "default"
ORDER BY {order}
"""
_TABLE = "optout_globalline g WHERE {condition}"
_COLLECTED = "(SELECT * FROM optout_globalline g WHERE {condition} OFFSET 0) g"
# The text at a position. A line that the reader may not see is none: where others stand beside it would tell of it.
_TEXT_AT = """(
SELECT b.{} FROM optout_globalline b
WHERE b.realm_id = %(realm)s AND b.id = %(at_id)s::bigint
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
    unsubscribe_count: int

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
    """A place beside a line: what the line is ordered by, its id last. As text: `12-345`, times as microseconds.

    A text that a line is ordered by is not among it: it may be an address, which must not stand in a URL. The line itself is
    asked for it, and cannot have changed it, unlike its counter and its last date.
    """

    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return "-".join(str(number) for number in self.numbers)


def read_position(text: str, sort: Sort) -> Position | None:
    """The position that a link carries, or None for anything else."""
    parts = text.split("-")
    columns = _numbered(sort)
    if len(text) > _LONGEST or len(parts) != len(columns):
        return None
    if not all(each.isascii() and each.isdigit() for each in parts):
        return None
    numbers = tuple(int(each) for each in parts)
    for column, number in zip(columns, numbers, strict=True):
        if number > (LATEST if column in _TIMES else HIGHEST_ID):
            return None
    return Position(numbers)


def read_page(
    report: GlobalReport, query: QueryDict, *, collects: bool = False, size: int = PAGE_SIZE
) -> LinePage:
    """The page that `?after=` or `?before=` asks for; the first one where neither does or nothing is there any more.

    With `collects` what the filters find is collected first and then put in order. Without it the database may as well read all
    lines in that order until enough of them are found: mostly a matter of milliseconds, but of many seconds where those that are
    wanted come last, such as one website's lines by their publisher.
    """
    sort = report.order.sort
    before = read_position(query.get("before", ""), sort)
    after = None if before else read_position(query.get("after", ""), sort)
    source = _COLLECTED if collects else _TABLE
    lines = _read(report, before or after, size + 1, source, is_backward=before is not None)
    if not lines and (before or after):
        before = after = None
        lines = _read(report, None, size + 1, source)
    shown, has_more = lines[:size], len(lines) > size
    if before:
        shown.reverse()
    if not shown:
        return LinePage([])
    has_following, has_preceding = (True, has_more) if before else (has_more, after is not None)
    return LinePage(
        [_as_seen(report, line) for line in shown],
        _position_of(shown[-1], sort) if has_following else None,
        _position_of(shown[0], sort) if has_preceding else None,
    )


def _read(
    report: GlobalReport,
    position: Position | None,
    count: int,
    source: str,
    *,
    is_backward: bool = False,
) -> list[GlobalLine]:
    order = report.order.reversed() if is_backward else report.order
    condition, values = report.condition()
    if position is not None:
        condition += f" AND {_beyond(order)}"
        values |= _values_of(position, order.sort)
        numbers = report.reader.product_numbers
        values["may_see"] = None if numbers is None else list(numbers)
    ordered = _order(order)
    statement = _LINES.format(
        columns=_SHOWN,
        found=source.format(condition=condition),
        order=ordered,
        cut=f" ORDER BY {ordered} LIMIT {int(count)}",
    )
    return [GlobalLine(*row) for row in fetch(statement, values)]


def _order(order: Order) -> str:
    direction = "DESC" if order.is_descending else "ASC"
    return ", ".join(f"g.{column} {direction}" for column in order.sort.columns)


def _beyond(order: Order) -> str:
    """What holds for the lines behind a position: one comparison of rows, which an index answers."""
    at = {column: f"%(at_{column})s::bigint" for column in order.sort.columns}
    at |= {column: f"%(at_{column})s" for column in _TIMES}
    at |= {column: _TEXT_AT.format(column) for column in _TEXTS}
    left = ", ".join(f"g.{column}" for column in order.sort.columns)
    right = ", ".join(at[column] for column in order.sort.columns)
    return f"({left}) {'<' if order.is_descending else '>'} ({right})"


def _numbered(sort: Sort) -> list[str]:
    return [column for column in sort.columns if column not in _TEXTS]


def _position_of(line: GlobalLine, sort: Sort) -> Position:
    values = [getattr(line, column) for column in _numbered(sort)]
    return Position(
        tuple(as_microseconds(each) if isinstance(each, datetime) else each for each in values)
    )


def _values_of(position: Position, sort: Sort) -> dict[str, int | datetime]:
    """The parameters of `_beyond`."""
    named = zip(_numbered(sort), position.numbers, strict=True)
    return {
        f"at_{column}": from_microseconds(number) if column in _TIMES else number
        for column, number in named
    }


def _as_seen(report: GlobalReport, line: GlobalLine) -> GlobalLine:
    if report.reader.is_clear:
        return line
    email, phone = (each and mask(each) for each in (line.email, line.phone))
    return replace(
        line,
        email=email,
        phone=phone,
        custom=[_NUMBER.sub(_HIDDEN, _EMAIL.sub(_HIDDEN, each)) for each in line.custom],
        website=_EMAIL.sub(_HIDDEN, line.website),
        publisher=_EMAIL.sub(_HIDDEN, line.publisher),
    )


# ── As a file ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def _csv_columns(*, is_raw: bool) -> str:
    """The columns of the page, by the names that the requests' parameters have."""

    def name(column: str) -> str:
        return column if is_raw else spreadsheet_safe(column)

    def text(column: str) -> str:
        return f"CASE WHEN {column} <> '' THEN {name(column)} ELSE '{NOT_DEFINED}' END"

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
        "product": name("p.name"),
        "website": text("g.website"),
        "pubID": text("g.publisher"),
        "publisher": name("b.name"),
        "uuid": f"coalesce(g.form::text, '{NOT_DEFINED}')",
        "unsubscribeCount": "g.unsubscribe_count",
    }
    return ", ".join(f'{sql} AS "{heading}"' for heading, sql in columns.items())


def stream_csv(report: GlobalReport, *, is_raw: bool) -> Generator[bytes]:
    """All lines of the report, in its order, as pieces of csv; for a spreadsheet, unless it `is_raw` (AT-23). See `copy_out`."""
    condition, values = report.condition()
    lines = _LINES.format(
        columns=_csv_columns(is_raw=is_raw),
        found=_TABLE.format(condition=condition),
        order=_order(report.order),
        cut="",
    )
    yield from copy_out(f"COPY ({lines}) TO STDOUT (FORMAT csv, HEADER)", values)
