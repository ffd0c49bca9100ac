"""A realm in which something happened, so that no screen of the portal is empty; and every screen there is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from lists.access import Standing
from lists.choices import Accepts, Role
from lists.credentials import bring_password, make_password, revoke_password
from lists.global_actions import (
    change_global_unsubscribe,
    change_product,
    make_form,
    make_product,
    make_publisher,
)
from lists.global_unsubscribe import EMAIL, PHONE
from lists.key_actions import make_api_key, revoke_api_key, rotate_api_key
from lists.models import ApiKey, List, Membership, Realm, RealmCredential, SmsNumber, User
from optout.addresses import parse_address
from optout.choices import Assurance, Channel, Medium, RefusalCause, Traffic
from optout.evidence import Evidence
from optout.models import LimitCounter
from optout.quarantine import quarantine_optout
from reporting.models import Download, Notice
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from reporting.models.notices import NoticeKind
from reporting.models.reports import ReportKind, ReportRhythm, UnsubscriptionReport
from reporting.unsubscription_reports.switching_off import off_url_of
from tests import make
from tests.browser.choices import set_up_choices
from tests.browser.hooks import DEFAULT, FAILING, NEW, OFF, set_up_webhooks
from tests.browser.sent import SENDING, STOPPED, WAITING, set_up_messages, write
from tests.browser.texts import MAIN, TWILIO, set_up_texts
from tests.lists.pictures import picture
from tests.reporting.portal import signed_in

ATTACKER = "203.0.113.5"
WEBSITES_FORM = UUID("0b8f6a52-4c1d-4f7e-9a3b-5d2e1f0c9b8a")
_OUT = "a-very-long-local-part.with.dots+and-a-tag@subdomain.example.co.uk"
_CHANNELS = (Channel.PAGE, Channel.DIRECT_LINK, Channel.ONE_CLICK, Channel.PIXEL, Channel.S2S)


@dataclass(frozen=True, slots=True)
class World:
    """The realm, its list with a history, and who is in it."""

    realm: Realm
    letters: List
    admin: User
    mailer: User
    mailer_place: Membership

    def path(self, rest: str) -> str:
        """A screen of the list with a history."""
        return f"/manage/lists/{self.letters.public_id}/{rest}"


def enter(page: Page, user: User, site: str) -> None:
    """Let a window be the person's who signed in a moment ago; the tests of signing in go through the front door."""
    cookie = signed_in(user).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])


def make_world() -> World:
    """Two weeks of opt-outs, a closed list, one of phone numbers, keys, downloads, refusals, and a mailer with the list."""
    realm = make.make_realm(support_address="care@acme.example", sender_name="Acme Garden & Home")
    letters = make.make_list(
        realm,
        description="News from the garden, twice a month: what to sow, what to cut, what to eat.",
        whitelist=["198.51.100.0/24", "2001:db8::7"],
        plain_download=True,
        colour="#0b6e67",
        contact="https://acme.example/help",
        privacy_url="https://acme.example/privacy",
        thank_you_texts={"en": "Thank you for having been with us. More at https://acme.example/."},
    )
    offers = make.make_list(realm, 2, "Angebote für Stammkundinnen und Stammkunden")
    make.make_list(realm, 3, "رسائل الحديقة", accepts=Accepts.PHONE)
    make.make_list(realm, 4, "Spring 2025", closed_at=timezone.now())
    admin = make.make_user("alice.the.administrator@acme.example", name="Alice Aurelia Ashcroft")
    make.make_member(admin, realm, Role.ADMIN)
    make.make_member(admin, make.make_realm("second-realm"), Role.ADMIN)
    mailer = make.make_user("mo@northmail.example", name="Mo of Northmail")
    place = make.make_member(mailer, realm, Role.MAILER, letters, may_download=True)
    make.make_member(make.make_user("vera@acme.example"), realm, Role.VIEWER)
    make.make_member(
        make.make_user("lee@acme.example", name="Lee"), realm, Role.OWNER, letters, offers
    )
    world = World(realm, letters, admin, mailer, place)
    _opt_out(letters, offers)
    _refuse(letters)
    _download(world)
    _subscribe(letters)
    _let_programs_in(world)
    _let_websites_in(world, offers)
    _ask_globally(realm)
    set_up_webhooks(realm, letters, offers, admin)
    set_up_texts(realm, admin)
    set_up_messages(letters, admin)
    _ask_for_reports(world)
    set_up_choices(letters)
    return world


