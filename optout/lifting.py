"""Ending suppressions for a program that says why. What a person ends in the portal is `reporting.lifting`."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from lists.audit import record_audit
from lists.lookup import ListSnapshot
from lists.models import List
from lists.prepared import fetch
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import Address, lookup_keys
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contact_statements import FIND_SUPPRESSED
from optout.evidence import Evidence


def lift_addresses(
    optout_list: ListSnapshot,
    addresses: Sequence[Address],
    *,
    note: str,
    channel: Channel,
    evidence: Evidence,
    now: datetime,
) -> int:
    """End the suppressions of these addresses on that very list, under whatever hash they are kept; of how many addresses.

    The ledger says of each why, in `note`, and one audit entry how many there were and by which key.
    """
    owners = {key: address for address in addresses for key in lookup_keys(address.key)}
    with transaction.atomic():
        found = fetch(FIND_SUPPRESSED, {"lists": [optout_list.id], "keys": list(owners)})
        reason = evidence.adding(note=note)
        lifts = [
            LiftIntent(
                list_id=optout_list.id,
                digest=key,
                medium=owners[key].medium,
                channel=channel,
                assurance=Assurance.API_CREDENTIAL,
                reason=Reason.MANUAL,
                origin=Origin.OWNER,
                requested_at=now,
                evidence=reason,
            )
            for _list_id, key in found
        ]
        ended = {owners[each.digest].key for each in lift_suppressions(lifts) if each.is_new}
        if ended:
            of_list = List.objects.select_related("realm").get(pk=optout_list.id)
            record_audit(
                "lift_suppressions",
                actor=None,
                realm=of_list.realm,
                optout_list=of_list,
                key=evidence.extra.get("api_key"),
                lifted=len(ended),
            )
    return len(ended)
