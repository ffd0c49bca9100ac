"""A list's settings (heading "Edit"), and closing it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from lists.access import OpenedList, Permission, open_list
from lists.actions import NumberTakenError, change_list, close_list, reopen_list
from lists.views.context import list_context
from lists.views.recent_sign_in import require_recent_sign_in
from optout.client_ip import client_ip
from reporting.forms_lists import CloseForm, ListForm
from reporting.list_numbers import say_taken
from reporting.network_release import effect_on_downloads
from reporting.views.webhook_forwarding import forwarding_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_settings(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET shows the form; POST saves it, or shows it again with what was typed and what is wrong.

    Changing the whitelist, or letting clear addresses out, asks for the password first when the sign-in is old
    (security.md §5).
    """
    opened = open_list(request.user, public_id, Permission.EDIT)
    form = ListForm(
        request.POST if request.method == "POST" else None,
        instance=opened.optout_list,
        your_ip=str(client_ip(request) or ""),
    )
    if request.method != "POST" or not form.is_valid():
        return _page(request, opened, form)
    values = form.values()
    before = opened.optout_list.whitelist
    lets_out = values["plain_download"] and not opened.optout_list.plain_download
    if lets_out or values["whitelist"] != before:
        require_recent_sign_in(request)
    try:
        changed = change_list(opened.optout_list, values, actor=opened.standing.user)
    except NumberTakenError as error:
        form.add_error("number", say_taken(opened.standing, error.holder))
        return _page(request, opened, form)
    if changed:
        opened.optout_list.whitelist = values["whitelist"]
        said = [_("Saved."), effect_on_downloads(opened.optout_list, before, timezone.now())]
        if "number" in changed:
            calls = _("Scripts call this list by %(number)d from now on.")
            said.append(calls % {"number": opened.optout_list.number})
        messages.success(request, " ".join(filter(None, said)))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("list_settings", public_id)


@require_POST
@login_required
def list_close(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST confirm_name=<the list's name>: close it."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    optout_list = opened.optout_list
    form = CloseForm(request.POST, optout_list=optout_list)
    if optout_list.is_global or not form.is_valid():
        return _page(request, opened, _untouched(request, opened), form)
    close_list(optout_list, actor=opened.standing.user, now=timezone.now())
    said = _("%(list)s is closed. Its links still record opt-outs.")
    messages.success(request, said % {"list": optout_list.name})
    return redirect("list_settings", public_id)


@require_POST
@login_required
def list_reopen(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST: open a closed list again."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    reopen_list(opened.optout_list, actor=opened.standing.user)
    messages.success(request, _("%(list)s is open again.") % {"list": opened.optout_list.name})
    return redirect("list_settings", public_id)


def _untouched(request: HttpRequest, opened: OpenedList) -> ListForm:
    return ListForm(instance=opened.optout_list, your_ip=str(client_ip(request) or ""))


def _page(
    request: HttpRequest, opened: OpenedList, form: ListForm, close_form: CloseForm | None = None
) -> HttpResponse:
    context = list_context(opened, "list_settings") | {
        "form": form,
        "forwarding": forwarding_of(opened),
        "close_form": close_form or CloseForm(optout_list=opened.optout_list),
    }
    status = 422 if request.method == "POST" else 200  # what was sent was refused
    return render(request, "reporting/list_settings.html", context, status=status)
