"""AT-31: every address of the portal × every role × one's own and a foreign list. A new address without a row here fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from lists.choices import Role
from lists.credentials import make_password
from lists.models import (
    ApiKey,
    Contact,
    InboundFormat,
    List,
    ListAccess,
    Membership,
    RealmCredential,
    User,
)
from optout.addresses import digest_of
from reporting.webhooks.replays import send_test
from tests import make
from tests.kept import kept_rows
from tests.reporting.portal import signed_in

ROLES = ("operator", "admin", "owner", "viewer", "mailer", "stranger")
WHO = (*ROLES, "nobody")
ADDRESS = "jane@example.com"

type Method = Literal["GET", "POST"]


@dataclass(frozen=True)
class Row:
    """Who is let in at an address, and with what it is asked. Everybody else: 404, and nothing is written."""

    allowed: frozenset[str]
    method: Method = "GET"
    data: dict[str, Any] = field(default_factory=dict)
    path: str = ""  # what the url's own arguments are, besides the list: `key`, `access`, `member`, `digest`, `password`, …
    status: int = 200
    is_about_list: bool = True
    led_on: frozenset[str] = frozenset()  # who is sent to another screen instead


def row(*allowed: str, led_on: tuple[str, ...] = (), **more: Any) -> Row:
    return Row(frozenset(allowed), led_on=frozenset(led_on), **more)


EDITORS = ("operator", "admin", "owner")
READERS = (*EDITORS, "viewer")
KNOWERS = (*READERS, "mailer")
ADMINS = ("operator", "admin")
NEW_KEY = {"label": "Shop", "scopes": ["read"], "reach": "whole", "expiry": "never"}

HOOK = {"webhook", "delivery"}
# name of the address → what is asked there, and by whom it is answered
TABLE: dict[str, list[Row]] = {
    "overview": [row(*ROLES, is_about_list=False)],
    "opt_outs_csv": [row(*READERS, "stranger", is_about_list=False)],
    "reports": [row(*READERS, "stranger", is_about_list=False)],
    # The stranger's own realm has none.
    "global_unsubscribe_report": [
        row(*READERS, is_about_list=False),
        row(*READERS, data={"email": ADDRESS, "sort": "email"}, is_about_list=False),
    ],
    "global_unsubscribe_csv": [row(*EDITORS, is_about_list=False)],
    "global_unsubscribe_per_day_csv": [row(*READERS, is_about_list=False)],
    "lists": [row(*ROLES, is_about_list=False)],
    "list_new": [row(*EDITORS, "stranger", is_about_list=False)],
    "check_address": [
        row(*ROLES, is_about_list=False),
        row(*ROLES, data={"q": ADDRESS}, is_about_list=False),
    ],
    # The stranger's own realm is not theirs to send in: what is asked names Acme's list, or a number.
    "send_editor": [
        row(*EDITORS, "stranger", is_about_list=False),
        row(
            *EDITORS,
            "stranger",
            method="POST",
            data={"do": "look"},
            status=422,
            is_about_list=False,
        ),
        row(
            *EDITORS,
            "stranger",
            method="POST",
            data={"do": "link", "text": "Sale!"},
            is_about_list=False,
        ),
    ],
    "send_recipients": [
        row(*EDITORS, "stranger", method="POST", data={}, status=422, is_about_list=False)
    ],
    "send_message": [
        row(*EDITORS, "stranger", method="POST", data={}, status=422, is_about_list=False),
        row(
            *EDITORS,
            "stranger",
            method="POST",
            data={
                "kind": "number",
                "number": "+12025550123",
                "text": "Hello",
                "name": "a" * 16,
            },
            status=302,
            is_about_list=False,
        ),
    ],
    "text_message": [row(*EDITORS, path="text", is_about_list=False)],
    "stop_text_message": [
        row(*EDITORS, path="text", method="POST", status=302, is_about_list=False)
    ],
    "list_service": [row(*KNOWERS), row(*KNOWERS, data={"tab": "test"})],
    "show_link_key": [row(*EDITORS, method="POST")],
    "rehearse_list": [row(*EDITORS, method="POST")],
    "list_entries": [row(*READERS)],
    "list_reasons": [row(*READERS), row(*READERS, data={"since": "x"})],
    "list_reasons_csv": [row(*READERS)],
    "lift_suppression": [
        row(*EDITORS, path="digest"),
        row(*EDITORS, method="POST", data={"note": "Asked."}, path="digest", status=302),
    ],
    "list_join": [
        row(*READERS),
        row(*EDITORS, method="POST", data={"join_is_open": "on"}, status=302),
        row(*EDITORS, method="POST", data={"frequency": "x" * 61}, status=422),
    ],
    "list_join_csv": [row(*READERS)],
    "list_contacts": [row(*READERS), row(*READERS, data={"q": ADDRESS})],
    "add_list_contacts": [
        row(*EDITORS),
        row(*EDITORS, method="POST", data={"addresses": "new@example.com"}, status=302),
        row(*EDITORS, method="POST", data={"addresses": "nonsense"}, status=422),
    ],
    "remove_list_contact": [
        row(*EDITORS, path="digest"),
        row(*EDITORS, method="POST", data={"do": "remove"}, path="digest", status=302),
        row(*EDITORS, method="POST", data={"do": "opt_out"}, path="digest", status=302),
    ],
    "portal_download": [row(*KNOWERS[:3], "mailer")],
    "list_quarantine": [row(*EDITORS)],
    "decide_quarantined": [
        row(
            *EDITORS,
            method="POST",
            data={"group": "192.0.2.7/32|2|2026-03-04T12:00:00+00:00", "verdict": "accept"},
            status=302,
        )
    ],
    "release_network": [
        row(
            *EDITORS,
            method="POST",
            data={"network": "192.0.2.7/32", "how": "allow"},
            status=302,
        )
    ],
    "release_server": [
        row(
            *ADMINS,
            method="POST",
            data={"network": "192.0.2.7/32", "how": "allow"},
            status=302,
        ),
        row(
            *ADMINS,
            method="POST",
            data={"network": "192.0.2.7/32", "how": "unblock"},
            status=302,
        ),
    ],
    "settle_notice": [row(*EDITORS, method="POST", data={"kind": "pixel_in_mail"}, status=302)],
    "revert_list": [row(*EDITORS), row(*EDITORS, method="POST", data={"name": "x"}, status=422)],
    "list_access": [row(*EDITORS)],
    "make_download_key": [row(*EDITORS, method="POST", data={"label": "A script"})],
    "switch_download_key": [row(*EDITORS, method="POST", data={"on": "0"}, path="key", status=302)],
    "give_list": [row(*EDITORS, method="POST", data={"membership": "0"}, status=422)],
    "invite_mailer": [
        row(*EDITORS, method="POST", data={"email": "new@north.example"}, status=302)
    ],
    "change_mailer": [
        row(*EDITORS, method="POST", data={"do": "remove"}, path="access", status=302)
    ],
    "list_settings": [
        row(*EDITORS),
        row(*EDITORS, method="POST", data={"name": ""}, status=422),
    ],
    "list_close": [row(*EDITORS, method="POST", data={"confirm_name": "nonsense"}, status=422)],
    "list_reopen": [row(*EDITORS, method="POST", status=302)],
    "list_page": [
        row(*EDITORS, data={"lang": "de", "state": "done"}),
        row(*EDITORS, method="POST", data={"to": "de"}),
        row(*EDITORS, method="POST", data={"colour": "mauve"}, status=422),
        row(*EDITORS, method="POST", data={"text-name": "Rose letters"}, status=302),
    ],
    "list_page_preview": [
        row(*EDITORS, data={"state": "done"}),
        row(*EDITORS, method="POST", data={"colour": "#aa0033"}),
    ],
    "switch_realm": [
        row(
            "operator",
            "stranger",
            method="POST",
            data={"realm": "other"},
            status=302,
            is_about_list=False,
        ),
        row(*KNOWERS, method="POST", data={"realm": "acme"}, status=302, is_about_list=False),
    ],
    # In everybody's navigation: who may not see it is led on to the first screen that they may open.
    "settings": [
        row(*ADMINS, "stranger", led_on=("owner", "viewer", "mailer"), is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "notifications": [
        row(*ROLES, is_about_list=False),
        row(*ROLES, method="POST", data={}, status=422, is_about_list=False),
        row(
            *ROLES,
            method="POST",
            data={"reports": "email", "rhythm": "daily", "weekly": "email"},
            status=302,
            is_about_list=False,
        ),
    ],
    "api_settings": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"approved_ips": "nonsense"},
            status=422,
            is_about_list=False,
        ),
    ],
    "global_settings": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"is_on": "on"},
            status=302,
            is_about_list=False,
        ),
    ],
    "global_products": [row(*ADMINS, "stranger", is_about_list=False)],
    "global_product_new": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"number": "nonsense"},
            status=422,
            is_about_list=False,
        ),
    ],
    "global_product": [
        row(*ADMINS, path="product", is_about_list=False),
        row(
            *ADMINS,
            method="POST",
            data={"name": ""},
            path="product",
            status=422,
            is_about_list=False,
        ),
    ],
    "global_publishers": [row(*ADMINS, "stranger", is_about_list=False)],
    "global_publisher_new": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"reference": "p2", "name": "News"},
            status=302,
            is_about_list=False,
        ),
    ],
    "global_publisher": [
        row(*ADMINS, path="publisher", is_about_list=False),
        row(
            *ADMINS,
            method="POST",
            data={"name": "News"},
            path="publisher",
            status=302,
            is_about_list=False,
        ),
    ],
    "global_forms": [row(*ADMINS, "stranger", is_about_list=False)],
    "global_form_new": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=422, is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={"preview": "1"}, is_about_list=False),
    ],
    "global_form": [
        row(*ADMINS, path="form", is_about_list=False),
        row(*ADMINS, method="POST", data={}, path="form", status=422, is_about_list=False),
    ],
    "brand": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={"to": "de"}, is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"colour": "#aa0033"},
            status=302,
            is_about_list=False,
        ),
    ],
    "brand_preview": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={"state": "done"}, is_about_list=False),
    ],
    "sms_settings": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=302, is_about_list=False),
    ],
    "sms_number_new": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "sms_number": [
        row(*ADMINS, path="sms_number", is_about_list=False),
        row(
            *ADMINS,
            method="POST",
            data={"number": "12345"},
            path="sms_number",
            status=302,
            is_about_list=False,
        ),
    ],
    "sms_number_remove": [
        row(*ADMINS, path="sms_number", is_about_list=False),
        row(*ADMINS, method="POST", path="sms_number", status=302, is_about_list=False),
    ],
    "sms_endpoint_new": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "sms_endpoint": [row(*ADMINS, path="inbound", is_about_list=False)],
    "sms_endpoint_change": [
        row(*ADMINS, path="inbound", is_about_list=False),
        row(*ADMINS, method="POST", data={}, path="inbound", status=422, is_about_list=False),
    ],
    "sms_endpoint_secret": [row(*ADMINS, method="POST", path="inbound", is_about_list=False)],
    "sms_endpoint_rotate": [
        row(*ADMINS, path="inbound", is_about_list=False),
        row(*ADMINS, method="POST", data={"old_ends": "0"}, path="inbound", is_about_list=False),
    ],
    "sms_endpoint_tokens": [
        row(*ADMINS, path="twilio", is_about_list=False),
        row(
            *ADMINS,
            method="POST",
            data={"token": "0123456789abcdef"},
            path="twilio",
            status=302,
            is_about_list=False,
        ),
    ],
    "sms_endpoint_remove": [
        row(*ADMINS, path="inbound", is_about_list=False),
        row(*ADMINS, method="POST", path="inbound", status=302, is_about_list=False),
    ],
    "make_api_password": [row(*ADMINS, "stranger", method="POST", is_about_list=False)],
    "bring_api_password": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"password": "Garden-Gnome 1999"},
            status=302,
            is_about_list=False,
        ),
    ],
    "revoke_api_password": [
        row(*ADMINS, path="password", is_about_list=False),
        row(*ADMINS, method="POST", path="password", status=302, is_about_list=False),
    ],
    "api_keys": [row(*ADMINS, "stranger", is_about_list=False)],
    "make_api_key": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data=NEW_KEY, is_about_list=False),
        row(*ADMINS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "replace_api_key": [
        row(*ADMINS, path="api_key", is_about_list=False),
        row(*ADMINS, method="POST", data={"old_ends": "0"}, path="api_key", is_about_list=False),
    ],
    "revoke_api_key": [
        row(*ADMINS, path="api_key", is_about_list=False),
        row(*ADMINS, method="POST", path="api_key", status=302, is_about_list=False),
    ],
    "webhooks": [
        row(*EDITORS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"url": "https://crm.example.com/", "format": "sms-json"},
            status=302,
            is_about_list=False,
        ),
    ],
    "webhook_new": [
        row(*EDITORS, "stranger", is_about_list=False),
        row(*EDITORS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "webhook_list_callback": [
        row(*EDITORS, "stranger", is_about_list=False),
        row(*EDITORS, "stranger", method="POST", data={}, status=422, is_about_list=False),
    ],
    "webhook_endpoint": [
        row(*EDITORS, path="webhook", is_about_list=False),
        row(*EDITORS, data={"show": "failed"}, path="webhook", is_about_list=False),
    ],
    "webhook_csv": [row(*EDITORS, path="webhook", is_about_list=False)],
    "webhook_delivery": [row(*EDITORS, path="delivery", is_about_list=False)],
    "webhook_change": [
        row(*EDITORS, path="webhook", is_about_list=False),
        row(*EDITORS, method="POST", data={}, path="webhook", status=422, is_about_list=False),
    ],
    "webhook_test": [row(*EDITORS, method="POST", path="webhook", status=302, is_about_list=False)],
    "webhook_replay": [
        row(
            *EDITORS,
            method="POST",
            data={"since": "2026-03-01T00:00"},
            path="webhook",
            status=302,
            is_about_list=False,
        ),
        row(*EDITORS, method="POST", path="webhook", status=422, is_about_list=False),
    ],
    "webhook_switch": [
        row(
            *EDITORS,
            method="POST",
            data={"do": "off"},
            path="webhook",
            status=302,
            is_about_list=False,
        )
    ],
    "webhook_secret": [row(*EDITORS, method="POST", path="webhook", is_about_list=False)],
    "webhook_rotate": [
        row(*EDITORS, path="webhook", is_about_list=False),
        row(*EDITORS, method="POST", data={"old_ends": "0"}, path="webhook", is_about_list=False),
    ],
    "webhook_remove": [
        row(*EDITORS, path="webhook", is_about_list=False),
        row(*EDITORS, method="POST", path="webhook", status=302, is_about_list=False),
    ],
    "team": [row(*ADMINS, "stranger", is_about_list=False)],
    "team_invite": [
        row(*ADMINS, "stranger", is_about_list=False),
        row(
            *ADMINS,
            "stranger",
            method="POST",
            data={"email": "nonsense"},
            status=422,
            is_about_list=False,
        ),
    ],
    "team_member": [row(*ADMINS, path="member", is_about_list=False)],
    "team_remove": [
        row(*ADMINS, method="POST", path="member", status=302, is_about_list=False),
    ],
    "team_mail_again": [
        row(*ADMINS, method="POST", path="member", status=302, is_about_list=False)
    ],
}
# Addresses that answer alike for everybody: the sign-in decides what happens next.
OPEN = {"manage"}


def portal_names() -> set[str]:
    """The names of all addresses below /manage/, allauth's own left out."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, str | None]]:
        for pattern in patterns:
            path = before + str(pattern.pattern).removeprefix("^")
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            elif isinstance(pattern, URLPattern):
                yield path, pattern.name

    found = walk(get_resolver().url_patterns, "")
    return {
        name or path
        for path, name in found
        if path.startswith("manage") and not path.startswith("manage/account/")
    }


