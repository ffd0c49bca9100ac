"""Ending one suppression by hand (pages.md, the list's entries)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from lists.audit import record_audit
from lists.models import List, User
from optout.actions import LiftIntent, lift_suppressions
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.models import Suppression


@dataclass(frozen=True, slots=True)
class Lifted:
    """What became of it: whether this ended the suppression (somebody else may have been quicker)."""

    is_new: bool


def find_suppression(optout_list: List, digest: bytes) -> Suppression | None:
    """The suppression of that digest on the list itself."""
    return Suppression.objects.filter(optout_list=optout_list, digest=digest).first()


def lift_one(
    optout_list: List,
    suppression: Suppression,
    *,
    note: str,
    actor: User,
    now: datetime,
    evidence: Evidence,
) -> Lifted:
    """End the suppression, for the reason in `note`, with an audit entry. The ledger keeps both."""
    lift = LiftIntent(
        list_id=optout_list.pk,
        digest=bytes(suppression.digest),
        medium=Medium(suppression.medium),
        channel=Channel.PORTAL,
        assurance=Assurance.OPERATOR,
        reason=Reason.MANUAL,
        origin=Origin.OPERATOR if actor.is_superuser else Origin.OWNER,
        requested_at=now,
        evidence=evidence.adding(note=note, lifted_by=f"user {actor.pk}"),
    )
    with transaction.atomic():
        (recorded,) = lift_suppressions([lift])
        record_audit(
            "lift_suppression",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            optout=recorded.optout_id,
            ended=recorded.is_new,
        )
    return Lifted(recorded.is_new)
