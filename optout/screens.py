"""The states of the hosted page that answer a visit (pages.md): which screen, with what on it, with which status."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lists.lookup import ListSnapshot
from optout import replies
from optout.actions import Recorded
from optout.addresses import Accepts, Address, AddressError, mask, parse_address
from optout.choices import Assurance, Channel, Medium
from optout.given import NOTHING, Given
from optout.guard import SCOPE_FIELD, form_id, form_token, trapped_form
from optout.intents import OptOutIntent
from optout.languages import Reading, reading_of
from optout.limits import Judgement
from optout.pages import render_page
from optout.tokens import DoneToken, make_done_token
from optout.visits import Visit, takes_html

_NOT_UNSUBSCRIBING = (
    "/j/",
    "/p/",
)  # where the links of forms and of mails lead (optout/mail_views.py)

EVERYTHING = "sender"  # the scope when everything from this sender shall stop

FIELDS = {
    "email": {
        "label": _("Email address"),
        "type": "email",
        "autocomplete": "email",
    },
    "phone": {
        "label": _("Phone number"),
        "type": "tel",
        "autocomplete": "tel",
    },
    "either": {
        "label": _("Email address or phone number"),
        "type": "text",
        "autocomplete": "email",
    },
}

TOO_OLD = _("This page was open for too long. Please press the button again.")
REFUSED = {  # by the status of a form that the guard refused
    400: TOO_OLD,
    403: _("Another website sent you here. Press the button only if you want to unsubscribe."),
}


def ask(visit: Visit) -> HttpResponse:
    """The page that changes nothing: confirm for a good address in the link, else the form, with an error for a bad one."""
    address = visit.recipient or visit.linked.address
    if address is not None:
        return show_confirm(visit, address)
    if visit.linked.is_unfilled:  # nothing that the reader could mend
        return show_form(visit, NOTHING)
    if visit.linked.error is not None:
        return show_form(visit, visit.linked, status=400, optout_status=replies.REJECTED)
    return show_form(visit, visit.linked)


def ask_again(visit: Visit, status: int) -> HttpResponse:
    """The same page with a fresh token, after the guard refused a form with this status. What was typed is kept."""
    problem = REFUSED[status]
    address = visit.recipient or visit.typed.address or visit.linked.address
    if address is not None and (visit.recipient or visit.linked.address):
        return show_confirm(visit, address, status=status, problem=problem)
    given = replace(visit.typed, error=AddressError("form", problem))
    return show_form(visit, given, status=status, optout_status=replies.REJECTED)


def show_form(
    visit: Visit, given: Given, *, status: int = 200, optout_status: str = ""
) -> HttpResponse:
    """The form that asks for the address; with a summary of what is wrong when it is not the first time."""
    error = given.error
    if error is None and status != 200:
        error = missing_error(visit.optout_list)
    return _page(
        visit,
        "form",
        status=status,
        optout_status=optout_status,
        field=FIELDS[visit.optout_list.accepts],
        text=given.text,
        error=error,
        token=form_token(visit),
        trapped=trapped_form(visit),
        wants_all=wants_everything(visit),
    )


def show_confirm(
    visit: Visit,
    address: Address,
    *,
    status: int = 200,
    problem: Promise | str = "",
    trapped: str = "",
) -> HttpResponse:
    """The page with the address and one button. An address that a signed link holds is masked and stays in the link.

    `trapped` is the form that fell into the trap, where that is why it is shown.
    """
    is_signed = visit.recipient is not None
    return _page(
        visit,
        "confirm",
        status=status,
        optout_status=replies.CONFIRM_REQUIRED,
        address=mask(address.key) if is_signed else address.key,
        # a phone number is taken on a list of emails too, so the field says which it is
        parameter="" if is_signed else "email" if address.medium == Medium.EMAIL else "phone",
        problem=problem,
        token=form_token(visit),
        trapped=trapped or trapped_form(visit),
        wants_all=wants_everything(visit),
    )


def refuse(visit: Visit, judgement: Judgement) -> HttpResponse:
    """429 for a person: nothing is lost, and when to try again."""
    page = _page(
        visit,
        "too_many",
        status=429,
        optout_status=replies.QUARANTINED,
        heading=wait_text_lazy(judgement.wait),
    )
    return replies.retry_after(page, judgement.wait)


def see_done(
    visit: Visit,
    recorded: Sequence[Recorded],
    assurance: Assurance,
    digest: bytes,
    *,
    is_elsewhere: bool = False,
) -> HttpResponse:
    """303 to the done page of what was recorded: one opt-out, or a second one of everything from this sender.

    `is_elsewhere`: the first one is about everything already, and there is none of the list.
    """
    ids = [0] if is_elsewhere else []
    ids += [each.optout_id for each in recorded]
    done = DoneToken(visit.optout_list.id, ids[0], digest, visit.now, assurance)
    if len(ids) > 1:
        everywhere = visit.optout_list.do_not_mail_id
        done = replace(done, also_list_id=everywhere, also_optout_id=ids[1])
    return redirect_to_done(
        visit.optout_list, make_done_token(done), visit.reading, optout_status=replies.RECORDED
    )


def redirect_to_done(
    optout_list: ListSnapshot,
    token: str,
    reading: Reading,
    *,
    optout_status: str = "",
    **more: str,
) -> HttpResponse:
    """303 to a done page."""
    path = f"/u/{optout_list.public_id}/done"
    return replies.see_other(path, reading, {"t": token, **more}.items(), optout_status)


def broken_link(request: HttpRequest) -> HttpResponse:
    """404: the link leads to no list, or its token is not ours."""
    unsubscribes = not request.path.startswith(_NOT_UNSUBSCRIBING)
    if not takes_html(request):
        link = "unsubscribe link" if unsubscribes else "link"
        return replies.text(f"This {link} does not work.", 404, replies.REJECTED)
    return render_page(
        "broken",
        None,
        reading_of(request),
        status=404,
        optout_status=replies.REJECTED,
        unsubscribes=unsubscribes,
    )


def unreadable(request: HttpRequest, status: int) -> HttpResponse:
    """The body was too big (413) or cut off (400)."""
    if not takes_html(request):
        return replies.text("The request body cannot be read.", status, replies.REJECTED)
    return render_page(
        "unreadable", None, reading_of(request), status=status, optout_status=replies.REJECTED
    )


def form_intents(
    visit: Visit, address: Address, channel: Channel, assurance: Assurance
) -> list[OptOutIntent]:
    """The intent of a form; and a second one about the realm's Do Not Mail when everything shall stop."""
    intent = visit.intent(address, channel, assurance, form=form_id(visit))
    if visit.optout_list.is_global or not wants_everything(visit):
        return [intent]
    return [intent, replace(intent, list_id=visit.optout_list.do_not_mail_id, is_global=True)]