@dataclass
class World:
    """Everybody, with a list that they may know and those that they may not: of another realm, and of theirs."""

    people: dict[str, User]
    own: List
    foreign: List
    second: List
    arguments: dict[int, dict[str, Any]]
    rows: dict[str, list[str]]

    def client(self, who: str) -> Client:
        return Client() if who == "nobody" else signed_in(self.people[who])

    def url(self, name: str, case: Row, optout_list: List | None) -> str:
        arguments: dict[str, Any] = {}
        known = self.arguments[(optout_list or self.own).pk]
        if optout_list is not None:
            arguments["public_id"] = optout_list.public_id
        extra = {
            "digest": ("digest", known["digest"]),
            "key": ("key_id", known["key"]),
            "access": ("access_id", known["access"]),
            "member": ("membership_id", known["member"]),
            "password": ("credential_id", known["password"]),
            "api_key": ("key_id", known["api_key"]),
            "product": ("number", known["product"]),
            "publisher": ("publisher_id", known["publisher"]),
            "form": ("form_uuid", known["form"]),
            "webhook": ("public_id", known["webhook"]),
            "delivery": ("delivery_id", known["delivery"]),
            "text": ("public_id", known["text"]),
            "sms_number": ("number_id", known["sms_number"]),
            "inbound": ("public_id", known["inbound"]),
            "twilio": ("public_id", known["twilio"]),
        }
        if case.path:
            parameter, value = extra[case.path]
            arguments[parameter] = value
            if case.path == "delivery":
                arguments["public_id"] = known["webhook"]
        return reverse(name, kwargs=arguments)


