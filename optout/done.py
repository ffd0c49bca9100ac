"""The done page: reloadable, changes nothing. Its Undo takes back what that one request made (pages.md, AT-46); afterwards one
may say why, or try another address where the typed one looks like a slip."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import ngettext

from lists.lookup import ListSnapshot, get_list
from optout import screens
from optout.addresses import hex_digests, mask
from optout.choices import Assurance
from optout.client_ip import client_ip
from optout.decoding import decode_query
from optout.evidence import Evidence
from optout.languages import Reading, choose_language
from optout.links import preferences_url
from optout.pages import render_page
from optout.public import public
from optout.queries import RecordedOptOut, find_recorded, find_suppressions
from optout.reasons import find_reason, forget_reasons, offered, state_reason
from optout.redirects import build_redirect
from optout.reverting import undo_optout
from optout.texts import thank_you_text
from optout.tokens import UNDO_WITHIN, DoneToken, read_done_token
from optout.typos import suggest_address
from optout.visits import PAGE_DOOR, SMS_DOOR, BodyError, form_fields, read_body

STATUS = "unsubscribed"  # of {status} in a redirect URL
REASON_FIELD = "reason"


@public
def open_done(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/u/<public_id>/done?t=…`: GET shows, POST undoes; one with a reason keeps it instead."""
    query = decode_query(request.META.get("QUERY_STRING", ""))
    tokens = set(query.get("t", ()))
    token = tokens.pop() if len(tokens) == 1 else ""
    done, optout_list = read_done_token(token), get_list(public_id)
    if done is None or optout_list is None or done.list_id != optout_list.id:
        return screens.broken_link(request)
    accepted = str(request.META.get("HTTP_ACCEPT_LANGUAGE") or "")
    reading = choose_language(next(iter(query.get("lang", ())), ""), accepted, optout_list)
    now = timezone.now()
    if request.method == "POST":
        try:
            reason = stated_reason(request)
        except BodyError as error:
            return screens.unreadable(request, error.status)
        # A page that was open for a day undoes nothing, and does not say that it did.
        if now - done.recorded_at > UNDO_WITHIN:
            return screens.redirect_to_done(optout_list, token, reading)
        if reason is not None:
            keep_reason(done, optout_list, reading, reason, now)
            return screens.redirect_to_done(optout_list, token, reading)
        with transaction.atomic():
            undo_optout(done, now=now, evidence=Evidence.of(client_ip(request), _agent(request)))
            forget_reasons([optout_id for _list, optout_id in done.rows], done.digest)
        return screens.redirect_to_done(optout_list, token, reading, undone="1")
    list_id, optout_id = done.rows[0]
    recorded = find_recorded(list_id, done.digest, optout_id)
    # whatever the page's address says: it is also opened by Back, and from bookmarks
    if recorded and recorded.is_undone:
        return _show_undone(optout_list, reading, done, recorded)
    return _show_done(optout_list, reading, done, recorded, now)


def stated_reason(request: HttpRequest) -> str | None:
    """The reason that a POST gives; None where it is another button's. Raises BodyError."""
    fields = form_fields(request, read_body(request), mend_plus=False)
    return next(iter(fields[REASON_FIELD]), "") if REASON_FIELD in fields else None


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


def _show_done(
    optout_list: ListSnapshot,
    reading: Reading,
    done: DoneToken,
    recorded: RecordedOptOut | None,
    now: datetime,
) -> HttpResponse:
    key = (recorded.address if recorded else None) or ""
    redirect = _redirect(optout_list, key, reading) if key and optout_list.redirect_url else ""
    is_fresh = now - done.recorded_at <= UNDO_WITHIN
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
    )
    if (
        redirect
    ):  # not a 302: Chromium applies form-action to every redirect after a POST (pages.md)
        page.headers["Refresh"] = f"0; url={redirect}"
    return page


def _show_undone(
    optout_list: ListSnapshot, reading: Reading, done: DoneToken, recorded: RecordedOptOut | None
) -> HttpResponse:
    # Only a signed link may tell: to anybody else the answer would say whether the address was out before.
    key = recorded.address if recorded and done.knows_recipient else None
    door = SMS_DOOR if done.is_elsewhere else PAGE_DOOR  # where one would ask for the same again
    if key is None:
        return render_page("undone", optout_list, reading, door=door)
    found = find_suppressions(optout_list.id, key)
    if not found:
        return render_page("undone", optout_list, reading, door=door, is_back=True)
    widest = next((each for each in found if each.is_global), found[0])
    return render_page(
        "undone",
        optout_list,
        reading,
        since=widest.suppressed_at,
        all_stopped=widest.is_global,
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


def _agent(request: HttpRequest) -> str | None:
    return request.META.get("HTTP_USER_AGENT")