def _opt_out(letters: List, offers: List) -> None:
    now = timezone.now()
    for number in range(60):
        make.make_optout(
            letters if number % 3 else offers,
            f"reader.{number % 50}@some-provider.example",
            channel=_CHANNELS[number % 5],
            assurance=Assurance.TYPED if number % 5 == 0 else Assurance.PREFILLED,
            requested_at=now - timedelta(hours=6 * number, minutes=number),
        )
    make.make_optout(letters, _OUT)


def _subscribe(letters: List) -> None:
    Realm.objects.filter(pk=letters.realm_id).update(uses_customer_key=True)
    for number in range(60):
        make.make_contact(
            letters.realm,
            f"subscriber.{number:02}@some-provider.example",
            letters,
            customer_key=f"C-{number}",
            first="Aurelia",
            last="von und zu Hohenstein",
        )
    make.make_contact(letters.realm, _OUT, letters)  # on the list, though suppressed


def _refuse(letters: List) -> None:
    now = timezone.now()
    for number in range(4):
        for cause, ip in (
            (RefusalCause.BLOCKED_IP, ATTACKER),
            (RefusalCause.UNLISTED_SERVER, "192.0.2.44"),
        ):
            evidence = Evidence(ip=ip_address(ip), agent="curl/8")
            intent = make.make_intent(
                letters, f"victim{number}@example.com", evidence=evidence, requested_at=now
            )
            quarantine_optout(intent, cause)
    LimitCounter.objects.create(
        optout_list=letters,
        network=f"{ATTACKER}/32",
        traffic=Traffic.DIRECT,
        digests=[],
        seen_at=[],
        refused=1704,
        strikes=2,
        blocked_at=now,
        blocked_until=now + timedelta(hours=2),
        last_seen_at=now,
    )
    for kind, subject in (
        (NoticeKind.BLOCKED_IP, f"{ATTACKER}/32"),
        (NoticeKind.UNLISTED_SERVER, "192.0.2.44/32"),
    ):
        Notice.objects.create(optout_list=letters, kind=kind, subject=subject, raised_at=now)


def _download(world: World) -> None:
    now = timezone.now()
    _text, key = make.make_download_key(world.letters, membership=world.mailer_place)
    make.make_download_key(world.letters, is_active=False)
    for outcome in (DownloadOutcome.COMPLETE, DownloadOutcome.BROKEN_OFF):
        Download.objects.create(
            optout_list=world.letters,
            key=key,
            format=DownloadFormat.MD5,
            ip="2001:db8:1234:5678:9abc:def0:1234:5678",
            agent="curl/8",
            outcome=outcome,
            rows=1_234_567,
            started_at=now,
        )


def _let_programs_in(world: World) -> None:
    """An old script's password, still in use, and one that nobody ever used and that is revoked."""
    bring_password(world.realm, "Garden-Gnome 1999", actor=world.admin)
    RealmCredential.objects.update(last_used_at=timezone.now())
    unused = make_password(world.realm, actor=world.admin).row
    revoke_password(world.realm, unused.pk, actor=world.admin, now=timezone.now())
    Realm.objects.filter(pk=world.realm.pk).update(approved_ips=["198.51.100.0/24", "2001:db8::7"])
    _give_keys(world)


def _give_keys(world: World) -> None:
    """API keys: one in use, for some lists; one that is being replaced and ends soon; one that is revoked."""
    now = timezone.now()
    some = list(List.objects.filter(realm=world.realm).order_by("number"))
    for label, lists, days in (
        ("Webshop “Rasen & Rosen”, Bestellungen und Rücksendungen", some, 10),
        ("Nightly job", None, None),
        ("Old newsletter", None, None),
    ):
        made = make_api_key(
            world.realm,
            label,
            may_read=True,
            may_write=lists is None,
            lists=lists,
            expires_at=None if days is None else now + timedelta(days=days),
            actor=world.admin,
        )
        ApiKey.objects.filter(pk=made.row.pk).update(
            last_used_at=now, last_used_ip="2001:db8:1234:5678:9abc:def0:1234:5678"
        )
    nightly, old = ApiKey.objects.filter(list_ids=None).order_by("pk")
    revoke_api_key(world.realm, old.pk, actor=world.admin, now=now)
    rotate_api_key(world.realm, nightly.pk, overlap=timedelta(days=7), actor=world.admin, now=now)