def furnish(optout_list: List, mailer: Membership) -> dict[str, Any]:
    """Something to touch on every screen of a list."""
    make.make_optout(optout_list, ADDRESS)
    if not Contact.objects.filter(realm=optout_list.realm).exists():
        make.make_contact(optout_list.realm, ADDRESS)
    make.make_subscription(optout_list, ADDRESS)
    _, key = make.make_download_key(optout_list)
    access = ListAccess.objects.get(membership=mailer, optout_list=optout_list)
    product = make.make_product(optout_list.realm, 1000 + optout_list.pk)
    publisher = make.make_publisher(optout_list.realm, f"p-{optout_list.pk}")
    make.make_api_key(optout_list.realm)
    endpoint = make.make_webhook_endpoint(optout_list.realm, optout_list)
    test = send_test(endpoint, asked_by=mailer.user.email, now=make.NOW)
    return {
        "webhook": endpoint.public_id,
        "delivery": test.pk,
        "digest": digest_of(ADDRESS).hex(),
        "key": key.pk,
        "access": access.pk,
        "member": mailer.pk,
        "password": make_password(optout_list.realm, actor=mailer.user).row.pk,
        "api_key": ApiKey.objects.filter(realm=optout_list.realm).latest("pk").pk,
        "product": product.number,
        "publisher": publisher.pk,
        "form": make.make_form(optout_list.realm, publisher, product=product).uuid,
        "text": make.make_text_message(optout_list).public_id,
        "sms_number": make.make_sms_number(optout_list.realm, f"+1800555{optout_list.pk:04}").pk,
        "inbound": make.make_inbound_endpoint(optout_list.realm).public_id,
        "twilio": make.make_inbound_endpoint(
            optout_list.realm, format=InboundFormat.TWILIO
        ).public_id,
    }


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with kept_rows(django_db_blocker):
        yield make_world()


