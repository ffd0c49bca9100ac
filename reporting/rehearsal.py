"""A throw-away address sent through each way in, as the real callers do it, and taken out again (pages.md, Service, Test).

The requests do not leave the process, but they pass all of it: middleware, view, limits, database.
"""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from html.parser import HTMLParser
from io import BytesIO
from ipaddress import ip_network
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.db.models import Max, Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from lists.audit import record_audit
from lists.choices import Accepts
from lists.models import List, User
from optout import links
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import Address, parse_address
from optout.choices import Assurance, Channel, Kind, Origin, Reason
from optout.evidence import Evidence
from optout.guard import TOKEN_FIELD
from optout.limits import unblock_network
from optout.models import OptOut
from optout.quarantine import reject_quarantined
from optout.tokens import make_form_token
from reporting.entries import REHEARSAL_AGENT
from reporting.throwaway import throwaway_password

TEST_IP = "192.0.2.53"  # RFC 5737: nobody's
_READING_TIME = timedelta(seconds=30)  # robots fill in forms faster

_BROWSER = {
    "ACCEPT": "text/html,application/xhtml+xml",
    "SEC_FETCH_MODE": "navigate",
    "SEC_FETCH_DEST": "document",
    "SEC_FETCH_SITE": "same-origin",
    "USER_AGENT": f"Mozilla/5.0 ({REHEARSAL_AGENT})",
}
_IMAGE = {**_BROWSER, "ACCEPT": "image/*", "SEC_FETCH_MODE": "no-cors", "SEC_FETCH_DEST": "image"}
_SERVER = {"ACCEPT": "*/*", "USER_AGENT": f"curl/8 ({REHEARSAL_AGENT})"}
_SCRIPT = {"USER_AGENT": f"PHP/8 ({REHEARSAL_AGENT})"}


@dataclass(frozen=True, slots=True)
class Trial:
    """One way in, tried: what was sent, what was answered, whether the ledger has it, and in how many milliseconds."""

    channel: str
    sent: str
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


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: str
    location: str
    optout_status: str

    def __str__(self) -> str:
        said = self.optout_status or _heading(self.body)
        return f"{self.status}, {said}" if said else str(self.status)


def rehearse(optout_list: List, *, actor: User) -> list[Trial]:
    """Try every way in of the list; afterwards none of the test's addresses is suppressed.

    The ledger keeps the opt-outs and their lifts, as it keeps everything; they have REHEARSAL_AGENT as their agent.
    """
    run = secrets.token_hex(4)
    ways = [
        (_try_page, "page"),
        (_try_direct_link, "direct-link"),
        (_try_one_click, "one-click"),
        (_try_pixel, "pixel"),
        *([(_try_server, "server")] if optout_list.whitelist else []),
        *([(_try_api_web, "api-web")] if optout_list.accepts != Accepts.PHONE else []),
    ]
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
    return trials


def _try_page(test: _Tested) -> tuple[str, str, _Answer]:
    url = links.page_url(test.optout_list.public_id)
    shown = _call("GET", url, _BROWSER)
    return "Hosted page", "The form, filled in and sent", _submit(test, url, shown)


def _try_direct_link(test: _Tested) -> tuple[str, str, _Answer]:
    url = _direct_url(test)
    shown = _call("GET", url, _BROWSER)
    if test.is_recorded:
        return "Direct link", "Opened in a browser", shown
    answer = _submit(test, url, shown)
    return "Direct link", "Opened in a browser, button pressed", answer


def _try_one_click(test: _Tested) -> tuple[str, str, _Answer]:
    url = links.signed_url(test.optout_list.pk, test.address.key)
    answer = _call(
        "POST",
        url,
        {"USER_AGENT": REHEARSAL_AGENT},
        body=b"List-Unsubscribe=One-Click",
    )
    return "One-click (signed link)", "POST, as mail providers send it", answer


def _try_pixel(test: _Tested) -> tuple[str, str, _Answer]:
    item = quote(test.address.key, safe="@")
    url = links.pixel_url(test.optout_list.public_id).replace("{item}", item)
    return "Pixel", "Loaded as an image", _call("GET", url, _IMAGE)


