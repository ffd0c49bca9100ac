"""The contacts on a list, as programs read them: page after page, each at the same price; or only those that changed.

Who is on it and may not be written to is left out: suppressions win (optout/left_over.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.addresses import Address
from optout.choices import Medium
from optout.queries import find_scopes

# Contacts of the realm that a page of changed ones looks through: few of them may be on the list.
LOOKED_THROUGH = 20_000

type Position = tuple[datetime, int]  # when a contact changed, and its id


@dataclass(frozen=True, slots=True)
class ListContact:
    """A contact, and since when it is on the list."""

    id: int
    digest: bytes
    address: str
    medium: int
    customer_key: str | None
    fields: Mapping[str, str]
    changed_at: datetime
    subscribed_at: datetime


# `OFFSET 0`: each by its key, see optout/contact_statements.py.
_PAGE = """
SELECT c.id, s.digest, c.address, c.medium, c.customer_key, c.fields, c.changed_at, s.subscribed_at
FROM (
    SELECT digest, subscribed_at FROM lists_subscription
    WHERE optout_list_id = %(list)s AND digest > %(after)s
    ORDER BY digest
    LIMIT %(limit)s
) s LEFT JOIN LATERAL (
    SELECT id, address, medium, customer_key, fields, changed_at FROM lists_contact
    WHERE realm_id = %(realm)s AND digest = s.digest OFFSET 0
) c ON true
ORDER BY s.digest
"""
# By the index contact_by_change.
_CHANGED = """
SELECT id, digest, address, medium, customer_key, fields, changed_at FROM lists_contact
WHERE realm_id = %(realm)s AND changed_at >= %(since)s
  AND (%(after)s::timestamptz IS NULL OR (changed_at, id) > (%(after)s::timestamptz, %(id)s))
ORDER BY changed_at, id
"""
# With the position up to which was looked. In one statement, so of one view of the data: a contact that changes between two
# moves others up, and the position would be behind one that nobody was shown.
_PAGE_OF_CHANGED = f"""
WITH found AS MATERIALIZED (
    SELECT c.id, c.digest, c.address, c.medium, c.customer_key, c.fields, c.changed_at, s.subscribed_at
    FROM ({_CHANGED} LIMIT %(looked_through)s) c, LATERAL (
        SELECT subscribed_at FROM lists_subscription WHERE optout_list_id = %(list)s AND digest = c.digest OFFSET 0
    ) s
    ORDER BY c.changed_at, c.id
    LIMIT %(limit)s
), reached AS (
    SELECT changed_at, id FROM found ORDER BY changed_at, id OFFSET %(limit)s - 1
), passed AS (
    SELECT changed_at, id FROM ({_CHANGED} OFFSET %(looked_through)s - 1 LIMIT 1) c
    WHERE NOT EXISTS (SELECT FROM reached)
)
SELECT r.changed_at, r.id, f.*
FROM (VALUES (1)) one
LEFT JOIN (SELECT * FROM reached UNION ALL SELECT * FROM passed) r ON true
LEFT JOIN found f ON true
ORDER BY f.changed_at, f.id
"""  # noqa: S608 -- made of constants


def page_of_contacts(
    optout_list: ListSnapshot, after: bytes, limit: int
) -> tuple[list[ListContact], bytes | None]:
    """Those whose digest comes after this one (b"": from the beginning), and after which to go on; None at the end.

    A page may be shorter than `limit` before the end.
    """
    values = {
        "list": optout_list.id,
        "realm": optout_list.realm_id,
        "after": after,
        "limit": limit,
    }
    rows = fetch(_PAGE, values)
    found = [_contact(row) for row in rows if row[0] is not None]  # a place may outlive its contact
    following = bytes(rows[-1][1]) if len(rows) == limit else None
    return _may_be_contacted(optout_list, found), following


def page_of_changed_contacts(
    optout_list: ListSnapshot, since: datetime, after: Position | None, limit: int
) -> tuple[list[ListContact], Position | None]:
    """The same for those that changed `since`, or came onto the list, in the order in which they did."""
    moment, last_id = after or (None, 0)
    values = {
        "list": optout_list.id,
        "realm": optout_list.realm_id,
        "since": max(since, moment) if moment else since,
        "after": moment,
        "id": last_id,
        "looked_through": LOOKED_THROUGH,
        "limit": limit,
    }
    rows = fetch(_PAGE_OF_CHANGED, values)
    found = [_contact(each) for _changed_at, _id, *each in rows if each[0] is not None]
    moment, last_id, *_first = rows[0]
    following = None if moment is None else (moment, last_id)
    return _may_be_contacted(optout_list, found), following


def _contact(row: Sequence[Any]) -> ListContact:
    number, digest, address, medium, customer_key, fields, changed_at, subscribed_at = row
    kept = json.loads(fields)  # Django's connections give JSON as text
    return ListContact(
        number, bytes(digest), address, medium, customer_key, kept, changed_at, subscribed_at
    )


def _may_be_contacted(optout_list: ListSnapshot, found: list[ListContact]) -> list[ListContact]:
    if not found:
        return []
    addresses = [
        Address(each.address, Medium(each.medium), each.digest, each.address) for each in found
    ]
    scopes = find_scopes(optout_list, addresses)
    return [each for each, scope in zip(found, scopes, strict=True) if scope is None]