def make_world() -> World:
    realm = make.make_realm()
    optout_list = make.make_list(realm)
    other = make.make_realm("other")
    foreign = make.make_list(other, 1, "Their letters")
    people = {role: make.make_user(f"{role}@example.com") for role in ROLES}
    operator = people["operator"]
    operator.is_superuser = operator.is_staff = True
    operator.save(update_fields=["is_superuser", "is_staff"])
    make.make_member(people["admin"], realm, Role.ADMIN)
    make.make_member(people["owner"], realm, Role.OWNER, optout_list)
    make.make_member(people["viewer"], realm, Role.VIEWER)
    mailer = make.make_member(people["mailer"], realm, Role.MAILER, optout_list)
    make.make_member(people["stranger"], other, Role.ADMIN)
    make.make_global_unsubscribe(realm)
    make.make_global_request(realm, ADDRESS)
    theirs = make.make_member(make.make_user("m@other.example"), other, Role.MAILER, foreign)
    second = make.make_list(realm, 2, "Offers")
    given = ListAccess.objects.create(membership=mailer, optout_list=second)
    arguments = {
        second.pk: furnish(second, mailer),
        optout_list.pk: furnish(optout_list, mailer),
        foreign.pk: furnish(foreign, theirs),
    }
    given.delete()
    # a realm has two at most, and one is for the tests to make
    RealmCredential.objects.filter(pk=arguments[second.pk]["password"]).delete()
    return World(people, optout_list, foreign, second, arguments, everything())


