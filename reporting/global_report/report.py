"""The Global Unsubscribe report: who reads which of its lines, filtered how, in which order (S1.21).

A `GlobalReport` is the one description of all that. The page and the csv are both made of it, so they show the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from django.http import Http404

from lists.access import Standing
from lists.choices import Role
from lists.models import GlobalUnsubscribe, Product, Realm

# ── Who reads ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GlobalReader:
    """Somebody who may read the report of their realm.

    `product_numbers` are those whose lines they may see, None for all of them; `products` what the realm calls these.
    `is_clear`: whether they see addresses, and may have the csv, which holds them.
    """

    realm: Realm
    products: Sequence[Product]
    product_numbers: tuple[int, ...] | None
    is_clear: bool


def has_global_report(standing: Standing) -> bool:
    """Whether there is a report for this person: not for a mailer, and not while it is switched off (S1.3)."""
    if standing.role == Role.MAILER:
        return False
    return GlobalUnsubscribe.objects.filter(realm=standing.realm, is_on=True).exists()


def open_global_report(standing: Standing) -> GlobalReader:
    """What this person may read of their realm's report; Http404 where there is none for them.

    Realm admins and viewers all of it, viewers masked; an owner what goes to the lists that they own: a product's requests go to
    its list, all others (0, and products without a list) to Do Not Mail.
    """
    if not has_global_report(standing):
        raise Http404
    products = list(Product.objects.filter(realm=standing.realm).order_by("number"))
    if standing.role != Role.OWNER:
        is_clear = standing.role == Role.ADMIN
        return GlobalReader(standing.realm, products, None, is_clear)
    own = list(standing.lists())
    lists = {each.pk for each in own}
    has_do_not_mail = any(each.is_global for each in own)
    seen = [
        each
        for each in products
        if (has_do_not_mail if each.optout_list_id is None else each.optout_list_id in lists)
    ]
    numbers = (*([0] if has_do_not_mail else []), *(each.number for each in seen))
    return GlobalReader(standing.realm, seen, numbers, is_clear=True)


# ── Which lines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Seen(StrEnum):
    """Which of a line's two dates a filter by days is about."""

    LAST = "last"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class GlobalFilters:
    """Which lines are wanted. None means any; an empty text finds what was not given. Days are UTC, both included."""

    seen: Seen = Seen.LAST
    since: date | None = None
    until: date | None = None
    product: int | None = None
    publisher: str | None = None
    website: str | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def used(self) -> list[str]:
        """The names of those that are used."""
        names = [name for name in self.__dataclass_fields__ if name != "seen"]
        return [name for name in names if getattr(self, name) is not None]

    @property
    def has_texts(self) -> bool:
        """Whether one of them is a text, which is looked for as a whole."""
        return bool({"website", "publisher", "email", "phone"} & set(self.used))


# ── In which order ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Sort(StrEnum):
    """What the report can be ordered by. An address is a secret from some: its order tells something about it."""

    ID = "id"
    FIRST_SEEN = "first_seen"
    LAST_SEEN = "last_seen"
    EMAIL = "email"
    PHONE = "phone"
    PRODUCT = "product"
    WEBSITE = "website"
    PUBLISHER = "publisher"
    COUNT = "count"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns behind it, all in one direction, the id last: those of an index, after the realm."""
        return _COLUMNS[self]

    @property
    def is_address(self) -> bool:
        return self in {Sort.EMAIL, Sort.PHONE}

    @property
    def begins_high(self) -> bool:
        """Whether people want to see the highest first: the newest, the most frequent."""
        return self in {Sort.ID, Sort.FIRST_SEEN, Sort.LAST_SEEN, Sort.COUNT}


_COLUMNS = {
    Sort.ID: ("id",),
    Sort.FIRST_SEEN: ("first_seen_at", "id"),
    Sort.LAST_SEEN: ("last_seen_at", "id"),
    Sort.EMAIL: ("email", "id"),
    Sort.PHONE: ("phone", "id"),
    Sort.PRODUCT: ("product_number", "last_seen_at", "id"),
    Sort.WEBSITE: ("website", "last_seen_at", "id"),
    Sort.PUBLISHER: ("publisher", "last_seen_at", "id"),
    Sort.COUNT: ("unsubscribe_count", "id"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """By what the lines are ordered, and which end comes first. As text, in the URL: `-last_seen`."""

    sort: Sort
    is_descending: bool

    def __str__(self) -> str:
        return f"-{self.sort}" if self.is_descending else str(self.sort)

    def reversed(self) -> "Order":
        return Order(self.sort, not self.is_descending)


def orders_of(reader: GlobalReader) -> list[Order]:
    """Every order that the reader may have, each in the direction first that people want first."""
    return [
        Order(sort, is_descending)
        for sort in Sort
        if reader.is_clear or not sort.is_address
        for is_descending in (sort.begins_high, not sort.begins_high)
    ]


def default_order(filters: GlobalFilters) -> Order:
    """Newest first, by the date that was filtered by: one index answers both."""
    sort = Sort.FIRST_SEEN if filters.seen == Seen.FIRST else Sort.LAST_SEEN
    return Order(sort, is_descending=True)


# ── The report ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GlobalReport:
    """What somebody wants to see of their realm's report, and in which order."""

    reader: GlobalReader
    filters: GlobalFilters
    order: Order

    @property
    def product_numbers(self) -> tuple[int, ...] | None:
        """Those whose requests are meant; None for all."""
        wanted, may_see = self.filters.product, self.reader.product_numbers
        if wanted is None:
            return may_see
        return (wanted,) if may_see is None or wanted in may_see else ()

    def condition(self) -> tuple[str, dict[str, Any]]:
        """What holds for its lines, as SQL about `g`, with its parameters."""
        filters = self.filters
        parts = ["g.realm_id = %(realm)s"]
        values: dict[str, Any] = {"realm": self.reader.realm.pk}
        products = self.product_numbers
        if products is not None and len(products) == 1:
            parts.append("g.product_number = %(product)s")
            values["product"] = products[0]
        elif products is not None:
            parts.append("g.product_number = ANY (%(products)s::int[])")
            values["products"] = list(products)
        for name in ("publisher", "website", "email", "phone"):
            wanted = getattr(filters, name)
            if wanted is not None:
                parts.append(f"g.{name} = %({name})s")
                values[name] = wanted
        if filters.email == "" and filters.phone == "":
            parts.append("false")  # each line has one of them: nobody needs to look
        day = f"g.{filters.seen}_seen_at"
        if filters.since is not None:
            parts.append(f"{day} >= %(begin)s")
            values["begin"] = datetime.combine(filters.since, time.min, UTC)
        if filters.until is not None:
            parts.append(f"{day} < %(end)s")
            values["end"] = datetime.combine(filters.until + timedelta(days=1), time.min, UTC)
        return " AND ".join(parts), values
