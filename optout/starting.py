"""START: a person takes their own STOP back, and nothing else (S3.4).

It reaches as far as a STOP to the same number: what somebody said to one number, nobody takes back by a text to another one.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from lists.lookup import ListSnapshot
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
# subscriptions that any of them ended. Of Do Not Mail, where this START is about everything, whichever number they were texted
# to, and of lists if all of them were texted to the same number. One whose evidence is gone may have been texted to any: that
# lifts nothing of another list, and does not bind who texts to the number of the very list.
_STOPPED = f"""
SELECT s.optout_list_id, s.medium, since.maker, since.left_lists
FROM optout_suppression s CROSS JOIN LATERAL (
    SELECT
        max(o.id) FILTER (WHERE o.is_new) AS maker,
        bool_and(o.channel = {Channel.INBOUND_SMS:d}) AS is_only_stop,
        bool_and(coalesce(o.evidence ->> 'texted' = %(texted)s, false)) AS is_only_here,
        bool_and(o.evidence IS NULL OR coalesce(o.evidence ->> 'texted' = %(texted)s, false)) AS may_be_only_here,
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
WHERE s.digest = %(digest)s
  AND s.optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
  AND since.is_only_stop AND since.maker IS NOT NULL
  AND CASE
      WHEN s.optout_list_id = %(target)s THEN %(is_wide)s OR since.may_be_only_here
      ELSE %(is_wide)s AND since.is_only_here
  END
ORDER BY s.optout_list_id
"""  # noqa: S608  constants only


def lift_stops(
    target: ListSnapshot, address: Address, texted: str, *, evidence: Evidence, now: datetime
) -> list[int]:
    """End the suppressions of a number that only STOP asked for, and put aside what perhaps was one; the lists whose suppression
    ended.

    `target`: the list that a STOP to the number `texted` is about; a list's suppression ends where only STOPs to `texted` asked
    for it. Where `target` is Do Not Mail, that ends whichever number was texted (`texted` may be empty: nobody said which), and
    each list goes with it that only STOPs to `texted` were about. Whatever else asked for a suppression since it was last lifted
    (a link, a page, the owner, an import) keeps it. The subscriptions that STOP ended come back.
    """
    is_wide = target.is_global
    with transaction.atomic():
        # Before contacts and suppressions, as whoever accepts it locks them.
        about = Q(optout_list=target.id)
        if is_wide:
            about |= Q(evidence__texted=texted)
        settle_unclear(target.realm_id, about, address.digest, Verdict.REJECTED, now)
        lock_contacts(target.realm_id, [address.digest])
        place = {"realm": target.realm_id, "digest": address.digest}
        fetch(_LOCK, place)
        stopped = fetch(
            _STOPPED, {**place, "target": target.id, "texted": texted, "is_wide": is_wide}
        )
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
            count = len(places)
            fetch_prepared(RESUBSCRIBE, (now, places, [address.digest] * count, [True] * count))
    return [row[0] for row, each in zip(stopped, lifted, strict=True) if each.is_new]


def settle_unclear(realm_id: int, about: Q, digest: bytes, verdict: Verdict, now: datetime) -> None:
    """Decide what waits of that number as a text that may mean STOP, because it has texted something clear since. `about`: which
    rows of the realm's quarantine. Nothing is recorded."""
    waiting = QuarantinedOptOut.objects.filter(
        about,
        optout_list__realm=realm_id,
        digest=digest,
        cause=RefusalCause.UNCLEAR_TEXT,
        verdict=Verdict.WAITING,
    )
    keys = list(waiting.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    QuarantinedOptOut.objects.filter(pk__in=keys).update(verdict=verdict, decided_at=now)
