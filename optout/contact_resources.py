"""One contact as a resource that programs add, change and delete (S2.3).

Deleted means opted out, for good; on no list means removed, and then it can be added again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction

from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.actions import record_again
from optout.addresses import Address, lookup_keys
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.contact_locks import lock_contacts, seeing_others
from optout.contact_records import WRITTEN, ContactRecord, Outcome, decide
from optout.contact_statements import (
    FIND_BY_DIGEST,
    FIND_BY_NUMBER,
    FIND_SUPPRESSED,
    SET_LISTS,
    TOUCH_CONTACT,
)
from optout.contacts import (
    end_subscriptions,
    end_suppressed,
    lock_and_find,
    opt_out_contacts,
    write_contacts,
)
from optout.evidence import Evidence
from optout.intents import OptOutIntent

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # fits a bigint
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom an id means. No number: an address of Do Not Mail that is no contact; no address: known by a hash alone."""

    number: int | None
    digest: bytes
    address: str | None
    medium: int


def meant_by(contact_id: str) -> int | bytes | None:
    """What names a contact: its number, or the digest of its address (32 hex digits); None if this is neither."""
    if _NUMBER.fullmatch(contact_id):
        return int(contact_id)
    return bytes.fromhex(contact_id) if _DIGEST.fullmatch(contact_id) else None


def opt_out_resource(
    do_not_mail: ListSnapshot,
    contact_id: str,
    *,
    channel: Channel,
    assurance: Assurance,
    evidence: Evidence,
    now: datetime,
    reason: Reason = Reason.UNSUBSCRIBED,
    origin: Origin = Origin.RECIPIENT,
) -> bool:
    """Put a contact into Do Not Mail, and so off all lists; False when there is none with that id. The contact stays.

    By its digest also an address of Do Not Mail is named that is no contact, or is known by a hash alone. Each call has its row
    in the ledger.
    """
    with transaction.atomic():
        person = _find_locked(do_not_mail, contact_id)
        if person is None:
            return False
        intent = OptOutIntent(
            list_id=do_not_mail.id,
            realm_id=do_not_mail.realm_id,
            is_global=do_not_mail.is_global,
            digest=person.digest,
            address=person.address,
            medium=Medium(person.medium),
            channel=channel,
            assurance=assurance,
            requested_at=now,
            evidence=evidence if person.number is None else evidence.adding(contact=person.number),
            reason=reason,
            origin=origin,
        )
        if person.address is None:
            return record_again(intent)
        (recorded,) = opt_out_contacts(do_not_mail, [intent])
        if person.number is not None:
            values = {
                "now": now,
                "contact": person.number,
                "digest": person.digest,
                "optout": recorded.optout_id,
            }
            fetch(TOUCH_CONTACT, values)
    return True


@seeing_others
def add_contact(
    do_not_mail: ListSnapshot,
    record: ContactRecord,
    lists: Sequence[ListSnapshot],
    *,
    now: datetime,
) -> Outcome:
    """Add or update a contact and put it on all these lists of the realm, beside those that it is on.

    Nothing is written when its address is out of one of them or of everything, or the customer key is refused.
    """
    realm_id = do_not_mail.realm_id
    with transaction.atomic():
        known = lock_and_find(realm_id, [record])
        suppressed = _suppressed(do_not_mail, lists, record.address)
        (outcome,) = decide([record], known, suppressed=suppressed)
        if outcome in WRITTEN:
            write_contacts(realm_id, [record], added_at=now, now=now)
            _set_lists(do_not_mail, record.address.digest, lists, now, keeps_others=True)
    return outcome


@seeing_others
def set_contact_lists(
    do_not_mail: ListSnapshot,
    contact_id: str,
    lists: Sequence[ListSnapshot],
    *,
    fields: Mapping[str, str] | None = None,
    now: datetime,
) -> Outcome | None:
    """Have a contact on exactly these lists of the realm, without an opt-out; None when there is none with that id.

    On no list it is removed, and can be added again. Nothing is written when its address is out of one of the lists or of
    everything. Of the fields those that are given change; an empty one is cleared.
    """
    with transaction.atomic():
        person = _find_locked(do_not_mail, contact_id)
        if person is None:
            return None
        if person.number is None or person.address is None:
            return Outcome.OPTED_OUT
        address = _address_of(person)
        if lists and _suppressed(do_not_mail, lists, address):
            return Outcome.OPTED_OUT
        if fields:
            record = ContactRecord(address, fields)
            write_contacts(do_not_mail.realm_id, [record], added_at=None, now=now)
        _set_lists(do_not_mail, person.digest, lists, now, keeps_others=False)
    return Outcome.UPDATED


def take_contact_off(
    do_not_mail: ListSnapshot, contact_id: str, optout_list: ListSnapshot, *, now: datetime
) -> bool:
    """Take a contact off one list of the realm, or for Do Not Mail off all of them, without an opt-out; whether it was on it."""
    with transaction.atomic():
        person = _find_locked(do_not_mail, contact_id)
        if person is None:
            return False
        return bool(end_subscriptions(optout_list, [person.digest], now=now))


def _find_locked(do_not_mail: ListSnapshot, contact_id: str) -> _Person | None:
    """Found, locked, and found once more: until then it may be given another address.

    Then the lock is let go again, with the savepoint: whoever gave it the address waits for both, in their order.
    """
    while before := _find(do_not_mail, contact_id):
        with transaction.atomic():
            lock_contacts(do_not_mail.realm_id, [before.digest])
            person = _find(do_not_mail, contact_id)
            if person is not None and person.digest == before.digest:
                return person
            transaction.set_rollback(True)
    return None


def _find(do_not_mail: ListSnapshot, contact_id: str) -> _Person | None:
    meant, rows = meant_by(contact_id), []
    values = {"realm": do_not_mail.realm_id, "do_not_mail": do_not_mail.id}
    if isinstance(meant, int):
        rows = fetch(FIND_BY_NUMBER, {**values, "number": meant})
    elif meant is not None:
        rows = fetch(FIND_BY_DIGEST, {**values, "digest": meant})
    return _Person(*rows[0]) if rows else None


def _address_of(person: _Person) -> Address:
    key = person.address or ""
    return Address(key, Medium(person.medium), person.digest, key)


def _suppressed(
    do_not_mail: ListSnapshot, lists: Sequence[ListSnapshot], address: Address
) -> set[bytes]:
    """The address's digest, if it is out of one of the lists or of everything, under whatever hash that is kept."""
    places = [do_not_mail.id, *(each.id for each in lists)]
    values = {"lists": places, "keys": list(lookup_keys(address.key))}
    return {address.digest} if fetch(FIND_SUPPRESSED, values) else set()


def _set_lists(
    do_not_mail: ListSnapshot,
    digest: bytes,
    lists: Sequence[ListSnapshot],
    now: datetime,
    *,
    keeps_others: bool,
) -> None:
    values = {
        "realm": do_not_mail.realm_id,
        "digest": digest,
        "lists": [each.id for each in lists],
        "keeps_others": keeps_others,
        "now": now,
    }
    fetch(SET_LISTS, values)
    for each in lists:  # whoever opts out at this very moment
        transaction.on_commit(partial(end_suppressed, each, [digest]), robust=True)
