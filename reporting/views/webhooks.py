"""Webhook Management: where opt-outs are sent on to, and making another such place. Realm admins and list owners."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from lists.models import List, Realm
from lists.views.realm_settings import settings_tabs
from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_webhooks import CallbackForm, EndpointForm, ListCallbackForm, add_refusal
from reporting.models import WebhookEndpoint, WebhookFormat
from reporting.views.webhook_access import OpenedHooks, open_hooks
from reporting.views.webhook_rows import docs_url, show_all
from reporting.views.webhook_secret import show_secret
from reporting.webhooks.endpoints import (
    EndpointPlan,
    EndpointRefusedError,
    make_endpoint,
    plan_of,
    set_callback_url,
)
from reporting.webhooks.health import is_sender_running

_TWICE = timedelta(minutes=1)  # the same again within that is a second click


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhooks(request: HttpRequest) -> HttpResponse:
    """GET: all that the person may touch, and how they do. POST `url`, `format`: set the default callback, as a realm admin.

    An empty `url` leads to the page that asks before it removes one.
    """
    opened = open_hooks(request)
    if request.method == "POST" and not opened.may_whole:
        raise Http404
    endpoints = opened.endpoints()
    default = next((each for each in endpoints if _is_default(each)), None)
    form = None
    if opened.may_whole:
        initial = {"url": default.url, "format": default.format} if default else None
        form = CallbackForm(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_valid():
            if default is not None and not form.cleaned_data["url"]:
                return redirect("webhook_remove", default.public_id)
            if _save_default(request, opened, form, default):
                return redirect("webhooks")
    now = timezone.now()
    shown = show_all(opened, endpoints, now)
    context: dict[str, Any] = {
        "tabs": settings_tabs("webhooks", opened.standing),
        "form": form,
        "default": next((each for each in shown if each.row is default), None),
        "callbacks": [each for each in shown if each.row.is_callback and each.row is not default],
        "endpoints": [each for each in shown if not each.row.is_callback],
        "may_add_callback": bool(_without_callback(opened.lists, endpoints)),
        "is_standing_still": bool(endpoints) and not is_sender_running(now),
        "docs_url": docs_url("messages"),
    }
    status = 422 if form and form.errors else 200
    return render(request, "reporting/webhooks.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_list_callback(request: HttpRequest) -> HttpResponse:
    """GET asks for which list and where; POST gives that list a callback URL of its own."""
    opened = open_hooks(request)
    lists = _without_callback(opened.lists, opened.endpoints())
    form = ListCallbackForm(lists, request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_recent_sign_in(request)
        values = form.cleaned_data
        try:
            made = set_callback_url(
                opened.standing.realm,
                form.chosen,
                values["url"],
                actor=opened.standing.user,
                now=timezone.now(),
                format=WebhookFormat(values["format"]),
            )
        except EndpointRefusedError as error:
            add_refusal(form, error)
        else:
            messages.success(
                request,
                _("Opt-outs of %(list)s go there from now on.") % {"list": form.chosen.name},
            )
            return redirect("webhook_endpoint", made.public_id) if made else redirect("webhooks")
    context = {
        "form": form,
        "heading": _("Callback URL of a list"),
        "button": _("Save"),
        "back_url": reverse("webhooks"),
    }
    status = 422 if form.errors else 200
    return render(request, "reporting/webhook_form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_new(request: HttpRequest) -> HttpResponse:
    """GET asks where and what of; POST makes the endpoint, and shows its secret."""
    opened = open_hooks(request)
    form = EndpointForm(
        opened.lists,
        request.POST if request.method == "POST" else None,
        may_whole=opened.may_whole,
    )
    if form.is_valid():
        require_recent_sign_in(request)
        try:
            made, is_new = _make_once(opened, form.plan(), timezone.now())
        except EndpointRefusedError as error:
            add_refusal(form, error)
        else:
            if not is_new:
                messages.info(request, _("This endpoint was made a moment ago. Here it is."))
            return show_secret(request, opened, made, heading=_("Copy the secret"))
    context = {
        "form": form,
        "heading": _("New endpoint"),
        "button": _("Make the endpoint"),
        "back_url": reverse("webhooks"),
    }
    status = 422 if form.errors else 200
    return render(request, "reporting/webhook_form.html", context, status=status)


def _is_default(endpoint: WebhookEndpoint) -> bool:
    return endpoint.is_callback and endpoint.list_ids is None


def _save_default(
    request: HttpRequest, opened: OpenedHooks, form: CallbackForm, before: WebhookEndpoint | None
) -> bool:
    """Set or change it; whether nothing was refused. A new place to send addresses to asks for the password first."""
    url, chosen = form.cleaned_data["url"], WebhookFormat(form.cleaned_data["format"])
    old = before.url if before else ""
    if url == old and (before is None or chosen == before.format):
        messages.info(request, _("Nothing was changed."))
        return True
    if url != old:
        require_recent_sign_in(request)
    try:
        set_callback_url(
            opened.standing.realm,
            None,
            url,
            actor=opened.standing.user,
            now=timezone.now(),
            format=chosen,
        )
    except EndpointRefusedError as error:
        add_refusal(form, error)
        return False
    messages.success(request, _("Saved. Every opt-out goes there from now on."))
    return True


def _without_callback(lists: Iterable[List], endpoints: Iterable[WebhookEndpoint]) -> list[List]:
    """The lists that could have a callback URL of their own, and have none: Do Not Mail holds for every list."""
    taken = {pk for each in endpoints if each.is_callback for pk in each.list_ids or ()}
    return [each for each in lists if each.pk not in taken and not each.is_global]


@transaction.atomic
def _make_once(
    opened: OpenedHooks, plan: EndpointPlan, now: datetime
) -> tuple[WebhookEndpoint, bool]:
    """The endpoint, and whether it is new: pressing the button twice makes one."""
    Realm.objects.select_for_update(no_key=True).get(pk=opened.standing.realm.pk)  # one at a time
    alike = WebhookEndpoint.objects.filter(
        realm=opened.standing.realm,
        made_by=opened.standing.user,
        url=plan.url,
        format=plan.format,
        is_callback=False,
        removed_at=None,
        created_at__gt=now - _TWICE,
    )
    for each in alike:
        if plan_of(each).list_ids == plan.list_ids:
            return each, False
    return make_endpoint(opened.standing.realm, plan, actor=opened.standing.user, now=now), True
