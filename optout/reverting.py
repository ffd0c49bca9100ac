"""Taking opt-outs back: the recipient's undo, and the owner's bulk revert after an attack (pages.md, security.md §4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from lists.audit import record_audit
from lists.models import List, User
from lists.prepared import fetch_prepared
from optout.actions import LiftIntent, lift_suppressions
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.statements import RESUBSCRIBE
from optout.tokens import UNDO_WITHIN, DoneToken

# The row that made the suppression, and whether every request since then was the same person's same tap: a double click may
# be undone, a second and independent request may not. Somebody else behind the same IP must not undo what a neighbour asked
# for, so a double click is one by the same program within a minute (AT-46).
_UNDOABLE = """
WITH asked AS (
    SELECT * FROM optout_optout WHERE digest = %(digest)s AND id = %(optout)s AND optout_list_id = %(list)s AND kind = 1
), since_last_lift AS (
    SELECT o.* FROM optout_optout o, asked
    WHERE o.digest = asked.digest AND o.optout_list_id = asked.optout_list_id AND o.kind = 1
      AND o.id > coalesce((
          SELECT max(l.id) FROM optout_optout l
          WHERE l.digest = asked.digest AND l.optout_list_id = asked.optout_list_id AND l.kind = 2
      ), 0)
)
SELECT maker.id, maker.medium, maker.left_lists
FROM since_last_lift maker
WHERE maker.is_new AND maker.recorded_at > %(earliest)s AND maker.id <= %(optout)s
  AND EXISTS (SELECT FROM since_last_lift WHERE id = %(optout)s)
  AND NOT EXISTS (
      SELECT FROM since_last_lift other
      WHERE other.id <> maker.id
        AND (
            other.id < maker.id OR other.channel <> maker.channel OR other.ip IS DISTINCT FROM maker.ip OR maker.ip IS NULL
            OR other.agent <> maker.agent OR other.recorded_at > maker.recorded_at + interval '1 minute'
        )
  )
"""

# What the filter selects, and of that what may be lifted: the suppressions which those requests made and no other request
# outside the selection asks for.
_REVERTIBLE = """
WITH chosen AS (
    SELECT o.* FROM optout_optout o
    WHERE o.optout_list_id = %(list)s AND o.kind = 1
      AND o.recorded_at >= %(since)s AND o.recorded_at < %(until)s
      AND (%(channel)s::smallint IS NULL OR o.channel = %(channel)s)
      AND (%(network)s::inet IS NULL OR o.ip <<= %(network)s::inet)
)
SELECT maker.id, maker.digest, maker.medium, maker.left_lists
FROM chosen maker
JOIN optout_suppression s ON s.optout_list_id = maker.optout_list_id AND s.digest = maker.digest
WHERE maker.is_new
  AND NOT EXISTS (
      SELECT FROM optout_optout other
      WHERE other.digest = maker.digest AND other.optout_list_id = maker.optout_list_id AND other.id > maker.id
        AND (other.kind = 2 OR NOT EXISTS (SELECT FROM chosen c WHERE c.digest = other.digest AND c.id = other.id))
  )
ORDER BY maker.digest
"""


def undo_optout(done: DoneToken, *, now: datetime, evidence: Evidence) -> bool:
    """Take back the opt-out which the request of this token made; whether it did.

    Within 24 hours, and only when that request was what suppressed the address: an earlier or an independent later request stays
    in force (AT-46). The subscriptions which it ended come back.
    """
    if now - done.recorded_at > UNDO_WITHIN:
        return False
    with transaction.atomic():
        made = [row for place in done.rows for row in _undoable(done, *place, now)]
        lifts = [
            LiftIntent(
                list_id=list_id,
                digest=done.digest,
                medium=Medium(medium),
                channel=Channel.PAGE,
                assurance=done.assurance,
                reason=Reason.UNDONE,
                origin=Origin.RECIPIENT,
                requested_at=now,
                evidence=evidence.adding(undoes=str(maker_id)),
            )
            for list_id, maker_id, medium, _left in made
        ]
        lifted = lift_suppressions(lifts)
        # after all lifts: the realm's Do Not Mail would keep the address off every list
        _resubscribe([(done.digest, left) for _list, _id, _medium, left in made], now)
    return any(each.is_new for each in lifted)


def _undoable(
    done: DoneToken, list_id: int, optout_id: int, now: datetime
) -> list[tuple[int, int, int, list[int] | None]]:
    """(list, row that made the suppression, medium, subscriptions it ended): one such row, or none that may be undone."""
    rows = fetch_prepared(
        _UNDOABLE,
        {
            "digest": done.digest,
            "optout": optout_id,
            "list": list_id,
            "earliest": now - UNDO_WITHIN,
        },
    )
    return [(list_id, maker_id, medium, left) for maker_id, medium, left in rows]


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
    return len(fetch_prepared(_REVERTIBLE, chosen.parameters(optout_list)))


def revert_optouts(
    optout_list: List, chosen: RevertFilter, *, actor: User, now: datetime, evidence: Evidence
) -> int:
    """Lift the suppressions which the chosen opt-outs made, with one audit entry; how many.

    Exactly those: an address that was out before, or that asked again outside the selection, stays suppressed (AT-01).
    """
    with transaction.atomic():
        rows = fetch_prepared(_REVERTIBLE, chosen.parameters(optout_list))
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


def _resubscribe(ended: list[tuple[bytes, list[int] | None]], now: datetime) -> None:
    places = [(list_id, digest) for digest, left in ended for list_id in left or ()]
    if places:
        fetch_prepared(
            RESUBSCRIBE, (now, [place[0] for place in places], [place[1] for place in places])
        )
