"""What keeps an address from coming back to a list: its suppressions, what it asked for in the meantime, the law (S2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.addresses import Address, stored_under
from optout.choices import Channel, HashKind, Kind, Reason
from optout.statements import IS_UNDONE

KEPT_OUT = "kept_out"  # in the evidence of an opt-out that nobody asked for: it takes over from Do Not Mail

# What the address is suppressed by in the whole realm, under whatever hash.
_FIND = """
SELECT s.optout_list_id, s.digest, s.reason
FROM (SELECT id FROM lists_list WHERE realm_id = %(realm)s ORDER BY id) l, LATERAL (
    SELECT optout_list_id, digest, reason FROM optout_suppression
    WHERE optout_list_id = l.id AND digest = ANY (%(keys)s::bytea[])
    ORDER BY digest
    {lock}
) s
"""

# Takes the places of suppressions that perhaps are about to be made, in the order in which an opt-out of several lists takes
# them: if we locked first what is there and added the rest afterwards, we and it would lock each other out. Where there is one,
# it is locked.
_TAKE_PLACES = f"""
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT
    %(now)s::timestamptz, id, {Channel.PREFERENCES:d}, {Reason.UNSUBSCRIBED:d}, %(medium)s::smallint,
    {HashKind.SHA256:d}, %(digest)s::bytea, %(address)s::text
FROM lists_list
WHERE realm_id = %(realm)s AND (%(is_leaving)s OR EXISTS (
    SELECT FROM optout_suppression WHERE optout_list_id = %(everything)s AND digest = ANY (%(keys)s::bytea[])
))
ORDER BY id
ON CONFLICT (optout_list_id, digest) DO UPDATE SET medium = EXCLUDED.medium WHERE false
RETURNING optout_list_id
"""  # noqa: S608  constants only
# Nobody sees them, and their places stay ours until the transaction ends.
_EMPTY_PLACES = (
    "DELETE FROM optout_suppression WHERE optout_list_id = ANY (%(taken)s) AND digest = %(digest)s"
)

# Of an opt-out `o`: whether it was for a legal reason and still holds. Also where it came second, and an earlier one says why the
# address is suppressed.
IS_BARRED = f"""
o.kind = {Kind.OPT_OUT:d} AND o.reason = {Reason.LEGAL:d} AND NOT EXISTS (
    SELECT FROM optout_optout ended
    WHERE ended.digest = o.digest AND ended.id > o.id AND ended.optout_list_id + 0 = o.optout_list_id
      AND ended.kind = {Kind.LIFT:d} AND ended.is_new
)
"""

# When an opt-out `o` was asked for: of one that the quarantine let go later, the last time before that.
_ASKED_AT = "coalesce((o.evidence ->> 'last_asked_at')::timestamptz, o.recorded_at)"

# The lists that were opted out of since then, by anybody's request that was not taken back; and those with a legal one.
_ASKED = f"""
SELECT
    optout_list_id,
    bool_or({_ASKED_AT} > %(asked_at)s AND NOT coalesce(evidence ? '{KEPT_OUT}', false) AND NOT {IS_UNDONE}),
    bool_or({IS_BARRED})
FROM optout_optout o
WHERE digest = ANY (%(keys)s::bytea[]) AND optout_list_id + 0 = ANY (%(lists)s::int[]) AND kind = {Kind.OPT_OUT:d}
GROUP BY optout_list_id
"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True)
class Held:
    """A suppression of the address: where, under which key, why."""

    list_id: int
    key: bytes
    reason: int


@dataclass(frozen=True, slots=True)
class Holds:
    """How an address stands in a realm, whose Do Not Mail is `everything`.

    Of that and of the lists that were asked about: `since` are those which it has asked to leave in the meantime, `barred` those
    which it is out of for a legal reason.
    """

    everything: int
    found: tuple[Held, ...]
    since: frozenset[int]
    barred: frozenset[int]

    @property
    def out_of(self) -> set[int]:
        """The lists that suppress it."""
        return {each.list_id for each in self.found}


def find_holds(
    of_realm: ListSnapshot, address: Address, list_ids: Sequence[int], asked_at: datetime
) -> Holds:
    """What stands against it now. `of_realm` is any list of the realm."""
    return _find(of_realm, address, list_ids, asked_at, lock="")


def lock_holds(
    of_realm: ListSnapshot,
    address: Address,
    list_ids: Sequence[int],
    asked_at: datetime,
    *,
    is_leaving: bool,
) -> Holds:
    """The same, so that it stays so until the transaction ends, and suppressions of the realm may be added and ended.

    A new opt-out locks its suppression as well (statements.py): it is in the ledger already and is seen, or it waits until we are
    done and suppresses anew. `is_leaving`: some are added even if Do Not Mail does not hold the address. After `lock_contacts`.
    """
    place = {
        "realm": of_realm.realm_id,
        "everything": of_realm.do_not_mail_id,
        "keys": list(stored_under(address)),
        "digest": address.digest,
        "address": address.key,
        "medium": int(address.medium),
        "is_leaving": is_leaving,
        "now": asked_at,
    }
    taken = [list_id for (list_id,) in fetch(_TAKE_PLACES, place)]
    if taken:
        fetch(_EMPTY_PLACES, {"taken": taken, "digest": address.digest})
    return _find(of_realm, address, list_ids, asked_at, lock="FOR UPDATE")


def _find(
    of_realm: ListSnapshot,
    address: Address,
    list_ids: Sequence[int],
    asked_at: datetime,
    *,
    lock: str,
) -> Holds:
    everything = of_realm.do_not_mail_id
    place: dict[str, Any] = {
        "realm": of_realm.realm_id,
        "keys": list(stored_under(address)),
        "lists": [everything, *list_ids],
        "asked_at": asked_at,
    }
    found = tuple(Held(*row) for row in fetch(_FIND.replace("{lock}", lock), place))
    asked = fetch(_ASKED, place) if found else []
    barred = {list_id for list_id, _since, is_barred in asked if is_barred}
    barred |= {each.list_id for each in found if each.reason == Reason.LEGAL}
    since = frozenset(list_id for list_id, is_since, _barred in asked if is_since)
    return Holds(everything, found, since, frozenset(barred))
