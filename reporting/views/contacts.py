"""A list's contacts: who is on it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lists.access import OpenedList, Permission, open_list
from lists.bounded import TookTooLongError, at_most
from lists.views.context import list_context
from optout.addresses import AddressError
from reporting.contacts import (
    MOST_COUNTED,
    ContactPage,
    PageStart,
    as_rows,
    is_found_whole_only,
    list_contacts_page,
    read_sought,
)
from reporting.forms_contacts import ContactSearchForm
from reporting.opted_out import opted_out
from reporting.paging import page_url
from reporting.views.contact_tabs import contact_tabs

SEARCH_SECONDS = 5


@login_required
@require_safe
@never_cache
def list_contacts(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: 50 contacts in the order of their addresses; the search and the place in the list are in the URL."""
    opened = open_subscribable(request, public_id, Permission.ENTRIES)
    clear = opened.may(Permission.CLEAR)
    form = ContactSearchForm(request.GET, clear=clear)
    page, took_too_long = _find(request, opened, form)
    contacts = page.contacts if page is not None else ()
    suppressed = opted_out(opened.optout_list, [each.address for each in contacts])
    count = page.count if page is not None else 0
    context = {
        **list_context(opened, "list_contacts"),
        "contact_tabs": contact_tabs(opened, "list_contacts"),
        "form": form,
        "contacts": as_rows(contacts, suppressed, clear=clear),
        "count": min(count, MOST_COUNTED),
        "is_counted": page is not None,
        "is_more": count > MOST_COUNTED,
        "sees_clear": clear,
        "shows_key": clear and opened.optout_list.realm.uses_customer_key,
        "may_edit": opened.may(Permission.EDIT),
        "has_opted_out": bool(suppressed),
        "is_searched": bool(form.errors or form.cleaned_data["q"]),
        "is_found_whole_only": is_found_whole_only(form.cleaned_data.get("q", "")),
        "is_paged": "after" in request.GET or "before" in request.GET,
        "place_in_list": place_in_list(request.GET),
        "took_too_long": took_too_long,
        "previous_url": page_url(request.GET, "before", page.before if page else None),
        "next_url": page_url(request.GET, "after", page.after if page else None),
    }
    return render(request, "reporting/contacts.html", context)


def open_subscribable(request: HttpRequest, public_id: str, permission: Permission) -> OpenedList:
    """The list; nobody is on Do Not Mail, which holds those who are to be left alone."""
    opened = open_list(request.user, public_id, permission)
    if opened.optout_list.is_global:
        raise Http404
    return opened


def place_in_list(query: QueryDict) -> str:
    """The search and the page as the list's own URL has them, for the way back to it; empty when it has none."""
    kept = QueryDict(mutable=True)
    for name in ("q", "after", "before"):
        text = query.get(name)
        if text:
            kept[name] = text
    return f"?{kept.urlencode()}" if kept else ""


def _find(
    request: HttpRequest, opened: OpenedList, form: ContactSearchForm
) -> tuple[ContactPage | None, bool]:
    """The page, or None; and whether looking for it was stopped, which is not the same as finding nothing."""
    if not form.is_valid():
        return None, False
    optout_list, text, sought = opened.optout_list, form.cleaned_data["q"], None
    if text:
        region, clear = optout_list.realm.default_region, opened.may(Permission.CLEAR)
        try:
            sought = read_sought(text, region, clear=clear)
        except AddressError as error:
            form.add_error("q", str(error))
            return None, False
    try:
        with at_most(SEARCH_SECONDS):
            return list_contacts_page(optout_list, sought, _page_start(request.GET)), False
    except TookTooLongError:
        return None, True


def _page_start(query: QueryDict) -> PageStart | None:
    for direction in ("before", "after"):
        text = query.get(direction, "")
        if text.isascii() and text.isdigit() and len(text) <= 18:
            return PageStart("before" if direction == "before" else "after", int(text))
    return None
