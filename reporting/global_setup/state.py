"""Where a realm's Global Unsubscribe stands: what is set up, and how much it is used."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import ngettext

from lists.models import GlobalUnsubscribe, Product, Publisher, Realm, StoredForm
from lists.realm_hosts import hosts_of, may_claim_own_host
from optout.channels.global_unsubscribe.preview import STATES
from optout.links import global_unsubscribe_url
from reporting.global_report.counts import global_requests_per_day

LATELY = 7  # days


@dataclass(frozen=True, slots=True)
class Door:
    """A realm's door with the host names that lead to it; `row` is None before it was ever on."""

    realm: Realm
    row: GlobalUnsubscribe | None
    hosts: list[str]

    @property
    def is_on(self) -> bool:
        return self.row is not None and self.row.is_on

    @property
    def url(self) -> str:
        """Where websites send requests: by host name where there is one. Before it was ever on: where they will."""
        if self.row is not None:
            return global_unsubscribe_url(self.row.key, self.hosts)
        if may_claim_own_host(self.realm):
            return f"{settings.BASE_URL}/unsubscribe/unsubscribe"
        return ""

    @property
    def key_url(self) -> str:
        """The same by the key, which needs no host name of one's own."""
        return global_unsubscribe_url(self.row.key) if self.row is not None else ""

    def preview_url(self, query: str = "") -> str:
        """The form as these parameters make it, for the owner; empty where there is no key yet."""
        if self.row is None:
            return ""
        return f"{reverse('global_preview', args=[self.row.key])}?{query}"


def read_door(realm: Realm) -> Door:
    """Two queries."""
    return Door(realm, GlobalUnsubscribe.objects.filter(realm=realm).first(), hosts_of(realm))


def preview_states(url: str) -> list[tuple[str, str]]:
    """What a preview can show of its form, each with its address."""
    beginning = url if url.endswith("?") else f"{url}&"
    names = {state: state.replace("-", " ").replace("_", " ").capitalize() for state in STATES}
    return [(name, f"{beginning}state={state}") for state, name in names.items()] if url else []


@dataclass(frozen=True, slots=True)
class GlobalSetUp:
    """How many products, publishers and forms there are; the first active product and form, for examples (0 and empty: none)."""

    products: int
    publishers: int
    forms: int
    product_number: int
    uuid: str


def read_set_up(realm: Realm) -> GlobalSetUp:
    """One query."""
    product = Product.objects.filter(realm=OuterRef("pk"), is_active=True).order_by("number")
    form = StoredForm.objects.filter(realm=OuterRef("pk"), is_active=True).order_by("name", "id")
    row: tuple[int, int, int, int | None, uuid.UUID | None] = Realm.objects.values_list(
        _count(Product.objects.all()),
        _count(Publisher.objects.all()),
        _count(StoredForm.objects.all()),
        Subquery(product.values("number")[:1]),
        Subquery(form.values("uuid")[:1]),
    ).get(pk=realm.pk)
    products, publishers, forms, number, form_uuid = row
    return GlobalSetUp(products, publishers, forms, number or 0, str(form_uuid or ""))


def requests_lately(realm: Realm, now: datetime) -> int:
    """How many requests came in the last LATELY days (UTC), today included: the figure of the report."""
    first = now.date() - timedelta(days=LATELY - 1)
    return sum(
        each.requests for each in global_requests_per_day(realm.pk, None) if each.day >= first
    )


def say_requests(number: int) -> str:
    """The same as the beginning of a sentence."""
    said = ngettext(
        "%(count)s request came in the last %(days)d days",
        "%(count)s requests came in the last %(days)d days",
        number,
    )
    return said % {"count": f"{number:,}", "days": LATELY}


def _count(rows: QuerySet[Any]) -> Coalesce:
    own = rows.filter(realm=OuterRef("pk")).order_by().values("realm")
    return Coalesce(Subquery(own.annotate(number=Count("pk")).values("number")), 0)
