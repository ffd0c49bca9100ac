"""What programs read of a realm's lists: counts, and when a list last changed. Few queries, however many lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from lists.lookup import on_forget_all
from lists.prepared import fetch
from reporting.counters import suppressed_totals

# Contacts of a list that are counted. A program that polls reads every list's number each time, and a hundred lists of so many
# take half a second: so a number from MANY on is remembered for so many seconds, in each process.
MOST_COUNTED = 100_000
MANY = 2_000
REMEMBERED = 60

_remembered: dict[
    int, dict[int, tuple[float, int]]
] = {}  # of a realm's lists: until when, how many
_MOST_REALMS = 1_000
on_forget_all(_remembered.clear)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """A list as programs see it. `contacts` is at most MOST_COUNTED, and from MANY on up to a minute old.

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
SELECT l.*, CASE WHEN l.id <> ALL (%(remembered)s::int[])
    THEN (SELECT count(*) FROM (SELECT FROM lists_subscription s WHERE s.optout_list_id = l.id LIMIT %(counted)s) n)
END
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
    now = monotonic()
    known = {
        list_id: count
        for list_id, (until, count) in list(_remembered.get(realm_id, {}).items())
        if now < until
    }
    rows = fetch(
        _READ,
        {
            "realm": realm_id,
            "lists": None if list_ids is None else list(list_ids),
            "after": after,
            "since": since,
            "limit": limit,
            "remembered": list(known),
            "counted": MOST_COUNTED,
        },
    )
    counted = {row[0]: row[-1] for row in rows if row[-1] is not None}
    _remember(realm_id, counted, now + REMEMBERED)
    contacts = known | counted
    totals = suppressed_totals([row[0] for row in rows]) if rows else {}
    return [ListFacts(*(*row[:-1], contacts[row[0]], totals.get(row[0], 0))) for row in rows]


def _remember(realm_id: int, counted: dict[int, int], until: float) -> None:
    many = {list_id: (until, count) for list_id, count in counted.items() if count >= MANY}
    if not many:
        return
    if len(_remembered) >= _MOST_REALMS:
        _remembered.clear()
    _remembered.setdefault(realm_id, {}).update(many)
