"""What the demo's company knows of its made-up people: names, where they live, what they grow, and which lists they are on.

The month before (`config/demo_month.py`) has made the contacts. Everything about one of them follows from the address, so an
installation that was seeded by an earlier release ends up with the same people as a new one.
"""

import random
import re
from datetime import timedelta

from config.demo_scene import DOMAINS, FIRST, LAST, SEED
from lists.choices import MessageFormat
from lists.models import Contact, List, Realm, Subscription
from optout.choices import Medium
from optout.models import Consent, Suppression

BATCH = 500
SHARES = {4: 0.3, 6: 0.2}  # of all contacts; the month subscribed people to the other lists

_CITIES = (  # city, state, how a zip code begins, country
    ("Portland", "OR", "972", "United States"),
    ("Austin", "TX", "787", "United States"),
    ("Madison", "WI", "537", "United States"),
    ("Burlington", "VT", "054", "United States"),
    ("Bremen", "", "281", "Germany"),
    ("Leipzig", "", "041", "Germany"),
    ("Graz", "", "80", "Austria"),
)
_STREETS = ("Orchard Lane", "Mill Road", "Station Street", "Rose Walk", "Church Hill")
_COMPANIES = ("Fern & Moss", "Elm Street Bakery", "Riverside School", "Old Mill Nursery")
_GARDENS = ("balcony", "allotment", "orchard", "roses", "vegetables", "herbs")

_OURS = re.compile(  # what `Scene.address` and `Scene.phone` make
    rf"(?:(?P<first>[a-z]+)(?:[._](?P<last>[a-z]+)|[0-9]{{2}})@(?:{'|'.join(map(re.escape, DOMAINS))})"
    r"|\+1[0-9]{3}55501[0-9]{2})"
)


def introduce_contacts(realm: Realm, lists: dict[int, List]) -> None:
    """Give the demo's contacts their names and the rest of their lists, unless somebody in the realm has a name already."""
    if Contact.objects.filter(realm=realm).exclude(fields={}).exists():
        return
    contacts = [
        contact
        for contact in Contact.objects.filter(realm=realm).order_by("address")
        if _OURS.fullmatch(contact.address)
    ]
    for contact in contacts:
        contact.fields = known_of(contact.address)
    Contact.objects.bulk_update(contacts, ["fields"], batch_size=BATCH)
    Subscription.objects.bulk_create(
        [
            place
            for number, share in SHARES.items()
            for place in _places(contacts, lists[number], lists[0], share)
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def known_of(address: str) -> dict[str, str]:
    """What the company knows of whoever has that address: the same whenever it is asked."""
    rng = _chance(address)
    found = _OURS.fullmatch(address)
    begins = (found and found["first"]) or ""
    named = begins if begins in FIRST else ""
    first = named or rng.choice([name for name in FIRST if name.startswith(begins)] or FIRST)
    last = (found and found["last"]) or rng.choice(LAST)
    fields = {"first": first.capitalize(), "last": last.capitalize()}
    if rng.random() < 0.1:
        fields["company"] = rng.choice(_COMPANIES)
    if rng.random() < 0.6:
        city, state, zip_code, country = rng.choice(_CITIES)
        fields |= {
            "address_1": f"{rng.randrange(1, 90)} {rng.choice(_STREETS)}",
            "city": city,
            "zip": f"{zip_code}{rng.randrange(10, 100)}",
            "country": country,
        }
        if state:
            fields["state"] = state
    if rng.random() < 0.3:
        fields["custom_garden"] = rng.choice(_GARDENS)
    return fields


def _places(
    contacts: list[Contact], optout_list: List, do_not_mail: List, share: float
) -> list[Subscription]:
    """Places on the list for that share of the contacts, but for those who opted out of it or of everything, and for those who
    joined a list by themselves: the company has them from there."""
    suppressed = Suppression.objects.filter(optout_list__in=(optout_list, do_not_mail))
    agreed = Consent.objects.filter(optout_list__realm=optout_list.realm_id)
    out = {
        bytes(digest)
        for rows in (suppressed, agreed)
        for digest in rows.values_list("digest", flat=True)
    }
    places = []
    for contact in contacts:
        if contact.medium != Medium.EMAIL:
            continue
        rng = _chance(f"{optout_list.number} {contact.address}")
        if rng.random() < share and bytes(contact.digest) not in out:
            places.append(
                Subscription(
                    optout_list=optout_list,
                    digest=contact.digest,
                    subscribed_at=contact.created_at + timedelta(hours=rng.randrange(400)),
                    message_format=rng.choice(MessageFormat.values),
                )
            )
    return places


def _chance(about: str) -> random.Random:
    return random.Random(f"{SEED} {about}")  # noqa: S311 -- not for secrets
