"""Who is Active, in Do Not Mail, Removed or on a list, as both shapes show it. They know email addresses alone.

Pages are walked by digest: the millionth costs what the first does, and nobody is missed who was there all the time. Who is
suppressed under whatever hash is never shown as Active or on a list.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from lists.models import List
from lists.prepared import fetch, fetch_prepared
from optout.addresses import lookup_keys
from optout.choices import Medium
from optout.contact_resources import meant_by
from optout.contact_statements import FIND_SUPPRESSED_PAIRS
from reporting.contacts_http.statements import (
    CONTACTS,
    COUNT_CHANGED,
    COUNTS,
    DESCRIBE,
    DIGEST_OF,
    EVERYBODY,
    FEW,
    IN_DO_NOT_MAIL,
    LAST_CHANGE,
    ON_LIST,
    PLACES,
    WALK_CHANGED,
)

SECONDS = 2.0  # how long a page is gathered; then it is shown as it is, with where it goes on
MOST_AT_ONCE = 5_000  # addresses looked at in one go


class Status(Enum):
    """What a contact is to existing clients."""

    ACTIVE = 1
    DO_NOT_MAIL = 2
    REMOVED = 3


@dataclass(frozen=True, slots=True)
class OutSince:
    """How an address came into Do Not Mail. `origin` is None where the ledger does not say."""

    at: datetime
    channel: int
    reason: int
    origin: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a list, by the list's number."""

    list_id: int
    number: int
    subscribed_at: datetime
    message_format: int


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with an email address: a contact, or an address of Do Not Mail that is none.

    `contact_id` is None for the latter; `id` is what clients know it by: a contact's number, or the digest.
    """

    digest: bytes
    contact_id: int | None
    address: str
    fields: dict[str, str]
    places: tuple[Place, ...]
    created_at: datetime
    changed_at: datetime
    out_since: OutSince | None

    @property
    def id(self) -> str:
        return self.digest.hex() if self.contact_id is None else str(self.contact_id)

    @property
    def status(self) -> Status:
        if self.out_since is not None:
            return Status.DO_NOT_MAIL
        return Status.ACTIVE if self.places else Status.REMOVED

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.fields.get("first"), self.fields.get("last"))))

    def belongs_to(self, of: List | Status | None) -> bool:
        """Whether they are on that list, or have that status (None: any)."""
        if isinstance(of, List):
            is_on_it = any(place.list_id == of.pk for place in self.places)
            return is_on_it and self.status is Status.ACTIVE
        return of is None or self.status is of

    def has_changed(self, since: datetime | None) -> bool:
        return since is None or self.changed_at >= since


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Members in the order of their digests, and the digest behind which the next page begins: None at the end."""

    members: Sequence[Member]
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Since when there is a list, when somebody was last opted out of it, and how many are on it.

    They are counted up to MOST_COUNTED; None where counting them would mean to look at everybody.
    """

    created_at: datetime
    changed_at: datetime
    count: int | None


class Members:
    """A realm's lists, read once for a request, and its members."""

    def __init__(self, realm_id: int) -> None:
        self._realm_id = realm_id
        every = list(List.objects.filter(realm=realm_id).order_by("number"))
        self.do_not_mail = next(each for each in every if each.is_global)
        self.lists = [each for each in every if not each.is_global]
        self._numbers = {each.pk: each.number for each in self.lists}

    @property
    def _values(self) -> dict[str, Any]:
        return {
            "realm": self._realm_id,
            "do_not_mail": self.do_not_mail.pk,
            "lists": [*self._numbers, self.do_not_mail.pk],
        }

    def find_list(self, number: int) -> List | None:
        """The list of that number; not Do Not Mail."""
        return next((each for each in self.lists if each.number == number), None)

    def summaries(self) -> dict[List | Status, Summary]:
        """Of each list, and of the three that clients know besides. Two queries."""
        rows = fetch(COUNTS, self._values)
        found = {list_id: (changed_at, count) for list_id, changed_at, count in rows}
        by_contacts = [at for (at,) in fetch(LAST_CHANGE, self._values)]
        every: dict[List | Status, Summary] = {}
        for each in (*self.lists, self.do_not_mail):
            changed_at, count = found.get(each.pk, (None, 0))
            moments = (each.created_at, each.closed_at, changed_at)
            last = max(moment for moment in moments if moment is not None)
            every[Status.DO_NOT_MAIL if each.is_global else each] = Summary(
                each.created_at, last, count
            )
        last = max([*by_contacts, *(each.changed_at for each in every.values())])
        made_at = self.do_not_mail.created_at
        every[Status.ACTIVE] = every[Status.REMOVED] = Summary(made_at, last, None)
        return every

    def page(
        self,
        of: List | Status | None,
        *,
        size: int,
        after: bytes = b"",
        since: datetime | None = None,
    ) -> MemberPage:
        """`size` members of a list, or of that status (None: all), changed since then.

        A page may be short, even empty, and still not be the last: where few of many are looked for, it ends by time.
        """
        values = self._values | {"since": since, "list": of.pk if isinstance(of, List) else None}
        is_gathered = since is not None and fetch(COUNT_CHANGED, values)[0][0] <= FEW
        statement = WALK_CHANGED if is_gathered else _source(of)
        ends_at = time.monotonic() + SECONDS
        found: list[Member] = []
        looked_at, most = 0, size + 1
        while True:
            rows = fetch(statement, values | {"after": after, "most": most})
            digests = [digest for (digest,) in rows]
            found += [
                each
                for each in self.describe(digests)
                if each.belongs_to(of) and each.has_changed(since)
            ]
            if len(found) > size:
                return MemberPage(found[:size], found[size - 1].digest)
            if len(digests) < most:
                return MemberPage(found, None)
            after = digests[-1]
            if time.monotonic() > ends_at:
                return MemberPage(found, after)
            looked_at += most
            most = _next_portion(size + 1 - len(found), len(found), looked_at)

    def find(self, contact_id: str) -> Member | None:
        """The member with that id, or None. A digest goes on working once its address has become a contact."""
        meant = meant_by(contact_id)
        if isinstance(meant, int):
            rows = fetch_prepared(DIGEST_OF, {"realm": self._realm_id, "id": meant})
            meant = rows[0][0] if rows else None
        return None if meant is None else self.find_digest(meant)

    def find_digest(self, digest: bytes) -> Member | None:
        """The member with that address, or None."""
        return next(iter(self.describe([digest])), None)

    def describe(self, digests: Sequence[bytes]) -> list[Member]:
        """Those of these addresses that are contacts or in Do Not Mail, and known as email addresses; in order of digests."""
        if not digests:
            return []
        values = self._values | {"digests": list(digests)}
        rows = [row for row in fetch(DESCRIBE, values) if row[10] == Medium.EMAIL]
        places: dict[bytes, list[Place]] = {}
        if self._numbers:
            only_lists = values | {"lists": list(self._numbers)}
            for digest, list_id, subscribed_at, message_format in fetch(PLACES, only_lists):
                place = Place(list_id, self._numbers[list_id], subscribed_at, message_format)
                places.setdefault(digest, []).append(place)
        known = [row for row in rows if row[2] or row[6]]  # a sealed address is shown to nobody
        suppressed = self._suppressed(known, places)
        return [self._as_member(row, places.get(row[0], ()), suppressed) for row in known]

    def _suppressed(
        self, rows: Sequence[tuple[Any, ...]], places: dict[bytes, list[Place]]
    ) -> dict[tuple[int, bytes], OutSince]:
        """What keeps them off a list they are on, or off all, under any hash: by list and the address's own digest."""
        owners = {key: row[0] for row in rows if row[1] for key in lookup_keys(row[2])}
        pairs = [(self.do_not_mail.pk, key) for key in owners]
        pairs += [
            (place.list_id, key)
            for key, digest in owners.items()
            for place in places.get(digest, ())
        ]
        values = {"lists": [each for each, _ in pairs], "keys": [key for _, key in pairs]}
        return {
            (list_id, owners[key]): OutSince(at, channel, reason, None)
            for list_id, key, at, channel, reason in fetch(FIND_SUPPRESSED_PAIRS, values)
        }

    def _as_member(
        self,
        row: tuple[Any, ...],
        places: Sequence[Place],
        suppressed: dict[tuple[int, bytes], OutSince],
    ) -> Member:
        digest, contact_id, address, fields, created_at, changed_at, out_address = row[:7]
        out_at, channel, reason, _medium, ledger_at, origin = row[7:]
        out_since = (
            suppressed.get((self.do_not_mail.pk, digest))
            if out_at is None
            else OutSince(out_at, channel, reason, origin)
        )
        moments = (changed_at, out_at, ledger_at, *(place.subscribed_at for place in places))
        return Member(
            digest=digest,
            contact_id=contact_id,
            address=address or out_address,
            fields=json.loads(fields) if fields else {},
            places=tuple(each for each in places if (each.list_id, digest) not in suppressed),
            created_at=created_at or out_at,
            changed_at=max(moment for moment in moments if moment is not None),
            out_since=out_since,
        )


def _next_portion(missing: int, found: int, looked_at: int) -> int:
    """How many to look at next, if those that are missing are as frequent as those that were found."""
    expected = missing * looked_at // found if found else looked_at * 4
    return min(expected * 5 // 4 + 1, MOST_AT_ONCE)


def _source(of: List | Status | None) -> str:
    if isinstance(of, List):
        return ON_LIST
    if of is Status.DO_NOT_MAIL:
        return IN_DO_NOT_MAIL
    return EVERYBODY if of is None else CONTACTS
