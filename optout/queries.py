"""Questions about the state. An error is an error: it is never answered as "not suppressed" (security.md §7.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain

from lists.lookup import ListSnapshot
from lists.prepared import fetch_prepared
from optout.addresses import Address, lookup_keys, stored_under
from optout.statements import IS_UNDONE

_FIND = """
SELECT l.id, l.kind = 'global', s.suppressed_at, s.channel, s.reason
FROM optout_suppression s JOIN lists_list l ON l.id = s.optout_list_id
WHERE s.digest = ANY (%s::bytea[])
  AND s.optout_list_id = ANY (ARRAY[%s::int, (
      SELECT g.id FROM lists_list g JOIN lists_list own ON own.realm_id = g.realm_id
      WHERE own.id = %s AND g.kind = 'global'
  )])
ORDER BY s.suppressed_at
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A suppression that covers an address: whose it is, since when, how it came."""

    list_id: int
    is_global: bool
    suppressed_at: datetime
    channel: int
    reason: int


def find_suppressions(list_id: int, key: str) -> list[Found]:
    """The suppressions of a normalised address that hold for a list: its own, and the realm's Do Not Mail."""
    rows = fetch_prepared(_FIND, (list(lookup_keys(key)), list_id, list_id))
    return [Found(*row) for row in rows]


def widest_of(found: Sequence[Found]) -> Found | None:
    """The one that recipients are told of: Do Not Mail's where it is among them, else the earliest."""
    return min(found, key=lambda each: (not each.is_global, each.suppressed_at), default=None)


def is_suppressed(list_id: int, key: str) -> bool:
    """Whether a normalised address must not be contacted for this list."""
    return bool(find_suppressions(list_id, key))


_ANYWHERE = """
SELECT EXISTS (
    SELECT FROM lists_list l, LATERAL (
        SELECT FROM optout_suppression WHERE optout_list_id = l.id AND digest = ANY (%s::bytea[]) LIMIT 1
    ) s
    WHERE l.realm_id = %s
)
"""


def is_suppressed_anywhere(realm_id: int, key: str) -> bool:
    """Whether any list of a realm, or its Do Not Mail, suppresses a normalised address."""
    ((is_held,),) = fetch_prepared(_ANYWHERE, (list(lookup_keys(key)), realm_id))
    return bool(is_held)


_ON_LIST = "SELECT 1 FROM lists_subscription WHERE optout_list_id = %s AND digest = %s"


def is_subscribed(list_id: int, digest: bytes) -> bool:
    """Whether the address has a place on the list. It may be suppressed there all the same."""
    return bool(fetch_prepared(_ON_LIST, (list_id, digest)))


class Scope(StrEnum):
    """How far the suppression of an address reaches: over one list, or over the whole realm (Do Not Mail)."""

    LIST = "list"
    GLOBAL = "global"


# Digests one behind the other: as an array of them the driver would take as long as the database.
_COVERED = """
SELECT digest, optout_list_id FROM optout_suppression
WHERE optout_list_id IN (%(own)s::int, %(everywhere)s::int) AND digest = ANY (ARRAY(
    SELECT substr(%(digests)b, first, 16) FROM generate_series(1, octet_length(%(digests)b), 16) AS first
))
"""
# The same for one address: without an array half of the time.
_COVERED_ONE = """
SELECT optout_list_id FROM optout_suppression
WHERE optout_list_id IN (%s::int, %s::int) AND digest IN (%s, %s, %s)
"""


def find_scope(optout_list: ListSnapshot, address: Address) -> Scope | None:
    """How far an address is suppressed, if it is for this list: the list's own suppression is told first."""
    own, everywhere = optout_list.id, optout_list.do_not_mail_id
    rows = fetch_prepared(_COVERED_ONE, (own, everywhere, *stored_under(address)))
    if not rows:
        return None
    return Scope.GLOBAL if all(list_id == everywhere for (list_id,) in rows) else Scope.LIST


def find_scopes(optout_list: ListSnapshot, addresses: Sequence[Address]) -> list[Scope | None]:
    """The same for many, in their order. One statement."""
    everywhere = optout_list.do_not_mail_id
    digests = [stored_under(address) for address in addresses]
    given = {
        "own": optout_list.id,
        "everywhere": everywhere,
        "digests": b"".join(chain.from_iterable(digests)),
    }
    rows = fetch_prepared(_COVERED, given)
    in_realm = {digest for digest, list_id in rows if list_id == everywhere}
    in_list = {digest for digest, list_id in rows if list_id != everywhere}
    scopes: list[Scope | None] = [None] * len(digests)
    for found, scope in ((in_realm, Scope.GLOBAL), (in_list, Scope.LIST)):
        if found:
            for n, three in enumerate(digests):
                if not found.isdisjoint(three):
                    scopes[n] = scope
    return scopes


@dataclass(frozen=True, slots=True)
class RecordedOptOut:
    """What the done page tells of an opt-out. `address` is None where it was sealed; `is_undone`: by its own token; `has_reason`:
    somebody said why."""

    address: str | None
    channel: int
    recorded_at: datetime
    is_undone: bool
    has_reason: bool


_RECORDED = f"""
SELECT o.address, o.channel, o.recorded_at, {IS_UNDONE},
    EXISTS (SELECT FROM optout_statedreason r WHERE r.optout_id = o.id AND r.digest = o.digest)
FROM optout_optout o
WHERE o.digest = %s AND o.id = %s AND o.optout_list_id = %s AND o.kind = 1
"""  # noqa: S608  a constant of ours


def find_recorded(list_id: int, digest: bytes, optout_id: int) -> RecordedOptOut | None:
    """One opt-out of the ledger, by the three things that name it; None if there is none."""
    rows = fetch_prepared(_RECORDED, (digest, optout_id, list_id))
    return RecordedOptOut(*rows[0]) if rows else None
