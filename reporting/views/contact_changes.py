"""Adding contacts to a list, and taking one off it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from lists.access import OpenedList, Permission
from lists.choices import ListKind
from lists.models import List, User
from lists.views.context import list_context
from optout.client_ip import client_ip
from optout.evidence import Evidence
from reporting.contact_changes import Added, add_contacts, opt_out_contact, remove_contact
from reporting.contacts import ContactRow, ListedContact, as_rows, find_listed
from reporting.forms_contacts import AddContactsForm, Line
from reporting.opted_out import opted_out
from reporting.views.contacts import open_subscribable, place_in_list

MOST_TOLD = 100  # opt-outs and unreadable lines that one answer explains; a page has its weight
_GONE = _("This contact is not on the list any more. Nothing was changed.")


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
            replace(readable[position], problem=gettext("It could not be added."))
            for position in added.refused
        ]
        said = _said(added, form.header)
        if not left and not added.opted_out and not added.flagged:
            messages.success(request, said)
            return redirect("list_contacts", public_id)
        form = form.keep_only(left) if left else AddContactsForm(opened.optout_list)
        context = {"said": said, **_report(opened, added, readable, left)}
    context |= {
        **list_context(opened, "list_contacts"),
        "form": form,
        "uses_key": opened.optout_list.realm.uses_customer_key,
    }
    status = 422 if form.is_bound else 200
    return render(request, "reporting/contacts_add.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remove_list_contact(request: HttpRequest, public_id: str, digest: str) -> HttpResponse:
    """GET asks how, POST `do` takes the contact of that digest (hex) off the list: remove, opt_out, or opt_out_everywhere.

    The way back is to the search and the page of the list that one came from: they stand in the URL.
    """
    opened = open_subscribable(request, public_id, Permission.EDIT)
    contact = find_listed(opened.optout_list, bytes.fromhex(digest))
    do_not_mail = _editable_do_not_mail(opened)
    back = reverse("list_contacts", args=[public_id]) + place_in_list(request.GET)
    leaves = {"opt_out": opened.optout_list}  # by what is pressed
    if do_not_mail is not None:
        leaves["opt_out_everywhere"] = do_not_mail
    do = request.POST.get("do", "")
    if contact is None or (contact.subscribed_at is None and do not in leaves):
        messages.info(request, _GONE)
        return redirect(back)
    row = _row(opened, contact)
    if do in leaves:  # also of somebody who has just been removed: an opt-out is never refused
        _opt_out(request, leaves[do], contact, row.address)
        return redirect(back)
    if do == "remove":
        if remove_contact(opened.optout_list, contact, actor=cast("User", request.user)):
            said = gettext("%(address)s is off the list now. No opt-out was recorded.")
            messages.success(request, said % {"address": row.address})
        else:
            messages.info(request, _GONE)
        return redirect(back)
    context = {
        **list_context(opened, "list_contacts"),
        "contact": row,
        "shows_key": opened.optout_list.realm.uses_customer_key,
        "may_edit_do_not_mail": do_not_mail is not None,
        "back": back,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "reporting/contacts_remove.html", context, status=status)


def _editable_do_not_mail(opened: OpenedList) -> List | None:
    """The realm's Do Not Mail, for whoever may edit it."""
    do_not_mail = List.objects.select_related("realm").get(
        realm=opened.optout_list.realm, kind=ListKind.GLOBAL
    )
    may_edit = Permission.EDIT in opened.standing.permissions(do_not_mail)
    return do_not_mail if may_edit else None


def _add(request: HttpRequest, opened: OpenedList, lines: list[Line]) -> Added:
    records = [each.record for each in lines if each.record is not None]
    if not records:
        return Added(0, 0, 0, (), (), ())
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
    addresses = _addresses_at(readable, added.opted_out)
    flagged = _addresses_at(readable, added.flagged)
    suppressed = opted_out(opened.optout_list, addresses[:MOST_TOLD])
    return {
        "is_new": added.new > 0,
        "not_added": [(address, suppressed.get(address)) for address in addresses[:MOST_TOLD]],
        "not_added_more": addresses[MOST_TOLD:],
        "not_added_count": len(addresses),
        "flagged": flagged[:MOST_TOLD],
        "flagged_more": len(flagged[MOST_TOLD:]),
        "left": left[:MOST_TOLD],
        "left_more": len(left[MOST_TOLD:]),
    }


def _addresses_at(lines: list[Line], positions: Iterable[int]) -> list[str]:
    """The addresses of these lines, each once."""
    records = [lines[position].record for position in positions]
    return list(dict.fromkeys(each.address.key for each in records if each is not None))


def _said(added: Added, header: str) -> str:
    said = [gettext("Nobody was added.")]
    if added.new:
        new = ngettext("%(count)s contact added.", "%(count)s contacts added.", added.new)
        said = [new % {"count": f"{added.new:,}"}]
    if added.known:
        known = ngettext(
            "%(count)s contact was on the list already.",
            "%(count)s contacts were on the list already.",
            added.known,
        )
        said.append(known % {"count": f"{added.known:,}"})
    if added.renamed:
        renamed = ngettext("%(count)s name changed.", "%(count)s names changed.", added.renamed)
        said.append(renamed % {"count": f"{added.renamed:,}"})
    if header:
        said.append(gettext("The first line was skipped: it names the columns."))
    return " ".join(said)


def _opt_out(request: HttpRequest, optout_list: List, contact: ListedContact, address: str) -> None:
    """`address` is how the reader may see it."""
    is_new = opt_out_contact(
        optout_list,
        contact,
        actor=cast("User", request.user),
        now=timezone.now(),
        evidence=_evidence(request),
    )
    words = {"address": address, "sender": optout_list.realm.sender_name}
    if is_new and optout_list.is_global:
        said = gettext(
            "%(address)s is opted out of everything from %(sender)s. It cannot be added again until this is lifted."
        )
    elif is_new:
        said = gettext("%(address)s is opted out. It cannot be added again until this is lifted.")
    elif optout_list.is_global:
        said = gettext(
            "%(address)s was opted out of everything from %(sender)s already. It is off every list now."
        )
    else:
        said = gettext("%(address)s was opted out already. It is off the list now.")
    (messages.success if is_new else messages.info)(request, said % words)


def _row(opened: OpenedList, contact: ListedContact) -> ContactRow:
    suppressed = opted_out(opened.optout_list, [contact.address])
    (row,) = as_rows([contact], suppressed, clear=opened.may(Permission.CLEAR))
    return row


def _evidence(request: HttpRequest) -> Evidence:
    return Evidence.of(client_ip(request), request.headers.get("User-Agent"))
