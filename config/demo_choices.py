"""What the demo's recipients are offered, and what they made of it: who joined, who came back, and why some left.

An installation that was seeded by an earlier release gets all of it. The month is only made up while nobody has agreed to a
list or said why they left.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django.utils import translation
from PIL import Image, ImageDraw

from config.demo_contacts import known_of
from config.demo_month import BROWSERS, home_ip
from config.demo_scene import SEED, Scene
from lists.choices import Language, TextKind
from lists.logos import store_logo
from lists.lookup import forget_list, snapshot
from lists.models import Contact, List, Logo, Realm
from optout.addresses import Address, parse_email
from optout.choices import Channel, Kind, MailKind, MailState, Reason
from optout.consent_words import consent_words
from optout.evidence import Evidence
from optout.mail_requests import KEPT, mailbox_digest
from optout.models import Consent, OptOut, RecipientMail, StatedReason, Suppression
from optout.own_texts import in_language
from optout.reasons import BUILT_IN
from optout.returning import join_list

_DAYS = 30
_JOINERS = {1: 34, 3: 9}  # by list
_RETURNING = 4  # who had opted out of the first list
_ASKED_ONLY = 5  # and never pressed the button
_LANGUAGES = (*(Language.EN,) * 6, Language.DE, Language.DE, Language.ES, Language.AR)
_BY_HAND = (Channel.PAGE, Channel.DIRECT_LINK, Channel.SIGNED_LINK)
_SAID_WHY = 0.22
_OWN_REASONS = {  # of list 2; the last one was taken off the list since
    Language.EN: ["Too many offers", "Nothing for my garden", "I buy elsewhere", "Another reason"],
    Language.DE: [
        "Zu viele Angebote",
        "Nichts für meinen Garten",
        "Ich kaufe anderswo",
        "Ein anderer Grund",
    ],
}
_GONE_REASON = "Delivery takes too long"

LISTS: dict[int, dict[str, Any]] = {
    1: {
        "frequency": "Every Thursday",
        "join_is_open": True,
        "shown_in_preferences": True,
        "own_texts": {
            TextKind.NAME: {
                Language.DE: "Gartenbrief der Woche",
                Language.FR: "La lettre du jardin",
                Language.ES: "Carta semanal del jardín",
                Language.AR: "رسالة الحديقة الأسبوعية",
            },
            TextKind.DESCRIPTION: {
                Language.DE: "Was man jetzt sät, schneidet und erntet, jeden Donnerstag.",
                Language.FR: "Que semer, tailler et cueillir, chaque jeudi.",
                Language.ES: "Qué sembrar, podar y cosechar, cada jueves.",
                Language.AR: "ما يُزرع ويُقلَّم ويُقطف، كل يوم خميس.",
            },
            TextKind.FREQUENCY: {
                Language.DE: "Jeden Donnerstag",
                Language.FR: "Chaque jeudi",
                Language.ES: "Cada jueves",
                Language.AR: "كل يوم خميس",
            },
            TextKind.CONSENT: {
                Language.EN: "Yes, send me the weekly garden letter from Green Valley Garden. I can stop it at any time.",
                Language.DE: "Ja, schickt mir den Gartenbrief von Green Valley Garden. Ich kann ihn jederzeit abbestellen.",
            },
        },
    },
    2: {
        "frequency": "About twice a week",
        "shown_in_preferences": True,
        "reasons": _OWN_REASONS,
        "own_texts": {
            TextKind.NAME: {Language.DE: "Blitzangebote", Language.FR: "Ventes flash"},
            TextKind.FREQUENCY: {
                Language.DE: "Etwa zweimal in der Woche",
                Language.FR: "Environ deux fois par semaine",
            },
        },
    },
    3: {
        "frequency": "Once a month",
        "join_is_open": True,
        "shown_in_preferences": True,
        "own_texts": {
            TextKind.NAME: {Language.DE: "Saatgut-Club"},
            TextKind.FREQUENCY: {Language.DE: "Einmal im Monat"},
        },
    },
    # Not shown: to email addresses nothing of it is sent. Whoever is texted finds it on the page of their own link.
    5: {"frequency": "When something is on its way", "shown_in_preferences": False},
}


def set_up_choices(realm: Realm, lists: dict[int, List]) -> None:
    """Give the demo's lists what recipients are offered, unless somebody has said of one how often it comes."""
    if any(each.frequency for each in lists.values()):
        return
    for number, fields in LISTS.items():
        optout_list = lists[number]
        for name, value in fields.items():
            setattr(optout_list, name, value)
        optout_list.save(update_fields=list(fields))
        forget_list(optout_list)
    if not Logo.objects.filter(realm=realm).exists():
        store_logo(realm, None, _logo(), actor=None)


def has_choices(realm: Realm) -> bool:
    """Whether anybody has agreed to one of the realm's lists, or said why they left one."""
    lists = List.objects.filter(realm=realm)
    return (
        Consent.objects.filter(optout_list__in=lists).exists()
        or StatedReason.objects.filter(optout_list__in=lists).exists()
    )


