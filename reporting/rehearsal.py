"""A throw-away address sent through each way in, as the real callers do it, and taken out again (pages.md, Service, Test)."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import quote, urlencode

from django.db.models import Max, Q, QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from lists.audit import record_audit
from lists.choices import Accepts
from lists.models import List, User
from optout import links
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import Address, parse_address
from optout.choices import Assurance, Channel, Kind, Origin, Reason
from optout.evidence import Evidence
from optout.limits import unblock_network
from optout.models import OptOut
from optout.quarantine import reject_quarantined
from reporting.entries import REHEARSAL_AGENT
from reporting.global_setup.for_list import read_global
from reporting.rehearsal_calls import (
    BROWSER,
    IMAGE,
    SCRIPT,
    SERVER,
    TEST_IP,
    Answer,
    call,
    submit,
)
from reporting.rehearsal_global import GlobalRehearsal
from reporting.snippets_rest import api_url
from reporting.throwaway import throwaway_key, throwaway_password


@dataclass(frozen=True, slots=True)
class Trial:
    """One way in, tried: what was sent, what was answered, whether the ledger has it, and in how many milliseconds."""

    channel: str | Promise
    sent: str | Promise
    answer: str
    is_recorded: bool
    milliseconds: int


@dataclass(frozen=True, slots=True)
class _Tested:
    """An address of the test, and how far the ledger went with it before: numbers for fiction are few and come again."""

    optout_list: List
    address: Address
    ledger_id: int

    @classmethod
    def now(cls, optout_list: List, address: Address) -> "_Tested":
        ids = OptOut.objects.filter(digest=address.digest).aggregate(highest=Max("id"))
        return cls(optout_list, address, ids["highest"] or 0)

    @property
    def is_recorded(self) -> bool:
        return self._recorded().exists()

    @property
    def is_new(self) -> bool:
        """Whether the test, and nobody before it, suppressed the address."""
        return self._recorded().filter(is_new=True).exists()

    def _recorded(self) -> QuerySet[OptOut, OptOut]:
        return OptOut.objects.filter(
            digest=self.address.digest,
            id__gt=self.ledger_id,
            optout_list=self.optout_list,
            kind=Kind.OPT_OUT,
        )


type _Attempt = Callable[[_Tested], tuple[str | Promise, str | Promise, Answer | str]]


def rehearse(optout_list: List, *, actor: User) -> list[Trial]:
    """Try every way in of the list; afterwards none of the test's addresses is suppressed.

    The ledger keeps the opt-outs and their lifts, as it keeps everything; they have REHEARSAL_AGENT as their agent. The Global
    Unsubscribe report keeps none of its lines.
    """
    run = secrets.token_hex(4)
    door = read_global(optout_list)
    by_global = GlobalRehearsal(door, run) if door is not None and door.is_reached else None
    ways: list[tuple[_Attempt, str]] = [
        (_try_page, "page"),
        (_try_direct_link, "direct-link"),
        (_try_one_click, "one-click"),
        (_try_pixel, "pixel"),
        *([(_try_server, "server")] if optout_list.whitelist else []),
        *([(_try_api_web, "api-web")] if optout_list.accepts != Accepts.PHONE else []),
        (_try_rest, "rest"),
    ]
    if by_global is not None:
        ways.append((lambda test: by_global.try_api(test.address), "global-api"))
        ways.append((lambda test: by_global.try_form(test.address), "global-form"))
    tested: list[_Tested] = []
    trials = []
    try:
        with translation.override("en"):
            for number, (attempt, name) in enumerate(ways):
                address = _test_address(optout_list, f"{run}-{name}", number)
                test = _Tested.now(optout_list, address)
                tested.append(test)
                started = time.perf_counter()
                channel, sent, answer = attempt(test)
                took = round((time.perf_counter() - started) * 1000)
                trials.append(Trial(channel, sent, str(answer), test.is_recorded, took))
    finally:
        _clean_up(optout_list, tested, actor)
        if by_global is not None:
            by_global.clean_up([test.address for test in tested])
    return trials


def _try_page(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    url = links.page_url(test.optout_list.public_id)
    shown = call("GET", url, BROWSER)
    return _("Hosted page"), _("The form, filled in and sent"), _press_button(test, url, shown)


def _try_direct_link(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    url = _direct_url(test)
    shown = call("GET", url, BROWSER)
    if test.is_recorded:
        return _("Direct link"), _("Opened in a browser"), shown
    answer = _press_button(test, url, shown)
    return _("Direct link"), _("Opened in a browser, button pressed"), answer


def _try_one_click(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    url = links.signed_url(test.optout_list.pk, test.address.key)
    answer = call(
        "POST",
        url,
        {"USER_AGENT": REHEARSAL_AGENT},
        body=b"List-Unsubscribe=One-Click",
    )
    return _("One-click (signed link)"), _("POST, as mail providers send it"), answer


def _try_pixel(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    item = quote(test.address.key, safe="@")
    url = links.pixel_url(test.optout_list.public_id).replace("{item}", item)
    return _("Pixel"), _("Loaded as an image"), call("GET", url, IMAGE)


def _try_server(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    allowed = _first_of(test.optout_list.whitelist)
    answer = call("GET", _direct_url(test), SERVER, ip=allowed)
    return _("Server to server"), format_lazy(_("GET, as from {ip}"), ip=allowed), answer


def _try_api_web(test: _Tested) -> tuple[str, str | Promise, str]:
    realm = test.optout_list.realm
    fields, record = "email", test.address.key
    if realm.uses_customer_key:
        fields, record = f"customer_key,{fields}", f"{record},{record}"  # a key that nobody has
    command = {
        "r": realm.name,
        "c": "unsub",
        "list_id": str(test.optout_list.number),
        "optout": "1",
        "data": f"{fields}^{record}",
    }
    sent, allowed = _("unsub with a throw-away password"), TEST_IP
    if realm.approved_ips:
        allowed = _first_of(realm.approved_ips)
        sent = format_lazy(_("{sent}, as from {ip} (an approved IP)"), sent=sent, ip=allowed)
    with throwaway_password(realm) as password:
        body = urlencode({**command, "p": password}).encode()
        answer = call("POST", links.api_web_url(), SCRIPT, body=body, ip=allowed)
    return "api_web", sent, answer.body  # scripts read the line, not the status


def _try_rest(test: _Tested) -> tuple[str | Promise, str | Promise, Answer]:
    optout_list = test.optout_list
    sent, allowed = _("POST of JSON with a throw-away key"), TEST_IP
    if optout_list.realm.approved_ips:
        allowed = _first_of(optout_list.realm.approved_ips)
        sent = format_lazy(_("{sent}, as from {ip} (an approved IP)"), sent=sent, ip=allowed)
    url = f"{api_url()}/lists/{optout_list.number}/suppressions"
    body = json.dumps({"addresses": [test.address.key]}).encode()
    with throwaway_key(optout_list) as key:
        headers = {**SCRIPT, "AUTHORIZATION": f"Bearer {key}"}
        answer = call("POST", url, headers, body=body, kind="application/json", ip=allowed)
    return "REST API", sent, answer


def _first_of(networks: Sequence[str]) -> str:
    return str(ip_network(networks[0], strict=False)[0])


def _press_button(test: _Tested, url: str, shown: Answer) -> Answer:
    return submit(test.optout_list.pk, test.address.key, url, shown)


def _direct_url(test: _Tested) -> str:
    return f"{links.page_url(test.optout_list.public_id)}?item={quote(test.address.key, safe='@')}"


def _test_address(optout_list: List, name: str, number: int) -> Address:
    """An address that nobody has: under .invalid (RFC 2606), or a number that is kept for fiction."""
    if optout_list.accepts == Accepts.PHONE:
        last = 100 + secrets.randbelow(12) * 8 + number  # 0100 to 0199, for up to eight ways
        return parse_address(f"+1202555{last:04d}", "phone", "US")
    return parse_address(f"test-{name}@heed.invalid", "email", "US")


def _clean_up(optout_list: List, tested: list[_Tested], actor: User) -> None:
    now = timezone.now()
    lift_suppressions(
        [
            LiftIntent(
                list_id=optout_list.pk,
                digest=test.address.digest,
                medium=test.address.medium,
                channel=Channel.PORTAL,
                assurance=Assurance.OPERATOR,
                reason=Reason.UNDONE,
                origin=Origin.OPERATOR if actor.is_superuser else Origin.OWNER,
                requested_at=now,
                evidence=Evidence(agent=REHEARSAL_AGENT, extra={"rehearsal": True}),
            )
            for test in tested
            if test.is_new
        ]
    )
    digests = [test.address.digest for test in tested]
    reject_quarantined(optout_list, Q(digest__in=digests), actor=actor, now=now)
    unblock_network(optout_list, f"{TEST_IP}/32")
    record_audit("rehearse_channels", actor=actor, realm=optout_list.realm, optout_list=optout_list)
