"""The Service page: everything a list's owner or mailer copies into a mail, a page or a program (S0.1–S0.3, S0.15)."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lists.access import OpenedList, Permission, open_list
from lists.audit import record_audit
from lists.choices import Accepts, SmsStopScope
from lists.known_keys import may_any_write
from lists.models import InboundEndpoint, List, Realm, RealmCredential, SmsNumber, User
from lists.networks import IpAddress, compile_networks
from lists.views.context import Tab, list_context
from lists.views.recent_sign_in import require_recent_sign_in
from optout import links
from optout.client_ip import client_ip
from optout.short_links import open_short_url, short_url
from reporting import snippets, snippets_api_web, snippets_rest
from reporting.downloads import may_export
from reporting.global_setup import snippets as snippets_global
from reporting.global_setup.for_list import read_global
from reporting.mail_tools import MAIL_TOOLS, OTHER, get_mail_tool
from reporting.models.notices import Notice, NoticeKind
from reporting.qr import qr_code
from reporting.rehearsal import rehearse

SAMPLE = "sample@example.com"
SAMPLE_PHONE = "+12025550123"  # of those that are kept for fiction

_TABS = (
    ("hosted", _("Hosted by us")),
    ("mailer", _("On the mailer’s site")),
    ("api", _("API")),
    ("download", _("Download")),
    ("test", _("Test")),
)


@dataclass(frozen=True, slots=True)
class WhitelistState:
    """What a list of IPs means for the server that somebody sits at: "2 addresses allowed; yours, …, is not"."""

    entries: int
    ip: IpAddress | None
    is_allowed: bool


@login_required
@require_safe
def list_service(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET ?tab=hosted|mailer|api|download|test (the test for who may edit), ?tool= for a mail tool's merge tag (S0.1)."""
    opened = open_list(request.user, public_id, Permission.SEE)
    return _show(request, opened, request.GET.get("tab", ""))


