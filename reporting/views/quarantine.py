"""What a list refused, whom it blocks, and taking back what should not have been recorded (S0.12, security.md §4)."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lists.access import OpenedList, Permission, open_list
from lists.global_actions import SetUpError
from lists.models import User
from lists.networks import NetworksError
from lists.views.context import list_context
from lists.views.recent_sign_in import require_recent_sign_in
from optout.choices import RefusalCause
from optout.client_ip import client_ip
from optout.evidence import Evidence
from optout.quarantine import accept_quarantined, reject_quarantined
from optout.reverting import count_revertible, revert_optouts
from reporting.forms_quarantine import ConfirmNameForm, RevertForm
from reporting.models.notices import NoticeKind
from reporting.network_release import (
    allow_network,
    allow_server,
    do_not_mail_of,
    effect_on_downloads,
    unblock,
)
from reporting.notices import settle_notices, settle_read_texts
from reporting.quarantine_global import global_requests_wait, global_waiting
from reporting.quarantine_groups import (
    WaitingGroup,
    blocked_networks,
    from_network,
    in_groups,
    is_waiting,
    read_groups,
    shown_network,
    waiting_groups,
)
from reporting.quarantine_texts import chosen_texts, waiting_texts


@login_required
@require_safe
@never_cache
def list_quarantine(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: what waits, by network and cause; which networks are blocked; whether the list is in protected mode."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    now = timezone.now()
    optout_list = opened.optout_list
    groups, waiting = waiting_groups(optout_list)
    texts, waiting_count = waiting_texts(optout_list)
    until = optout_list.protected_until
    of_websites = global_waiting(opened.standing, optout_list, now)
    context = {
        **list_context(opened, "list_quarantine"),
        "groups": groups,
        "unlisted": [group for group in groups if _is_unlisted_server(group)],
        "waiting": waiting,
        "texts": texts,
        "waiting_texts": waiting_count,
        "come_back": sum(group.come_back for group in groups),
        "is_cut": waiting > sum(group.addresses for group in groups),
        "blocked": blocked_networks(optout_list, now),
        "global_waiting": of_websites,
        "may_allow_servers": opened.standing.is_realm_admin,
        "protected_until": until if until is not None and until > now else None,
        "binds_download": not optout_list.whitelist,
        "accepts_by_itself": optout_list.accepts_quarantined,
    }
    return render(request, "reporting/quarantine.html", context)


@login_required
@require_POST
def decide_quarantined(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `group` or `text` (one or more), `verdict` accept or reject: record the opt-outs that wait there, or put them
    aside; those that the page showed, not what came since."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    decide = {"accept": accept_quarantined, "reject": reject_quarantined}.get(
        request.POST.get("verdict", "")
    )
    try:
        keys, values = request.POST.getlist("text"), request.POST.getlist("group")
        texts = chosen_texts(keys)
        groups = read_groups(values) if values or not keys else []
    except ValueError:
        decide = None
    if decide is None:
        if request.POST.get("of") == "texts":
            messages.error(request, _("Choose at least one text, then accept or reject."))
        else:
            messages.error(request, _("Choose at least one group, then accept or reject."))
        return redirect("list_quarantine", public_id)
    now = timezone.now()
    count = decide(opened.optout_list, in_groups(groups) | texts, actor=_actor(request), now=now)
    for group in groups:
        is_server = group.cause == RefusalCause.UNLISTED_SERVER
        if is_server and not is_waiting(opened.optout_list, group):
            settle_notices(opened.optout_list, NoticeKind.UNLISTED_SERVER, group.network, now)
    if keys:
        settle_read_texts(now)
    if decide is accept_quarantined:
        done = ngettext("Recorded: %(count)s opt-out.", "Recorded: %(count)s opt-outs.", count)
    else:
        done = ngettext("Rejected: %(count)s opt-out.", "Rejected: %(count)s opt-outs.", count)
    messages.success(request, done % {"count": f"{count:,}"})
    return redirect("list_quarantine", public_id)


@login_required
@require_POST
def release_network(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `network` (CIDR), `how` unblock or allow: end its block; `allow` also puts it on the whitelist and records what
    waits from it."""
    return _try(request, open_list(request.user, public_id, Permission.EDIT), _release)


