"""The preference page: what one recipient gets from a sender, and the buttons that change it (pages.md)."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from lists.lookup import ListSnapshot
from optout import replies, screens
from optout.addresses import Address, mask
from optout.choices import Medium
from optout.guard import form_token
from optout.languages import Reading
from optout.links import PREFERENCES, make_token
from optout.own_texts import in_language
from optout.pages import render_page
from optout.preference_choices import Choices, find_choices
from optout.visits import Visit

SAVED, OUTDATED = "saved", "changed"  # in the page's address: what became of the form

REFUSED: dict[int, Promise | str] = {  # by the status of a form that the guard refused
    400: screens.TOO_OLD,
    403: _("Another website sent you here. Check your choices before you save them."),
}


def show_choices(
    visit: Visit,
    recipient: Address,
    choices: Choices,
    *,
    status: int = 200,
    is_saved: bool = False,
    is_outdated: bool = False,
) -> HttpResponse:
    """The page with its boxes; refused, with what is wrong; `is_outdated`, after a form that knew less. It changes nothing."""
    return render_page(
        "preferences",
        replace(visit.optout_list, closed_at=None),  # it is about the others as well
        visit.reading,
        status=status,
        optout_status="" if status == 200 else replies.REJECTED,
        link_query={},
        problem=REFUSED.get(status, ""),
        is_saved=is_saved,
        is_outdated=is_outdated,
        token=form_token(visit),
        choices=choices,
        since=choices.stopped_at,
        all_stopped=True,  # of `since`
        **_of_recipient(recipient),
    )


def preview_context(
    optout_list: ListSnapshot, recipient: Address, reading: Reading
) -> dict[str, Any]:
    """What the page shows of an address that is nobody's, with the list as it is given, perhaps not saved yet.

    The realm's lists are read only where that is shown.
    """

    def find() -> Choices:
        own = in_language(optout_list, reading.code)
        found = find_choices(optout_list, recipient, reading.code)
        return replace(found, every=tuple(each.as_in(own) for each in found.every))

    return {**_of_recipient(recipient), "choices": SimpleLazyObject(find)}


def _of_recipient(recipient: Address) -> dict[str, Any]:
    return {"address": mask(recipient.key), "is_phone": recipient.medium == Medium.SMS}


def see_choices(visit: Visit, recipient: Address, *, is_saved: bool) -> HttpResponse:
    """303 to the page as it is now, which says that all is saved, or that the form knew less than we do."""
    path = f"/p/{make_token(visit.optout_list.id, recipient.key, PREFERENCES)}"
    outcome = SAVED if is_saved else OUTDATED
    return replies.see_other(path, visit.reading, [(outcome, "1")], replies.RECORDED)
