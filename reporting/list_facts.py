"""What programs read of a realm's lists: counts, and when a list last changed. Few queries, however many lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lists.prepared import fetch
from reporting.counters import suppressed_totals

# Contacts of a list that are counted. A program that polls reads every list's number each time.
COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class ListFacts:
    """A list as programs see it. `contacts` is at most COUNTED.

    `modified_at`: when it was made or changed, or last got an opt-out or a lift.
    """

    id: int
    number: int
    public_id: str
    name: str
    description: str
    is_do_not_mail: bool
    is_closed: bool
    created_at: datetime
    modified_at: datetime
    contacts: int
    suppressed: int


_READ = """
SELECT l.*, (SELECT count(*) FROM (SELECT FROM lists_subscription s WHERE s.optout_list_id = l.id LIMIT %(counted)s) n)
FROM (
    SELECT l.id, l.number, l.public_id, l.name, l.description, l.kind = 'global', l.closed_at IS NOT NULL, l.created_at,
        m.modified_at
    FROM lists_list l, LATERAL (
        SELECT greatest(
            l.created_at, l.closed_at,
            (SELECT max(a.recorded_at) FROM lists_auditentry a WHERE a.optout_list_id = l.id),
            (SELECT o.recorded_at FROM optout_optout o WHERE o.optout_list_id = l.id ORDER BY o.recorded_at DESC LIMIT 1)
        ) AS modified_at OFFSET 0
    ) m
    WHERE l.realm_id = %(realm)s AND (%(lists)s::int[] IS NULL OR l.id = ANY (%(lists)s::int[]))
      AND l.number > %(after)s AND (%(since)s::timestamptz IS NULL OR m.modified_at >= %(since)s::timestamptz)
    ORDER BY l.number
    LIMIT %(limit)s
) l
ORDER BY l.number
"""


def read_list_facts(
    realm_id: int,
    list_ids: Sequence[int] | None,
    *,
    after: int = -1,
    since: datetime | None = None,
    limit: int = 1,
) -> list[ListFacts]:
    """The lists (None: all) of a realm with a number above `after`, by number; only those modified `since`. Two queries."""
    rows = fetch(
        _READ,
        {
            "realm": realm_id,
            "lists": None if list_ids is None else list(list_ids),
            "after": after,
            "since": since,
            "limit": limit,
            "counted": COUNTED,
        },
    )
    totals = suppressed_totals([row[0] for row in rows]) if rows else {}
    return [ListFacts(*(*row, totals.get(row[0], 0))) for row in rows]