@login_required
@require_POST
def release_server(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `network` (CIDR), `how` unblock or allow: end the block of its global requests, which stands on Do Not Mail; `allow`
    also makes it one of the publishers' servers and records what waits of them on every list. Realm admins and operators only.
    """
    opened = open_list(request.user, public_id, Permission.EDIT)
    if not opened.standing.is_realm_admin:
        raise Http404
    return _try(request, opened, _release_server)


@login_required
@require_POST
def settle_notice(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST `kind`: the owner has read a notice that is not about a network; it is told anew if its cause comes back."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    kind = request.POST.get("kind", "")
    if kind not in {NoticeKind.PIXEL_IN_MAIL, NoticeKind.PROTECTED_MODE}:
        raise Http404
    settle_notices(opened.optout_list, NoticeKind(kind), None, timezone.now())
    messages.success(request, _("Put aside."))
    return redirect(
        "list_service" if kind == NoticeKind.PIXEL_IN_MAIL else "list_quarantine", public_id
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revert_list(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET with the filter in the URL counts what a revert would lift; POST with the list's name lifts it."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    optout_list = opened.optout_list
    form = RevertForm(request.GET if "since" in request.GET else None)
    is_post = request.method == "POST"
    confirm = ConfirmNameForm(optout_list, request.POST if is_post else None)
    count = count_revertible(optout_list, form.chosen) if form.is_valid() else 0
    if is_post and form.is_valid() and confirm.is_valid():
        lifted = revert_optouts(
            optout_list,
            form.chosen,
            actor=_actor(request),
            now=timezone.now(),
            evidence=Evidence.of(client_ip(request), request.headers.get("User-Agent")),
        )
        done = ngettext("Reverted: %(count)s opt-out.", "Reverted: %(count)s opt-outs.", lifted)
        messages.success(request, done % {"count": f"{lifted:,}"})
        return redirect("list_quarantine", public_id)
    context = {
        **list_context(opened, "list_quarantine"),
        "form": form,
        "confirm": confirm,
        "is_counted": form.is_bound and form.is_valid(),
        "count": count,
    }
    status = 422 if is_post else 200
    return render(request, "reporting/quarantine_revert.html", context, status=status)


def _try(
    request: HttpRequest, opened: OpenedList, release: Callable[[OpenedList, str, str, User], str]
) -> HttpResponse:
    """Release the network that was posted, say what came of it, and lead back to the quarantine."""
    network, how = request.POST.get("network", ""), request.POST.get("how", "")
    if how == "allow":  # it changes who is trusted
        require_recent_sign_in(request)
    try:
        from_network(network)
        said = release(opened, network, how, _actor(request))
    except (NetworksError, SetUpError) as error:
        messages.error(request, str(error))
    except ValueError:
        messages.error(request, _("This is not a network that can be let in."))
    else:
        messages.success(request, said)
    return redirect("list_quarantine", opened.optout_list.public_id)


def _release(opened: OpenedList, network: str, how: str, actor: User) -> str:
    name = shown_network(network)
    if how == "unblock":
        unblock(opened.optout_list, network, actor=actor, now=timezone.now())
        return _("%(network)s is no longer blocked.") % {"network": name}
    if how == "allow":
        before, now = opened.optout_list.whitelist, timezone.now()
        count = allow_network(opened.optout_list, network, actor=actor, now=now)
        effect = effect_on_downloads(opened.optout_list, before, now)
        said = _("%(network)s is on the whitelist.") % {"network": name}
        sentences = (said, _what_waited(count), effect, _still_waiting(opened, network))
        return " ".join(filter(None, sentences))
    raise Http404


def _release_server(opened: OpenedList, network: str, how: str, actor: User) -> str:
    name, realm, now = shown_network(network), opened.optout_list.realm, timezone.now()
    if how == "unblock":
        unblock(do_not_mail_of(realm), network, actor=actor, now=now)
        return _("%(network)s is no longer blocked. What waits of it goes on waiting.") % {
            "network": name
        }
    if how == "allow":
        count = allow_server(realm, network, actor=actor, now=now)
        said = _(
            "%(network)s is one of the publishers’ servers now: its global requests are not counted and not blocked."
        )
        return f"{said % {'network': name}} {_what_waited(count)}"
    raise Http404


def _still_waiting(opened: OpenedList, network: str) -> str:
    """That the whitelist did nothing for what the network's websites ask for."""
    lists = list(opened.standing.lists())
    if not global_requests_wait(lists, network):
        return ""
    return _(
        "Its global requests still wait on other lists, and are counted as before: the whitelist does not concern them."
    )


def _is_unlisted_server(group: WaitingGroup) -> bool:
    return group.cause == RefusalCause.UNLISTED_SERVER and group.can_be_allowed


def _actor(request: HttpRequest) -> User:
    return cast("User", request.user)


def _what_waited(count: int) -> str:
    said = ngettext(
        "Recorded what waited: %(count)s opt-out.",
        "Recorded what waited: %(count)s opt-outs.",
        count,
    )
    return said % {"count": f"{count:,}"}
