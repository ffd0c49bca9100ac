"""Settings › Text messages: the addresses to which gateways pass on what people text (S3.4). Realm admins only."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from lists.access import Standing
from lists.models import ConfirmsBy, InboundEndpoint, Realm, SmsNumber
from lists.sms import can_send
from lists.sms_actions import (
    InboundPlan,
    SmsSetupError,
    change_endpoint,
    make_endpoint,
    remove_endpoint,
)
from lists.views.context import admin_standing
from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_sms_endpoints import EndpointForm
from reporting.snippets_sms import inbound_commands
from reporting.views.sms_access import open_endpoint
from reporting.views.sms_rows import LOG_SIZE, read_messages, show_endpoint
from reporting.views.sms_secrets import show_secret

_TWICE = timedelta(minutes=1)  # the same again within that is a second click


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_new(request: HttpRequest) -> HttpResponse:
    """GET asks for format and confirmation; POST makes the endpoint, and shows its secret, or asks for Twilio's."""
    standing = admin_standing(request)
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_recent_sign_in(request)
        try:
            made, is_new = _make_once(standing, form.plan())
        except SmsSetupError as error:
            _add_error(form, error)
        else:
            if not is_new:
                messages.info(request, _("This endpoint was made a moment ago. Here it is."))
            if show_endpoint(made).is_twilio:
                return redirect("sms_endpoint_tokens", made.public_id)
            return show_secret(request, made, heading=_("Copy the secret"))
    context = {"form": form, "shown": None}
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_endpoint_form.html", context, status=status)


@login_required
@require_safe
@never_cache
def sms_endpoint(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: its address, how a gateway uses it, and the last messages without their words."""
    standing, row = open_endpoint(request, public_id)
    shown = show_endpoint(row)
    number = SmsNumber.objects.filter(realm=standing.realm).first()
    texted = number.number if number else "+18005550199"
    context = {
        "shown": shown,
        "old_until": shown.old_until(timezone.now()),
        "lacks_gateway": row.confirms_by == ConfirmsBy.GATEWAY and not can_send(),
        "log": read_messages(row),
        "log_size": LOG_SIZE,
        "commands": () if shown.is_twilio else inbound_commands(shown.url, texted),
    }
    return render(request, "reporting/sms_endpoint.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_change(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST label, confirms_by, allow_list: change it. Who may call decides who gets in: that asks for the password first."""
    standing, row = open_endpoint(request, public_id)
    form = EndpointForm(request.POST if request.method == "POST" else None, stored=row)
    if form.is_valid():
        values = form.values()
        if values["allow_list"] != row.allow_list:
            require_recent_sign_in(request)
        try:
            changed = change_endpoint(row, values, actor=standing.user)
        except SmsSetupError as error:
            _add_error(form, error)
        except InboundEndpoint.DoesNotExist:  # removed while this request was on its way
            raise Http404 from None
        else:
            if changed:
                messages.success(request, _("Saved."))
            else:
                messages.info(request, _("Nothing was changed."))
            return redirect("sms_endpoint", public_id)
    context = {"form": form, "shown": show_endpoint(row)}
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_endpoint_form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_remove(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET asks; POST ends it for good."""
    standing, row = open_endpoint(request, public_id)
    if request.method == "POST":
        remove_endpoint(row, actor=standing.user, now=timezone.now())
        messages.success(request, _("It is removed. What is sent there is refused."))
        return redirect("sms_settings")
    return render(request, "reporting/sms_endpoint_remove.html", {"shown": show_endpoint(row)})


@transaction.atomic
def _make_once(standing: Standing, plan: InboundPlan) -> tuple[InboundEndpoint, bool]:
    """The endpoint, and whether it is new: pressing the button twice makes one."""
    now = timezone.now()
    Realm.objects.select_for_update(no_key=True).get(pk=standing.realm.pk)  # one at a time
    alike = InboundEndpoint.objects.filter(
        realm=standing.realm,
        removed_at=None,
        format=plan.format,
        label=plan.label,
        confirms_by=plan.confirms_by,
        allow_list=list(plan.allow_list),
        created_at__gt=now - _TWICE,
    ).first()
    if alike is not None:
        return alike, False
    return make_endpoint(standing.realm, plan, actor=standing.user, now=now), True


def _add_error(form: EndpointForm, error: SmsSetupError) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))
