"""What a realm's Global Unsubscribe means for one of its lists: which products lead to it, and which stored forms."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject

from lists.models import GlobalUnsubscribe, List, Product, RealmHost, StoredForm
from optout.links import global_unsubscribe_url

SHOWN = 50  # products, and stored forms


@dataclass(frozen=True, slots=True)
class LeadingProduct:
    """A product whose requests go to the list."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class LeadingForm:
    """A stored form whose requests go to the list; `publisher` is a name."""

    uuid: str
    name: str
    publisher: str


@dataclass(frozen=True, slots=True)
class GlobalForList:
    """A door that is open. `products` and `forms` are active ones whose requests go to the list, the first `SHOWN` of them."""

    realm_id: int
    key: str
    url: str
    server_ips: Sequence[str]
    products: Sequence[LeadingProduct]
    forms: Sequence[LeadingForm]
    is_for_all: bool  # the list is Do Not Mail, which gets what names no product

    @property
    def is_reached(self) -> bool:
        """Whether any request can get to the list."""
        return self.is_for_all or bool(self.products)

    @property
    def product_number(self) -> int:
        """With which `productId` a request gets to the list: 0 where it needs none."""
        return 0 if self.is_for_all or not self.products else self.products[0].number


def read_global(optout_list: List) -> GlobalForList | None:
    """None while the realm has it switched off. One query."""
    target = None if optout_list.is_global else optout_list
    products = Product.objects.filter(realm=OuterRef("realm"), is_active=True, optout_list=target)
    forms = StoredForm.objects.filter(realm=OuterRef("realm"), is_active=True)
    leading = Q(product__is_active=True, product__optout_list=target)
    if target is None:  # also of no product, or of one that counts as none
        leading |= Q(product=None) | Q(product__is_active=False)
    product = JSONObject(number="number", name="name")
    form = JSONObject(uuid="uuid", name="name", publisher="publisher__name")
    door = (
        GlobalUnsubscribe.objects.filter(realm=optout_list.realm_id, is_on=True)
        .values(
            "key",
            "server_ips",
            hosts=ArraySubquery(RealmHost.objects.filter(realm=OuterRef("realm")).values("host")),
            products=ArraySubquery(products.values_list(product)[:SHOWN]),
            forms=ArraySubquery(forms.filter(leading).values_list(form)[:SHOWN]),
        )
        .first()
    )
    if door is None:
        return None
    return GlobalForList(
        realm_id=optout_list.realm_id,
        key=door["key"],
        url=global_unsubscribe_url(door["key"], sorted(door["hosts"])),
        server_ips=door["server_ips"],
        products=[LeadingProduct(**each) for each in door["products"]],
        forms=[LeadingForm(**each) for each in door["forms"]],
        is_for_all=target is None,
    )
