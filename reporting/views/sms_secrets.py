"""The secret of an inbound endpoint: shown after a recent sign-in, and made anew; and Twilio's tokens, which are never shown."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from lists.models import InboundEndpoint
from lists.sms_actions import SmsSetupError, rotate_secret, set_tokens
from lists.sms_setup import secret_of
from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_overlap import mark_of
from reporting.forms_sms_endpoints import RotateInboundForm, TokensForm
from reporting.views.sms_access import open_endpoint
from reporting.views.sms_rows import ShownInbound, show_endpoint


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_secret(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST shows the secret in this one answer; GET leads to the endpoint, so that no link shows it."""
    _standing, row = open_endpoint(request, public_id)
    if request.method != "POST":
        return redirect("sms_endpoint", public_id)
    _require_secret(show_endpoint(row))
    require_recent_sign_in(request)
    return show_secret(request, row, heading=_("Secret"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_rotate(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET asks how long the old one goes on; POST `old_ends`, `replaces` makes a new one, and shows it in this one answer."""
    standing, row = open_endpoint(request, public_id)
    shown = show_endpoint(row)
    _require_secret(shown)
    initial = {"replaces": mark_of(row.salt), "old_ends": "24h"}
    form = RotateInboundForm(request.POST if request.method == "POST" else None, initial=initial)
    now = timezone.now()
    if form.is_valid():
        require_recent_sign_in(request)
        if not form.is_about(row.salt):
            messages.info(request, _("A new secret was made already. Here it is."))
        else:
            try:
                row = rotate_secret(row, form.overlap, actor=standing.user, now=now)
            except InboundEndpoint.DoesNotExist:  # removed while this request was on its way
                raise Http404 from None
        return show_secret(request, row, heading=_("New secret"))
    context = {"shown": shown, "form": form, "old_until": shown.old_until(now)}
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_endpoint_rotate.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sms_endpoint_tokens(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST token, other_token: keep what Twilio signs with, in the place of those before."""
    standing, row = open_endpoint(request, public_id)
    shown = show_endpoint(row)
    if not shown.is_twilio:
        raise Http404
    form = TokensForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_recent_sign_in(request)
        try:
            set_tokens(row, form.tokens(), actor=standing.user)
        except SmsSetupError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except InboundEndpoint.DoesNotExist:
            raise Http404 from None
        else:
            messages.success(request, _("Saved. Calls that it signs are let in from now on."))
            return redirect("sms_endpoint", public_id)
    context = {"shown": shown, "form": form}
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_endpoint_tokens.html", context, status=status)


def show_secret(request: HttpRequest, row: InboundEndpoint, *, heading: str) -> HttpResponse:
    """The page with the secret in clear. Whoever calls this has asked for a recent sign-in."""
    shown = show_endpoint(row)
    context = {
        "shown": shown,
        "heading": heading,
        "secret": secret_of(row),
        "old_until": shown.old_until(timezone.now()),
    }
    return render(request, "reporting/sms_endpoint_secret.html", context)


def _require_secret(shown: ShownInbound) -> None:
    """Twilio signs with its own token: no secret of ours opens there."""
    if shown.is_twilio:
        raise Http404