def live_a_month_of_choices(scene: Scene) -> list[Address]:
    """Write the 30 days before `scene.now`; who joined. What is drawn does not depend on the rest of the demo."""
    rng = random.Random(f"{SEED} choices")  # noqa: S311 -- not for secrets
    month = Scene(
        scene.realm, scene.lists, scene.people, scene.credential, scene.api_key, scene.now, rng=rng
    )
    joined = []
    for number, count in _JOINERS.items():
        for address in month.addresses(count):
            asked_at = scene.now - timedelta(hours=rng.uniform(1, 24 * _DAYS - 2))
            _join(month, scene.lists[number], address, asked_at)
            joined.append(address)
    for address, out_at in _gone(scene.lists[1], scene.now):
        asked_at = out_at + timedelta(days=4, minutes=rng.randrange(600))
        _join(month, scene.lists[1], address, asked_at)
        joined.append(address)
    RecipientMail.objects.bulk_create(_asked_only(month))
    StatedReason.objects.bulk_create(_reasons(scene, rng), ignore_conflicts=True)
    return joined


def introduce_joined(realm: Realm, joined: list[Address]) -> None:
    """Who joined has a name as the others: where they had theirs before anybody joined."""
    digests = [address.digest for address in joined]
    unnamed = list(Contact.objects.filter(realm=realm, digest__in=digests, fields={}))
    for contact in unnamed:
        contact.fields = known_of(contact.address)
    Contact.objects.bulk_update(unnamed, ["fields"])


def _join(month: Scene, optout_list: List, address: Address, asked_at: datetime) -> None:
    """They typed their address, and pressed the button of the mail some minutes later."""
    rng, target = month.rng, snapshot(optout_list)
    language = rng.choice(_LANGUAGES)
    with translation.override(language):
        wording = consent_words(in_language(target, language), language)
    evidence = Evidence.of(home_ip(rng), rng.choice(BROWSERS))
    now = asked_at + timedelta(seconds=rng.randrange(40, 3_000))
    join_list(
        target,
        address,
        asked_at=asked_at,
        channel=Channel.JOIN,
        language=language,
        wording=wording,
        asked_ip=evidence.ip,
        evidence=evidence,
        now=now,
    )
    if asked_at > month.now - KEPT + timedelta(hours=1):
        RecipientMail.objects.create(
            **_mail(optout_list, address, asked_at), language=language, wording=wording
        )


def _mail(optout_list: List, address: Address, asked_at: datetime) -> dict[str, Any]:
    return {
        "optout_list": optout_list,
        "kind": MailKind.JOIN,
        "digest": address.digest,
        "mailbox": mailbox_digest(address.key),
        "address": address.key,
        "asked_at": asked_at,
        "due_at": asked_at,
        "state": MailState.SENT,
        "sent_at": asked_at + timedelta(seconds=2),
        "tries": 1,
    }


def _gone(optout_list: List, now: datetime) -> Iterator[tuple[Address, datetime]]:
    """Some who opted out by hand long enough ago to miss it, and when."""
    found = Suppression.objects.filter(
        optout_list=optout_list,
        channel__in=_BY_HAND,
        reason=Reason.UNSUBSCRIBED,
        address__contains="@",
        suppressed_at__lt=now - timedelta(days=6),
    )
    for row in found.order_by("suppressed_at", "digest")[:_RETURNING]:
        yield parse_email(str(row.address)), row.suppressed_at


def _asked_only(month: Scene) -> Iterator[RecipientMail]:
    """Mails that led to nothing; the last one was left out, for the address had had enough of them."""
    for number, address in enumerate(month.addresses(_ASKED_ONLY)):
        fields = _mail(month.lists[1], address, month.now - timedelta(hours=9 + 23 * number))
        if number == _ASKED_ONLY - 1:
            fields |= {"state": MailState.LEFT_OUT, "sent_at": None}
        yield RecipientMail(**fields, language=Language.EN)


def _reasons(scene: Scene, rng: random.Random) -> Iterator[StatedReason]:
    """Why some of those left who did it by hand and meant it."""
    rows = OptOut.objects.filter(optout_list__in=[each.pk for each in scene.lists.values()])
    lifted = set(rows.filter(kind=Kind.LIFT).values_list("optout_list_id", "digest"))
    left = rows.filter(kind=Kind.OPT_OUT, channel__in=_BY_HAND, is_new=True)
    own = _OWN_REASONS[Language.EN]
    for row in left.order_by("recorded_at", "id"):
        digest = bytes(row.digest)
        if (row.optout_list_id, digest) in lifted or rng.random() > _SAID_WHY:
            continue
        offered = (
            [*own, _GONE_REASON] if row.optout_list_id == scene.lists[2].pk else list(BUILT_IN)
        )
        weights = [9, 4, 3, 2, 2][: len(offered)]
        yield StatedReason(
            optout_list_id=row.optout_list_id,
            optout_id=row.id,
            digest=digest,
            reason=rng.choices(offered, weights)[0],
            stated_at=row.recorded_at + timedelta(seconds=rng.randrange(5, 50)),
        )


def _logo() -> bytes:
    """Two hills below the sun, and the company's name."""
    mark = Image.new("RGBA", (240, 240), "#166534")
    draw = ImageDraw.Draw(mark)
    draw.ellipse((136, 40, 196, 100), fill="#fde68a")
    draw.ellipse((-70, 120, 190, 380), fill="#4ade80")
    draw.ellipse((70, 150, 330, 410), fill="#22c55e")
    corners = Image.new("L", mark.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 239, 239), 48, fill=255)
    image = Image.new("RGBA", (960, 240), (0, 0, 0, 0))
    image.paste(mark, (0, 0), corners)
    ImageDraw.Draw(image).text((276, 58), "Green Valley", fill="#166534", font_size=104)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
