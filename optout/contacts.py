"""What a program or a person does to an owner's contacts: adding, changing, removing, forgetting.

Suppressions win: nobody who opted out is subscribed, but by force. Each action is one transaction and a fixed number of
statements, however many records it is given.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from lists.audit import record_audit
from lists.lookup import ListSnapshot
from lists.models import List, User
from lists.prepared import fetch, fetch_prepared
from optout.actions import (
    LiftIntent,
    Recorded,
    lift_suppressions,
    record_optouts,
)
from optout.address_change import AddressTakenError, NoContactError, change_address
from optout.addresses import lookup_keys
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contact_locks import lock_contacts, seeing_others
from optout.contact_records import WRITTEN, ContactRecord, Outcome, decide, merge
from optout.contact_statements import (
    DELETE_CONTACTS,
    END_SUBSCRIPTIONS,
    FIND_LEFT_OVER,
    FIND_SUPPRESSED,
    SUBSCRIBE,
    WRITE_CONTACTS,
)
from optout.customer_keys import KnownContacts, belong_together, find_known, is_usable_key
from optout.evidence import Evidence
from optout.intents import OptOutIntent

__all__ = [
    "AddressTakenError",
    "ContactRecord",
    "NoContactError",
    "Outcome",
    "belong_together",
    "change_address",
    "delete_contacts",
    "end_subscriptions",
    "end_suppressed",
    "lock_and_find",
    "opt_out_contacts",
    "subscribe_contacts",
    "update_contacts",
    "write_contacts",
]

# The suppressions that keep some addresses off a list, as (list, digest), by the digest of the address.
type _Suppressed = Mapping[bytes, Sequence[tuple[int, bytes]]]


@seeing_others
def subscribe_contacts(
    optout_list: ListSnapshot,
    records: Sequence[ContactRecord],
    *,
    force: bool,
    channel: Channel,
    assurance: Assurance,
    evidence: Evidence,
    now: datetime,
    actor: User | None = None,
) -> list[Outcome]:
    """Add or update contacts and put them on the list; what became of each record, in their order.

    Of those who opted out of the list or the realm nothing is written, unless by `force`: then their suppressions end, with an
    audit entry. A record is refused whose customer key is another contact's, or not the contact's own.
    """
    if not records:
        return []
    with transaction.atomic():
        known = lock_and_find(optout_list.realm_id, records)
        suppressed = _find_suppressed(optout_list, records)
        if suppressed and force:
            lifts = [
                LiftIntent(
                    list_id=list_id,
                    digest=digest,
                    medium=record.address.medium,
                    channel=channel,
                    assurance=assurance,
                    reason=Reason.MANUAL,
                    origin=Origin.OWNER,
                    requested_at=now,
                    evidence=evidence,
                )
                for record in merge(records, decide(records, known))
                for list_id, digest in suppressed.get(record.address.digest, ())
            ]
            _lift(optout_list, lifts, evidence, actor)
            # Whoever opts out at this very moment was not lifted, and stays out.
            suppressed = _find_suppressed(optout_list, records)
        outcomes = decide(records, known, suppressed=suppressed)
        merged = merge(records, outcomes)
        write_contacts(optout_list.realm_id, merged, added_at=now, now=now)
        _subscribe(optout_list, merged, known, now)
    return outcomes


@seeing_others
def update_contacts(
    realm_id: int, records: Sequence[ContactRecord], *, now: datetime
) -> list[bool]:
    """Change what is known of contacts; for each record whether that was done.

    It was not when there is no such contact, or the customer key is another's or not its own.
    """
    if not records:
        return []
    with transaction.atomic():
        known = lock_and_find(realm_id, records)
        outcomes = decide(records, known, may_add=False)
        write_contacts(realm_id, merge(records, outcomes), added_at=None, now=now)
    return [outcome in WRITTEN for outcome in outcomes]


def opt_out_contacts(optout_list: ListSnapshot, intents: Sequence[OptOutIntent]) -> list[Recorded]:
    """Record opt-outs of the list, in their order, and make sure that whoever is being subscribed at this moment is not.

    That second look comes after the commit, the caller's if there is one: an error in it is logged, for the opt-outs hold.
    """
    if not intents:
        return []
    recorded = record_optouts(intents)
    digests = [intent.digest for intent in intents]
    transaction.on_commit(lambda: end_suppressed(optout_list, digests), robust=True)
    return recorded


def delete_contacts(intents: Sequence[OptOutIntent]) -> int:
    """Forget the contacts whom these global opt-outs of one realm are about, and record the opt-outs; how many there were."""
    if not intents:
        return 0
    realm_id = intents[0].realm_id
    digests = [intent.digest for intent in intents]
    with transaction.atomic():
        lock_contacts(realm_id, digests)
        deleted = fetch(DELETE_CONTACTS, {"realm": realm_id, "digests": digests})
        record_optouts(intents)
    return len(deleted)


def end_subscriptions(
    optout_list: ListSnapshot, digests: Sequence[bytes], *, now: datetime
) -> set[bytes]:
    """Take addresses off the list without an opt-out; which of them were on it. Off every list, if it is Do Not Mail."""
    if not digests:
        return set()
    with transaction.atomic():
        lock_contacts(optout_list.realm_id, digests)
        return _end_locked(optout_list, digests, now)


def end_suppressed(optout_list: ListSnapshot, digests: Collection[bytes]) -> None:
    """Take addresses off the list, or off all lists for Do Not Mail, that are suppressed for it.

    An opt-out and a subscription that are written at the same moment do not see each other. Called after the commit of each,
    whichever comes last sees both. Only those call it that are about contacts: after an opt-out by another way in, a place on the
    list may be left over, but the address is suppressed in any case. One query, when all is well.
    """
    left_over = _left_over(optout_list, digests)
    if left_over:
        with transaction.atomic():
            # Nobody is just lifting it by force; who has done so meanwhile is seen.
            lock_contacts(optout_list.realm_id, left_over)
            _end_locked(optout_list, _left_over(optout_list, left_over), timezone.now())


def _end_locked(optout_list: ListSnapshot, digests: Sequence[bytes], now: datetime) -> set[bytes]:
    values = {
        "list": optout_list.id,
        "is_global": optout_list.is_global,
        "realm": optout_list.realm_id,
        "digests": list(digests),
        "now": now,
    }
    return {digest for (digest,) in fetch(END_SUBSCRIPTIONS, values)}


def lock_and_find(realm_id: int, records: Iterable[ContactRecord]) -> KnownContacts:
    """Those that the records are about, and those with their customer keys; locked until the transaction ends."""
    digests = {record.address.digest for record in records}
    keys = {key for record in records if (key := record.customer_key) and is_usable_key(key)}
    lock_contacts(realm_id, digests, keys)
    return find_known(realm_id, digests, keys)


def _find_suppressed(optout_list: ListSnapshot, records: Iterable[ContactRecord]) -> _Suppressed:
    """Under whatever hash they are kept."""
    owners = {
        key: record.address.digest for record in records for key in lookup_keys(record.address.key)
    }
    found: dict[bytes, list[tuple[int, bytes]]] = {}
    values = {"lists": [optout_list.id, optout_list.do_not_mail_id], "keys": list(owners)}
    for list_id, key in fetch(FIND_SUPPRESSED, values):
        found.setdefault(owners[key], []).append((list_id, key))
    return found


def _left_over(optout_list: ListSnapshot, digests: Collection[bytes]) -> list[bytes]:
    """Asks for the addresses' own digests only: under those a channel records an opt-out."""
    values = {
        "list": optout_list.id,
        "do_not_mail": optout_list.do_not_mail_id,
        "is_global": optout_list.is_global,
        "realm": optout_list.realm_id,
        "digests": list(digests),
    }
    return [digest for (digest,) in fetch_prepared(FIND_LEFT_OVER, values)]


