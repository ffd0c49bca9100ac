"""The demo's Global Unsubscribe: what the company set up for the websites of its publishers, and a month of what they sent.

An installation that was seeded by an earlier release gets both. The month is only made up while the report has no line.
"""

import random
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import ip_address
from uuid import UUID

from config.demo_month import BROWSERS, Habit, home_ip, times_of
from config.demo_scene import SEED, Scene
from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, PHONE, forget_doors
from lists.lookup import ListSnapshot, snapshot
from lists.models import GlobalUnsubscribe, List, Product, Publisher, Realm, StoredForm
from lists.realm_hosts import claim_own_host, hosts_of
from optout.actions import record_optouts
from optout.addresses import Address
from optout.choices import Assurance, Channel
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent, global_intents
from optout.links import global_unsubscribe_url
from optout.models import GlobalLine

SERVER_IPS = ["127.0.0.3", "198.51.100.30"]
PRODUCTS = (  # number, name, the list's number, whether it is active
    (1, "Garden newsletter", 1, True),
    (2, "Flash sales", 2, True),
    (3, "Delivery texts", 5, True),
    (4, "Spring fair", 6, False),
    (5, "Green Valley shop", None, True),  # to Do Not Mail
)
BLUE_HERON, PETAL = ("BH-1042", "Blue Heron Media"), ("PT-2077", "Petal & Stem")
_COUNTRY, _CITY, _REASON = CUSTOM_FIELDS


@dataclass(frozen=True, slots=True)
class DemoForm:
    """A stored form of a publisher. The UUID is no secret, and the same in every demo."""

    uuid: UUID
    name: str
    reference: str
    product: int
    website: str
    labels: dict[str, str]


FORMS = (
    DemoForm(
        UUID("5d1c2a70-8f3e-4b6a-9c41-2f7e60b8d913"),
        "Blue Heron sign-off",
        BLUE_HERON[0],
        1,
        "blueheron.example",
        {_COUNTRY: "Country", _CITY: "City", _REASON: "Reason"},
    ),
    DemoForm(
        UUID("a94be0c6-17d2-4e58-b3fa-86c05d9e2b47"),
        "Petal & Stem, footer",
        PETAL[0],
        2,
        "petalandstem.example",
        {_COUNTRY: "Reason"},
    ),
)


@dataclass(frozen=True, slots=True)
class Site:
    """A website that sends requests: what it says of itself, and which ways it uses. `form`: the stored form that it links to.

    `asks` are the names of its custom fields' answers in `_ANSWERS`; `phones` and `both` say how often a phone number comes
    instead of the email address, or with it.
    """

    weight: int
    website: str
    product: int
    publisher: str = ""
    form: DemoForm | None = None
    by_server: bool = False
    asks: tuple[str, ...] = ()
    phones: float = 0.0
    both: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for: from which site, what it said, about which addresses."""

    site: Site
    said: GlobalRequest
    addresses: tuple[Address, ...]


_PLACES = (("Germany", "Bremen"), ("Austria", "Graz"), ("United States", "Portland"), ("", ""))
_REASONS = ("Too many", "Not interested any more", "Never signed up", "")
_SITES = (
    Site(28, FORMS[0].website, 1, BLUE_HERON[0], FORMS[0], asks=("place", "reason"), both=0.25),
    Site(22, FORMS[1].website, 2, PETAL[0], FORMS[1], asks=("reason",)),
    Site(18, "news.blueheron.example", 1, BLUE_HERON[0], by_server=True, both=0.1),
    Site(12, "shop.green-valley.example", 5, asks=("place",), both=0.3),
    Site(10, "delivery.green-valley.example", 3, by_server=True, phones=0.8, both=0.2),
    Site(6, "", 0, phones=0.3),  # an old script, which says nothing but the address
    Site(4, "coupons.example", 0, "77"),  # a publisher that nobody told us about
)
_HABIT = Habit(15, {Channel.GLOBAL_API: 60, Channel.GLOBAL_FORM: 40})
_SERVERS = {BLUE_HERON[0]: "python-requests/2.32.4", "": "PHP/8.4 curl"}


def set_up_global(realm: Realm, lists: dict[int, List]) -> dict[str, object]:
    """Make sure that it is there and on, by the installation's own host name where nobody else uses it; what to print of it."""
    door, _ = GlobalUnsubscribe.objects.update_or_create(
        realm=realm,
        defaults={"is_on": True},
        create_defaults={"is_on": True, "server_ips": SERVER_IPS},
    )
    claim_own_host(realm)
    products = {}
    for number, name, list_number, is_active in PRODUCTS:
        optout_list = None if list_number is None else lists[list_number]
        products[number], _ = Product.objects.get_or_create(
            realm=realm,
            number=number,
            defaults={"name": name, "optout_list": optout_list, "is_active": is_active},
        )
    publishers = {}
    for reference, name in (BLUE_HERON, PETAL):
        publishers[reference], _ = Publisher.objects.get_or_create(
            realm=realm, reference=reference, defaults={"name": name}
        )
    for wanted in FORMS:
        StoredForm.objects.get_or_create(
            realm=realm,
            uuid=wanted.uuid,
            defaults={
                "name": wanted.name,
                "publisher": publishers[wanted.reference],
                "product": products[wanted.product],
                "website": wanted.website,
                "fields": [EMAIL, *([PHONE] if wanted == FORMS[0] else []), *wanted.labels],
                "labels": wanted.labels,
            },
        )
    forget_doors()
    return _describe(realm, door)


