"""What a realm's programs need to call `api_web`: passwords, the rules of their calls, the address. Realm admins only.

Here and not in `lists`, beside the realm's other settings, since it tells the reader their own IP.
"""

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from lists.access import Standing
from lists.actions import change_realm
from lists.credentials import (
    RevokedPasswordError,
    SamePasswordError,
    TooManyPasswordsError,
    bring_password,
    find_password,
    make_password,
    passwords_of,
    revoke_password,
)
from lists.networks import compile_networks
from lists.refused_calls import refused_calls
from lists.views.context import admin_standing
from lists.views.realm_settings import settings_tabs
from lists.views.recent_sign_in import require_recent_sign_in
from optout.client_ip import client_ip
from reporting.forms_api import CallsForm, OwnPasswordForm
from reporting.soon import soon

_TOO_MANY = _("Two passwords are active already, and there can be no third. Revoke one first.")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def api_settings(request: HttpRequest) -> HttpResponse:
    """GET shows everything; POST refuses_get, approved_ips, uses_customer_key changes the rules of calls.

    Changing the approved IPs asks for the password first when the sign-in is old (security.md §5).
    """
    standing = admin_standing(request)
    if request.method != "POST":
        return _show(request, standing)
    form = _calls_form(request, standing, is_sent=True)
    if not form.is_valid():
        return _show(request, standing, form, status=422)
    values = form.values()
    if values["approved_ips"] != standing.realm.approved_ips:
        require_recent_sign_in(request)
    if change_realm(standing.realm, values, actor=standing.user):
        messages.success(request, gettext("Saved. It holds %(soon)s.") % {"soon": soon()})
        _warn_if_shut_out(request, values["approved_ips"])
    else:
        messages.info(request, gettext("Nothing was changed."))
    return redirect("api_settings")


@login_required
@require_POST
@never_cache
def make_api_password(request: HttpRequest) -> HttpResponse:
    """POST: make a password, and show it in this one answer."""
    standing = admin_standing(request)
    require_recent_sign_in(request)
    try:
        new = make_password(standing.realm, actor=standing.user)
    except TooManyPasswordsError:
        return _show(request, standing, refusal=_TOO_MANY, status=422)
    active = passwords_of(standing.realm, timezone.now()).active
    context = {
        "password": new.text,
        "realm": standing.realm,
        "address": _address(),
        "other": next((each for each in active if each.pk != new.row.pk), None),
    }
    return render(request, "reporting/api_password_new.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def bring_api_password(request: HttpRequest) -> HttpResponse:
    """POST password: let scripts go on with the one they have. It is shown nowhere."""
    standing = admin_standing(request)
    try:
        require_recent_sign_in(request)
    except ReauthenticationRequired:
        if request.method != "POST":
            raise
        # The usual way would keep what was typed in the session, until the sign-in is confirmed (AT-26).
        messages.info(
            request, gettext("First your own Heed password; then the scripts’ password again.")
        )
        return redirect("bring_api_password")
    if request.method != "POST" and not passwords_of(standing.realm, timezone.now()).may_add:
        messages.error(request, _TOO_MANY)
        return redirect("api_settings")
    form = OwnPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            bring_password(standing.realm, form.cleaned_data["password"], actor=standing.user)
        except TooManyPasswordsError:
            return _show(request, standing, refusal=_TOO_MANY, status=422)
        except SamePasswordError:
            form.add_error("password", gettext("This password is active already."))
        except RevokedPasswordError as error:
            form.add_error("password", str(error))
        else:
            messages.success(
                request, gettext("Scripts that send this password are let in from now on.")
            )
            return redirect("api_settings")
    context = {"form": form, "realm": standing.realm}
    return render(
        request, "reporting/api_password_own.html", context, status=422 if form.errors else 200
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_api_password(request: HttpRequest, credential_id: int) -> HttpResponse:
    """GET tells what would stop; POST ends the password for good."""
    standing = admin_standing(request)
    password = find_password(standing.realm, credential_id)
    if password is None:
        raise Http404
    if password.revoked_at:
        messages.info(request, gettext("This password is revoked already."))
        return redirect("api_settings")
    now = timezone.now()
    if request.method == "POST":
        require_recent_sign_in(request)
        revoke_password(standing.realm, password.pk, actor=standing.user, now=now)
        messages.success(
            request,
            gettext("Revoked. Scripts that still send it are refused %(soon)s.") % {"soon": soon()},
        )
        return redirect("api_settings")
    context = {
        "password": password,
        "realm": standing.realm,
        "is_only_one": len(passwords_of(standing.realm, now).active) == 1,
        "soon": soon(),
    }
    return render(request, "reporting/api_password_revoke.html", context)


def _show(
    request: HttpRequest,
    standing: Standing,
    form: CallsForm | None = None,
    *,
    refusal: str | Promise = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    refused = refused_calls(standing.realm, now)
    context = {
        "tabs": settings_tabs("api_settings", standing),
        "realm": standing.realm,
        "address": _address(),
        "passwords": passwords_of(standing.realm, now),
        "refused": refused,
        "is_one_locked": any(each.locked_until for each in refused),
        "form": form or _calls_form(request, standing),
        "your_ip": client_ip(request),
        "is_shut_out": _is_shut_out(request, standing.realm.approved_ips),
        "refusal": refusal,
    }
    return render(request, "reporting/api_settings.html", context, status=status)


def _calls_form(request: HttpRequest, standing: Standing, *, is_sent: bool = False) -> CallsForm:
    sent = request.POST if is_sent else None
    return CallsForm(sent, realm=standing.realm, your_ip=str(client_ip(request) or ""))


def _is_shut_out(request: HttpRequest, approved_ips: list[str]) -> bool:
    return bool(approved_ips) and client_ip(request) not in compile_networks(approved_ips)


def _warn_if_shut_out(request: HttpRequest, approved_ips: list[str]) -> None:
    """Beside "Saved.": the same warning at the field is far below."""
    if _is_shut_out(request, approved_ips):
        your_ip = client_ip(request)
        if your_ip:
            said = gettext(
                "Your own IP, %(ip)s, is not among the approved ones: a command from here is refused."
            )
        else:
            said = gettext(
                "Your own IP cannot be told, so it is not among the approved ones: a command from here is refused."
            )
        messages.warning(request, said % {"ip": your_ip})


def _address() -> str:
    return f"{settings.BASE_URL}{reverse('api_web')}"
