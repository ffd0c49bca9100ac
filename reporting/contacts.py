"""A list's contacts: who is on it, page by page in the order of their addresses, as people read it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lists.choices import MessageFormat
from lists.contacts import escape_like
from lists.models import List
from lists.prepared import fetch
from optout.addresses import AddressError, mask, parse_address
from reporting.opted_out import OptedOut

PAGE_SIZE = 50
MOST_COUNTED = 1_000_000  # beyond, a page would take seconds for a number that nobody reads
FEW = 50_000  # contacts of a list that a page can read all of, in a fraction of a second
_NUMBER_BEGINS = re.compile(r"[+\uff0b][\d\s().\-/\u00b7\u2010-\u2015]*")

# How many there are (one more than MOST_COUNTED stands for more), and where the page begins: the address of that contact.
_HEAD = """
SELECT (SELECT count(*) FROM (SELECT FROM lists_subscription WHERE optout_list_id = %(list)s LIMIT %(most)s) s),
       (SELECT address FROM lists_contact WHERE id = %(position)s AND realm_id = %(realm)s)
"""

# In the order of `contact_by_address`, which is by bytes whatever the database's language is: `~<~`, not `<`. Of a list with
# many contacts that index is walked, and each contact asked for whether it is on the list.
_WALK = """
SELECT c.id, c.digest, c.address, c.fields->>'first', c.fields->>'last', c.customer_key,
       s.subscribed_at, s.message_format
FROM lists_contact c JOIN lists_subscription s ON s.digest = c.digest AND s.optout_list_id = %(list)s
WHERE c.realm_id = %(realm)s {conditions}
ORDER BY c.address USING {order}
LIMIT %(size)s
"""

# Of a list with few all of them are read and sorted. The planner takes a list's contacts to be spread over the realm and would
# walk here too: past everybody, where those few are at the end of the alphabet. `OFFSET 0` keeps it from that.
_GATHER = """
SELECT c.id, c.digest, c.address, c.first, c.last, c.customer_key, s.subscribed_at, s.message_format
FROM (
    SELECT digest, subscribed_at, message_format FROM lists_subscription WHERE optout_list_id = %(list)s OFFSET 0
) s, LATERAL (
    SELECT id, digest, address, fields->>'first' AS first, fields->>'last' AS last, customer_key
    FROM lists_contact c WHERE c.realm_id = %(realm)s AND c.digest = s.digest {conditions} OFFSET 0
) c
ORDER BY c.address USING {order}
LIMIT %(size)s
"""

_ONE = """
SELECT c.id, c.digest, c.address, c.fields->>'first', c.fields->>'last', c.customer_key,
       s.subscribed_at, s.message_format
FROM lists_contact c
LEFT JOIN lists_subscription s ON s.digest = c.digest AND s.optout_list_id = %(list)s
WHERE c.realm_id = %(realm)s AND c.digest = %(digest)s
"""

_ON_LIST = """
SELECT digest FROM lists_subscription WHERE optout_list_id = %(list)s AND digest = ANY (%(digests)s::bytea[])
"""

_NAMES = """
SELECT digest, fields->>'first', fields->>'last' FROM lists_contact
WHERE realm_id = %(realm)s AND digest = ANY (%(digests)s::bytea[])
"""


@dataclass(frozen=True, slots=True)
class ListedContact:
    """A contact, with its place on the list; `subscribed_at` and `message_format` are None when it is not on it."""

    id: int
    digest: bytes
    address: str
    first: str | None
    last: str | None
    customer_key: str | None
    subscribed_at: datetime | None
    message_format: int | None

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.first, self.last)))


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact as it is shown: address masked, and nothing else of the person, where the reader may not see it in clear.

    A phone number has no `message_format`.
    """

    digest: str
    address: str
    name: str
    customer_key: str
    subscribed_at: datetime | None
    message_format: str
    opted_out: OptedOut | None


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom a search is for: the address with that digest; or, if there is none, those that begin like that."""

    digest: bytes | None
    begins: str | None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Contacts of a list in the order of their addresses. `before` and `after`: the ids that the pages beside begin at."""

    contacts: Sequence[ListedContact]
    count: int
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class PageStart:
    """Where a page begins: beside the contact of that id, in that direction."""

    direction: Literal["after", "before"]
    contact_id: int


def read_sought(text: str, region: str, *, clear: bool) -> Sought:
    """Whom `text` asks for. Who may not see addresses in clear must know the whole one: the beginning of an address, tried
    letter by letter, would tell the rest. Raises AddressError for them alone."""
    try:
        digest = parse_address(text, "either", region).digest
    except AddressError:
        if not clear:
            raise
        digest = None
    return Sought(digest, _beginning(text) if clear else None)


