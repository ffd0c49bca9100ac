"""The link in the mail to somebody who wants to join: opening it shows, the button acts (S2.2). Signed, so never limited."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from optout import links, mail_forms
from optout.addresses import mask, parse_email
from optout.channels.join import form
from optout.choices import Channel, MailKind
from optout.evidence import Evidence
from optout.guard import check_form, form_token
from optout.mail_requests import KEPT, MailRequest, find_request
from optout.queries import Found, find_suppressions, is_subscribed
from optout.returning import Joined, foresee, join_list
from optout.visits import Visit

SIGN_UP_AGAIN = _("Sign up again")
TOO_OLD = (
    _("This link is too old"),
    _("It worked for seven days. Nothing was changed."),
)
OUT_SINCE = (
    _("You unsubscribed in the meantime"),
    _("You unsubscribed after you asked for this mail, so nothing was changed."),
)
BARRED = (
    form.CLOSED[0],
    _(
        "You are off this list for a legal reason. Only the sender can change that. Please ask them."
    ),
)
_PROBLEMS = {400: mail_forms.TOO_OLD, 403: mail_forms.ONCE_MORE}


def find(visit: Visit, mail_id: str) -> MailRequest | None:
    """The request that the link was made for; None once it is too old."""
    row = find_request(int(mail_id)) if mail_id.isdecimal() else None
    if row is None or row.kind != MailKind.JOIN or row.optout_list_id != visit.optout_list.id:
        return None
    return row if visit.now - row.asked_at < KEPT else None


def show(visit: Visit, row: MailRequest) -> HttpResponse:
    """The question, and since when an opt-out is in force: only this link may tell. Changes nothing, whoever asks."""
    joins = foresee(visit.optout_list, parse_email(row.address), row.asked_at)
    if not joins.is_on:
        return _tell_out(visit, joins)
    return _ask(visit, row, find_suppressions(visit.optout_list.id, row.address))


def record_form(visit: Visit, row: MailRequest, token: str) -> HttpResponse:
    """The button. Pressed twice it does nothing more; an opt-out that was asked for after the mail stays in force."""
    address = parse_email(row.address)
    guarded = check_form(visit.about(address))
    if status := guarded.refuse_status:
        found = find_suppressions(visit.optout_list.id, row.address)
        return _ask(visit, row, found, status=status, problem=_PROBLEMS[status])
    joined = join_list(
        visit.optout_list,
        address,
        asked_at=row.asked_at,
        channel=Channel.JOIN,
        language=row.language,
        wording=row.wording,
        asked_ip=row.ip,
        evidence=Evidence.of(visit.ip, visit.request.META.get("HTTP_USER_AGENT")),
        now=visit.now,
    )
    if not joined.is_on:
        return _tell_out(visit, joined)
    return mail_forms.see(visit, f"/j/{token}/done")


def show_done(visit: Visit, row: MailRequest) -> HttpResponse:
    """What the button leads to; the question again for whoever is not on the list, for the page is also opened from bookmarks."""
    list_id = visit.optout_list.id
    if not is_subscribed(list_id, bytes(row.digest)) or find_suppressions(list_id, row.address):
        return show(visit, row)
    return mail_forms.page(
        visit,
        "joined",
        address=mask(row.address),
        preferences=links.preferences_url(list_id, row.address),
    )


def tell_too_old(visit: Visit) -> HttpResponse:
    """404: the request is forgotten."""
    return _tell(visit, *TOO_OLD, status=404)


def _ask(visit: Visit, row: MailRequest, found: list[Found], **more: Any) -> HttpResponse:
    return mail_forms.page(
        visit,
        "join_confirm",
        address=mask(row.address),
        token=form_token(visit),
        since=_since(found),
        all_stopped=any(each.is_global for each in found),
        **more,
    )


def _since(found: list[Found]) -> datetime | None:
    widest = [each for each in found if each.is_global] or found
    return widest[0].suppressed_at if widest else None


def _tell_out(visit: Visit, joined: Joined) -> HttpResponse:
    """Why the address stays off the list."""
    if joined is Joined.BARRED:
        return mail_forms.told(visit, *BARRED)
    return _tell(visit, *OUT_SINCE)


def _tell(visit: Visit, heading: Promise | str, text: Promise | str, **more: Any) -> HttpResponse:
    link = f"/j/{visit.optout_list.public_id}" if form.is_open(visit.optout_list) else ""
    return mail_forms.told(visit, heading, text, link=link, link_text=SIGN_UP_AGAIN, **more)
