"""The done page: reloadable, changes nothing. Its Undo takes back what that one request made (pages.md, AT-46); afterwards one
may say why, or try another address where the typed one looks like a slip."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazy
from django.utils.translation import ngettext

from lists.lookup import ListSnapshot, get_list
from optout import replies, screens
from optout.addresses import hex_digests, mask
from optout.choices import Assurance, Channel
from optout.decoding import decode_query
from optout.done_buttons import LANGUAGE, REASON, read_pressed
from optout.evidence import Evidence
from optout.languages import Reading
from optout.links import preferences_url
from optout.mail_forms import ONCE_MORE
from optout.pages import render_page
from optout.public import public
from optout.queries import (
    RecordedOptOut,
    find_recorded,
    find_suppressions,
    is_suppressed_anywhere,
    widest_of,
)
from optout.reasons import find_reason, forget_reasons, offered, state_reason
from optout.redirects import build_redirect
from optout.reverting import undo_optout
from optout.texts import thank_you_text
from optout.tokens import UNDO_WITHIN, DoneToken, read_done_token
from optout.typos import suggest_address
from optout.visits import PAGE_DOOR, SMS_DOOR, BodyError, Visit

STATUS = "unsubscribed"  # of {status} in a redirect URL


@public
def open_done(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/u/<public_id>/done?t=…`: GET shows; POST does what was pressed (optout/done_buttons.py)."""
    query = decode_query(request.META.get("QUERY_STRING", ""))
    tokens = set(query.get("t", ()))
    token = tokens.pop() if len(tokens) == 1 else ""
    done, optout_list = read_done_token(token), get_list(public_id)
    if done is None or optout_list is None or done.list_id != optout_list.id:
        return screens.broken_link(request)
    try:
        visit = Visit.of(request, optout_list)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    if request.method != "POST":
        return _show(visit, done)
    pressed = read_pressed(visit)
    if pressed.refuse_status:
        return _show(visit, done, refuse_status=pressed.refuse_status)
    # A page that was open for a day undoes nothing, and does not say that it did.
    if pressed.button == LANGUAGE or visit.now - done.recorded_at > UNDO_WITHIN:
        return screens.redirect_to_done(optout_list, token, visit.reading)
    if pressed.button == REASON:
        keep_reason(done, optout_list, visit.reading, pressed.value, visit.now)
        return screens.redirect_to_done(optout_list, token, visit.reading)
    with transaction.atomic():
        take_back(done, visit)
    return screens.redirect_to_done(optout_list, token, visit.reading, undone="1")


def take_back(done: DoneToken, visit: Visit) -> None:
    """Undo what that request made, and forget why it was made. In the caller's transaction."""
    agent = visit.request.META.get("HTTP_USER_AGENT")
    forget_reasons([optout_id for _list, optout_id in done.rows], done.digest)
    undo_optout(done, now=visit.now, evidence=Evidence.of(visit.ip, agent))


def keep_reason(
    done: DoneToken, offered_by: ListSnapshot, reading: Reading, reason: str, now: datetime
) -> None:
    """Keep why this request was made, if that list has this button for its reader; anything else is nobody's answer."""
    found = find_reason(reason, offered_by, reading.code)
    if found is not None:
        list_id, optout_id = done.rows[0]
        state_reason(list_id, optout_id, done.digest, found, now=now)


