"""What a realm knows of its contacts: which fields there are, and finding people again. Asks nothing about suppression."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from lists.prepared import fetch, fetch_prepared

STANDARD_FIELDS = (
    "first",
    "last",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "fax",
)
CUSTOM_PREFIX = "custom_"
MAX_FIELD = 1_000  # characters of a value
MAX_FIELDS = 50  # of one record: a contact may gather more
MAX_FOUND = 250

_MAX_ADDRESS = 254  # what the column holds: nothing longer can be part of one
_CUSTOM_NAME = re.compile(CUSTOM_PREFIX + r"[A-Za-z0-9_ -]{1,64}")
# What a line of text cannot hold, or PostgreSQL not keep.
_NOT_KEPT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_ASKED = re.compile(r"[\x00\ud800-\udfff]")

_NUMBERS = """
ARRAY(
    SELECT l.number FROM lists_list l JOIN lists_subscription s ON s.optout_list_id = l.id AND s.digest = c.digest
    WHERE l.realm_id = %(realm)s ORDER BY l.number
)
"""
_BY_DIGEST = """
SELECT c.id, c.address, c.customer_key, c.fields, {numbers}
FROM lists_contact c WHERE c.realm_id = %(realm)s AND c.digest = %(digest)s
""".replace("{numbers}", _NUMBERS)
# In the order of `contact_by_address`, which is by bytes (`~<~`, not `<`): a search ends with the last row that it gives back,
# and never walks the contacts of other realms.
_SEARCH = """
SELECT c.id, c.address, c.customer_key, c.fields, {numbers}
FROM (
    SELECT * FROM lists_contact c WHERE c.realm_id = %(realm)s {conditions}
    ORDER BY c.address USING ~<~ LIMIT %(limit)s
) c
ORDER BY c.address USING ~<~
""".replace("{numbers}", _NUMBERS)
_HAS_DIGEST = "c.digest = %(digest)s"
_HAS_PART = "c.address LIKE %(part)s"
# Of a server whose locale is C, lower() knows ASCII alone: for Müller the usual spellings are asked for, too.
_HAS_FIRST = (
    "(lower(c.fields->>'first') = lower(%(first)s) OR c.fields->>'first' = ANY (%(firsts)s))"
)
_HAS_LAST = "(lower(c.fields->>'last') = lower(%(last)s) OR c.fields->>'last' = ANY (%(lasts)s))"
_IS_ON_LIST = """
EXISTS (SELECT FROM lists_subscription s WHERE s.optout_list_id = %(list)s AND s.digest = c.digest)
"""
_BY_ID = """
SELECT c.id, c.address, c.customer_key, c.fields, c.created_at, p.number, p.message_format, p.subscribed_at
FROM lists_contact c LEFT JOIN LATERAL (
    SELECT l.number, s.message_format, s.subscribed_at
    FROM lists_list l JOIN lists_subscription s ON s.optout_list_id = l.id AND s.digest = c.digest
    WHERE l.realm_id = c.realm_id
) p ON true
WHERE c.id = %(id)s AND c.realm_id = %(realm)s
ORDER BY p.number
"""


@dataclass(frozen=True, slots=True)
class FoundContact:
    """A contact, and the numbers of the lists it is on, ascending. `fields` holds those that have a value."""

    id: int
    address: str
    customer_key: str | None
    fields: dict[str, str]
    numbers: tuple[int, ...]


class ContactPlace(NamedTuple):
    """A contact's place on a list."""

    number: int
    message_format: int
    subscribed_at: datetime


@dataclass(frozen=True, slots=True)
class ContactDetail(FoundContact):
    """All that is known of a contact; `places` in the order of `numbers`."""

    created_at: datetime
    places: tuple[ContactPlace, ...]


def known_fields(values: Mapping[str, str]) -> dict[str, str] | None:
    """Those of the values that a contact can have; None when there are too many, or one is too long.

    Control characters become spaces. An empty value is kept: it says that the field is to be emptied.
    """
    known = {
        name: _NOT_KEPT.sub(" ", value).strip()
        for name, value in values.items()
        if name in STANDARD_FIELDS or _CUSTOM_NAME.fullmatch(name)
    }
    if len(known) > MAX_FIELDS or any(len(value) > MAX_FIELD for value in known.values()):
        return None
    return known


def find_contacts(
    realm_id: int,
    *,
    digest: bytes | None = None,
    email_part: str = "",
    first: str = "",
    last: str = "",
    list_id: int | None = None,
    limit: int = MAX_FOUND,
) -> list[FoundContact]:
    """The realm's contacts for which all of what is given holds, in the order of their addresses, at most MAX_FOUND.

    `email_part` is any part of the address; `first` and `last` are the whole name; none of them minds upper or lower case.
    `list_id` is the primary key of a list they are on.
    """
    part = email_part.strip().lower()
    if _NOT_ASKED.search(part + first + last) or len(part) > _MAX_ADDRESS:
        return []  # nothing that is kept holds such text
    questions = [
        (digest is not None, _HAS_DIGEST),
        (part != "", _HAS_PART),
        (first != "", _HAS_FIRST),
        (last != "", _HAS_LAST),
        (list_id is not None, _IS_ON_LIST),
    ]
    asked = [condition for is_given, condition in questions if is_given]
    values = {
        "realm": realm_id,
        "digest": digest,
        "part": f"%{escape_like(part)}%",
        "first": first,
        "last": last,
        "firsts": _spellings(first),
        "lasts": _spellings(last),
        "list": list_id,
        "limit": min(limit, MAX_FOUND),
    }
    if asked == [_HAS_DIGEST]:
        rows = fetch_prepared(_BY_DIGEST, values)
    else:
        rows = fetch(_SEARCH.format(conditions="".join(f" AND {each}" for each in asked)), values)
    return [
        FoundContact(id_, address, key, json.loads(fields), tuple(numbers))
        for id_, address, key, fields, numbers in rows
    ]


def _spellings(name: str) -> list[str]:
    return list({name, name.lower(), name.upper(), name.title()})


def get_contact(realm_id: int, contact_id: int) -> ContactDetail | None:
    """The realm's contact with that id, or None."""
    rows = fetch_prepared(_BY_ID, {"realm": realm_id, "id": contact_id})
    if not rows:
        return None
    id_, address, key, fields, created_at = rows[0][:5]
    places = tuple(_place(row) for row in rows if row[5] is not None)
    numbers = tuple(place.number for place in places)
    return ContactDetail(id_, address, key, json.loads(fields), numbers, created_at, places)


def escape_like(text: str) -> str:
    """`text` as it stands for itself in a LIKE pattern."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _place(row: tuple[Any, ...]) -> ContactPlace:
    return ContactPlace(*row[5:])
