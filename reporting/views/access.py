"""Who may fetch a list, and who did: download keys, mailers, the access log (S0.2, S0.13)."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lists.access import OpenedList, Permission, open_list
from lists.invitations import send_invitation
from lists.models import Membership, User
from lists.views.context import list_context
from lists.views.recent_sign_in import require_recent_sign_in
from optout import links
from reporting.access_rights import (
    OtherPlaceError,
    downloads_of,
    give_list,
    invite_mailer,
    keys_of,
    mailers_of,
    mailers_without,
    make_key,
    switch_key,
    take_list,
)
from reporting.forms_access import GiveListForm, InviteMailerForm, KeyForm
from reporting.paging import keyset_page

LOG_SIZE = 25


@login_required
@require_safe
def list_access(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the list's keys, its mailers, and the log of its downloads."""
    return _show(request, open_list(request.user, public_id, Permission.EDIT))


@login_required
@require_POST
@never_cache
def make_download_key(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST label, membership, may_see_clear: make a key, and show it in this one answer."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    require_recent_sign_in(request)
    form = KeyForm(_members(opened), request.POST, auto_id="key_%s")
    if not form.is_valid():
        return _show(request, opened, status=422, key_form=form)
    new_key = make_key(opened.optout_list, **form.cleaned_data, actor=_actor(request))
    context = {
        **list_context(opened, "list_access"),
        "new_key": new_key,
        "address": f"{links.download_url(public_id)}?key={new_key.text}",
    }
    return render(request, "reporting/access_key.html", context)


@login_required
@require_POST
def switch_download_key(request: HttpRequest, public_id: str, key_id: int) -> HttpResponse:
    """POST `on` 1 or 0: let the key open the list, or not."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    on = request.POST.get("on") == "1"
    if on:
        require_recent_sign_in(request)
    if not switch_key(opened.optout_list, key_id, on=on, actor=_actor(request)):
        raise Http404
    messages.success(request, _("The key is on.") if on else _("The key is off."))
    return redirect("list_access", public_id)


@login_required
@require_POST
def give_list_to_mailer(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST membership, may_download, may_see_clear: let a mailer of the realm see the list."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    require_recent_sign_in(request)
    form = GiveListForm(mailers_without(opened.optout_list), request.POST, auto_id="mailer_%s")
    if not form.is_valid():
        return _show(request, opened, status=422, mailer_form=form)
    give_list(opened.optout_list, **form.cleaned_data, actor=_actor(request))
    messages.success(request, _("The mailer has the list."))
    return redirect("list_access", public_id)


@login_required
@require_POST
def invite_mailer_to_list(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST email, may_download, may_see_clear: make a login for a mailer, with this list and nothing else (S0.2)."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    require_recent_sign_in(request)
    form = InviteMailerForm(request.POST, auto_id="invite_%s")
    if not form.is_valid():
        return _show(request, opened, status=422, invite_form=form)
    try:
        invited = invite_mailer(opened.optout_list, **form.cleaned_data, actor=_actor(request))
    except OtherPlaceError:
        form.add_error("email", _("This person is in the realm already, and is not a mailer."))
        return _show(request, opened, status=422, invite_form=form)
    if invited.is_new:
        _mail(request, opened, invited.user)
    else:
        messages.success(request, _("%(email)s has the list.") % {"email": invited.user.email})
    return redirect("list_access", public_id)


@login_required
@require_POST
def change_mailer(request: HttpRequest, public_id: str, access_id: int) -> HttpResponse:
    """POST `do` save (with may_download, may_see_clear) or remove: what a mailer may do with the list."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    access = mailers_of(opened.optout_list).filter(pk=access_id).first()
    if access is None:
        raise Http404
    if request.POST.get("do") == "remove":
        keys = take_list(opened.optout_list, access.membership, actor=_actor(request))
        said = _("The mailer no longer has the list.")
        off = _("Keys switched off: %(count)d.") % {"count": keys} if keys else ""
        messages.success(request, f"{said} {off}".rstrip())
    else:
        rights = {name: name in request.POST for name in ("may_download", "may_see_clear")}
        if any(may and not getattr(access, name) for name, may in rights.items()):
            require_recent_sign_in(request)
        give_list(opened.optout_list, access.membership, **rights, actor=_actor(request))
        messages.success(request, _("Saved."))
    return redirect("list_access", public_id)


def _show(
    request: HttpRequest, opened: OpenedList, *, status: int = 200, **forms: Any
) -> HttpResponse:
    optout_list = opened.optout_list
    log = keyset_page(downloads_of(optout_list), "started_at", request.GET, size=LOG_SIZE)
    mailers = list(mailers_of(optout_list))
    others = list(mailers_without(optout_list))
    context = {
        **list_context(opened, "list_access"),
        "keys": keys_of(optout_list),
        "mailers": mailers,
        "others": others,
        "key_form": KeyForm([each.membership for each in mailers], auto_id="key_%s"),
        "mailer_form": GiveListForm(others, auto_id="mailer_%s"),
        "invite_form": InviteMailerForm(auto_id="invite_%s"),
        "log": log.rows,
        "older_url": f"?after={log.older}#log" if log.older else "",
        "newer_url": f"?before={log.newer}#log" if log.newer else "",
        "now": timezone.now(),
        **forms,
    }
    return render(request, "reporting/access.html", context, status=status)


def _mail(request: HttpRequest, opened: OpenedList, user: User) -> None:
    send_invitation(user, opened.optout_list.realm, invited_by=opened.standing.user)
    said = _("We are mailing %(email)s a link to set a password.") % {"email": user.email}
    messages.success(request, said)


def _members(opened: OpenedList) -> list[Membership]:
    return [access.membership for access in mailers_of(opened.optout_list)]


def _actor(request: HttpRequest) -> User:
    return cast("User", request.user)