def delay_text(hours: int) -> str:
    """How long it can take until the last message stops (S3.13): in hours, or in days when it is some."""
    if hours >= 48 and hours % 24 == 0:
        return ngettext(
            "Messages already on their way can still arrive for %(count)d day.",
            "Messages already on their way can still arrive for %(count)d days.",
            hours // 24,
        ) % {"count": hours // 24}
    return ngettext(
        "Messages already on their way can still arrive for %(count)d hour.",
        "Messages already on their way can still arrive for %(count)d hours.",
        hours,
    ) % {"count": hours}


delay_text_lazy = lazy(delay_text, str)


def _show(visit: Visit, done: DoneToken, *, refuse_status: int = 0) -> HttpResponse:
    """The page as it is now: done, or undone. After a POST that was refused it says so, and sends nobody away."""
    list_id, optout_id = done.rows[0]
    recorded = find_recorded(list_id, done.digest, optout_id)
    more = refused(refuse_status) if refuse_status else {}
    # whatever the page's address says: it is also opened by Back, and from bookmarks
    if recorded and recorded.is_undone:
        return _show_undone(visit, done, recorded, more)
    return _show_done(visit, done, recorded, more)


def refused(status: int) -> dict[str, Any]:
    """What the page shows besides, and answers with, after a POST that pressed none of its buttons."""
    return {"status": status, "optout_status": replies.REJECTED, "problem": ONCE_MORE}


def _show_done(
    visit: Visit, done: DoneToken, recorded: RecordedOptOut | None, more: dict[str, Any]
) -> HttpResponse:
    optout_list, reading = visit.optout_list, visit.reading
    key = (recorded.address if recorded else None) or ""
    leads_on = key and optout_list.redirect_url and not more
    redirect = _redirect(optout_list, key, reading) if leads_on else ""
    is_fresh = visit.now - done.recorded_at <= UNDO_WITHIN
    all_stopped = optout_list.is_global or done.also_list_id != 0
    has_reason = bool(recorded and recorded.has_reason)
    # The signed link's reader may see what there is; who has just stopped everything does not want to.
    shows_rest = bool(key) and done.knows_recipient and not all_stopped
    page = render_page(
        "done",
        optout_list,
        reading,
        address=mask(key) if key and done.knows_recipient else key,
        own_text=thank_you_text(optout_list, reading.code),
        all_stopped=all_stopped,
        delay=delay_text_lazy(optout_list.effect_hours),
        can_undo=is_fresh,
        redirect=redirect,
        # Of the typed address alone: it says nothing about whether we know it (AT-03).
        suggestion=suggest_address(key) if is_fresh and _was_typed(done) else "",
        also_stopped=done.also_list_id != 0,
        reasons=offered(optout_list, reading.code) if is_fresh and not has_reason else [],
        has_reason=has_reason,
        preferences=_preferences(optout_list, key, reading) if shows_rest else "",
        switches_by_post=True,
        **more,
    )
    if (
        redirect
    ):  # not a 302: Chromium applies form-action to every redirect after a POST (pages.md)
        page.headers["Refresh"] = f"0; url={redirect}"
    return page


def _show_undone(
    visit: Visit, done: DoneToken, recorded: RecordedOptOut | None, more: dict[str, Any]
) -> HttpResponse:
    optout_list, reading = visit.optout_list, visit.reading
    more = {"switches_by_post": True, **more}
    # Only a signed link may tell: to anybody else the answer would say whether the address was out before.
    key = recorded.address if recorded and done.knows_recipient else None
    was_chosen = recorded is not None and recorded.channel == Channel.PREFERENCES
    # where one would ask for the same again
    door = SMS_DOOR if done.is_elsewhere and not was_chosen else PAGE_DOOR
    if key is None:
        return render_page("undone", optout_list, reading, door=door, **more)
    widest = widest_of(find_suppressions(optout_list.id, key))
    if widest is None:
        # To be free of Do Not Mail is not to get messages again: lists may hold the address by themselves, as they do once
        # somebody came back to another one (optout/returning.py).
        was_all = optout_list.is_global or was_chosen
        is_back = not was_all or not is_suppressed_anywhere(optout_list.realm_id, key)
        again = _preferences(optout_list, key, reading) if was_chosen else ""
        return render_page(
            "undone",
            optout_list,
            reading,
            door=door,
            is_back=is_back,
            was_all=was_all,
            again=again,
            **more,
        )
    return render_page(
        "undone",
        optout_list,
        reading,
        since=widest.suppressed_at,
        all_stopped=widest.is_global,
        **more,
    )


def _preferences(optout_list: ListSnapshot, key: str, reading: Reading) -> str:
    lang = f"?lang={reading.code}" if reading.chosen else ""
    return preferences_url(optout_list.id, key) + lang


def _was_typed(done: DoneToken) -> bool:
    return done.assurance in (Assurance.TYPED, Assurance.PREFILLED) and not done.is_elsewhere


def _redirect(optout_list: ListSnapshot, key: str, reading: Reading) -> str:
    digests = hex_digests(key)
    return build_redirect(
        optout_list.redirect_url,
        item=key,
        list_ref=optout_list.public_id,
        lang=reading.code,
        status=STATUS,
        md5=digests.md5,
        sha256=digests.sha256,
    )
