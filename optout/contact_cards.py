"""Contacts as programs read them: what the owner knows, the lists that they may be mailed for, and whether they are out of all.

Suppressions win here too: a place on a list that was left over beside one is not shown (optout/left_over.py).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.lookup import ListSnapshot
from lists.prepared import fetch, fetch_prepared
from optout.addresses import lookup_keys
from optout.contact_statements import FIND_SUPPRESSED_PAIRS

_COLUMNS = """
SELECT c.id, c.digest, c.address, c.medium, c.customer_key, c.fields, c.created_at, c.changed_at, (
    SELECT jsonb_object_agg(l.id, l.number)
    FROM lists_list l JOIN lists_subscription s ON s.optout_list_id = l.id AND s.digest = c.digest
    WHERE l.realm_id = %(realm)s
)
FROM lists_contact c
"""
_BY_NUMBER = f"{_COLUMNS} WHERE c.realm_id = %(realm)s AND c.id = %(number)s"
_BY_DIGEST = f"{_COLUMNS} WHERE c.realm_id = %(realm)s AND c.digest = %(digest)s"
_PAGE = f"""{_COLUMNS}
WHERE c.realm_id = %(realm)s AND c.digest > %(after)s
ORDER BY c.digest
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ContactCard:
    """A contact. `numbers` are those of the lists it is on, ascending; of Do Not Mail is said `is_out` instead."""

    id: int
    digest: bytes
    address: str
    medium: int
    customer_key: str | None
    fields: Mapping[str, str]
    created_at: datetime
    changed_at: datetime
    numbers: tuple[int, ...]
    is_out: bool


def get_card(do_not_mail: ListSnapshot, number: int) -> ContactCard | None:
    """The realm's contact of that number, or None."""
    values = {"realm": do_not_mail.realm_id, "number": number}
    return next(_cards(do_not_mail, fetch_prepared(_BY_NUMBER, values)), None)


def find_card(do_not_mail: ListSnapshot, digest: bytes) -> ContactCard | None:
    """The realm's contact with the address of that digest, or None."""
    values = {"realm": do_not_mail.realm_id, "digest": digest}
    return next(_cards(do_not_mail, fetch_prepared(_BY_DIGEST, values)), None)


def page_of_cards(do_not_mail: ListSnapshot, after: bytes, limit: int) -> list[ContactCard]:
    """The realm's contacts whose digest comes after this one, in that order. From the beginning: after b""."""
    values = {"realm": do_not_mail.realm_id, "after": after, "limit": limit}
    return list(_cards(do_not_mail, fetch_prepared(_PAGE, values)))


def _cards(do_not_mail: ListSnapshot, rows: Sequence[tuple[Any, ...]]) -> Iterator[ContactCard]:
    """One more statement, however many there are."""
    places = [
        {int(list_id): number for list_id, number in json.loads(row[8] or "{}").items()}
        for row in rows
    ]
    keys = [lookup_keys(row[2]) for row in rows]
    asked = [
        (list_id, key)
        for on, three in zip(places, keys, strict=True)
        for list_id in (do_not_mail.id, *on)
        for key in three
    ]
    values = {"lists": [each for each, _key in asked], "keys": [key for _list, key in asked]}
    found = fetch(FIND_SUPPRESSED_PAIRS, values) if asked else []
    suppressed = {(list_id, key) for list_id, key, *_how in found}
    for row, on, three in zip(rows, places, keys, strict=True):
        out_of = {
            list_id
            for list_id in (do_not_mail.id, *on)
            for key in three
            if (list_id, key) in suppressed
        }
        is_out = do_not_mail.id in out_of
        kept = () if is_out else (number for list_id, number in on.items() if list_id not in out_of)
        id_, digest, address, medium, customer_key, fields, created_at, changed_at, _on = row
        yield ContactCard(
            id=id_,
            digest=digest,
            address=address,
            medium=medium,
            customer_key=customer_key,
            fields=json.loads(fields),
            created_at=created_at,
            changed_at=changed_at,
            numbers=tuple(sorted(kept)),
            is_out=is_out,
        )