def ask(client: Client, url: str, case: Row) -> Any:
    response: Any = (client.post if case.method == "POST" else client.get)(url, case.data)
    if response.streaming:  # a download holds its place until it is read
        b"".join(response.streaming_content)
    return response


def everything() -> dict[str, list[str]]:
    """Every row that the portal could write, but for sessions, read by one statement."""
    tables = [
        model._meta.db_table
        for app in ("lists", "optout", "reporting")
        for model in apps.get_app_config(app).get_models()
    ]
    rows = ", ".join(f'(SELECT array_agg(t::text ORDER BY t::text) FROM "{t}" t)' for t in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {rows}")
        return dict(zip(tables, cursor.fetchone() or (), strict=True))


def cases(about_lists: bool) -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}-{number}-{case.method}")
        for name, rows in TABLE.items()
        for number, case in enumerate(rows)
        if case.is_about_list == about_lists
    ]


class TestTable:
    def test_every_address_of_the_portal_has_a_row(self) -> None:
        assert portal_names() - OPEN == set(TABLE)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "case"), cases(about_lists=True))
class TestScreensOfAList:
    @pytest.mark.parametrize("who", WHO)
    def test_own_list(self, world: World, name: str, case: Row, who: str) -> None:
        url = world.url(name, case, world.own)
        client = world.client(who)

        response = ask(client, url, case)

        if who in case.allowed:
            assert response.status_code == case.status
            return
        assert_refused(response, who)
        assert everything() == world.rows

    @pytest.mark.parametrize("who", ["admin", "owner", "viewer", "mailer", "nobody"])
    def test_foreign_list(self, world: World, name: str, case: Row, who: str) -> None:
        url = world.url(name, case, world.foreign)
        client = world.client(who)

        response = ask(client, url, case)

        assert_refused(response, who)
        assert everything() == world.rows

    def test_a_list_of_the_realm_that_one_was_not_given(
        self, world: World, name: str, case: Row
    ) -> None:
        url = world.url(name, case, world.second)

        for who in ("owner", "mailer", "stranger"):
            assert ask(world.client(who), url, case).status_code == 404
        assert everything() == world.rows

    def test_a_name_that_the_database_cannot_hold(self, world: World, name: str, case: Row) -> None:
        url = world.url(name, case, world.own).replace(world.own.public_id, "a%00b")

        assert ask(world.client("operator"), url, case).status_code == 404

    def test_a_list_that_does_not_exist(self, world: World, name: str, case: Row) -> None:
        url = world.url(name, case, world.own)
        client = world.client("operator")

        for public_id in ("nonsense", "%ff", "%F0%9F%98%80", "x" * 3000):
            response = ask(client, url.replace(world.own.public_id, public_id), case)
            assert response.status_code == 404, public_id


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "case"), cases(about_lists=False))
class TestScreensOfARealm:
    @pytest.mark.parametrize("who", WHO)
    def test_everybody(self, world: World, name: str, case: Row, who: str) -> None:
        url = world.url(name, case, None)
        client = world.client(who)

        response = ask(client, url, case)

        if who in case.allowed:
            assert response.status_code == case.status
            return
        if who in case.led_on:
            assert response.status_code == 302
            assert client.get(response["Location"]).status_code == 200
        else:
            assert_refused(response, who)
        assert everything() == world.rows


