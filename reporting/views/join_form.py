"""Contacts › Join My Mailing List: the form with which people put themselves on a list (S2.2)."""

import csv
from copy import copy
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from lists.access import OpenedList, Permission, open_list
from lists.actions import change_list
from lists.choices import Accepts, Language, TextKind
from lists.lookup import snapshot
from lists.views.context import list_context
from optout import links
from reporting.forms_join import JoinForm, SnippetForm
from reporting.join_form import ASKED_DAYS, read_join_figures
from reporting.snippets_join import join_html, look_of
from reporting.views.contact_tabs import contact_tabs


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def list_join(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET ?lang=: the switch, the link, the HTML in that language, and how many came. POST saves the switches.

    Do Not Mail has no join form, and a list of phone numbers alone has none either: their pages say so.
    """
    is_change = request.method == "POST"
    opened = open_list(
        request.user, public_id, Permission.EDIT if is_change else Permission.ENTRIES
    )
    if opened.optout_list.is_global:
        return _show(request, opened, None)
    form = JoinForm(request.POST if is_change else None, instance=copy(opened.optout_list))
    if not is_change or not form.is_valid():
        return _show(request, opened, form)
    if change_list(opened.optout_list, form.values(), actor=opened.standing.user):
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("list_join", public_id)


@login_required
@require_safe
def list_join_csv(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the figures of the last 30 days, oldest first; empty where what was asked is no longer kept."""
    opened = open_list(request.user, public_id, Permission.ENTRIES)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"join-{opened.optout_list.number}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(["day", "asked", "mailed", "left_out", "given_up", "confirmed"])
    for each in read_join_figures(opened.optout_list, timezone.now()).days:
        writer.writerow([each.day.isoformat(), *each.values])
    return response


def _show(request: HttpRequest, opened: OpenedList, form: JoinForm | None) -> HttpResponse:
    optout_list = opened.optout_list
    context = {
        **list_context(opened, "list_contacts"),
        "contact_tabs": contact_tabs(opened, "list_join"),
        "form": form,
        "may_edit": opened.may(Permission.EDIT),
        "editor_url": _editor_url(optout_list.public_id),
        "ask_url": links.ask_url(optout_list.public_id),
    }
    if form is not None and optout_list.accepts != Accepts.PHONE:
        context |= _join_form(request, opened)
    status = 422 if form is not None and form.errors else 200
    return render(request, "reporting/join.html", context, status=status)


def _join_form(request: HttpRequest, opened: OpenedList) -> dict[str, Any]:
    """The link, the HTML and the figures."""
    now = snapshot(opened.optout_list)
    asked = request.GET.get("lang", "")
    language = asked if asked in Language else now.default_language
    html = join_html(now, language)
    figures = read_join_figures(opened.optout_list, timezone.now())
    written = now.own_texts.get(TextKind.CONSENT, {})
    return {
        "has_join_form": True,
        "join_url": links.join_url(now.public_id),
        "language": language,
        "snippet_form": SnippetForm(initial={"lang": language}),
        "html": html,
        "look": look_of(html, _("Join form"), language),
        "consent_languages": [
            Language(code).label for code in Language.values if written.get(code, "").strip()
        ],
        "figures": figures,
        "chart": figures.chart(),
        "asked_days": ASKED_DAYS,
        "columns": [
            _("Day (UTC)"),
            _("Asked"),
            _("Mailed"),
            _("Left out"),
            _("Given up"),
            _("Confirmed"),
        ],
    }


def _editor_url(public_id: str) -> str:
    """Where the owner writes what recipients read."""
    try:
        return reverse("list_page", args=[public_id])
    except NoReverseMatch:  # a screen that is not built yet
        return ""