def _let_websites_in(world: World, offers: List) -> None:
    """The Global Unsubscribe, on, with two products, a publisher, its form, and a request."""
    realm, actor = world.realm, world.admin
    values = {
        "is_on": True,
        "hosts": ["unsubscribe.acme.example", "stop.acme.example"],
        "server_ips": ["192.0.2.0/24", "2001:db8::7"],
    }
    change_global_unsubscribe(realm, values, actor=actor)
    shop = make_publisher(
        realm, {"reference": "SHOP-0042", "name": "Rasen & Rosen Versandhandel"}, actor=actor
    )
    product = make_product(
        realm, {"name": "Angebote per SMS und E-Mail", "optout_list": offers}, actor=actor
    )
    old = make_product(realm, {"number": 4711, "name": "Spring 2024"}, actor=actor)
    change_product(old, {"is_active": False}, actor=actor)
    website = "shop.rasen-und-rosen.example"
    form = {
        "uuid": WEBSITES_FORM,
        "name": "Footer of the shop",
        "publisher": shop,
        "product": product,
        "website": website,
        "fields": [PHONE, EMAIL, "customField1"],
        "labels": {"customField1": "Country"},
    }
    make_form(realm, form, actor=actor)
    make.make_global_request(realm, website=website, product_number=1, requested_at=timezone.now())


def _ask_globally(realm: Realm) -> None:
    """Two pages of the Global Unsubscribe report: by form and API, with much and with little, short and long."""
    now = timezone.now()
    for number in range(60):
        is_full = number % 4 == 0
        make.make_global_request(
            realm,
            "" if number % 5 == 1 else f"asker.{number}.of.a.long.name@some-provider.example",
            f"+1415555{2000 + number}" if number % 5 < 2 else "",
            website=("shop.rasen-und-rosen.example/de/abmelden", "حديقة.example", "")[number % 3],
            product_number=(0, 1, 4711)[number % 3],
            publisher=("SHOP-0042", "unknown-" + "x" * 52, "", "p17")[number % 4],
            form=str(WEBSITES_FORM) if is_full else "",
            custom1="Donaudampfschifffahrtsgesellschaftskapitänsland" if is_full else "",
            custom2="مصر" if number % 2 else "",
            custom3="I never asked for these mails, and they come every day." if is_full else "",
            channel=(Channel.GLOBAL_API, Channel.GLOBAL_FORM)[number % 2],
            requested_at=now - timedelta(hours=9 * number),
        )


def _ask_for_reports(world: World) -> None:
    """Reports by mail, which are sent, and by SMS, which are not."""
    now = timezone.now()
    for medium, became in (
        (Medium.EMAIL, {"sent_at": now}),
        (Medium.SMS, {"phone": "+12025550123", "failed_at": now}),
    ):
        UnsubscriptionReport.objects.create(
            user=world.admin,
            realm=world.realm,
            kind=ReportKind.OPT_OUTS,
            medium=medium,
            rhythm=ReportRhythm.DAILY,
            xid=0,
            last_id=0,
            due_at=now + timedelta(hours=3),
            **became,
        )


# ── Every screen ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Way = Callable[[Page, World], object]

_GLOBAL = "/manage/settings/global"
_REPORT = "/manage/reports/global-unsubscribe"
_WEBHOOKS = "/manage/webhooks/"
_NOTIFICATIONS = "/manage/settings/notifications"
_SEND = "/manage/send/"
_SMS = "/manage/settings/sms/"


def _at(path: str) -> Way:
    return lambda page, _world: page.goto(path)


def _of_list(rest: str) -> Way:
    return lambda page, world: page.goto(world.path(rest))


