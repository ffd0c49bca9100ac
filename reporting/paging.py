"""Pages of rows ordered by time, newest first, found by position: the millionth page costs what the first does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

PAGE_SIZE = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LATEST = 253_000_000_000 * 1_000_000  # the year 9987: what a datetime can hold
HIGHEST_ID = 2**63 - 1


def as_microseconds(moment: datetime) -> int:
    """A moment as a position says it; `from_microseconds` gives it back, up to LATEST."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two rows: the time and id of the row it belongs to. As text: `microseconds-id`."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{as_microseconds(self.at)}-{self.id}"


def read_position(text: str) -> Position | None:
    """The position that a link carries, or None for anything else."""
    at, _, row_id = text.partition("-")
    if not (at.isascii() and at.isdigit() and row_id.isascii() and row_id.isdigit()):
        return None
    if len(text) > 40 or int(at) > LATEST or int(row_id) > HIGHEST_ID:
        return None
    return Position(from_microseconds(int(at)), int(row_id))


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """Rows, and where the pages beside them begin; None where there is none."""

    rows: Sequence[Row]
    older: Position | None
    newer: Position | None


def keyset_page[Row: Model](
    rows: QuerySet[Row, Row], time_field: str, query: QueryDict, *, size: int = PAGE_SIZE
) -> Page[Row]:
    """The page that `?after=` (older rows) or `?before=` (newer rows) asks for; otherwise the newest rows.

    Ordered by (`time_field`, id), so that rows of one moment have their order too. One query.
    """
    before = read_position(query.get("before", ""))
    if before is not None:
        return _newer_page(rows, time_field, before, size)
    after = read_position(query.get("after", ""))
    if after is not None:
        rows = rows.filter(
            Q(**{f"{time_field}__lte": after.at})
            & (Q(**{f"{time_field}__lt": after.at}) | Q(id__lt=after.id))
        )
    found = list(rows.order_by(f"-{time_field}", "-id")[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        older=_position(shown[-1], time_field) if len(found) > size else None,
        newer=_position(shown[0], time_field) if after is not None and shown else None,
    )


def _newer_page[Row: Model](
    rows: QuerySet[Row, Row], time_field: str, before: Position, size: int
) -> Page[Row]:
    newer = rows.filter(
        Q(**{f"{time_field}__gte": before.at})
        & (Q(**{f"{time_field}__gt": before.at}) | Q(id__gt=before.id))
    )
    found = list(newer.order_by(time_field, "id")[: size + 1])
    shown = found[:size][::-1]
    return Page(
        shown,
        older=_position(shown[-1], time_field) if shown else None,
        newer=_position(shown[0], time_field) if len(found) > size else None,
    )


def _position(row: Any, time_field: str) -> Position:
    return Position(getattr(row, time_field), row.id)


def page_url(query: QueryDict, direction: str, position: object | None) -> str:
    """The same filters and search, at another position: `direction` is `before` or `after`. Nothing where there is none."""
    if position is None:
        return ""
    query = query.copy()
    query.pop("after", None)
    query.pop("before", None)
    query[direction] = str(position)
    return f"?{query.urlencode()}"