@login_required
@require_POST
@never_cache
def show_link_key(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST: the page with the key that makes the list's signed links, shown in this one answer, and audited."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    require_recent_sign_in(request)
    optout_list = opened.optout_list
    record_audit(
        "show_link_key",
        actor=opened.standing.user,
        realm=optout_list.realm,
        optout_list=optout_list,
    )
    key = base64.urlsafe_b64encode(links.list_key(optout_list.pk)).rstrip(b"=").decode()
    return _show(request, opened, "hosted", link_key=key)


@login_required
@require_POST
def rehearse_list(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST: send a throw-away address through every way in, show what came of it, and take it out again."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    trials = rehearse(opened.optout_list, actor=cast("User", request.user))
    passed = all(trial.is_recorded for trial in trials)
    return _show(request, opened, "test", trials=trials, passed=passed)


def _show(request: HttpRequest, opened: OpenedList, wanted: str, **more: Any) -> HttpResponse:
    may_edit = opened.may(Permission.EDIT)
    slugs = {slug: label for slug, label in _TABS if slug != "test" or may_edit}
    tab = wanted if wanted in slugs else "hosted"
    optout_list = opened.optout_list
    page = reverse("list_service", args=[optout_list.public_id])
    context = {
        **list_context(opened, "list_service"),
        "tab": tab,
        "service_tabs": [
            Tab(str(label), f"{page}?tab={slug}", slug == tab) for slug, label in slugs.items()
        ],
        "may_edit": may_edit,
        "may_download": opened.may(Permission.DOWNLOAD),
        "may_export": may_export(opened),
        "has_pixel_in_mail": may_edit and _has_pixel_in_mail(opened),
        **_CONTEXTS[tab](request, opened),
        **more,
    }
    return render(request, "reporting/service.html", context)


def _has_pixel_in_mail(opened: OpenedList) -> bool:
    """Whether the owner has yet to hear that the pixel was put inside a mail (security.md §3.4)."""
    return Notice.objects.filter(
        optout_list=opened.optout_list, kind=NoticeKind.PIXEL_IN_MAIL, settled_at=None
    ).exists()


def _hosted(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    optout_list = opened.optout_list
    tool = get_mail_tool(request.GET.get("tool", ""))
    page_url = links.page_url(optout_list.public_id)
    sample = SAMPLE if optout_list.accepts != Accepts.PHONE else SAMPLE_PHONE
    signed_url = links.signed_url(optout_list.pk, sample)
    return {
        "page_url": page_url,
        "is_by_mail": optout_list.accepts != Accepts.PHONE,
        "qr": qr_code(page_url),
        "tools": MAIL_TOOLS,
        "tool": tool,
        "is_other_tool": tool == OTHER,
        "prefilled_url": snippets.prefilled_url(optout_list.public_id, tool),
        "footer_html": snippets.footer_html(page_url),
        "footer_text": snippets.footer_text(page_url),
        "sample": sample,
        "signed_url": signed_url,
        "headers": snippets.one_click_headers(signed_url),
        "programs": snippets.signed_links(optout_list.pk),
        **_choices(opened, sample),
        **_short_link(opened),
    }


def _choices(opened: OpenedList, sample: str) -> dict[str, Any]:
    """The preference page and the join form (S2.2); both send mails."""
    optout_list = opened.optout_list
    if optout_list.accepts == Accepts.PHONE:
        return {}
    return {
        "choices_html": snippets.choices_html(optout_list.public_id),
        "choices_text": snippets.choices_text(optout_list.public_id),
        "preferences_url": links.preferences_url(optout_list.pk, sample),
        "has_join_form": not optout_list.is_global,
        "join_url": links.join_url(optout_list.public_id),
        "sees_contacts": opened.may(Permission.ENTRIES),
    }


def _short_link(opened: OpenedList) -> dict[str, Any]:
    """The link for text messages (S3.5), and STOP as it is set up. Numbers and endpoints are not for mailers."""
    optout_list = opened.optout_list
    found: dict[str, Any] = {
        "takes_phones": optout_list.accepts != Accepts.EMAIL,
        "open_short_url": open_short_url(optout_list.public_id),
        "short_url": short_url(optout_list.pk, SAMPLE_PHONE),
        "sample_phone": SAMPLE_PHONE,
        "stops_all": optout_list.is_global or optout_list.sms_stop_scope == SmsStopScope.REALM,
        "links_command": next(
            each for each in snippets_rest.commands(optout_list.number) if each.slug == "links"
        ),
        "is_realm_admin": opened.standing.is_realm_admin,
    }
    return found | _stop(optout_list) if opened.may(Permission.EDIT) else found


def _stop(optout_list: List) -> dict[str, Any]:
    """The numbers that people text STOP to for this list, and where their answers come in."""
    numbers = SmsNumber.objects.filter(realm=optout_list.realm_id, optout_list=optout_list)
    named = ((each,) for each in numbers.values_list("number", flat=True))
    endpoint = (
        InboundEndpoint.objects.filter(realm=optout_list.realm_id, removed_at=None)
        .order_by("pk")
        .first()
    )
    return {
        "sms_numbers": format_html_join(", ", '<span class="mono" dir="ltr">{}</span>', named),
        "inbound_url": links.inbound_sms_url(endpoint.public_id) if endpoint else "",
    }


def _mailer(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    optout_list = opened.optout_list
    return {
        "pixel_html": snippets.pixel_html(optout_list.public_id, OTHER.tag),
        "programs": snippets.server_to_server(optout_list.public_id),
        "whitelist": whitelist_state(request, optout_list.whitelist),
    }


def _api(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    optout_list = opened.optout_list
    realm = optout_list.realm
    target = snippets_api_web.Target(
        realm.name,
        optout_list.number,
        uses_customer_key=realm.uses_customer_key,
        is_closed=optout_list.closed_at is not None,
    )
    return {
        "realm": realm,
        "is_realm_admin": opened.standing.is_realm_admin,
        "has_password": _has_password(realm),
        "is_by_phone": optout_list.accepts == Accepts.PHONE,
        "api_web_url": links.api_web_url(),
        "your_password": snippets_api_web.YOUR_PASSWORD,
        "approved": whitelist_state(request, realm.approved_ips),
        "examples": [
            replace(each, command=snippets_api_web.breakable(each.command))
            for each in snippets_api_web.examples(target)
        ],
        "refusals": snippets_api_web.refusals(target, refuses_get=realm.refuses_get),
        "programs": [
            replace(each, code=snippets_api_web.breakable(each.code))
            for each in snippets_api_web.programs(target)
        ],
        **_rest(opened),
        **_global(request, opened),
    }


def _rest(opened: OpenedList) -> dict[str, Any]:
    """The REST API in the API tab."""
    optout_list = opened.optout_list
    number = optout_list.number
    return {
        "rest_url": snippets_rest.api_url(),
        "docs_url": snippets_rest.docs_url(),
        "webhooks_url": snippets_rest.webhooks_url(),
        "has_api_key": may_any_write(optout_list, timezone.now()),
        "rest_commands": [
            replace(each, code=snippets_api_web.breakable(each.code))
            for each in snippets_rest.commands(number)
        ],
        "rest_programs": snippets_rest.programs(number),
    }


def _global(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    """The Global Unsubscribe in the API tab. Whose forms lead to a list is not for mailers."""
    door = read_global(opened.optout_list)
    if door is None or not door.is_reached:
        return {"door": door}
    if not opened.may(Permission.ENTRIES):
        door = replace(door, forms=())
    stored = door.forms[0].uuid if door.forms else ""
    requests = snippets_global.examples(door.url, door.product_number, stored)
    preview_page = reverse("global_preview", args=[door.key])
    return {
        "door": door,
        "global_servers": whitelist_state(request, door.server_ips),
        "preview_page": preview_page,
        "preview_url": f"{preview_page}?{snippets_global.form_query(door.product_number)}",
        "global_examples": [
            replace(each, code=snippets_api_web.breakable(each.code)) for each in requests
        ],
        "global_programs": snippets_global.programs(door.url, door.product_number),
    }


def _download(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    optout_list = opened.optout_list
    return {
        "download_url": links.download_url(optout_list.public_id),
        "programs": snippets.download_commands(optout_list.public_id),
        "whitelist": whitelist_state(request, optout_list.whitelist),
    }


def _test(_request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    optout_list = opened.optout_list
    is_by_phone = optout_list.accepts == Accepts.PHONE
    return {
        "has_whitelist": bool(optout_list.whitelist),
        "is_by_phone": is_by_phone,
        "is_realm_admin": opened.standing.is_realm_admin,
        "door": read_global(optout_list),
        # The test lets itself into api_web; it must not look as if scripts could get in, too.
        "lacks_password": not is_by_phone and not _has_password(optout_list.realm),
        "lacks_key": not may_any_write(optout_list, timezone.now()),
    }


def _has_password(realm: Realm) -> bool:
    """Whether any script can get into `api_web`."""
    return RealmCredential.objects.filter(realm=realm, revoked_at=None).exists()


_CONTEXTS = {
    "hosted": _hosted,
    "mailer": _mailer,
    "api": _api,
    "download": _download,
    "test": _test,
}


def whitelist_state(request: HttpRequest, entries: Iterable[str]) -> WhitelistState:
    """How many networks those entries are, and whether the reader's own IP is in one of them."""
    ip = client_ip(request)
    networks = compile_networks(entries)
    return WhitelistState(len(networks), ip, ip in networks)
