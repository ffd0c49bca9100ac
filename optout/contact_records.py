"""What is said of contacts, and what becomes of it. Pure functions: the database is asked before and told after."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from optout.addresses import Address
from optout.customer_keys import KnownContacts


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """What is said of one contact. An empty field clears what was known; a blank key and no format say nothing."""

    address: Address
    fields: Mapping[str, str]
    customer_key: str | None = None
    message_format: int | None = None


class Outcome(Enum):
    """What became of a record."""

    ADDED = "added"
    UPDATED = "updated"
    OPTED_OUT = "opted out"
    REFUSED = "refused"


WRITTEN = frozenset({Outcome.ADDED, Outcome.UPDATED})


def decide(
    records: Iterable[ContactRecord],
    known: KnownContacts,
    *,
    suppressed: Collection[bytes] = (),
    may_add: bool = True,
) -> list[Outcome]:
    """What becomes of each record when they are written one after the other."""
    book = known.noting()
    outcomes = []
    for record in records:
        digest, key = record.address.digest, record.customer_key
        if (key and not book.fits(digest, key)) or not (may_add or digest in book):
            outcomes.append(Outcome.REFUSED)
        elif digest in suppressed:
            outcomes.append(Outcome.OPTED_OUT)
        else:
            outcomes.append(Outcome.UPDATED if digest in book else Outcome.ADDED)
            book.note(digest, key)
    return outcomes


def merge(records: Iterable[ContactRecord], outcomes: Iterable[Outcome]) -> list[ContactRecord]:
    """What the records that are written say of each address together; of what two of them say, the last one wins."""
    merged: dict[bytes, ContactRecord] = {}
    for record, outcome in zip(records, outcomes, strict=True):
        if outcome in WRITTEN:
            before = merged.get(record.address.digest)
            merged[record.address.digest] = record if before is None else _joined(before, record)
    return list(merged.values())


def _joined(before: ContactRecord, record: ContactRecord) -> ContactRecord:
    return ContactRecord(
        record.address,
        {**before.fields, **record.fields},
        record.customer_key or before.customer_key,
        record.message_format or before.message_format,
    )
