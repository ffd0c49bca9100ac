"""A small company to try Heed with: its realm, lists, people and keys. Its past month is in `config/demo_month.py`.

Everything here may be run again: what is missing is made, sign-ins and keys are set back to what is printed, and what
somebody changed in a list stays. The secrets: config/demo_secrets.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from config.demo_choices import (
    has_choices,
    introduce_joined,
    live_a_month_of_choices,
    set_up_choices,
)
from config.demo_contacts import introduce_contacts
from config.demo_global import has_requests, live_a_global_month, set_up_global
from config.demo_month import has_a_past, live_a_month
from config.demo_scene import Scene
from config.demo_secrets import API_KEYS, api_key, demo_password, download_key, realm_password
from config.demo_texts import (
    LIST_NUMBER,
    describe_link,
    has_texts,
    live_a_month_of_texts,
    set_up_texts,
)
from lists.choices import Accepts, DirectLinkMode, Language, ListKind, Role
from lists.lookup import forget_all_lists
from lists.models import InboundEndpoint, List, ListAccess, Membership, Realm, User
from lists.models.lists import DO_NOT_MAIL_NAME
from lists.numbers import DO_NOT_MAIL_NUMBER
from optout.addresses import email_key
from optout.links import (
    api_web_url,
    ask_url,
    direct_url,
    download_url,
    join_url,
    page_url,
    pixel_url,
    preferences_url,
    signed_url,
)
from optout.redirects import validate_template
from reporting.counters import advance_counts

REALM_NAME = "demo"
NEIGHBOUR_NAME = "demo-neighbour"
SAMPLE_ADDRESS = "sample@example.com"
_ONE_AT_A_TIME = 0x48656564  # any number: an advisory lock of the database

type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoList:
    """A list of the demo, and how it differs from a new one."""

    number: int
    name: str
    description: str
    fields: dict[str, Any] = field(default_factory=dict)


LISTS = (
    DemoList(
        1,
        "Weekly garden letter",
        "What to sow, prune and pick, every Thursday.",
        {"plain_download": True, "colour": "#166534"},
    ),
    DemoList(
        2,
        "Flash sales",
        "Short offers, mostly on weekends.",
        {"direct_link_mode": DirectLinkMode.INSTANT, "colour": "#b45309"},
    ),
    DemoList(
        3,
        "Seed club",
        "News for members in the United States, Germany and Austria.",
        {
            "redirect_url": validate_template(
                "https://www.example.com/goodbye?who={md5}&list={list}&lang={lang}"
            ),
            "thank_you_texts": {
                Language.EN: "We are sorry to see you go. Your membership card stays valid.",
                Language.DE: "Schade, dass Sie gehen. Ihre Mitgliedskarte bleibt gültig.",
            },
            "colour": "#1d4ed8",
        },
    ),
    DemoList(
        4,
        "Partner offers",
        "Sent by partners, who handle opt-outs on their own pages and tell us.",
        {"whitelist": ["127.0.0.2"]},
    ),
    DemoList(
        5,
        "Delivery texts",
        "Text messages about deliveries and pick-up times.",
        {"accepts": Accepts.EITHER, "effect_hours": 2},
    ),
    DemoList(6, "Spring fair", "Invitations to the fair in April. It is over."),
    DemoList(
        DO_NOT_MAIL_NUMBER,
        DO_NOT_MAIL_NAME,
        "Everybody who wants nothing at all from Green Valley Garden.",
        {"kind": ListKind.GLOBAL},
    ),
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who signs in. `lists`: the numbers of the lists that they own or were given; None: every one."""

    key: str
    email: str
    name: str
    role: Role | None
    lists: tuple[int, ...] | None = ()


PEOPLE = (
    DemoPerson("operator", "operator@heed.example", "Olga Operator", None),
    # In a small company the realm's admin owns the lists, too.
    DemoPerson("owner", "owner@green-valley.example", "Olivia Green", Role.ADMIN, None),
    DemoPerson("list_owner", "list-owner@green-valley.example", "Leo Field", Role.OWNER, (2, 3)),
    DemoPerson("mailer", "mailer@blue-heron.example", "Mia Heron", Role.MAILER, (1, 3)),
    DemoPerson("viewer", "viewer@green-valley.example", "Vera Wells", Role.VIEWER),
)
STRANGER = DemoPerson("stranger", "stranger@hilltop.example", "Stan Hill", Role.ADMIN, None)


