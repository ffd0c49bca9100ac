"""The public doors: which channel answers a request to a link (security.md §3, in its order)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from lists.lookup import get_list, get_list_by_id
from optout import replies, screens
from optout.addresses import Address, AddressError, parse_phone
from optout.callers import Caller, classify
from optout.channels import direct_link, one_click, page, pixel, s2s, signed_link, sms_link
from optout.channels.global_unsubscribe import done as global_done
from optout.channels.global_unsubscribe import door as global_door
from optout.channels.global_unsubscribe import preview as global_preview
from optout.channels.inbound_sms import door as sms_door
from optout.given import NOTHING
from optout.guard import is_form
from optout.links import OPT_OUT
from optout.public import post_only, public
from optout.short_links import read_short_token
from optout.signed_visits import answer_signed
from optout.visits import BodyError, Visit

ANSWERS: dict[Caller, Callable[[Visit], HttpResponse]] = {
    Caller.PREFETCH: page.show,
    Caller.ONE_CLICK: one_click.record_unsigned,
    Caller.WHITELISTED: s2s.answer,
    Caller.IMAGE: pixel.answer,
    Caller.IMAGE_PROXY: pixel.answer_proxy,
    Caller.PERSON: direct_link.answer,
    Caller.FETCHER: page.show,
    Caller.SERVER: s2s.refuse,
}
_READERS = (Caller.PERSON, Caller.FETCHER)


@public
def open_link(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/u/<public_id>`: the hosted page, and with an address the direct link."""
    return _open(request, public_id, image_path=False)


@public
def open_pixel(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/u/<public_id>.gif`: the same for images."""
    return _open(request, public_id, image_path=True)


@public
def open_signed_link(request: HttpRequest, token: str) -> HttpResponse:
    """`/o/<token>`: one recipient's own link. A POST acts; a page whose button was pressed is asked for its token."""
    return answer_signed(request, token, OPT_OUT, _answer_signed)


@public
def open_short_link(request: HttpRequest, name: str) -> HttpResponse:
    """`/s/<token>` and `/s/<public_id>`: the link in a text message, one recipient's or the list's. A press of its
    button acts; to a recipient's own, so does a program's POST."""
    target = read_short_token(name)
    optout_list = get_list_by_id(target.list_id) if target else get_list(name)
    if optout_list is None:
        return screens.broken_link(request)
    try:
        recipient = parse_phone(target.address, optout_list.region) if target else None
        visit = sms_link.prepare(Visit.of(request, optout_list), recipient)
    except AddressError:
        return screens.broken_link(request)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    if request.method != "POST":
        return sms_link.show(visit)
    if recipient is None or is_form(visit) or (visit.takes_html and not visit.is_one_click):
        return sms_link.record_form(visit)
    return sms_link.record_program(visit, recipient)


@post_only
def receive_text(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/sms/<public_id>`: a gateway passes on what somebody texted to a number of a realm."""
    return sms_door.answer(request, public_id)


@post_only
def unknown_gateway(request: HttpRequest) -> HttpResponse:
    """Everything else below `/sms/`: for a program, and told in its way."""
    return sms_door.unknown()


@public
def open_api_web(request: HttpRequest) -> HttpResponseBase:
    """`/api_web` and `/bin/api_web`: one command of a mailer's old script."""
    from optout.channels.api_web import door

    return door.answer(request)


@public
def open_global_unsubscribe(request: HttpRequest, key: str | None = None) -> HttpResponse:
    """`/unsubscribe/unsubscribe` and `/g/<key>/unsubscribe/unsubscribe`: the global request, by form or API (S1.8)."""
    return global_door.answer(request, key or "")


@public
def open_global_done(request: HttpRequest, key: str | None = None) -> HttpResponse:
    """`…/unsubscribe/done?t=…`: what the form leads to; GET shows, POST undoes."""
    return global_done.answer(request, key or "")


@public
def open_global_preview(request: HttpRequest, key: str) -> HttpResponse:
    """`/g/<key>/unsubscribe/preview?…`: the form as these parameters make it, for the owner. Saves nothing."""
    return global_preview.answer(request, key)


@public
def broken_link(request: HttpRequest) -> HttpResponse:
    """Everything else below our public paths: links that were cut off or copied in part."""
    return screens.broken_link(request)


def _open(request: HttpRequest, public_id: str, *, image_path: bool) -> HttpResponse:
    optout_list = get_list(public_id)
    if optout_list is None:
        if image_path:
            return replies.gif(404, replies.REJECTED)
        return screens.broken_link(request)
    try:
        visit = Visit.of(request, optout_list, image_path=image_path)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    if request.method == "POST" and is_form(visit):
        return page.record_form(visit)
    return _answer(visit)


def _answer_signed(visit: Visit, recipient: Address) -> HttpResponse:
    if visit.request.method != "POST":
        return signed_link.show(visit, recipient)
    if is_form(visit) or (visit.takes_html and not visit.is_one_click):
        return signed_link.record_form(visit, recipient)
    return one_click.record_signed(visit, recipient)


def _answer(visit: Visit) -> HttpResponse:
    caller = classify(
        str(visit.request.method),
        visit.request.META,
        image_path=visit.image_path,
        # An owner who looks at the page from the office is no server that forgot the address.
        whitelisted=visit.is_whitelisted and not (visit.takes_html and visit.sent.address is None),
        one_click=visit.is_one_click,
    )
    if visit.image_path and caller is Caller.PREFETCH:
        return pixel.show(visit)
    if caller is Caller.SERVER and visit.sent == NOTHING:  # rule 5: without an address, the form
        return page.show(visit)
    if visit.request.method == "POST" and caller in _READERS:
        return page.record_form(visit)
    return ANSWERS[caller](visit)
