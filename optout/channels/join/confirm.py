"""The link in the mail to somebody who wants to join: opening it shows, the button acts (S2.2). Signed, so never limited."""

from typing import Any

from django.http import HttpResponse

from optout import links, mail_forms, replies, screens
from optout.addresses import mask, parse_email
from optout.channels.join import told
from optout.choices import Channel, MailKind
from optout.evidence import Evidence
from optout.guard import check_form, form_token
from optout.mail_requests import KEPT, MailRequest, find_request
from optout.queries import find_suppressions, is_subscribed, widest_of
from optout.returning import foresee, join_list
from optout.visits import Visit

_PROBLEMS = {400: screens.TOO_OLD, 403: mail_forms.ONCE_MORE}


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
        return told.tell_out(visit, joins)
    return _ask(visit, row)


def record_form(visit: Visit, row: MailRequest, token: str) -> HttpResponse:
    """The button. Pressed twice it does nothing more; an opt-out that was asked for after the mail stays in force."""
    address = parse_email(row.address)
    guarded = check_form(visit.about(address))
    if status := guarded.refuse_status:
        return _ask(visit, row, status=status, problem=_PROBLEMS[status])
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
        return told.tell_out(visit, joined)
    return replies.see_other(f"/j/{token}/done", visit.reading)


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


def _ask(visit: Visit, row: MailRequest, **more: Any) -> HttpResponse:
    widest = widest_of(find_suppressions(visit.optout_list.id, row.address))
    return mail_forms.page(
        visit,
        "join_confirm",
        address=mask(row.address),
        token=form_token(visit),
        since=widest and widest.suppressed_at,
        all_stopped=widest and widest.is_global,
        **more,
    )
