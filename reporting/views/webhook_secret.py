"""The secret of an endpoint: shown to those who may edit it, after a recent sign-in, and made anew."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_overlap import mark_of
from reporting.forms_webhooks import RotateSecretForm
from reporting.models import WebhookEndpoint
from reporting.views.webhook_access import OpenedHooks, open_hook
from reporting.views.webhook_rows import docs_url, show_one
from reporting.webhooks.endpoints import rotate_secret
from reporting.webhooks.signing import secret_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_secret(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST shows the secret in this one answer; GET leads to the endpoint, so that no link shows it."""
    opened, endpoint = open_hook(request, public_id)
    if request.method != "POST":
        return redirect("webhook_endpoint", public_id)
    require_recent_sign_in(request)
    return show_secret(request, opened, endpoint, heading=_("Secret"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_rotate(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET asks how long the old one goes on; POST `old_ends`, `replaces` makes a new one, and shows it in this one answer."""
    opened, endpoint = open_hook(request, public_id)
    initial = {"replaces": mark_of(endpoint.salt), "old_ends": "24h"}
    form = RotateSecretForm(request.POST if request.method == "POST" else None, initial=initial)
    now = timezone.now()
    if form.is_valid():
        require_recent_sign_in(request)
        if not form.is_about(endpoint.salt):
            messages.info(request, _("A new secret was made already. Here it is."))
        else:
            try:
                endpoint = rotate_secret(
                    endpoint, form.overlap, actor=opened.standing.user, now=now
                )
            except WebhookEndpoint.DoesNotExist:  # removed while this request was on its way
                raise Http404 from None
        return show_secret(request, opened, endpoint, heading=_("New secret"))
    context = {
        "standing": opened.standing,
        "shown": show_one(opened, endpoint, now),
        "form": form,
        "old_until": old_until(endpoint, now),
    }
    status = 422 if form.errors else 200
    return render(request, "reporting/webhook_rotate.html", context, status=status)


def show_secret(
    request: HttpRequest, opened: OpenedHooks, endpoint: WebhookEndpoint, *, heading: str
) -> HttpResponse:
    """The page with the secret in clear. Whoever calls this has asked for a recent sign-in."""
    now = timezone.now()
    context = {
        "standing": opened.standing,
        "shown": show_one(opened, endpoint, now),
        "heading": heading,
        "secret": secret_of(bytes(endpoint.salt)),
        "old_until": old_until(endpoint, now),
        "docs_url": docs_url("verifying"),
    }
    return render(request, "reporting/webhook_secret.html", context)


def old_until(endpoint: WebhookEndpoint, now: datetime) -> datetime | None:
    """Until when the secret before this one signs as well; None where it does not."""
    until = endpoint.old_salt_until
    return until if endpoint.old_salt is not None and until and now < until else None
