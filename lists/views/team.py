"""The people of a realm: who they are, what they may do, inviting and removing them. Realm admins only."""

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lists.access import Standing
from lists.actions import LastAdminError, add_member, change_member, remove_member
from lists.choices import ListKind, Role
from lists.forms import InviteForm, MemberForm
from lists.invitations import send_invitation
from lists.models import List, Membership, User
from lists.views.context import admin_standing

_LAST_ADMIN = _("This is the realm's only admin. Make somebody else realm admin first.")


@require_safe
@login_required
def team(request: HttpRequest) -> HttpResponse:
    """GET /manage/team/: every member with role and lists."""
    standing = admin_standing(request)
    members = (
        Membership.objects.filter(realm=standing.realm)
        .select_related("user")
        .prefetch_related("lists")
        .order_by("role", "user__email")
    )
    return render(request, "lists/team.html", {"members": members, "me": standing.user.pk})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_invite(request: HttpRequest) -> HttpResponse:
    """POST email, role, lists: give that person a place, and mail a link to set a password if they are new here."""
    standing = admin_standing(request)
    sent = request.POST if request.method == "POST" else None
    form = InviteForm(sent, lists=_lists(standing))
    if sent is None or not form.is_valid():
        return _show_invite(request, form)
    email, role, lists = _chosen(form)
    try:
        membership, is_new = add_member(standing.realm, email, role, lists, actor=standing.user)
    except LastAdminError:
        form.add_error("role", _LAST_ADMIN)
        return _show_invite(request, form)
    if is_new:
        _mail(request, membership.user, standing)
    else:
        messages.success(
            request, gettext("%(email)s now has a place in this realm.") % {"email": email}
        )
    return redirect("team")


def _show_invite(request: HttpRequest, form: InviteForm) -> HttpResponse:
    context = {"form": form}
    return render(request, "lists/team_invite.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """One member: POST role, lists changes them."""
    standing = admin_standing(request)
    member = _member(standing, membership_id)
    sent = request.POST if request.method == "POST" else None
    chosen = list(member.accesses.values_list("optout_list", flat=True))
    form = MemberForm(sent, lists=_lists(standing), initial={"role": member.role, "lists": chosen})
    if sent is not None and form.is_valid():
        try:
            change_member(
                member,
                Role(form.cleaned_data["role"]),
                form.cleaned_data["lists"],
                actor=standing.user,
            )
        except LastAdminError:
            form.add_error("role", _LAST_ADMIN)
        else:
            messages.success(request, gettext("Saved."))
            return redirect("overview" if _has_left(standing, member) else "team")
    context = {"form": form, "member": member}
    return render(request, "lists/team_member.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def team_remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    """POST: end somebody's place in the realm."""
    standing = admin_standing(request)
    member = _member(standing, membership_id)
    try:
        remove_member(member, actor=standing.user)
    except LastAdminError:
        messages.error(request, _LAST_ADMIN)
        return redirect("team_member", membership_id)
    messages.success(
        request,
        gettext("%(email)s has no place in this realm any more.") % {"email": member.user.email},
    )
    return redirect("overview" if member.user_id == standing.user.pk else "team")


@require_POST
@login_required
def team_mail_again(request: HttpRequest, membership_id: int) -> HttpResponse:
    """POST: mail the link to set a password again, to somebody who has not set one yet."""
    standing = admin_standing(request)
    member = _member(standing, membership_id)
    if not member.user.has_usable_password():
        _mail(request, member.user, standing)
    return redirect("team")


def _mail(request: HttpRequest, user: User, standing: Standing) -> None:
    send_invitation(user, standing.realm, invited_by=standing.user)
    said = _("We are mailing %(email)s a link to set a password.") % {"email": user.email}
    messages.success(request, said)


def _chosen(form: InviteForm) -> tuple[str, Role, Iterable[List]]:
    data = form.cleaned_data
    return data["email"], Role(data["role"]), data["lists"]


def _member(standing: Standing, membership_id: int) -> Membership:
    member = (
        Membership.objects.select_related("user", "realm")
        .filter(realm=standing.realm, pk=membership_id)
        .first()
    )
    if member is None:
        raise Http404
    return member


def _lists(standing: Standing) -> QuerySet[List]:
    """Do Not Mail is nobody's to be given: realm admins and viewers see it anyway."""
    return (
        List.objects.filter(realm=standing.realm).exclude(kind=ListKind.GLOBAL).order_by("number")
    )


def _has_left(standing: Standing, member: Membership) -> bool:
    return member.user_id == standing.user.pk and member.role != Role.ADMIN
