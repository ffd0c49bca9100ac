"""A month that never was, for the demo: opt-outs by every channel, repeats, undos, an attack and its revert, downloads.

The same at each first run, apart from the date: everything is drawn from one seeded generator. Addresses and IPs are
of the ranges that are reserved for documentation. Opt-outs go through `record_optouts`, in the order of their time.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from itertools import groupby

from config.demo_scene import Scene
from config.demo_traces import leave_traces
from lists.lookup import ListSnapshot, snapshot
from lists.models import ApiKey, Contact, List, Realm, RealmCredential, Subscription
from lists.networks import IpAddress
from optout.actions import LiftIntent, lift_suppressions, record_optouts
from optout.addresses import Address, digest_of
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.intents import OptOutIntent, intent_for
from optout.models import OptOut

DAYS = 30
BATCH = 500

type Event = OptOutIntent | LiftIntent

BROWSERS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 16; Mobile) Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15",
)
_MAIL_PROVIDERS = tuple(ip_address(f"192.0.2.{last}") for last in (25, 26, 27))
_PARTNER = ip_address("198.51.100.25")
_SHOP = ip_address("198.51.100.60")  # has an old script, which speaks api_web
_NEW_SHOP = ip_address("198.51.100.61")  # its new one calls the REST API
_ATTACKER = ip_address("203.0.113.66")

_BY_WEEKDAY = (1.0, 1.1, 1.05, 1.4, 1.0, 0.55, 0.6)  # from Monday; the letter goes out on Thursdays
_BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 8, 9, 8, 7, 6, 6, 8, 9, 10, 8, 6, 3, 2)
_AFTER_CAMPAIGN = {12: 4.0, 11: 2.2, 10: 1.4}  # days ago

_SHARES = {  # of the contacts that are on each list; config/demo_contacts.py has the others
    Medium.EMAIL: {1: 0.9, 2: 0.5, 3: 0.25, 5: 0.1},
    Medium.SMS: {5: 0.9},
}

_ASSURANCE = {
    Channel.PAGE: Assurance.TYPED,
    Channel.DIRECT_LINK: Assurance.PREFILLED,
    Channel.SIGNED_LINK: Assurance.SIGNED,
    Channel.ONE_CLICK: Assurance.SIGNED,
    Channel.PIXEL: Assurance.PREFILLED,
    Channel.S2S: Assurance.WHITELISTED_IP,
    Channel.API_WEB: Assurance.API_CREDENTIAL,
    Channel.REST: Assurance.API_CREDENTIAL,
    Channel.PORTAL: Assurance.OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Habit:
    """How the recipients of a list behave: opt-outs on a usual day, and by which channels, as weights."""

    a_day: int
    channels: dict[Channel, int]
    until_days_ago: int = 0
    phones: float = 0.0


HABITS = {
    1: Habit(
        58,
        {
            Channel.ONE_CLICK: 42,
            Channel.SIGNED_LINK: 24,
            Channel.DIRECT_LINK: 20,
            Channel.PAGE: 14,
        },
    ),
    2: Habit(
        44,
        {
            Channel.DIRECT_LINK: 44,
            Channel.ONE_CLICK: 30,
            Channel.PAGE: 16,
            Channel.API_WEB: 10,
        },
    ),
    3: Habit(
        18,
        {
            Channel.PAGE: 45,
            Channel.DIRECT_LINK: 35,
            Channel.SIGNED_LINK: 12,
            Channel.REST: 8,
        },
    ),
    4: Habit(32, {Channel.S2S: 46, Channel.PIXEL: 34, Channel.API_WEB: 20}),
    5: Habit(9, {Channel.SIGNED_LINK: 70, Channel.PAGE: 30}, phones=0.7),
    6: Habit(7, {Channel.PAGE: 60, Channel.DIRECT_LINK: 40}, until_days_ago=16),
    0: Habit(
        6,
        {
            Channel.PAGE: 50,
            Channel.PORTAL: 25,
            Channel.API_WEB: 10,
            Channel.REST: 10,
            Channel.SIGNED_LINK: 5,
        },
    ),
}


def has_a_past(realm: Realm) -> bool:
    """Whether anybody ever opted out of one of the realm's lists."""
    ids = List.objects.filter(realm=realm).values_list("pk", flat=True)
    return OptOut.objects.filter(optout_list_id__in=list(ids)).exists()


