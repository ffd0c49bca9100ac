"""Putting contacts on a list and taking them off it by hand, with an audit entry that names nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from lists.audit import record_audit
from lists.lookup import snapshot
from lists.models import List, User
from optout.addresses import Address
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.contact_records import merge
from optout.contacts import (
    ContactRecord,
    Outcome,
    end_subscriptions,
    opt_out_contacts,
    subscribe_contacts,
)
from optout.evidence import Evidence
from optout.intents import intent_for
from reporting.contacts import ListedContact, digests_on_list, names_of


@dataclass(frozen=True, slots=True)
class Added:
    """What became of contacts that were to be added; `opted_out` and `refused` are the positions of those that were not.

    `renamed`: contacts whose names were others before. `flagged`: the positions of phone numbers that cannot be dialled.
    """

    new: int
    known: int
    renamed: int
    opted_out: tuple[int, ...]
    refused: tuple[int, ...]
    flagged: tuple[int, ...]


def add_contacts(
    optout_list: List,
    records: Sequence[ContactRecord],
    *,
    actor: User,
    now: datetime,
    evidence: Evidence,
) -> Added:
    """Put contacts on the list, but for those who opted out of it or of everything: that is never lifted here."""
    with transaction.atomic():
        digests = [each.address.digest for each in records]
        before = digests_on_list(optout_list, digests)
        names = names_of(optout_list.realm_id, digests)
        outcomes = subscribe_contacts(
            snapshot(optout_list),
            records,
            force=False,
            channel=Channel.PORTAL,
            assurance=Assurance.OPERATOR,
            evidence=evidence,
            now=now,
            actor=actor,
        )
        added = _tell_apart(records, outcomes, before, names)
        record_audit(
            "add_contacts",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            new=added.new,
            known=added.known,
            opted_out=len(added.opted_out),
            refused=len(added.refused),
        )
    return added


def remove_contact(optout_list: List, contact: ListedContact, *, actor: User) -> bool:
    """Take a contact off the list without an opt-out; whether it was on it."""
    with transaction.atomic():
        removed = bool(
            end_subscriptions(snapshot(optout_list), [contact.digest], now=timezone.now())
        )
        if removed:
            record_audit(
                "remove_contact",
                actor=actor,
                realm=optout_list.realm,
                optout_list=optout_list,
                contact=contact.id,
            )
    return removed


def opt_out_contact(
    optout_list: List, contact: ListedContact, *, actor: User, now: datetime, evidence: Evidence
) -> bool:
    """Record the contact's opt-out on behalf of whoever owns the list, which may be Do Not Mail; whether it is the first."""
    found = snapshot(optout_list)
    intent = intent_for(
        found,
        Address(contact.address, _medium(contact.address), contact.digest, contact.address),
        channel=Channel.PORTAL,
        assurance=Assurance.OPERATOR,
        requested_at=now,
        evidence=evidence.adding(opted_out_by=f"user {actor.pk}"),
        reason=Reason.MANUAL,
        origin=Origin.OPERATOR if actor.is_superuser else Origin.OWNER,
    )
    with transaction.atomic():
        (recorded,) = opt_out_contacts(found, [intent])
        record_audit(
            "opt_out_contact",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            optout=recorded.optout_id,
            suppressed=recorded.is_new,
        )
    return recorded.is_new


def _tell_apart(
    records: Sequence[ContactRecord],
    outcomes: Sequence[Outcome],
    before: set[bytes],
    names: Mapping[bytes, Mapping[str, str]],
) -> Added:
    """A contact counts once, however often it was given. Whether it is known elsewhere in the realm is not the question here."""
    new: set[bytes] = set()
    known: set[bytes] = set()
    opted_out, refused, flagged = [], [], []
    for position, (each, outcome) in enumerate(zip(records, outcomes, strict=True)):
        digest = each.address.digest
        if outcome is Outcome.OPTED_OUT:
            opted_out.append(position)
        elif outcome is Outcome.REFUSED:
            refused.append(position)
        else:
            (known if digest in before else new).add(digest)
            if each.address.flagged:
                flagged.append(position)
    renamed = sum(
        {**names[each.address.digest], **each.fields} != names[each.address.digest]
        for each in merge(records, outcomes)
        if each.address.digest in names
    )
    return Added(len(new), len(known), renamed, tuple(opted_out), tuple(refused), tuple(flagged))


def _medium(address: str) -> Medium:
    return Medium.EMAIL if "@" in address else Medium.SMS