def _lift(
    optout_list: ListSnapshot, lifts: Sequence[LiftIntent], evidence: Evidence, actor: User | None
) -> None:
    """End suppressions by force, and write down who did it: the person, or the program's password."""
    lifted = sum(each.is_new for each in lift_suppressions(lifts))
    if not lifted:
        return
    of_list = List.objects.select_related("realm").get(pk=optout_list.id)
    by = {name: evidence.extra[name] for name in ("credential",) if name in evidence.extra}
    record_audit(
        "force_sub", actor=actor, realm=of_list.realm, optout_list=of_list, lifted=lifted, **by
    )


def write_contacts(
    realm_id: int, merged: Sequence[ContactRecord], *, added_at: datetime | None, now: datetime
) -> None:
    """Write what is said of contacts, whose locks are held. Without `added_at` all of them are known."""
    if not merged:
        return
    values = {
        "realm": realm_id,
        "added_at": added_at,
        "now": now,
        "digests": [record.address.digest for record in merged],
        "media": [int(record.address.medium) for record in merged],
        "addresses": [record.address.key for record in merged],
        "keys": [record.customer_key or None for record in merged],
        "fields": [
            json.dumps({name: value or None for name, value in record.fields.items()})
            for record in merged
        ],
    }
    fetch(WRITE_CONTACTS, values)


def _subscribe(
    optout_list: ListSnapshot,
    merged: Sequence[ContactRecord],
    known: KnownContacts,
    now: datetime,
) -> None:
    if not merged:
        return
    digests = [record.address.digest for record in merged]
    values = {
        "list": optout_list.id,
        "realm": optout_list.realm_id,
        "known": [digest for digest in digests if digest in known],
        "now": now,
        "digests": digests,
        "formats": [record.message_format for record in merged],
    }
    fetch(SUBSCRIBE, values)
    transaction.on_commit(lambda: end_suppressed(optout_list, digests), robust=True)
