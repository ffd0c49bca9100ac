"""What a realm's Global Unsubscribe means for one of its lists: which products lead to it, and which stored forms."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from lists.models import GlobalUnsubscribe, List, Product, StoredForm
from lists.realm_hosts import hosts_of
from optout.links import global_unsubscribe_url

SHOWN = 50  # products, and stored forms


@dataclass(frozen=True, slots=True)
class GlobalForList:
    """A door that is open. `products` and `forms` are active ones whose requests go to the list, the first `SHOWN` of them."""

    realm_id: int
    key: str
    url: str
    server_ips: Sequence[str]
    products: Sequence[Product]
    forms: Sequence[StoredForm]
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
    """None while the realm has it switched off. Four queries at most."""
    realm_id = optout_list.realm_id
    door = GlobalUnsubscribe.objects.filter(realm=realm_id, is_on=True).first()
    if door is None:
        return None
    target = None if optout_list.is_global else optout_list
    products = Product.objects.filter(realm=realm_id, is_active=True, optout_list=target)
    forms = StoredForm.objects.filter(realm=realm_id, is_active=True).select_related("publisher")
    leading = Q(product__is_active=True, product__optout_list=target)
    if target is None:  # also of no product, or of one that counts as none
        leading |= Q(product=None) | Q(product__is_active=False)
    return GlobalForList(
        realm_id=realm_id,
        key=door.key,
        url=global_unsubscribe_url(door.key, hosts_of(optout_list.realm)),
        server_ips=door.server_ips,
        products=list(products[:SHOWN]),
        forms=list(forms.filter(leading)[:SHOWN]),
        is_for_all=target is None,
    )
