"""START: a person takes their own STOP back, and nothing else (S3.4)."""

from datetime import datetime

from django.db import transaction

from lists.prepared import fetch, fetch_prepared
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import Address
from optout.choices import Assurance, Channel, Kind, Medium, Origin, Reason, RefusalCause, Verdict
from optout.contact_locks import lock_contacts
from optout.evidence import Evidence
from optout.models import QuarantinedOptOut
from optout.statements import RESUBSCRIBE

# Locked first: a new opt-out locks the suppression as well (statements.py), so it is in the ledger already and is seen below,
# or it waits until we are done and suppresses anew.
_LOCK = """
SELECT FROM optout_suppression s
WHERE s.digest = %(digest)s AND s.optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
ORDER BY s.optout_list_id
FOR UPDATE OF s
"""

# The suppressions that a STOP made and that nothing but STOPs asked for since: list, medium, the row that made it, and the
# subscriptions that any of them ended.
_STOPPED = f"""
SELECT s.optout_list_id, s.medium, since.maker, since.left_lists
FROM optout_suppression s CROSS JOIN LATERAL (
    SELECT
        max(o.id) FILTER (WHERE o.is_new) AS maker,
        bool_and(
            o.channel = {Channel.INBOUND_SMS:d} AND o.origin = {Origin.RECIPIENT:d} AND o.reason = {Reason.UNSUBSCRIBED:d}
        ) AS is_only_stop,
        (
            SELECT array_agg(DISTINCT l.id) FROM optout_optout e CROSS JOIN LATERAL unnest(e.left_lists) AS l (id)
            WHERE e.digest = %(digest)s AND e.optout_list_id = s.optout_list_id AND e.kind = {Kind.OPT_OUT:d}
              AND e.id > lifted.id
        ) AS left_lists
    FROM (
        SELECT coalesce(max(id), 0) AS id FROM optout_optout
        WHERE digest = %(digest)s AND optout_list_id = s.optout_list_id AND kind = {Kind.LIFT:d} AND is_new
    ) lifted
    JOIN optout_optout o ON o.digest = %(digest)s AND o.optout_list_id = s.optout_list_id
        AND o.kind = {Kind.OPT_OUT:d} AND o.id > lifted.id
    GROUP BY lifted.id
) since
WHERE s.digest = %(digest)s AND s.channel = {Channel.INBOUND_SMS:d}
  AND s.optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
  AND since.is_only_stop AND since.maker IS NOT NULL
ORDER BY s.optout_list_id
"""  # noqa: S608  constants only


def lift_stops(realm_id: int, address: Address, *, evidence: Evidence, now: datetime) -> bool:
    """End the realm's suppressions of a number that only STOP asked for, and put aside what perhaps was one; whether it did
    anything.

    Whatever else asked for a suppression since it was last lifted (a link, a page, the owner, an import) keeps it. The
    subscriptions that STOP ended come back.
    """
    with transaction.atomic():
        # Before contacts and suppressions, as whoever accepts it locks them.
        is_put_aside = settle_unclear(realm_id, None, address.digest, Verdict.REJECTED, now)
        lock_contacts(realm_id, [address.digest])
        place = {"realm": realm_id, "digest": address.digest}
        fetch(_LOCK, place)
        stopped = fetch(_STOPPED, place)
        lifted = lift_suppressions(
            [
                LiftIntent(
                    list_id=list_id,
                    digest=address.digest,
                    medium=Medium(medium),
                    channel=Channel.INBOUND_SMS,
                    assurance=Assurance.API_CREDENTIAL,
                    reason=Reason.UNDONE,
                    origin=Origin.RECIPIENT,
                    requested_at=now,
                    evidence=evidence.adding(undoes=str(maker)),
                )
                for list_id, medium, maker, _left in stopped
            ]
        )
        # after all lifts: the realm's Do Not Mail would keep the number off every list
        places = sorted({list_id for *_, left in stopped for list_id in left or ()})
        if places:
            fetch_prepared(RESUBSCRIBE, (now, places, [address.digest] * len(places)))
    return is_put_aside or any(each.is_new for each in lifted)


def settle_unclear(
    realm_id: int, list_id: int | None, digest: bytes, verdict: Verdict, now: datetime
) -> bool:
    """Decide what waits of that number as a text that may mean STOP, on one list or on all of the realm (None), because it has
    texted something clear since; whether there was any. Nothing is recorded."""
    waiting = QuarantinedOptOut.objects.filter(
        optout_list__realm=realm_id,
        digest=digest,
        cause=RefusalCause.UNCLEAR_TEXT,
        verdict=Verdict.WAITING,
    )
    if list_id is not None:
        waiting = waiting.filter(optout_list=list_id)
    keys = list(waiting.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    decided = QuarantinedOptOut.objects.filter(pk__in=keys).update(verdict=verdict, decided_at=now)
    return bool(decided)