def live_a_month(scene: Scene) -> None:
    """Write the 30 days before `scene.now`: contacts, opt-outs and lifts, and what people did about them."""
    optouts: list[OptOutIntent] = []
    for number, habit in HABITS.items():
        optouts += _month_of(scene, snapshot(scene.lists[number]), habit)
    attack = list(_attack(scene, snapshot(scene.lists[4])))
    _subscribe(scene, optouts)
    events: list[Event] = [*optouts, *attack, *_undos(scene, optouts), *_revert(attack)]
    _record(scene, sorted(events, key=lambda event: event.requested_at))
    _use(scene, optouts)
    leave_traces(scene, attacked=len(attack))


def _record(scene: Scene, events: list[Event]) -> None:
    """In the order of time, one statement for up to 500 of a kind."""
    for kind, run in groupby(events, key=type):
        same = list(run)
        for start in range(0, len(same), BATCH):
            batch = same[start : start + BATCH]
            if kind is LiftIntent:
                lift_suppressions([event for event in batch if isinstance(event, LiftIntent)])
                continue
            intents = [event for event in batch if isinstance(event, OptOutIntent)]
            for intent, recorded in zip(intents, record_optouts(intents), strict=True):
                if recorded.is_new:
                    scene.new_at[intent.list_id].append(intent.requested_at)


def _month_of(scene: Scene, optout_list: ListSnapshot, habit: Habit) -> list[OptOutIntent]:
    rng = scene.rng
    seen: list[Address] = []
    found = []
    for at in sorted(times_of(habit, rng, scene.now)):
        if seen and rng.random() < 0.045:  # people ask twice, and so do their mail programs
            address = rng.choice(seen)
        else:
            address = scene.phone() if rng.random() < habit.phones else scene.address()
        seen.append(address)
        found.append(_optout(scene, optout_list, habit, address, at))
    return found


def times_of(habit: Habit, rng: random.Random, now: datetime) -> Iterator[datetime]:
    """When opt-outs came in the month before, by day and in any order within it: fewer at night, many after the campaign."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for days_ago in range(DAYS, habit.until_days_ago - 1, -1):
        day = midnight - timedelta(days=days_ago)
        usual = habit.a_day * _BY_WEEKDAY[day.weekday()] * _AFTER_CAMPAIGN.get(days_ago, 1.0)
        for _ in range(round(usual * rng.uniform(0.85, 1.15))):
            (hour,) = rng.choices(range(24), _BY_HOUR)
            at = day + timedelta(hours=hour, microseconds=rng.randrange(3_600_000_000))
            if now - timedelta(days=DAYS) < at < now - timedelta(minutes=1):
                yield at


def _optout(
    scene: Scene, optout_list: ListSnapshot, habit: Habit, address: Address, at: datetime
) -> OptOutIntent:
    rng = scene.rng
    (channel,) = rng.choices(list(habit.channels), list(habit.channels.values()))
    reason, origin = Reason.UNSUBSCRIBED, Origin.RECIPIENT
    if channel == Channel.ONE_CLICK and rng.random() < 0.04:
        reason = Reason.COMPLAINED
    elif channel == Channel.S2S and rng.random() < 0.06:
        reason = Reason.BOUNCED
    elif channel == Channel.PORTAL:
        reason = Reason.LEGAL if rng.random() < 0.1 else Reason.MANUAL
        origin = Origin.OWNER
    return intent_for(
        optout_list,
        address,
        channel=channel,
        assurance=_ASSURANCE[channel],
        requested_at=at,
        evidence=_evidence(scene, channel),
        reason=reason,
        origin=origin,
    )


def _evidence(scene: Scene, channel: Channel) -> Evidence:
    rng = scene.rng
    if channel == Channel.ONE_CLICK:  # mail providers ask for their users, from few servers
        return Evidence.of(rng.choice(_MAIL_PROVIDERS), rng.choice(("", "Mail-Unsubscriber/2.1")))
    if channel == Channel.S2S:
        return Evidence.of(_PARTNER, "python-requests/2.32.4")
    if channel == Channel.API_WEB:
        return Evidence.of(_SHOP, "libwww-perl/6.79", credential=scene.credential.pk)
    if channel == Channel.REST:
        return Evidence.of(_NEW_SHOP, "GuzzleHttp/7", api_key=scene.api_key.pk)
    return Evidence.of(home_ip(rng), rng.choice(BROWSERS))


def home_ip(rng: random.Random) -> IpAddress:
    """Where somebody sits at home: an address that is reserved for documentation."""
    if rng.random() < 0.3:
        return IPv6Address(
            (0x20010DB8 << 96) | (rng.getrandbits(32) << 64) | rng.getrandbits(63) | 1
        )
    network = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
    return ip_address(f"{network}.{rng.randrange(100, 255)}")


def _use(scene: Scene, optouts: list[OptOutIntent]) -> None:
    """The realm's password and API key are as old as the month, and were used when the last opt-out came by them."""
    began_at = scene.now - timedelta(days=DAYS)
    used = {
        channel: max(
            (each.requested_at for each in optouts if each.channel == channel), default=None
        )
        for channel in (Channel.API_WEB, Channel.REST)
    }
    RealmCredential.objects.filter(pk=scene.credential.pk).update(
        created_at=began_at, last_used_at=used[Channel.API_WEB], last_used_ip=str(_SHOP)
    )
    ApiKey.objects.filter(pk=scene.api_key.pk).update(
        created_at=began_at, last_used_at=used[Channel.REST], last_used_ip=str(_NEW_SHOP)
    )


