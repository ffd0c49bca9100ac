"""Giving a contact a new address, without losing what the old one opted out of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from lists.prepared import fetch
from optout.actions import record_optouts
from optout.addresses import Address, lookup_keys
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contact_locks import lock_contacts, seeing_others
from optout.contact_statements import (
    FIND_CONTACT,
    FIND_TO_CARRY,
    LEAVE_SUPPRESSED,
    MOVE_CONTACT,
    MOVE_SUBSCRIPTIONS,
)
from optout.evidence import Evidence
from optout.intents import OptOutIntent


class NoContactError(Exception):
    """The realm has no contact with that address."""


class AddressTakenError(Exception):
    """Another contact of the realm has that address."""


@dataclass(frozen=True, slots=True)
class _Change:
    """From which address to which, and what is written in the ledger about it."""

    realm_id: int
    old: Address
    new: Address
    channel: Channel
    assurance: Assurance
    evidence: Evidence
    now: datetime

    def intent(self, list_id: int, is_global: bool, reason: int) -> OptOutIntent:
        return OptOutIntent(
            list_id=list_id,
            realm_id=self.realm_id,
            is_global=is_global,
            digest=self.new.digest,
            address=self.new.key,
            medium=self.new.medium,
            channel=self.channel,
            assurance=self.assurance,
            requested_at=self.now,
            evidence=self.evidence.adding(carried_from=self.old.digest.hex()),
            reason=Reason(reason),
            origin=Origin.OWNER,
        )


@seeing_others
def change_address(
    realm_id: int,
    old: Address,
    new: Address,
    *,
    channel: Channel,
    assurance: Assurance,
    evidence: Evidence,
    now: datetime,
) -> int:
    """Give a contact a new address; its id, which stays.

    Its subscriptions move along. Where the old address is suppressed the new one gets an opt-out too, and is subscribed to
    nothing that it is out of; the old suppressions stay. Raises NoContactError and AddressTakenError.
    """
    change = _Change(realm_id, old, new, channel, assurance, evidence, now)
    with transaction.atomic():
        lock_contacts(realm_id, (old.digest, new.digest))
        contact_id = _find(realm_id, old)
        if contact_id is None:
            raise NoContactError
        if old.digest == new.digest:
            return contact_id
        if _find(realm_id, new) is not None:
            raise AddressTakenError
        fetch(MOVE_CONTACT, (new.digest, int(new.medium), new.key, now, contact_id))
        carried = _carry(change)
        fetch(MOVE_SUBSCRIPTIONS, {"realm": realm_id, "old": old.digest, "new": new.digest})
        _leave_suppressed(change)
        transaction.on_commit(lambda: _carry_once_more(change, carried), robust=True)
    return contact_id


def _find(realm_id: int, address: Address) -> int | None:
    rows = fetch(FIND_CONTACT, (realm_id, address.digest))
    return rows[0][0] if rows else None


def _carry(change: _Change, already: Collection[int] = ()) -> set[int]:
    """Record an opt-out of the new address wherever the old one is suppressed and the new one is not; the lists."""
    values = {
        "realm": change.realm_id,
        "old_keys": list(lookup_keys(change.old.key)),
        "new_keys": list(lookup_keys(change.new.key)),
    }
    found = [row for row in fetch(FIND_TO_CARRY, values) if row[0] not in already]
    record_optouts([change.intent(*row) for row in found])
    return {list_id for list_id, _is_global, _reason in found}


def _carry_once_more(change: _Change, already: Collection[int]) -> None:
    """For an opt-out of either address that was being recorded meanwhile: it did not see the change, nor the change it.

    What was carried the first time is not carried again: it may have been lifted since.
    """
    with transaction.atomic():
        lock_contacts(change.realm_id, (change.old.digest, change.new.digest))
        _carry(change, already)
        _leave_suppressed(change)


def _leave_suppressed(change: _Change) -> None:
    values = {
        "realm": change.realm_id,
        "keys": list(lookup_keys(change.new.key)),
        "digest": change.new.digest,
    }
    fetch(LEAVE_SUPPRESSED, values)
