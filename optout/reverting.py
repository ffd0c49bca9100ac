"""Taking opt-outs back: the recipient's undo, and the owner's bulk revert after an attack (pages.md, security.md §4)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from lists.audit import record_audit
from lists.models import List, User
from lists.prepared import fetch, fetch_prepared
from optout.actions import LiftIntent, lift_suppressions
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.models import GlobalLine
from optout.statements import IS_UNDONE, RESUBSCRIBE, UNDO
from optout.tokens import UNDO_WITHIN, DoneToken

# The row that made the suppression, and whether every request since then was the same tap (the same form sent twice by a
# double click) or was itself taken back in vain before (somebody had two tabs open, and pressed Undo in both). A second request
# may not be undone by the first one's token, nor the other way round: the same IP and program prove nothing behind a carrier's
# or an office's network (AT-46).
#
# By the address's key alone: with `+ 0` no planner that has old statistics reads the index of a whole list for it, and it takes
# as long whether the address was out before or not (AT-03).
_UNDOABLE = """
WITH since_last_lift AS MATERIALIZED (
    SELECT id, recorded_at, is_new, evidence ->> 'form' AS form, left_lists FROM optout_optout
    WHERE digest = %(digest)s AND optout_list_id + 0 = %(list)s AND kind = 1
      AND id > coalesce((
          SELECT max(id) FROM optout_optout
          WHERE digest = %(digest)s AND optout_list_id + 0 = %(list)s AND kind = 2 AND is_new
      ), 0)
), taken_back AS MATERIALIZED (
    SELECT (evidence ->> 'undoes')::bigint AS id FROM optout_optout
    WHERE digest = %(digest)s AND optout_list_id + 0 = %(list)s AND kind = 2 AND reason = 6 AND origin = 1
)
SELECT maker.id, maker.left_lists
FROM since_last_lift maker, since_last_lift mine
WHERE mine.id = %(optout)s AND maker.is_new AND maker.recorded_at > %(earliest)s AND maker.id <= mine.id
  AND NOT EXISTS (
      SELECT FROM since_last_lift other
      WHERE other.id < maker.id
        OR other.id <> mine.id
        AND coalesce(other.form <> mine.form, true)
        AND NOT EXISTS (SELECT FROM taken_back WHERE taken_back.id = other.id)
  )
"""

# Asked before anything is locked: pressing Undo once more ends here, and takes as long whether there was something to lift or not
# (AT-03).
_ARE_UNDONE = f"""
SELECT coalesce(bool_and({IS_UNDONE}), false) FROM optout_optout o
WHERE o.digest = %s AND o.id = ANY (%s::bigint[]) AND o.kind = 1
"""  # noqa: S608  a constant of ours

# Taking back asks the ledger who else wants the suppression. Locked first, it cannot be asked for in between: a new opt-out
# locks it as well (statements.py), so it is either in the ledger already or waits until we are done, and then suppresses anew.
_LOCK = """
SELECT FROM optout_suppression s JOIN unnest(%s::int[], %s::bytea[]) AS o (list_id, digest)
    ON s.optout_list_id = o.list_id AND s.digest = o.digest
ORDER BY s.optout_list_id, s.digest
FOR UPDATE OF s
"""

# What the filter of a revert selects.
_IS_CHOSEN = """
    {row}.kind = 1 AND {row}.recorded_at >= %(since)s AND {row}.recorded_at < %(until)s
    AND (%(channel)s::smallint IS NULL OR {row}.channel = %(channel)s)
    AND (%(network)s::inet IS NULL OR coalesce({row}.ip <<= %(network)s::inet, false))