def _try_server(test: _Tested) -> tuple[str, str, _Answer]:
    allowed = _first_of(test.optout_list.whitelist)
    answer = _call("GET", _direct_url(test), _SERVER, ip=allowed)
    return "Server to server", f"GET, as from {allowed}", answer


def _try_api_web(test: _Tested) -> tuple[str, str, str]:
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
    sent, allowed = "unsub with a throw-away password", TEST_IP
    if realm.approved_ips:
        allowed = _first_of(realm.approved_ips)
        sent = f"{sent}, as from {allowed} (an approved IP)"
    with throwaway_password(realm) as password:
        body = urlencode({**command, "p": password}).encode()
        answer = _call("POST", links.api_web_url(), _SCRIPT, body=body, ip=allowed)
    return "api_web", sent, answer.body  # scripts read the line, not the status


def _first_of(networks: Sequence[str]) -> str:
    return str(ip_network(networks[0], strict=False)[0])


def _direct_url(test: _Tested) -> str:
    return f"{links.page_url(test.optout_list.public_id)}?item={quote(test.address.key, safe='@')}"


def _test_address(optout_list: List, name: str, number: int) -> Address:
    """An address that nobody has: under .invalid (RFC 2606), or a number that is kept for fiction."""
    if optout_list.accepts == Accepts.PHONE:
        return parse_address(
            f"+1202555{100 + secrets.randbelow(20) * 5 + number:04d}", "phone", "US"
        )
    return parse_address(f"test-{name}@heed.invalid", "email", "US")


def _submit(test: _Tested, url: str, shown: _Answer) -> _Answer:
    """Press the button of the form that was shown, as a person would; its guard believes that half a minute went by."""
    form = _Form(shown.body)
    if form.action is None:
        return shown
    fields = dict(form.fields)
    fields[TOKEN_FIELD] = make_form_token(test.optout_list.pk, timezone.now() - _READING_TIME)
    if form.address_field:
        fields[form.address_field] = test.address.key
    answer = _call(
        "POST",
        urljoin(url, form.action),
        {**_BROWSER, "ORIGIN": "null"},
        body=urlencode(fields, quote_via=quote).encode(),
    )
    return _call("GET", urljoin(url, answer.location), _BROWSER) if answer.location else answer


def _call(
    method: str, url: str, headers: Mapping[str, str], *, body: bytes = b"", ip: str = TEST_IP
) -> _Answer:
    """One request through the whole of the application, within this process."""
    parts = urlsplit(url)
    base = urlsplit(settings.BASE_URL)
    request = WSGIRequest(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "REMOTE_ADDR": ip,
            "SERVER_NAME": base.hostname or "localhost",
            "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
            "HTTP_HOST": base.netloc,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": base.scheme,
            **{f"HTTP_{name}": value for name, value in headers.items()},
        }
    )
    response = _application().get_response(request)
    return _Answer(
        response.status_code,
        _body(response),
        response.headers.get("Location", ""),
        response.headers.get("Optout-Status", ""),
    )


def _body(response: HttpResponseBase) -> str:
    if response.headers.get("Content-Type", "").startswith("image/"):
        return ""
    content: bytes = getattr(response, "content", b"")
    return content.decode(errors="replace")


@lru_cache(maxsize=1)
def _application() -> BaseHandler:
    handler = BaseHandler()
    handler.load_middleware()
    return handler


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


def _heading(page: str) -> str:
    """What a page says first, or the one line of a text."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    said = re.sub(r"<[^>]+>", "", found.group(1)) if found else page
    return " ".join(said.split())[:120] if found or "<" not in said else ""


class _Form(HTMLParser):
    """The first form of a page that is sent by POST: where to, its fields, and which of them wants the address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.address_field = ""
        self._is_inside = self._has_button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and given.get("method", "").lower() == "post":
            self.action = given.get("action", "")
            self._is_inside = True
        elif self._is_inside and tag in {"input", "button"} and given.get("name"):
            self._take(tag, given)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "submit" if tag == "button" else "text")
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        if kind == "submit":  # one button is pressed: the first
            if self._has_button:
                return
            self._has_button = True
        if name in {"item", "email", "phone"} and kind != "hidden" and not self.address_field:
            self.address_field = name
        self.fields.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
