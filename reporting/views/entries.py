"""A list's entries: what came in, and who is suppressed by it."""

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from lists.access import OpenedList, Permission, open_list
from lists.bounded import TookTooLongError, at_most
from lists.choices import ListKind
from lists.models import List, User
from lists.views.context import current_standing, list_context
from optout.addresses import AddressError
from optout.choices import Medium, Reason
from optout.client_ip import client_ip
from optout.evidence import Evidence
from optout.models import OptOut, Suppression
from reporting.callers import callers_of
from reporting.downloads import may_export
from reporting.entries import as_entries, ledger_of, shown_address, suppressed_digests
from reporting.forms_entries import EntryFilterForm, LiftForm
from reporting.lifting import find_suppression, lift_one
from reporting.paging import Page, keyset_page, page_url
from reporting.subjects import Subject, read_subject
from reporting.views.entry_tabs import entry_tabs

FILTER_SECONDS = 5
NOTHING: Page[OptOut] = Page((), None, None)


@login_required
@require_safe
@never_cache
def list_entries(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: 50 ledger rows, newest first; filters and the place in the list are in the URL."""
    opened = open_list(request.user, public_id, Permission.ENTRIES)
    form = EntryFilterForm(request.GET)
    subject = _subject(opened, form) if form.is_valid() else None
    page, took_too_long = _find(request, opened, form, subject)
    may_lift = opened.may(Permission.EDIT)
    suppressed = suppressed_digests(opened.optout_list, page.rows)
    entries = as_entries(
        page.rows,
        clear=opened.may(Permission.CLEAR),
        evidence=may_lift,
        suppressed=suppressed,
        callers=callers_of(page.rows, opened.standing),
    )
    context = {
        **list_context(opened, "list_entries"),
        "entry_tabs": entry_tabs(opened, "list_entries"),
        "form": form,
        "entries": entries,
        "may_lift": may_lift,
        "may_download": opened.may(Permission.DOWNLOAD),
        "may_export": may_export(opened),
        "is_filtered": form.errors or form.is_used,
        "is_paged": "after" in request.GET or "before" in request.GET,
        "took_too_long": took_too_long,
        **({} if page.rows or took_too_long else _elsewhere(request, opened, subject)),
        "older_url": page_url(request.GET, "after", page.older),
        "newer_url": page_url(request.GET, "before", page.newer),
        "service_url": reverse("list_service", args=[public_id]),
    }
    return render(request, "reporting/entries.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def lift_suppression(request: HttpRequest, public_id: str, digest: str) -> HttpResponse:
    """GET asks why, POST `note` ends the suppression of that digest (hex) on this list."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    suppression = find_suppression(opened.optout_list, bytes.fromhex(digest))
    if suppression is None:
        raise Http404
    form = LiftForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        lifted = lift_one(
            opened.optout_list,
            suppression,
            note=form.cleaned_data["note"],
            actor=cast("User", request.user),
            now=timezone.now(),
            evidence=Evidence.of(client_ip(request), request.headers.get("User-Agent")),
        )
        said = _("The suppression is lifted.") if lifted.is_new else _("It was lifted already.")
        messages.success(request, said)
        return redirect("list_entries", public_id)
    raw = bytes(suppression.digest)
    context = {
        **list_context(opened, "list_entries"),
        "form": form,
        "address": shown_address(suppression.address, raw, clear=opened.may(Permission.CLEAR)),
        "suppressed_at": suppression.suppressed_at,
        "channel": suppression.get_channel_display(),
        "reason": Reason(suppression.reason).label,
        "medium": Medium(suppression.medium).label,
    }
    return render(
        request, "reporting/entries_lift.html", context, status=200 if not form.errors else 422
    )


def _find(
    request: HttpRequest, opened: OpenedList, form: EntryFilterForm, subject: Subject | None
) -> tuple[Page[OptOut], bool]:
    """The page of rows; and whether the search was stopped, which is not the same as finding nothing."""
    if not form.is_valid():
        return NOTHING, False
    rows = ledger_of(opened.optout_list, form.cleaned_data, subject)
    if not form.is_slow:
        return keyset_page(rows, "recorded_at", request.GET), False
    try:
        with at_most(FILTER_SECONDS):
            return keyset_page(rows, "recorded_at", request.GET), False
    except TookTooLongError:
        return NOTHING, True


def _elsewhere(request: HttpRequest, opened: OpenedList, subject: Subject | None) -> dict[str, Any]:
    """Of whom this list has no entry: whether Do Not Mail has them, which holds for it too, and where to read more. The page that
    tells is about the realm that was chosen last."""
    optout_list = opened.optout_list
    if subject is None or optout_list.is_global or not opened.may(Permission.CHECK):
        return {}
    everything = List.objects.filter(realm=optout_list.realm_id, kind=ListKind.GLOBAL)
    is_out = Suppression.objects.filter(optout_list__in=everything, digest__in=subject.keys)
    is_here = current_standing(request).realm.pk == optout_list.realm_id
    check_url = f"{reverse('check_address')}?{urlencode({'q': subject.given})}" if is_here else ""
    return {"is_in_do_not_mail": is_out.exists(), "check_url": check_url}


def _subject(opened: OpenedList, form: EntryFilterForm) -> Subject | None:
    text = form.cleaned_data["q"]
    if not text:
        return None
    optout_list = opened.optout_list
    try:
        return read_subject(text, optout_list.realm.default_region, [optout_list.pk])
    except AddressError as error:
        form.add_error("q", str(error))
        return None