@pytest.mark.django_db
class TestNumbers:
    @pytest.mark.parametrize("number", ["0", "99999999999999999999999", "2147483648"])
    def test_a_number_that_is_nobodys_is_not_there(self, world: World, number: str) -> None:
        client = world.client("operator")
        page = reverse("list_access", args=[world.own.public_id])

        assert client.post(f"{page}/keys/{number}").status_code == 404
        assert client.post(f"{page}/mailers/{number}").status_code == 404
        assert client.get(f"/manage/team/{number}").status_code == 404


@pytest.mark.django_db
class TestForeignMember:
    @pytest.mark.parametrize("name", ["team_member", "team_remove", "team_mail_again"])
    def test_a_member_of_another_realm_is_not_there(self, world: World, name: str) -> None:
        theirs = world.arguments[world.foreign.pk]["member"]
        url = reverse(name, args=[theirs])
        client = world.client("admin")

        assert client.post(url, {"role": "viewer"}).status_code == 404
        assert everything() == world.rows


@pytest.mark.django_db
class TestForeignPassword:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_password_of_another_realm_is_not_there(self, world: World, method: str) -> None:
        theirs = world.arguments[world.foreign.pk]["password"]
        client = world.client("admin")

        for number in (theirs, 0, 10**22):
            url = reverse("revoke_api_password", args=[number])
            assert getattr(client, method)(url).status_code == 404
        assert everything() == world.rows


