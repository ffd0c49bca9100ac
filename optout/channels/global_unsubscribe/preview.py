"""Every state of the form as these parameters make it, for the owner. Saves nothing and knows nobody."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from lists.global_unsubscribe import EMAIL, PHONE, find_door
from optout import screens
from optout.channels.global_unsubscribe import done, form, screen
from optout.channels.global_unsubscribe.asked import Asked, read_asked
from optout.channels.global_unsubscribe.door import visit_of
from optout.given import NOTHING
from optout.guard import is_form
from optout.preview import SAMPLE_EMAIL, SAMPLE_PHONE
from optout.visits import BodyError

STATES = ("form", "error", "done", "undone", "too-many")
_SAMPLES = {EMAIL: SAMPLE_EMAIL, PHONE: SAMPLE_PHONE}


def answer(request: HttpRequest, key: str) -> HttpResponse:
    """`state` is one of STATES; an unknown one is the form. Also while the door is off: who switches it on looks first.

    A button leads where it would lead: the form's to the done page, or to its errors, and Undo to the page after it.
    """
    door = find_door(key, "")
    if door is None:
        return screen.no_form(request)
    try:
        visit = visit_of(request, door)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    asked = read_asked(visit, door)
    if request.method == "POST":
        return _press(asked)
    return _show(asked, next(iter(visit.query.get("state", ())), ""))


def _press(asked: Asked) -> HttpResponse:
    if not is_form(asked.visit):
        return _show_undone(asked)
    if asked.email.error or asked.phone.error:
        return screen.show_form(asked, errors=form.find_errors(asked), preview="error")
    return _show_done(asked)


def _show(asked: Asked, state: str) -> HttpResponse:
    if state == "done":
        return _show_done(asked)
    if state == "undone":
        return _show_undone(asked)
    if state == "too-many":
        return screen.show_too_many(asked, timedelta(minutes=10), preview=state)
    if state == "error":
        asked = replace(asked, email=NOTHING, phone=NOTHING)
        return screen.show_form(asked, errors=form.find_errors(asked), preview=state)
    return screen.show_form(asked, preview="form")


def _show_undone(asked: Asked) -> HttpResponse:
    query = screen.link_query(asked)
    return done.show_undone(
        asked.visit.optout_list,
        asked.visit.reading,
        again="?" + urlencode({**query, "state": "form"}),
        is_preview=True,
        link_query={**query, "state": "undone"},
    )


def _show_done(asked: Asked) -> HttpResponse:
    given = {EMAIL: asked.email.address, PHONE: asked.phone.address}
    usable = [each.key for each in given.values() if each is not None]
    samples = [_SAMPLES[name] for name in asked.fields if name in _SAMPLES]
    return done.show_done(
        asked.visit.optout_list,
        screen.scope_of(asked),
        asked.visit.reading,
        usable or samples,
        can_undo=True,
        is_preview=True,
        link_query={**screen.link_query(asked), "state": "done"},
    )