def wants_everything(visit: Visit) -> bool:
    """Whether the box "also stop everything from this sender" is ticked."""
    return visit.request.method == "POST" and visit.field(SCOPE_FIELD) == EVERYTHING


def missing_error(optout_list: ListSnapshot) -> AddressError:
    """What to say when the field was left empty, by what the list asks for."""
    try:
        parse_address("", cast("Accepts", optout_list.accepts), optout_list.region)
    except AddressError as error:
        return error
    raise AssertionError  # pragma: no cover


def wait_text(wait: timedelta) -> str:
    """Please try again in … minutes, or hours: rounded up. In the language of the moment."""
    minutes = max(1, -int(-wait.total_seconds() // 60))
    if minutes <= 90:
        return ngettext(
            "Please try again in %(count)d minute",
            "Please try again in %(count)d minutes",
            minutes,
        ) % {"count": minutes}
    hours = -(-minutes // 60)
    return ngettext(
        "Please try again in %(count)d hour", "Please try again in %(count)d hours", hours
    ) % {"count": hours}


wait_text_lazy = lazy(wait_text, str)


def _page(visit: Visit, name: str, **more: Any) -> HttpResponse:
    name = visit.pages.get(name, name)
    return render_page(
        name, visit.optout_list, visit.reading, link_query=_kept(visit), door=visit.door, **more
    )


def _kept(visit: Visit) -> dict[str, str]:
    """What the links to the other languages keep of the link's address: a good one, or what fits."""
    linked = visit.linked
    if visit.recipient is not None or not linked.text or linked.is_unfilled:
        return {}
    if linked.address is None:
        return {"item": linked.text} if len(linked.text) <= 80 else {}
    return {"email" if linked.address.medium == Medium.EMAIL else "phone": linked.address.key}
