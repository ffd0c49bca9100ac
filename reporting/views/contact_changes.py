"""Adding contacts to a list, and taking one off it."""

from dataclasses import replace
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from lists.access import OpenedList, Permission
from lists.models import User
from lists.views.context import list_context
from optout.client_ip import client_ip
from optout.evidence import Evidence
from reporting.contact_changes import Added, add_contacts, opt_out_contact, remove_contact
from reporting.contacts import ContactRow, Member, as_rows, find_member
from reporting.forms_contacts import AddContactsForm, Line
from reporting.opted_out import opted_out
from reporting.views.contacts import open_subscribable

MOST_TOLD = 100  # opt-outs and unreadable lines that one answer explains; a page has its weight
_GONE = "This contact is not on the list any more. Nothing was changed."


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def add_list_contacts(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET asks for addresses, POST `addresses` (one a line) puts them on the list and tells what became of each."""
    opened = open_subscribable(request, public_id, Permission.EDIT)
    is_post = request.method == "POST"
    form = AddContactsForm(opened.optout_list, request.POST if is_post else None)
    context: dict[str, Any] = {}
    if form.is_valid():
        lines: list[Line] = form.cleaned_data["addresses"]
        readable = [each for each in lines if each.record is not None]
        added = _add(request, opened, readable)
        left = [each for each in lines if each.record is None] + [
            replace(readable[position], problem="It could not be added.")
            for position in added.refused
        ]
        if not left and not added.opted_out:
            messages.success(request, _said(added))
            return redirect("list_contacts", public_id)
        form = form.keep_only(left) if left else AddContactsForm(opened.optout_list)
        context = _report(opened, added, readable, left)
    context |= {**list_context(opened, "list_contacts"), "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "reporting/contacts_add.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remove_list_contact(request: HttpRequest, public_id: str, digest: str) -> HttpResponse:
    """GET asks how, POST `do` takes the contact of that digest (hex) off the list: remove, or opt_out."""
    opened = open_subscribable(request, public_id, Permission.EDIT)
    contact = find_member(opened.optout_list, bytes.fromhex(digest))
    do = request.POST.get("do")
    if contact is None or (contact.subscribed_at is None and do != "opt_out"):
        messages.info(request, _GONE)
        return redirect("list_contacts", public_id)
    if do == "opt_out":  # also of somebody who has just been removed: an opt-out is never refused
        _opt_out(request, opened, contact)
        return redirect("list_contacts", public_id)
    if do == "remove":
        if remove_contact(opened.optout_list, contact, actor=cast("User", request.user)):
            messages.success(request, "Removed from the list. No opt-out was recorded.")
        else:
            messages.info(request, _GONE)
        return redirect("list_contacts", public_id)
    context = {
        **list_context(opened, "list_contacts"),
        "contact": _row(opened, contact),
        "shows_key": opened.optout_list.realm.uses_customer_key,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "reporting/contacts_remove.html", context, status=status)


def _add(request: HttpRequest, opened: OpenedList, lines: list[Line]) -> Added:
    records = [each.record for each in lines if each.record is not None]
    if not records:
        return Added(0, 0, (), ())
    return add_contacts(
        opened.optout_list,
        records,
        actor=cast("User", request.user),
        now=timezone.now(),
        evidence=_evidence(request),
    )


def _report(
    opened: OpenedList, added: Added, readable: list[Line], left: list[Line]
) -> dict[str, Any]:
    """What the page tells of contacts that were to be added and of whom some were not."""
    records = [readable[position].record for position in added.opted_out]
    addresses = list(dict.fromkeys(each.address.key for each in records if each is not None))
    suppressed = opted_out(opened.optout_list, addresses[:MOST_TOLD])
    return {
        "said": _said(added),
        "is_new": added.new > 0,
        "not_added": [(address, suppressed.get(address)) for address in addresses[:MOST_TOLD]],
        "not_added_more": addresses[MOST_TOLD:],
        "not_added_count": len(addresses),
        "left": left[:MOST_TOLD],
        "left_more": len(left[MOST_TOLD:]),
    }


def _said(added: Added) -> str:
    said = [f"{_contacts(added.new)} added." if added.new else "Nobody was added."]
    if added.known:
        were = "was" if added.known == 1 else "were"
        said.append(f"{_contacts(added.known)} {were} on the list already.")
    return " ".join(said)


def _opt_out(request: HttpRequest, opened: OpenedList, contact: Member) -> None:
    is_new = opt_out_contact(
        opened.optout_list,
        contact,
        actor=cast("User", request.user),
        now=timezone.now(),
        evidence=_evidence(request),
    )
    if is_new:
        messages.success(
            request, "Opted out. The address cannot be added again until this is lifted."
        )
    else:
        messages.info(request, "This address was opted out already. It is off the list now.")


def _row(opened: OpenedList, contact: Member) -> ContactRow:
    suppressed = opted_out(opened.optout_list, [contact.address])
    (row,) = as_rows([contact], suppressed, clear=opened.may(Permission.CLEAR))
    return row


def _evidence(request: HttpRequest) -> Evidence:
    return Evidence.of(client_ip(request), request.headers.get("User-Agent"))


def _contacts(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"