def _undos(scene: Scene, optouts: list[OptOutIntent]) -> Iterator[LiftIntent]:
    """A tap that was not meant: taken back within minutes, by who made it and nobody asked since."""
    rng = scene.rng
    asked = Counter((each.list_id, each.digest) for each in optouts)
    for each in optouts:
        by_hand = each.channel in {Channel.PAGE, Channel.DIRECT_LINK, Channel.SIGNED_LINK}
        is_only = asked[each.list_id, each.digest] == 1
        at = each.requested_at + timedelta(seconds=rng.randrange(15, 400))
        if by_hand and is_only and rng.random() < 0.02 and at < scene.now:
            yield _lift(each, Reason.UNDONE, at)


def _attack(scene: Scene, optout_list: ListSnapshot) -> Iterator[OptOutIntent]:
    """Somebody who loads the pixel with a list of addresses, up to the limit."""
    began_at = scene.now - timedelta(days=9, hours=3)
    for number, address in enumerate(scene.addresses(18)):
        yield intent_for(
            optout_list,
            address,
            channel=Channel.PIXEL,
            assurance=Assurance.PREFILLED,
            requested_at=began_at + timedelta(seconds=11 * number + scene.rng.randrange(9)),
            evidence=Evidence.of(_ATTACKER, "Wget/1.25.0"),
        )


def _revert(attack: list[OptOutIntent]) -> Iterator[LiftIntent]:
    """What the owner did about it, five hours later."""
    at = attack[0].requested_at + timedelta(hours=5)
    for each in attack:
        undone = _lift(each, Reason.REVERTED, at)
        yield replace(
            undone,
            channel=Channel.PORTAL,
            assurance=Assurance.OPERATOR,
            origin=Origin.OWNER,
            evidence=Evidence(),
        )


def _lift(optout: OptOutIntent, reason: Reason, at: datetime) -> LiftIntent:
    return LiftIntent(
        list_id=optout.list_id,
        digest=optout.digest,
        medium=optout.medium,
        channel=Channel.PAGE,
        assurance=optout.assurance,
        reason=reason,
        origin=Origin.RECIPIENT,
        requested_at=at,
        evidence=optout.evidence,
    )


def _subscribe(scene: Scene, optouts: list[OptOutIntent]) -> None:
    """The contacts that the owner told us about: some who leave during the month, and more who stay."""
    rng, before = scene.rng, scene.now - timedelta(days=DAYS)
    leaving = {each.address for each in optouts if each.address and rng.random() < 0.08}
    phones = {scene.phone().key for _ in range(40)}
    keys = sorted(leaving | phones) + [address.key for address in scene.addresses(450)]
    contacts = [
        Contact(
            realm=scene.realm,
            digest=digest_of(key),
            medium=Medium.EMAIL if "@" in key else Medium.SMS,
            address=key,
        )
        for key in keys
    ]
    Contact.objects.bulk_create(contacts, batch_size=BATCH)
    Contact.objects.filter(realm=scene.realm).update(created_at=before - timedelta(days=20))
    places = [
        Subscription(
            optout_list=scene.lists[number],
            digest=contact.digest,
            subscribed_at=before - timedelta(days=rng.randrange(1, 20)),
        )
        for contact in contacts
        for number, share in _SHARES[Medium(contact.medium)].items()
        if rng.random() < share
    ]
    Subscription.objects.bulk_create(places, batch_size=BATCH)