def is_found_whole_only(text: str) -> bool:
    """Whether no beginning of this finds anything: a domain with letters beyond ASCII is kept in another form."""
    _local, at, domain = text.rpartition("@")
    return bool(at) and not domain.isascii()


def list_contacts_page(
    optout_list: List, sought: Sought | None = None, start: PageStart | None = None
) -> ContactPage:
    """50 of the list's contacts, from `start` on; only those sought. Two queries, and one for an address."""
    values: dict[str, Any] = {
        "list": optout_list.pk,
        "realm": optout_list.realm_id,
        "most": MOST_COUNTED + 1,
        "position": None if start is None else start.contact_id,
        "size": PAGE_SIZE + 1,
    }
    ((count, address),) = fetch(_HEAD, values)
    conditions = []
    if sought is not None:
        exact = None if sought.digest is None else find_listed(optout_list, sought.digest)
        if exact is not None and exact.subscribed_at is not None:
            return ContactPage((exact,), count)
        if sought.begins is None:
            return ContactPage((), count)
        conditions.append("c.address LIKE %(begins)s")
        values["begins"] = sought.begins
    # A start at a contact that has been deleted meanwhile is the beginning.
    direction = None if start is None or address is None else start.direction
    if direction is not None:
        conditions.append(
            "c.address ~>~ %(address)s" if direction == "after" else "c.address ~<~ %(address)s"
        )
        values["address"] = address
    statement = (_GATHER if count <= FEW else _WALK).format(
        conditions="".join(f" AND {each}" for each in conditions),
        order="~>~" if direction == "before" else "~<~",
    )
    found = [ListedContact(*row) for row in fetch(statement, values)]
    return _page(found, count, direction)


def find_listed(optout_list: List, digest: bytes) -> ListedContact | None:
    """The realm's contact with that digest and its place on the list, if it has one; None when there is no such contact."""
    rows = fetch(_ONE, {"list": optout_list.pk, "realm": optout_list.realm_id, "digest": digest})
    return ListedContact(*rows[0]) if rows else None


def digests_on_list(optout_list: List, digests: Sequence[bytes]) -> set[bytes]:
    """Which of these are on the list. One query."""
    rows = fetch(_ON_LIST, {"list": optout_list.pk, "digests": list(digests)})
    return {digest for (digest,) in rows}


def names_of(realm_id: int, digests: Sequence[bytes]) -> dict[bytes, dict[str, str]]:
    """The first and last names of those of these addresses that are the realm's contacts, by digest. One query."""
    rows = fetch(_NAMES, {"realm": realm_id, "digests": list(digests)})
    return {
        digest: {key: name for key, name in (("first", first), ("last", last)) if name}
        for digest, first, last in rows
    }


def as_rows(
    contacts: Sequence[ListedContact], suppressed: Mapping[str, OptedOut], *, clear: bool
) -> list[ContactRow]:
    """Contacts as they are shown."""
    return [
        ContactRow(
            digest=each.digest.hex(),
            address=each.address if clear else mask(each.address),
            name=each.name if clear else "",
            customer_key=(each.customer_key or "") if clear else "",
            subscribed_at=each.subscribed_at,
            message_format=_format_label(each),
            opted_out=suppressed.get(each.address),
        )
        for each in contacts
    ]


def _beginning(text: str) -> str:
    """As a LIKE pattern. Addresses are kept in lower case, phone numbers as + and digits alone."""
    begins = "".join(each for each in text if unicodedata.category(each) != "Cf").strip().lower()
    if _NUMBER_BEGINS.fullmatch(begins):
        begins = "+" + "".join(
            str(unicodedata.decimal(each)) for each in begins if each.isdecimal()
        )
    return f"{escape_like(begins)}%"


def _page(
    found: Sequence[ListedContact], count: int, direction: Literal["after", "before"] | None
) -> ContactPage:
    shown = found[:PAGE_SIZE]
    is_more = len(found) > PAGE_SIZE
    if not shown:
        return ContactPage((), count)
    if direction == "before":
        shown = shown[::-1]
        return ContactPage(
            shown, count, before=shown[0].id if is_more else None, after=shown[-1].id
        )
    return ContactPage(
        shown,
        count,
        before=shown[0].id if direction is not None else None,
        after=shown[-1].id if is_more else None,
    )


def _format_label(contact: ListedContact) -> str:
    if contact.message_format is None or "@" not in contact.address:
        return ""
    return str(MessageFormat(contact.message_format).label)
