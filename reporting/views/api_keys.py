"""A realm's API keys, for programs that call the REST API: made, replaced, revoked. Realm admins only."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from lists import key_actions
from lists.access import Standing
from lists.key_actions import KeyEndedError, LabelTakenError, NewKey
from lists.known_keys import KnownKey, KnownKeys, api_keys_of, find_api_key, replaced_key
from lists.models import List
from lists.views.context import admin_standing
from lists.views.realm_settings import settings_tabs
from lists.views.recent_sign_in import require_recent_sign_in
from reporting import snippets_rest
from reporting.forms_api_keys import ApiKeyForm, ReplaceForm
from reporting.soon import soon
from reporting.views.service import whitelist_state

_TAKEN = _(
    "An active key has this label already. If it was made a moment ago and you have not seen it, revoke it, or take "
    "another label."
)
_REPLACED = _(
    "This key was replaced already. If nobody kept the new one, replace that one, or revoke it and come back."
)


@login_required
@require_safe
def api_keys(request: HttpRequest) -> HttpResponse:
    """GET: the realm's keys, and those that ended lately."""
    standing = admin_standing(request)
    keys: KnownKeys = api_keys_of(standing.realm, timezone.now())
    context = {
        "tabs": settings_tabs("api_keys", standing),
        "realm": standing.realm,
        "keys": keys,
        "approved": whitelist_state(request, standing.realm.approved_ips),
        **_addresses(),
    }
    return render(request, "reporting/api_keys.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def make_api_key(request: HttpRequest) -> HttpResponse:
    """GET asks what it is for; POST makes the key, and shows it in this one answer."""
    standing = admin_standing(request)
    now = timezone.now()
    lists = List.objects.filter(realm=standing.realm).order_by("number")
    form = ApiKeyForm(lists, now, request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_recent_sign_in(request)
        try:
            new = key_actions.make_api_key(standing.realm, **form.values(), actor=standing.user)
        except LabelTakenError:
            form.add_error("label", _TAKEN)
        else:
            return _show_new(request, standing, new)
    context = {"form": form, "realm": standing.realm}
    status = 422 if form.errors else 200
    return render(request, "reporting/api_key_form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def replace_api_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """GET asks when the old key ends; POST `old_ends` makes the new one, and shows it in this one answer."""
    standing = admin_standing(request)
    now = timezone.now()
    old = _find(standing, key_id)
    if not old.may_be_replaced:
        messages.info(request, _has_ended(old) if old.has_ended else _REPLACED)
        return redirect("api_keys")
    form = ReplaceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_recent_sign_in(request)
        try:
            new = key_actions.rotate_api_key(
                standing.realm, key_id, overlap=form.overlap, actor=standing.user, now=now
            )
        except KeyEndedError:  # while this request was on its way
            messages.info(request, _REPLACED)
            return redirect("api_keys")
        return _show_new(request, standing, new, _find(standing, key_id))
    context = {"form": form, "key": old, "expires_at": old.lifetime and now + old.lifetime}
    status = 422 if form.errors else 200
    return render(request, "reporting/api_key_replace.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_api_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """GET tells what would stop; POST ends the key for good."""
    standing = admin_standing(request)
    key = _find(standing, key_id)
    if key.has_ended:
        messages.info(request, _has_ended(key))
        return redirect("api_keys")
    if request.method == "POST":
        require_recent_sign_in(request)
        key_actions.revoke_api_key(standing.realm, key_id, actor=standing.user, now=timezone.now())
        said = gettext("Revoked. Programs that still send it are refused %(soon)s.") % {
            "soon": soon()
        }
        messages.success(request, f"{said} {_goes_on(replaced_key(standing.realm, key))}".strip())
        return redirect("api_keys")
    old = replaced_key(standing.realm, key)
    context = {"key": key, "old": old, "soon": soon()}
    return render(request, "reporting/api_key_revoke.html", context)


def _find(standing: Standing, key_id: int) -> KnownKey:
    key = find_api_key(standing.realm, key_id, timezone.now())
    if key is None:
        raise Http404
    return key


def _has_ended(key: KnownKey) -> str:
    day = date_format(key.ended_at, "j F Y") if key.ended_at else ""
    return gettext("This key has ended, on %(day)s.") % {"day": day}


def _goes_on(old: KnownKey | None) -> str:
    """Of the key whose place the revoked one took: until when it is let in all the same."""
    if old is None or old.row.expires_at is None:
        return ""
    return gettext("The key before it, %(key)s, ends on %(day)s, at %(time)s UTC.") % {
        "key": old.name,
        "day": date_format(old.row.expires_at, "j F Y"),
        "time": date_format(old.row.expires_at, "H:i"),
    }


def _show_new(
    request: HttpRequest, standing: Standing, new: NewKey, old: KnownKey | None = None
) -> HttpResponse:
    key = _find(standing, new.row.pk)
    lists = key.lists or standing.lists()[:2]  # by number: the first one may be Do Not Mail
    trial = snippets_rest.try_key(may_read=key.row.may_read, number=list(lists)[-1].number)
    context = {
        "text": new.text,
        "key": key,
        "old": old,
        "realm": standing.realm,
        "approved": whitelist_state(request, standing.realm.approved_ips),
        "take_key": snippets_rest.TAKE_KEY,
        "trial": trial,
        **_addresses(),
    }
    return render(request, "reporting/api_key_new.html", context)


def _addresses() -> dict[str, Any]:
    return {"api_url": snippets_rest.api_url(), "docs_url": snippets_rest.docs_url()}