@pytest.mark.django_db
class TestForeignApiKey:
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("name", ["replace_api_key", "revoke_api_key"])
    def test_a_key_of_another_realm_is_not_there(
        self, world: World, name: str, method: str
    ) -> None:
        theirs = world.arguments[world.foreign.pk]["api_key"]
        client = world.client("admin")

        for number in (theirs, 0, 10**22):
            url = reverse(name, args=[number])
            assert getattr(client, method)(url, {"old_ends": "0"}).status_code == 404
        assert everything() == world.rows


@pytest.mark.django_db
class TestForeignWebhook:
    @pytest.mark.parametrize("name", [name for name, rows in TABLE.items() if rows[0].path in HOOK])
    def test_what_another_realm_has_is_not_there(self, world: World, name: str) -> None:
        client = world.client("admin")

        for case in TABLE[name]:
            theirs = world.url(name, case, world.foreign)
            for wrong in ("wh_", "a%00", "%F0%9F%98%80"):
                assert ask(client, theirs.replace("wh_", wrong), case).status_code == 404
        assert everything() == world.rows


@pytest.mark.django_db
class TestForeignGlobalThings:
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize(
        ("name", "what"),
        [
            ("global_product", "product"),
            ("global_publisher", "publisher"),
            ("global_form", "form"),
        ],
    )
    def test_what_another_realm_has_is_not_there(
        self, world: World, name: str, what: str, method: str
    ) -> None:
        url = reverse(name, args=[world.arguments[world.foreign.pk][what]])
        client = world.client("admin")

        assert getattr(client, method)(url, {"name": "x"}).status_code == 404
        assert everything() == world.rows

    @pytest.mark.parametrize("number", ["0", "99999999999999999999999", "2147483648"])
    def test_a_number_that_is_nobodys_is_not_there(self, world: World, number: str) -> None:
        client = world.client("operator")
        for name in ("products", "publishers"):
            assert client.get(f"/manage/settings/global/{name}/{number}").status_code == 404


def assert_refused(response: Any, who: str) -> None:
    """404, never 403; whoever has not signed in is sent to do so."""
    if who == "nobody":
        assert response.status_code == 302
        assert response["Location"].startswith("/manage/account/login/")
    else:
        assert response.status_code == 404
