"""Global Unsubscribe: one address for email and SMS requests, with a form or without (seed 001)."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from lists.global_unsubscribe import GlobalDoor, find_door
from lists.lookup import get_list_by_id
from optout import screens
from optout.channels.global_unsubscribe import api, form, screen
from optout.channels.global_unsubscribe.asked import read_asked
from optout.channels.global_unsubscribe.parameters import wants_api
from optout.visits import BodyError, Visit


def answer(request: HttpRequest, key: str) -> HttpResponse:
    """Who: the realm by its key or host name. What: the parameters. Then by the response type the API or the form.

    A door that is not there, or switched off, is a 404 for both (S1.3).
    """
    door = find_door(key, str(request.META.get("HTTP_HOST") or ""))
    if door is None or not door.is_on:
        return api.deny(404) if wants_api(request) else screen.no_form(request)
    try:
        asked = read_asked(visit_of(request, door), door)
    except BodyError as error:
        if wants_api(request):
            return api.deny(error.status)
        return screens.unreadable(request, error.status)
    return api.answer(asked) if asked.response_type == "api" else form.answer(asked)


def visit_of(request: HttpRequest, door: GlobalDoor) -> Visit:
    """The request as a visit about the realm's Do Not Mail, whose limits hold; the whitelist is the door's own.

    Raises BodyError.
    """
    do_not_mail = get_list_by_id(door.do_not_mail_id)
    if do_not_mail is None:  # pragma: no cover  every realm has one
        raise BodyError(400)
    return Visit.of(request, replace(do_not_mail, whitelist=door.server_ips))