def load_demo(now: datetime) -> Answer:
    """Make sure that the demo is there, and say how to reach it.

    The answer is JSON-able and its keys are a contract: `base_url`, `api_web_url`, `global_unsubscribe_url`, `realm`, `lists`,
    `users`, `global_unsubscribe`, `api_key`, `api_key_read`, `contacts_user`, `contacts_token`, `sms` (`list_number`; `number`:
    what is texted; `recipient` and `link_url`: somebody on that list, and their own short link; `open_link_url`; `inbound_url`,
    `inbound_secret`). Of a list, among others: `join_url` (null where nobody can join), `ask_url` and `preferences_url` (of the
    sample address). Later releases add keys and rename none. The month before `now` is only made up when the demo's lists have no
    opt-out yet, that of the global requests when they have no line in the report, that of the texts when there is none, that of
    who joined or said why they left when nobody did.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        realm = _realm(REALM_NAME, "Green Valley Garden", "help@green-valley.example")
        lists = [_list(realm, each) for each in LISTS]
        people = {each.key: _person(each, realm, lists) for each in PEOPLE}
        people[STRANGER.key] = _neighbour()
        keys = {each.number: download_key(each) for each in lists}
        password, credential = realm_password(realm)
        api_keys = {each.key: api_key(realm, each) for each in API_KEYS}
        answer: Answer = {
            "base_url": settings.BASE_URL,
            "api_web_url": api_web_url(),
            "realm": {"name": realm.name, "password": password},
            "lists": [],
            "users": {
                each.key: {"email": each.email, "password": demo_password(each.key)}
                for each in (*PEOPLE, STRANGER)
            },
            **{key: text for key, (text, _row) in api_keys.items()},
            "contacts_user": realm.name,
        }
        numbered = {each.number: each for each in lists}
        answer |= set_up_global(realm, numbered)
        endpoint, texts = set_up_texts(realm, numbered)
        scene = partial(
            Scene,
            realm,
            numbered,
            people=people,
            credential=credential,
            api_key=api_keys["api_key"][1],
            now=now,
        )
        is_new = _live_what_is_missing(scene, endpoint)
        answer["lists"] = [_describe(each, keys[each.number]) for each in lists]
        answer["sms"] = texts | describe_link(numbered[LIST_NUMBER])
    forget_all_lists()
    if is_new:
        advance_counts(now)
    return answer


def _live_what_is_missing(make_scene: Callable[[], Scene], endpoint: InboundEndpoint) -> bool:
    """Make up the months that are not there yet, each from a scene of its own; whether there was one."""
    scene = make_scene()
    realm, lists = scene.realm, scene.lists
    is_new, has_no_requests = not has_a_past(realm), not has_requests(realm)
    has_no_texts, has_no_choices = not has_texts(realm), not has_choices(realm)
    set_up_choices(realm, lists)
    if is_new:
        live_a_month(make_scene())
    joined = live_a_month_of_choices(make_scene()) if has_no_choices else []
    introduce_contacts(realm, lists)
    introduce_joined(realm, joined)
    if has_no_requests:
        live_a_global_month(make_scene())
    if has_no_texts:
        live_a_month_of_texts(make_scene(), endpoint)
    return is_new or has_no_requests or has_no_texts or has_no_choices


def _realm(name: str, sender: str, support_address: str) -> Realm:
    realm, _ = Realm.objects.get_or_create(
        name=name,
        defaults={
            "sender_name": sender,
            "support_address": support_address,
            "thank_you_texts": {
                Language.EN: "You will get no more of these messages from us.",
                Language.AR: "لن تصلك منا رسائل أخرى من هذا النوع.",
            },
        },
    )
    return realm


def _list(realm: Realm, wanted: DemoList) -> List:
    found, _ = List.objects.select_related("realm").get_or_create(
        realm=realm,
        number=wanted.number,
        defaults={"name": wanted.name, "description": wanted.description, **wanted.fields},
    )
    return found


def _person(wanted: DemoPerson, realm: Realm, lists: list[List]) -> User:
    """The person, able to sign in with the password that is printed, in their place in the realm."""
    is_operator = wanted.role is None
    user, _ = User.objects.update_or_create(
        email=wanted.email,
        defaults={"is_active": True, "is_staff": is_operator, "is_superuser": is_operator},
        create_defaults={
            "name": wanted.name,
            "is_staff": is_operator,
            "is_superuser": is_operator,
        },
    )
    password = demo_password(wanted.key)
    if not user.check_password(password):  # setting it anew would end their sessions
        user.set_password(password)
        user.save(update_fields=["password"])
    if wanted.role is not None:
        membership, _ = Membership.objects.update_or_create(
            user=user, realm=realm, defaults={"role": wanted.role}
        )
        for each in lists:
            if wanted.lists is None or each.number in wanted.lists:
                ListAccess.objects.get_or_create(
                    membership=membership,
                    optout_list=each,
                    defaults={"may_see_clear": wanted.role != Role.MAILER},
                )
    return user


def _neighbour() -> User:
    """Another company on the same installation: neither may ever see the other."""
    realm = _realm(NEIGHBOUR_NAME, "Hilltop Books", "help@hilltop.example")
    wanted = (
        DemoList(1, "New books", "Once a month."),
        DemoList(
            DO_NOT_MAIL_NUMBER,
            DO_NOT_MAIL_NAME,
            "Everybody who wants nothing from Hilltop Books.",
            {"kind": ListKind.GLOBAL},
        ),
    )
    return _person(STRANGER, realm, [_list(realm, each) for each in wanted])


def _describe(optout_list: List, download_key: str) -> Answer:
    public_id = optout_list.public_id
    return {
        "number": optout_list.number,
        "public_id": public_id,
        "name": optout_list.name,
        "direct_link_mode": optout_list.direct_link_mode,
        "redirect_url": optout_list.redirect_url,
        "whitelist": optout_list.whitelist,
        "page_url": page_url(public_id),
        "direct_url": direct_url(public_id),
        "pixel_url": pixel_url(public_id),
        "one_click_url": signed_url(optout_list.pk, email_key(SAMPLE_ADDRESS)),
        "download_url": download_url(public_id),
        "download_key": download_key,
        "join_url": join_url(public_id) if optout_list.join_is_open else None,
        "ask_url": ask_url(public_id),
        "preferences_url": preferences_url(optout_list.pk, email_key(SAMPLE_ADDRESS)),
    }