def _send(page: Page, button: str) -> None:
    """Press a button and wait for the page that answers."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def _press(way: Way, button: str) -> Way:
    def go(page: Page, world: World) -> None:
        way(page, world)
        _send(page, button)

    return go


def _lift(page: Page, world: World) -> None:
    digest = parse_address("reader.1@some-provider.example", "email", "US").digest
    page.goto(world.path(f"entries/{digest.hex()}/lift"))


def _remove_contact(page: Page, world: World) -> None:
    page.goto(world.path(f"contacts/{parse_address(_OUT, 'email', 'US').digest.hex()}/remove"))


def _add_contacts(page: Page, world: World) -> None:
    page.goto(world.path("contacts/add"))
    page.get_by_label("Contacts, one a line").fill(f"{_OUT}\nnew@example.com, Nell\nnonsense")
    _send(page, "Add to the list")


def _member(page: Page, world: World) -> None:
    page.goto(f"/manage/team/{world.mailer_place.pk}")


def _bad_settings(page: Page, world: World) -> None:
    page.goto(world.path("settings"))
    page.get_by_label("IP whitelist").fill("333.333.333.333")
    page.get_by_label("Colour").fill("mauve")
    page.get_by_label("List number").fill("1,000")
    _send(page, "Save")


def _bad_join(page: Page, world: World) -> None:
    page.goto(world.path("join/"))
    page.get_by_label("How often it comes").evaluate("(field) => { field.maxLength = 1000; }")
    page.get_by_label("How often it comes").fill("Often. " * 20)
    _send(page, "Save")


def _bad_page(page: Page, world: World) -> None:
    page.goto(world.path("page/"))
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Colour", exact=True).fill("mauve")
    _send(page, "Save")


def _unsaved_page(page: Page, world: World) -> None:
    page.goto(world.path("page/"))
    page.get_by_label("Your message").fill("Before you go: once a month is an offer, too.")
    page.get_by_label("Logo", exact=True).set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture(size=(400, 100))}
    )
    _send(page, "Deutsch")


def _bad_calls(page: Page, _world: World) -> None:
    page.goto("/manage/settings/api")
    page.get_by_label("Approved IPs").fill("333.333.333.333")
    _send(page, "Save")


def _bad_global(page: Page, _world: World) -> None:
    """Two mistakes, and switching off what is in use."""
    page.goto(f"{_GLOBAL}/unsubscribe")
    page.get_by_label("Unsubscribe API & Reporting").uncheck()
    page.get_by_label("Host names").fill("https://unsubscribe.acme.example/")
    page.get_by_label("Publishers’ servers").fill("333.333.333.333")
    _send(page, "Save")


def _bad_webhooks(page: Page, _world: World) -> None:
    page.goto(_WEBHOOKS)
    page.get_by_label("Default Optout Callback URL:").fill("http://127.0.0.1/")
    _send(page, "Save")


def _batch(page: Page, _world: World) -> None:
    """A request that tells of many changes."""
    page.goto(f"{_WEBHOOKS}{FAILING}")
    page.get_by_text("34 changes in one").first.click()
    page.get_by_role("link", name="Show the whole request").first.click()
    page.wait_for_url("**/deliveries/*")


def _new_webhook(page: Page, _world: World) -> None:
    page.goto(f"{_WEBHOOKS}new")
    page.get_by_label("URL").fill("https://warehouse.acme.example/heed")
    _send(page, "Make the endpoint")


def _bad_texts(page: Page, _world: World) -> None:
    page.goto(_SMS)
    page.get_by_label("Your own words").fill("Start\n!!!")
    page.get_by_label("Text in English").fill("x" * 481)
    _send(page, "Save")


def _number(rest: str) -> Way:
    """The screen of the first number."""

    def go(page: Page, _world: World) -> None:
        number = SmsNumber.objects.order_by("pk")[0]
        page.goto(f"{_SMS}numbers/{number.pk}{rest}")

    return go


def _of_phones(rest: str) -> Way:
    def go(page: Page, world: World) -> None:
        public_id = List.objects.get(realm=world.realm, number=3).public_id
        page.goto(f"/manage/lists/{public_id}/{rest}")

    return go


def _new_inbound(page: Page, _world: World) -> None:
    page.goto(f"{_SMS}inbound/new")
    page.get_by_label("Label").fill("Zweites Gateway")
    _send(page, "Make the endpoint")


def _written(page: Page, world: World) -> None:
    write(page, world.letters)
    _send(page, "Preview and count")


def _to_be_sent(page: Page, world: World) -> None:
    write(page, world.letters)
    _send(page, "Send…")


def _to_a_number(page: Page, world: World) -> None:
    write(page, world.letters)
    page.get_by_label("A single number").check()
    _send(page, "Send…")


def _link_in_report(page: Page, world: World) -> None:
    url = off_url_of(Standing(world.admin, world.realm, None), ReportKind.OPT_OUTS)
    page.goto(url.removeprefix(settings.BASE_URL))


def _bad_notifications(page: Page, _world: World) -> None:
    page.goto(_NOTIFICATIONS)
    page.get_by_label("SMS", exact=True).check()
    page.get_by_label("Phone number for SMS").fill("+1 23")
    _send(page, "Save")


def _changed_notifications(page: Page, _world: World) -> None:
    page.goto(_NOTIFICATIONS)
    page.get_by_label("Immediate: ").check()
    _send(page, "Save")


def _taken_product(page: Page, _world: World) -> None:
    page.goto(f"{_GLOBAL}/products/new")
    page.get_by_label("Product ID").fill("4711")
    page.get_by_label("Name", exact=True).fill("Summer")
    _send(page, "Add the product")


def _later_step(step: int) -> Way:
    def go(page: Page, _world: World) -> None:
        page.goto("/manage/lists/new")
        page.get_by_label("Name", exact=True).fill("Autumn letters")
        for _ in range(1, step):
            _send(page, "Continue")

    return go


def _taken_number(page: Page, _world: World) -> None:
    page.goto("/manage/lists/new")
    page.get_by_label("Name", exact=True).fill("Autumn letters")
    page.get_by_text("A script calls this list by a number already").click()
    page.get_by_label("List number").fill("2")
    _send(page, "Continue")


def _new_key(page: Page, world: World) -> None:
    page.goto(world.path("access"))
    page.get_by_text("New key", exact=True).click()
    page.get_by_label("Label").fill("Nightly job")
    _send(page, "Make the key")


def _api_password(button: str) -> Way:
    """A step with the API passwords, and the page that answers it."""

    def go(page: Page, _world: World) -> None:
        page.goto("/manage/settings/api")
        page.get_by_text(button).first.click()
        page.wait_for_url("**/passwords**")

    return go


def _api_key(page: Page, action: str) -> None:
    page.goto("/manage/settings/api-keys")
    page.get_by_role("link", name=action).last.click()
    page.wait_for_url("**/api-keys/*/*")


def _new_api_key(page: Page, _world: World) -> None:
    page.goto("/manage/settings/api-keys/new")
    page.get_by_label("Label").fill("Rasen & Rosen")
    page.get_by_label("After 90 days").check()
    _send(page, "Make the key")


def _bad_api_key(page: Page, _world: World) -> None:
    page.goto("/manage/settings/api-keys/new")
    page.get_by_label("These lists only:").check()
    page.get_by_label("At the end of this day:").check()
    _send(page, "Make the key")


def _replaced_api_key(page: Page, _world: World) -> None:
    _api_key(page, "Replace…")
    _send(page, "Make the new key")


def _do_not_mail(rest: str) -> Way:
    def go(page: Page, world: World) -> None:
        public_id = List.objects.get(realm=world.realm, number=0).public_id
        page.goto(f"/manage/lists/{public_id}/{rest}")

    return go


def _open_menus(page: Page, _world: World) -> None:
    page.goto("/manage/lists/")
    page.locator(".menu > summary").last.click()


def _all_details(way: Way) -> Way:
    def go(page: Page, world: World) -> None:
        way(page, world)
        page.evaluate(
            "document.querySelectorAll('main details').forEach((one) => { one.open = true; })"
        )

    return go


SIGNED_OUT: dict[str, Way] = {
    "front": _at("/"),
    "sign-in": _at("/manage/account/login/"),
    "sign-in-wrong": _press(_at("/manage/account/login/"), "Sign in"),
    "reset": _at("/manage/account/password/reset/"),
    "rest-docs": _at("/api/v1/docs"),
    "rest-docs-webhooks": _at("/api/v1/docs/webhooks"),
    "not-found": _at("/nothing/here"),
}

ADMIN: dict[str, Way] = {
    "overview": _all_details(_at("/manage/")),
    "lists": _at("/manage/lists/"),
    "lists-menu": _open_menus,
    "new-list-1": _all_details(_at("/manage/lists/new")),
    "new-list-1-taken": _taken_number,
    "new-list-2": _later_step(2),
    "new-list-3": _later_step(3),
    "service-hosted": _all_details(_of_list("service")),
    "service-mailer": _of_list("service?tab=mailer"),
    "service-api": _all_details(_of_list("service?tab=api")),
    "service-download": _of_list("service?tab=download"),
    "service-test": _of_list("service?tab=test"),
    "service-tested": _press(_of_list("service?tab=test"), "Run the test"),
    "entries": _of_list("entries"),
    "entries-none": _of_list("entries?q=nobody%40example.com"),
    "entries-wrong": _of_list("entries?q=nobody&since=2026-02-01&until=2026-01-01"),
    "lift": _lift,
    "contacts": _of_list("contacts"),
    "contacts-none": _of_list("contacts?q=nobody%40example.com"),
    "contacts-add": _of_list("contacts/add"),
    "contacts-added": _add_contacts,
    "contacts-remove": _remove_contact,
    "join": _all_details(_of_list("join/?lang=ar")),
    "join-wrong": _bad_join,
    "join-do-not-mail": _do_not_mail("join/"),
    "reasons": _all_details(_of_list("reasons")),
    "reasons-none": _of_list("reasons?until=2020-01-01"),
    "reasons-wrong": _of_list("reasons?since=2026-02-01&until=2026-01-01"),
    "quarantine": _all_details(_of_list("quarantine")),
    "revert": _of_list("quarantine/revert"),
    "access": _all_details(_of_list("access")),
    "new-key": _new_key,
    "list-settings": _all_details(_of_list("settings")),
    "list-settings-wrong": _bad_settings,
    "page": _of_list("page/?lang=ar&state=done"),
    "page-wrong": _bad_page,
    "page-unsaved": _unsaved_page,
    "reports": _at("/manage/reports/"),
    "global-report": _all_details(_at(_REPORT)),
    "global-report-page": _at(f"{_REPORT}?product=0&since=2026-01-01&sort=-website"),
    "global-report-none": _at(f"{_REPORT}?email=nobody%40example.com"),
    "global-report-wrong": _at(f"{_REPORT}?email=nobody&since=2026-02-01&until=2026-01-01"),
    "check": _at("/manage/check/"),
    "check-suppressed": _at("/manage/check/?q=reader.1@some-provider.example"),
    "check-agreed": _at("/manage/check/?q=subscriber.01@some-provider.example"),
    "check-free": _at("/manage/check/?q=nobody@example.com"),
    "check-wrong": _at("/manage/check/?q=nobody"),
    "settings": _at("/manage/settings/"),
    "brand": _at("/manage/settings/brand/?scheme=dark"),
    "api-settings": _all_details(_at("/manage/settings/api")),
    "api-settings-wrong": _bad_calls,
    "api-keys": _all_details(_at("/manage/settings/api-keys")),
    "api-key-form": _at("/manage/settings/api-keys/new"),
    "api-key-form-wrong": _bad_api_key,
    "api-key-new": _new_api_key,
    "api-key-replace": lambda page, _world: _api_key(page, "Replace…"),
    "api-key-replaced": _replaced_api_key,
    "api-key-revoke": lambda page, _world: _api_key(page, "Revoke…"),
    "webhooks": _at(_WEBHOOKS),
    "webhooks-wrong": _bad_webhooks,
    "webhook-list-callback": _at(f"{_WEBHOOKS}list-callback"),
    "webhook-form": _all_details(_at(f"{_WEBHOOKS}new")),
    "webhook-form-wrong": _press(_at(f"{_WEBHOOKS}new"), "Make the endpoint"),
    "webhook-made": _new_webhook,
    "webhook-failing": _all_details(_at(f"{_WEBHOOKS}{FAILING}")),
    "webhook-default": _at(f"{_WEBHOOKS}{DEFAULT}?show=delivered"),
    "webhook-none-like-that": _at(f"{_WEBHOOKS}{DEFAULT}?show=tests"),
    "webhook-off": _at(f"{_WEBHOOKS}{OFF}"),
    "webhook-new": _at(f"{_WEBHOOKS}{NEW}"),
    "webhook-delivery": _batch,
    "webhook-change": _all_details(_at(f"{_WEBHOOKS}{FAILING}/change")),
    "webhook-rotate": _at(f"{_WEBHOOKS}{NEW}/rotate"),
    "webhook-remove": _at(f"{_WEBHOOKS}{FAILING}/remove"),
    "send-editor": _at(_SEND),
    "send-editor-written": _written,
    "send-editor-number": _to_a_number,
    "send-editor-wrong": _press(_at(_SEND), "Send…"),
    "send-editor-confirm": _to_be_sent,
    "text-message-sending": _at(f"{_SEND}messages/{SENDING}"),
    "text-message-waiting": _at(f"{_SEND}messages/{WAITING}"),
    "text-message-stopped": _at(f"{_SEND}messages/{STOPPED}"),
    "sms": _at(_SMS),
    "sms-wrong": _bad_texts,
    "sms-number-new": _at(f"{_SMS}numbers/new"),
    "sms-number-wrong": _press(_at(f"{_SMS}numbers/new"), "Add the number"),
    "sms-number": _number(""),
    "sms-number-remove": _number("/remove"),
    "sms-endpoint": _all_details(_at(f"{_SMS}inbound/{MAIN}")),
    "sms-endpoint-twilio": _at(f"{_SMS}inbound/{TWILIO}"),
    "sms-endpoint-new": _at(f"{_SMS}inbound/new"),
    "sms-endpoint-wrong": _press(_at(f"{_SMS}inbound/{TWILIO}/tokens"), "Save"),
    "sms-endpoint-made": _new_inbound,
    "sms-endpoint-change": _at(f"{_SMS}inbound/{MAIN}/change"),
    "sms-endpoint-rotate": _at(f"{_SMS}inbound/{MAIN}/rotate"),
    "sms-endpoint-tokens": _at(f"{_SMS}inbound/{TWILIO}/tokens"),
    "sms-endpoint-remove": _at(f"{_SMS}inbound/{MAIN}/remove"),
    "service-phones": _all_details(_of_phones("service")),
    "phones-settings": _of_phones("settings"),
    "report-off": _link_in_report,
    "notifications": _at(_NOTIFICATIONS),
    "notifications-wrong": _bad_notifications,
    "notifications-changed": _changed_notifications,
    "do-not-mail-entries": _do_not_mail("entries"),
    "do-not-mail-download": _do_not_mail("service?tab=download"),
    "do-not-mail-api": _do_not_mail("service?tab=api"),
    "global": _at(f"{_GLOBAL}/unsubscribe"),
    "global-wrong": _bad_global,
    "global-products": _at(f"{_GLOBAL}/products"),
    "global-product-new": _at(f"{_GLOBAL}/products/new"),
    "global-product-taken": _taken_product,
    "global-product": _at(f"{_GLOBAL}/products/4711"),
    "global-publishers": _at(f"{_GLOBAL}/publishers"),
    "global-publisher-new": _at(f"{_GLOBAL}/publishers/new"),
    "global-forms": _at(f"{_GLOBAL}/forms"),
    "global-form-new": _at(f"{_GLOBAL}/forms/new"),
    "global-form-new-wrong": _press(_at(f"{_GLOBAL}/forms/new"), "Add the form"),
    "global-form": _at(f"{_GLOBAL}/forms/{WEBSITES_FORM}"),
    "global-form-preview": _press(_at(f"{_GLOBAL}/forms/{WEBSITES_FORM}"), "Show preview"),
    "api-password-own": _at("/manage/settings/api/passwords/own"),
    "api-password-own-wrong": _press(
        _at("/manage/settings/api/passwords/own"), "Use this password"
    ),
    "api-password-revoke": _api_password("Revoke…"),
    "api-password-new": _api_password("Make a new password"),
    "team": _at("/manage/team/"),
    "team-invite": _at("/manage/team/invite"),
    "team-member": _member,
    "password": _at("/manage/account/password/change/"),
    "two-factor": _at("/manage/account/2fa/"),
    "sign-out": _at("/manage/account/logout/"),
}

MAILER: dict[str, Way] = {
    "mailer-overview": _at("/manage/"),
    "mailer-lists": _at("/manage/lists/"),
    "mailer-service": _of_list("service?tab=download"),
    "mailer-notifications": _at(_NOTIFICATIONS),
    "mailer-check": _at("/manage/check/?q=reader.1@some-provider.example"),
}
