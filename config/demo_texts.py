"""The demo's text messages: its number, its gateway's endpoint, and a month of links that were tapped and STOPs that came in.

An installation that was seeded by an earlier release gets all of it. The month is only made up while nobody has opted out so.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.demo_contacts import known_of
from config.demo_month import BROWSERS, Habit, home_ip, times_of
from config.demo_scene import SEED, Scene
from config.demo_secrets import inbound_endpoint
from lists.choices import SmsStopScope
from lists.lookup import ListSnapshot, snapshot
from lists.models import Contact, InboundEndpoint, List, Realm, SmsNumber, SmsSetup, Subscription
from optout.addresses import Address, parse_phone
from optout.choices import (
    Assurance,
    Channel,
    Confirmation,
    Meaning,
    Medium,
    RefusalCause,
)
from optout.evidence import Evidence
from optout.intents import OptOutIntent, intent_for
from optout.links import inbound_sms_url
from optout.models import InboundMessage, OptOut
from optout.quarantine import quarantine_optout
from optout.queries import is_suppressed
from optout.short_links import open_short_url, short_url
from optout.sms_optouts import CHANNELS, record_sms_optouts

LIST_NUMBER = 5
NUMBER = "+18005550199"  # of those that are kept for fiction
SAMPLE_PHONE = "+12025550123"  # whose link is printed when nobody of the list is left

_HABIT = Habit(2, {Channel.SMS_LINK: 58, Channel.INBOUND_SMS: 42})
_SAID = (
    *("STOP", "Stop", "stop", "STOP please", "Stop texting me", "UNSUBSCRIBE", "Unsubscribe me"),
    *("Stopall", "CANCEL", "end", "Quit", "opt out", "arrêt", "STOP!!!", "Stop 🛑"),
)
_SAID_BESIDES = 4  # what says nothing of STOP; its words are not kept
_UNCLEAR = ((2, "When does it end? My parcel came yesterday."), (5, "Please don't stop here"))
_EVERY = 7  # opt-outs: then it is one of those who are on the list


@dataclass(frozen=True, slots=True)
class Texts:
    """What the month is made with."""

    scene: Scene
    target: ListSnapshot  # what an opt-out from the list's messages is about
    endpoint: InboundEndpoint

    def intent(self, address: Address, at: datetime, evidence: Evidence) -> OptOutIntent:
        by_link = evidence.ip is not None
        return intent_for(
            self.target,
            address,
            channel=Channel.SMS_LINK if by_link else Channel.INBOUND_SMS,
            assurance=Assurance.SIGNED if by_link else Assurance.API_CREDENTIAL,
            requested_at=at,
            evidence=evidence,
        )

    def said(self, text: str) -> Evidence:
        """The evidence of a text that came in."""
        return Evidence.of(None, "", texted=NUMBER, said=text, endpoint=self.endpoint.public_id)

    def message(self, address: Address, at: datetime, meaning: Meaning) -> InboundMessage:
        is_stop = meaning == Meaning.STOP
        return InboundMessage(
            endpoint=self.endpoint,
            message_id=f"demo-{self.scene.rng.getrandbits(64):016x}",
            digest=address.digest,
            sender=address.key,
            texted=NUMBER,
            meaning=meaning,
            optout_list_id=None if meaning == Meaning.NOTHING else self.target.id,
            received_at=at,
            confirmation=Confirmation.SENT if is_stop else Confirmation.NONE,
            confirmed_at=at + timedelta(seconds=2) if is_stop else None,
        )


def set_up_texts(realm: Realm, lists: dict[int, List]) -> tuple[InboundEndpoint, dict[str, object]]:
    """Make sure that number and endpoint are there; the endpoint, and what to print of both."""
    SmsNumber.objects.get_or_create(
        realm=realm,
        number=NUMBER,
        defaults={"label": "Deliveries", "optout_list": lists[LIST_NUMBER]},
    )
    SmsSetup.objects.get_or_create(realm=realm, defaults={"start_lifts": True})
    secret, endpoint = inbound_endpoint(realm)
    return endpoint, {
        "list_number": LIST_NUMBER,
        "number": NUMBER,
        "inbound_url": inbound_sms_url(endpoint.public_id),
        "inbound_secret": secret,
    }


def describe_link(optout_list: List) -> dict[str, object]:
    """One recipient's own link, and the list's: of who is on the list and not suppressed, the same one as long as that is so."""
    recipient = next(_recipients(optout_list), SAMPLE_PHONE)
    return {
        "recipient": recipient,
        "link_url": short_url(optout_list.pk, recipient),
        "open_link_url": open_short_url(optout_list.public_id),
    }


def has_texts(realm: Realm) -> bool:
    """Whether anybody has texted, or opted out of texts."""
    ids = list(List.objects.filter(realm=realm).values_list("pk", flat=True))
    by_text = OptOut.objects.filter(optout_list_id__in=ids, channel__in=CHANNELS)
    return by_text.exists() or InboundMessage.objects.filter(endpoint__realm=realm).exists()


def live_a_month_of_texts(scene: Scene, endpoint: InboundEndpoint) -> None:
    """Write the 30 days before `scene.now`. What is drawn does not depend on the rest of the demo."""
    rng = random.Random(f"{SEED} texts")  # noqa: S311 -- not for secrets
    month = Scene(
        scene.realm, scene.lists, scene.people, scene.credential, scene.api_key, scene.now, rng=rng
    )
    texted = scene.lists[LIST_NUMBER]
    is_list = texted.sms_stop_scope == SmsStopScope.LIST
    texts = Texts(month, snapshot(texted if is_list else scene.lists[0]), endpoint)
    staying = list(_recipients(texted))
    intents, messages = [], []
    for number, at in enumerate(sorted(times_of(_HABIT, rng, scene.now)), start=1):
        leaves = len(staying) > 1 and number % _EVERY == 0
        # The last one stays: it is the one whose link is printed.
        address = parse_phone(staying.pop() if leaves else month.phone().key, "US")
        if address.key in staying:
            continue
        (channel,) = rng.choices(list(_HABIT.channels), list(_HABIT.channels.values()))
        if channel == Channel.SMS_LINK:
            evidence = Evidence.of(home_ip(rng), rng.choice(BROWSERS), list=texted.number)
        else:
            evidence = texts.said(rng.choice(_SAID))
            messages.append(texts.message(address, at, Meaning.STOP))
        intents.append(texts.intent(address, at, evidence))
    record_sms_optouts(intents)
    messages += [
        texts.message(
            month.phone(), scene.now - timedelta(days=2 * number, hours=7), Meaning.NOTHING
        )
        for number in range(_SAID_BESIDES)
    ]
    messages += _ask_the_owner(texts)
    InboundMessage.objects.bulk_create(messages)
    last = max(each.received_at for each in messages)
    InboundEndpoint.objects.filter(pk=endpoint.pk).update(
        created_at=scene.now - timedelta(days=31), last_used_at=last
    )
    _introduce(scene.realm)


def _ask_the_owner(texts: Texts) -> Iterator[InboundMessage]:
    """What may mean STOP waits for somebody to look."""
    for days, text in _UNCLEAR:
        address = texts.scene.phone()
        at = texts.scene.now - timedelta(days=days, hours=4, minutes=11)
        quarantine_optout(texts.intent(address, at, texts.said(text)), RefusalCause.UNCLEAR_TEXT)
        yield texts.message(address, at, Meaning.UNCLEAR)


def _recipients(optout_list: List) -> Iterator[str]:
    """The phone numbers on the list that may be texted, in order."""
    digests = Subscription.objects.filter(optout_list=optout_list).values("digest")
    contacts = Contact.objects.filter(
        realm=optout_list.realm_id, medium=Medium.SMS, digest__in=digests
    )
    for number in contacts.order_by("address").values_list("address", flat=True):
        if not is_suppressed(optout_list.pk, number):
            yield number


def _introduce(realm: Realm) -> None:
    """Who texted and was no contact is one now, with a name as the others."""
    unnamed = list(Contact.objects.filter(realm=realm, medium=Medium.SMS, fields={}))
    for contact in unnamed:
        contact.fields = known_of(contact.address)
    Contact.objects.bulk_update(unnamed, ["fields"])
