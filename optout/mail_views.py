"""The public doors of what people ask us to mail (S2.2): the join form, the link in its mail, the form that asks for a link."""

from collections.abc import Callable
from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from lists.lookup import ListSnapshot, get_list, get_list_by_id
from optout import mail_forms, screens
from optout.channels import ask
from optout.channels.join import confirm, form, told
from optout.links import JOIN, read_token
from optout.mail_requests import MailRequest
from optout.public import public
from optout.visits import BodyError, Visit

JOIN_DOOR, PREFERENCES_DOOR = "j", "p"


@public
def open_join(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/j/<public_id>`: the form; a POST comes from it, or from one on the owner's website."""

    def answer(visit: Visit) -> HttpResponse:
        if not form.is_open(visit.optout_list):
            return told.tell_closed(visit)
        return form.record_form(visit) if request.method == "POST" else form.show(visit)

    return _about(request, get_list(public_id), JOIN_DOOR, answer)


@public
def open_join_sent(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/j/<public_id>/sent`: what the form leads to, the same for everybody (AT-03)."""

    def answer(visit: Visit) -> HttpResponse:
        if not form.is_open(visit.optout_list):
            return told.tell_closed(visit)
        return mail_forms.page(visit, "mail_sent")

    return _about(request, get_list(public_id), JOIN_DOOR, answer)


@public
def open_join_link(request: HttpRequest, token: str) -> HttpResponse:
    """`/j/<token>`: the link in the mail. GET asks, POST joins."""

    def answer(visit: Visit, row: MailRequest) -> HttpResponse:
        if request.method == "POST":
            return confirm.record_form(visit, row, token)
        return confirm.show(visit, row)

    return _about_request(request, token, answer)


@public
def open_join_done(request: HttpRequest, token: str) -> HttpResponse:
    """`/j/<token>/done`: what that leads to. Changes nothing."""
    return _about_request(request, token, confirm.show_done)


@public
def open_ask(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/p/<public_id>`: the form that asks for the link to one's preference page."""

    def answer(visit: Visit) -> HttpResponse:
        return ask.record_form(visit) if request.method == "POST" else ask.show(visit)

    return _about(request, get_list(public_id), PREFERENCES_DOOR, answer)


@public
def open_ask_sent(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/p/<public_id>/sent`: what that leads to, the same for everybody (AT-03)."""

    def answer(visit: Visit) -> HttpResponse:
        return mail_forms.page(visit, "mail_sent")

    return _about(request, get_list(public_id), PREFERENCES_DOOR, answer)


def _about(
    request: HttpRequest,
    optout_list: ListSnapshot | None,
    door: str,
    answer: Callable[[Visit], HttpResponse],
) -> HttpResponse:
    if optout_list is None:
        return screens.broken_link(request)
    try:
        visit = Visit.of(request, optout_list)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    return answer(replace(visit, door=door))


def _about_request(
    request: HttpRequest,
    token: str,
    answer: Callable[[Visit, MailRequest], HttpResponse],
) -> HttpResponse:
    target = read_token(token, JOIN)
    if target is None:
        return screens.broken_link(request)

    def answer_if_kept(visit: Visit) -> HttpResponse:
        if not form.is_open(visit.optout_list):
            return told.tell_closed(visit)
        row = confirm.find(visit, target.address)
        if row is None:
            return told.tell_too_old(visit)
        return answer(replace(visit, language=row.language), row)

    return _about(request, get_list_by_id(target.list_id), JOIN_DOOR, answer_if_kept)