def _describe(realm: Realm, door: GlobalUnsubscribe) -> dict[str, object]:
    url = global_unsubscribe_url(door.key, hosts_of(realm))
    publisher = Publisher.objects.get(realm=realm, reference=BLUE_HERON[0])
    form = StoredForm.objects.get(realm=realm, uuid=FORMS[0].uuid)
    active = Product.objects.filter(realm=realm, is_active=True).select_related("optout_list")
    return {
        "global_unsubscribe_url": url,
        "global_unsubscribe": {
            "key_url": global_unsubscribe_url(door.key),
            "products": [
                {
                    "number": each.number,
                    "name": each.name,
                    "list_number": each.optout_list.number if each.optout_list else 0,
                }
                for each in active
            ],
            "publisher": {"reference": publisher.reference, "name": publisher.name},
            "form": {"uuid": str(form.uuid), "name": form.name, "url": f"{url}?uuid={form.uuid}"},
        },
    }


def has_requests(realm: Realm) -> bool:
    """Whether the realm's report has a line."""
    return GlobalLine.objects.filter(realm=realm).exists()


def live_a_global_month(scene: Scene) -> None:
    """Write the global requests of the 30 days before `scene.now`. What is drawn does not depend on the rest of the demo."""
    rng = random.Random(f"{SEED} global")  # noqa: S311 -- not for secrets
    month = Scene(
        scene.realm, scene.lists, scene.people, scene.credential, scene.api_key, scene.now, rng=rng
    )
    targets = {number: snapshot(each) for number, each in scene.lists.items()}
    earlier: list[Request] = []
    days: dict[date, list[OptOutIntent]] = {}
    for at in sorted(times_of(_HABIT, rng, scene.now)):
        is_repeat = bool(earlier) and rng.random() < 0.2
        asked = rng.choice(earlier) if is_repeat else _ask(month)
        earlier.append(asked)
        days.setdefault(at.date(), []).extend(_intents(rng, targets, asked, at))
    for intents in days.values():
        record_optouts(intents)


def _ask(month: Scene) -> Request:
    rng = month.rng
    (site,) = rng.choices(_SITES, [each.weight for each in _SITES])
    email, phone = month.address(), month.phone()
    drawn = rng.random()
    wants_phone = drawn < site.phones + site.both
    wants_email = not drawn < site.phones
    addresses = [*([email] if wants_email else []), *([phone] if wants_phone else [])]
    place = rng.choice(_PLACES) if "place" in site.asks else ()
    reason = (rng.choice(_REASONS),) if "reason" in site.asks else ()
    custom = [*place, *reason, "", "", ""][:3]
    said = GlobalRequest(
        realm_id=month.realm.pk,
        email=email.key if wants_email else "",
        phone=phone.key if wants_phone else "",
        website=site.website,
        product_number=site.product,
        publisher=site.publisher,
        form=str(site.form.uuid) if site.form else "",
        custom1=custom[0],
        custom2=custom[1],
        custom3=custom[2],
    )
    return Request(site, said, tuple(addresses))


def _intents(
    rng: random.Random, targets: dict[int, ListSnapshot], asked: Request, at: datetime
) -> list[OptOutIntent]:
    """What the channel makes of such a request (optout/channels/global_unsubscribe/asked.py)."""
    site, said = asked.site, asked.said
    mapped = {number: list_number for number, _name, list_number, _active in PRODUCTS}
    if site.by_server:
        assurance, ip, agent = (
            Assurance.WHITELISTED_IP,
            ip_address(SERVER_IPS[-1]),
            _SERVERS[site.publisher],
        )
    else:
        assurance = Assurance.TYPED if site.form else Assurance.PREFILLED
        ip, agent = home_ip(rng), rng.choice(BROWSERS)
    return global_intents(
        targets[mapped.get(site.product) or 0],
        asked.addresses,
        said,
        channel=Channel.GLOBAL_FORM if site.form else Channel.GLOBAL_API,
        assurance=assurance,
        requested_at=at,
        evidence=Evidence.of(ip, agent),
    )