"""
# Of that, the suppressions which those requests made; then only those that no other request outside the selection asks for.
_MADE = f"""
FROM optout_optout maker
JOIN optout_suppression s ON s.optout_list_id = maker.optout_list_id AND s.digest = maker.digest
WHERE maker.optout_list_id = %(list)s AND maker.is_new AND {_IS_CHOSEN.format(row="maker")}
"""
_REVERTIBLE = f"""
{_MADE} AND NOT EXISTS (
    SELECT FROM optout_optout other
    WHERE other.digest = maker.digest AND other.optout_list_id = maker.optout_list_id AND other.id > maker.id
      AND (other.kind = 2 AND other.is_new OR other.kind = 1 AND NOT ({_IS_CHOSEN.format(row="other")}))
)
"""
_COUNT_REVERTIBLE = f"SELECT count(*) {_REVERTIBLE}"
_LOCK_MADE = f"SELECT {_MADE} ORDER BY maker.digest FOR UPDATE OF s"
_FIND_REVERTIBLE = f"""
SELECT maker.id, maker.digest, maker.medium, maker.left_lists {_REVERTIBLE} ORDER BY maker.digest
"""


_Place = tuple[int, bytes]  # list and digest


def undo_optout(done: DoneToken, *, now: datetime, evidence: Evidence) -> bool:
    """Take back the opt-out which the request of this token made; whether it did.

    Within 24 hours, and only when that request was what suppressed the address: an earlier or an independent later request stays
    in force (AT-46). The subscriptions which it ended come back. Asked for once more it does nothing.
    """
    if now - done.recorded_at > UNDO_WITHIN:
        return False
    list_ids = [list_id for list_id, _optout_id in done.rows]
    optout_ids = [optout_id for _list_id, optout_id in done.rows]
    ((are_undone,),) = fetch_prepared(_ARE_UNDONE, (done.digest, optout_ids))
    if are_undone:
        return False
    with transaction.atomic():
        fetch_prepared(_LOCK, (list_ids, [done.digest] * len(list_ids)))
        made = [row for place in done.rows for row in _undoable(done, *place, now)]
        made_ids = {list_id: maker_id for list_id, maker_id, _left in made}
        lifted = []
        for list_id, optout_id in done.rows:
            # Also when it may end nothing: the owner sees that it was tried, and pressing the button takes as long, so that it
            # tells nobody whether the address was out before (AT-03).
            undone = made_ids.get(list_id, optout_id)
            tried = evidence.adding(undoes=str(undone))
            rows = fetch_prepared(
                UNDO,
                {
                    "list": list_id,
                    "digest": done.digest,
                    "ends": list_id in made_ids,
                    "now": now,
                    "assurance": int(done.assurance),
                    "ip": None if tried.ip is None else str(tried.ip),
                    "agent": tried.agent,
                    "evidence": json.dumps(dict(tried.extra)),
                    "undone": undone,
                },
            )
            lifted += [is_new for (is_new,) in rows]
        # after all lifts: the realm's Do Not Mail would keep the address off every list
        left_lists = {list_id: left for list_id, _id, left in made if left}
        _resubscribe(
            [(done.digest, left) for left in left_lists.values()],
            now,
            # Also where none was ended, as long as it takes: nobody is to learn whether the address was on the list (AT-03).
            [(list_id, done.digest) for list_id in list_ids if list_id not in left_lists],
        )
    return any(lifted)


def _undoable(
    done: DoneToken, list_id: int, optout_id: int, now: datetime
) -> list[tuple[int, int, list[int] | None]]:
    """(list, row that made the suppression, subscriptions it ended): one such row, or none that may be undone."""
    rows = fetch_prepared(
        _UNDOABLE,
        {
            "digest": done.digest,
            "optout": optout_id,
            "list": list_id,
            "earliest": now - UNDO_WITHIN,
        },
    )
    return [(list_id, maker_id, left) for maker_id, left in rows]


@dataclass(frozen=True, slots=True)
class RevertFilter:
    """Which opt-outs of a list: recorded from `since` up to `until`, by one channel or any, from one network (CIDR) or any."""

    since: datetime
    until: datetime
    channel: Channel | None = None
    network: str | None = None

    def parameters(self, optout_list: List) -> dict[str, Any]:
        return {
            "list": optout_list.pk,
            "since": self.since,
            "until": self.until,
            "channel": self.channel,
            "network": self.network,
        }


def count_revertible(optout_list: List, chosen: RevertFilter) -> int:
    """How many suppressions a revert would lift now."""
    ((count,),) = fetch(_COUNT_REVERTIBLE, chosen.parameters(optout_list))
    return int(count)


def revert_optouts(
    optout_list: List, chosen: RevertFilter, *, actor: User, now: datetime, evidence: Evidence
) -> int:
    """Lift the suppressions which the chosen opt-outs made, with one audit entry; how many.

    Exactly those: an address that was out before, or that asked again outside the selection, stays suppressed (AT-01).
    """
    with transaction.atomic():
        fetch(_LOCK_MADE, chosen.parameters(optout_list))
        rows = fetch(_FIND_REVERTIBLE, chosen.parameters(optout_list))
        lifts = [
            LiftIntent(
                list_id=optout_list.pk,
                digest=bytes(digest),
                medium=Medium(medium),
                channel=Channel.PORTAL,
                assurance=Assurance.OPERATOR,
                reason=Reason.REVERTED,
                origin=Origin.OPERATOR if actor.is_superuser else Origin.OWNER,
                requested_at=now,
                evidence=evidence.adding(undoes=str(maker_id)),
            )
            for maker_id, digest, medium, _left in rows
        ]
        lifted = sum(each.is_new for each in lift_suppressions(lifts))
        _resubscribe(
            [(bytes(digest), left_lists) for _id, digest, _medium, left_lists in rows], now
        )
        record_audit(
            "revert_optouts",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            since=chosen.since.isoformat(),
            until=chosen.until.isoformat(),
            channel=chosen.channel.name.lower() if chosen.channel else None,
            network=chosen.network,
            lifted=lifted,
        )
    return lifted


def forget_lines_of(requests: Iterable[GlobalRequest]) -> None:
    """Take the lines of these requests out of the Global Unsubscribe report. The ledger keeps the requests.

    Only for requests that nobody made: what Heed sent itself, to see whether it arrives.
    """
    for each in requests:
        GlobalLine.objects.filter(realm=each.realm_id, key=each.key).delete()


def _resubscribe(
    ended: Iterable[tuple[bytes, list[int] | None]], now: datetime, others: Iterable[_Place] = ()
) -> None:
    """Give back the subscriptions that were ended. `others` are looked after as if they had been (AT-03)."""
    places = [(list_id, digest, True) for digest, left in ended for list_id in left or ()]
    places += [(list_id, digest, False) for list_id, digest in others]
    if places:
        list_ids, digests, are_left = zip(*places, strict=True)
        fetch_prepared(RESUBSCRIBE, (now, list(list_ids), list(digests), list(are_left)))
