"""What can be done with one endpoint: changed, tested, switched, removed; deliveries sent again."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_webhooks import (
    ChangeCallbackForm,
    EndpointForm,
    ReplaySinceForm,
    SwitchOnForm,
    add_refusal,
)
from reporting.models import WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.paging import HIGHEST_ID
from reporting.views.webhook_access import OpenedHooks, open_hook
from reporting.views.webhook_endpoint import show_endpoint
from reporting.views.webhook_rows import show_one
from reporting.webhooks import endpoints
from reporting.webhooks.endpoints import EndpointPlan, EndpointRefusedError, plan_of
from reporting.webhooks.health import is_sender_running
from reporting.webhooks.log import find_delivery
from reporting.webhooks.replays import replay_failed, replay_one, send_test

_NONE_FAILED = _("Nothing has failed that was recorded since then.")
_WAITS = _("It waits: the program that sends webhooks does not run at the moment.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_change(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET shows what it is told of and how; POST changes it. A new URL asks for the password first: addresses go there."""
    opened, endpoint = open_hook(request, public_id)
    form = _change_form(request, opened, endpoint)
    if form.is_valid():
        plan = _changed_plan(form, endpoint)
        if plan.url != endpoint.url:
            require_recent_sign_in(request)
        try:
            after = endpoints.change_endpoint(
                endpoint, plan, actor=opened.standing.user, now=timezone.now()
            )
        except EndpointRefusedError as error:
            add_refusal(form, error)
        except WebhookEndpoint.DoesNotExist:  # removed while this request was on its way
            raise Http404 from None
        else:
            is_changed = plan_of(after) != plan_of(endpoint)
            said = gettext("Saved.") if is_changed else gettext("Nothing was changed.")
            messages.add_message(request, messages.SUCCESS if is_changed else messages.INFO, said)
            return redirect("webhook_endpoint", public_id)
    shown = show_one(opened, endpoint, timezone.now())
    context = {
        "standing": opened.standing,
        "shown": shown,
        "form": form,
        "heading": gettext("Change the callback URL")
        if endpoint.is_callback
        else gettext("Change the endpoint"),
        "button": gettext("Save"),
        "back_url": reverse("webhook_endpoint", args=[public_id]),
    }
    status = 422 if form.errors else 200
    return render(request, "reporting/webhook_form.html", context, status=status)


@login_required
@require_POST
def webhook_test(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST: send a test; its place in the log says what becomes of it."""
    opened, endpoint = open_hook(request, public_id)
    now = timezone.now()
    send_test(endpoint, asked_by=opened.standing.user.email, now=now)
    said = gettext("The test is on its way. What comes of it stands in the delivery log.")
    messages.success(request, said if is_sender_running(now) else _WAITS)
    return _to_log(endpoint)


@login_required
@require_POST
def webhook_replay(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `delivery`: send that one again. POST `since`: all that failed and were recorded since then."""
    opened, endpoint = open_hook(request, public_id)
    now = timezone.now()
    asked: dict[str, Any] = {
        "asked_by": opened.standing.user.email,
        "actor": opened.standing.user,
        "now": now,
    }
    if "delivery" in request.POST:
        delivery = _delivery_of(endpoint, request.POST["delivery"])
        try:
            replayed = replay_one(endpoint, delivery.pk, **asked)
        except WebhookDelivery.DoesNotExist:  # a test
            raise Http404 from None
    else:
        form = ReplaySinceForm(request.POST)
        if not form.is_valid():
            return show_endpoint(request, opened, endpoint, replay_form=form)
        replayed = replay_failed(endpoint, form.cleaned_data["since"], **asked)
    if replayed:
        messages.success(
            request, _goes_out(replayed, endpoint) if is_sender_running(now) else _WAITS
        )
    else:
        text = gettext("It is sent anyway.") if "delivery" in request.POST else _NONE_FAILED
        messages.info(request, text)
    return _to_log(endpoint)


@login_required
@require_POST
def webhook_switch(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `do=off`, or `do=on` with `missed=send|skip`."""
    opened, endpoint = open_hook(request, public_id)
    form = SwitchOnForm(request.POST)
    by: dict[str, Any] = {"actor": opened.standing.user, "now": timezone.now()}
    do = request.POST.get("do")
    try:
        if do == "off":
            endpoints.switch_off(endpoint, **by)
            messages.success(request, gettext("Switched off. What comes in is kept for it."))
        elif do == "on" and form.is_valid():
            endpoints.switch_on(endpoint, skips_missed=form.skips_missed, **by)
            said = (
                gettext("It starts with the next opt-out.")
                if form.skips_missed
                else gettext("It gets what it missed first.")
            )
            messages.success(request, f"{gettext('Switched on.')} {said}")
        else:
            messages.error(request, gettext("Choose what becomes of what it missed."))
    except WebhookEndpoint.DoesNotExist:  # removed while this request was on its way
        raise Http404 from None
    return redirect("webhook_endpoint", public_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_remove(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET tells what would be gone; POST removes it for good."""
    opened, endpoint = open_hook(request, public_id)
    now = timezone.now()
    if request.method == "POST":
        require_recent_sign_in(request)
        endpoints.remove_endpoint(endpoint, actor=opened.standing.user, now=now)
        messages.success(request, gettext("Removed. Nothing is sent there any more."))
        return redirect("webhooks")
    is_of_list = endpoint.is_callback and endpoint.list_ids is not None
    default = endpoints.find_callback(opened.standing.realm, None) if is_of_list else None
    context = {
        "standing": opened.standing,
        "shown": show_one(opened, endpoint, now),
        "is_of_list": is_of_list,
        "goes_to_default": default is not None,
    }
    return render(request, "reporting/webhook_remove.html", context)


def _delivery_of(endpoint: WebhookEndpoint, text: str) -> WebhookDelivery:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_ID))
    found = find_delivery(endpoint, int(text)) if is_number else None
    if found is None:
        raise Http404
    return found


def _to_log(endpoint: WebhookEndpoint) -> HttpResponse:
    return redirect(f"{reverse('webhook_endpoint', args=[endpoint.public_id])}#log")


def _change_form(
    request: HttpRequest, opened: OpenedHooks, endpoint: WebhookEndpoint
) -> EndpointForm | ChangeCallbackForm:
    data = request.POST if request.method == "POST" else None
    if endpoint.is_callback:
        return ChangeCallbackForm(data, initial={"url": endpoint.url, "format": endpoint.format})
    return EndpointForm(opened.lists, data, may_whole=opened.may_whole, stored=endpoint)


def _changed_plan(
    form: EndpointForm | ChangeCallbackForm, endpoint: WebhookEndpoint
) -> EndpointPlan:
    if isinstance(form, EndpointForm):
        return form.plan()
    values = form.cleaned_data
    return replace(plan_of(endpoint), url=values["url"], format=WebhookFormat(values["format"]))


def _goes_out(count: int, endpoint: WebhookEndpoint) -> str:
    """That so many deliveries are sent once more, and when."""
    if endpoint.is_on:
        said = ngettext(
            "%(count)s delivery goes out again.", "%(count)s deliveries go out again.", count
        )
    else:
        said = ngettext(
            "%(count)s delivery goes out when it is switched on.",
            "%(count)s deliveries go out when it is switched on.",
            count,
        )
    return said % {"count": f"{count:,}"}
