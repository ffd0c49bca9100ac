"""What the form leads to: a page that can be reloaded, and its Undo for what that one request made (AT-46)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from lists.global_unsubscribe import GlobalDoor, find_door
from lists.lookup import ListSnapshot, get_list_by_id
from optout import replies, screens
from optout.addresses import mask
from optout.decoding import decode_query
from optout.done import delay_text_lazy, keep_reason, refused, take_back
from optout.done_buttons import LANGUAGE, REASON, Pressed, read_pressed
from optout.languages import Reading
from optout.own_texts import in_language
from optout.pages import render_page
from optout.queries import RecordedOptOut, find_recorded
from optout.reasons import offered
from optout.texts import thank_you_text
from optout.tokens import UNDO_WITHIN, DoneToken, read_done_token
from optout.visits import BodyError, Visit

_MOST_TOKENS = 2  # an email address and a phone number


def answer(request: HttpRequest, key: str) -> HttpResponse:
    """GET shows; POST does what was pressed. Works while the door is off, too: what was done can be taken back."""
    query = decode_query(request.META.get("QUERY_STRING", ""))
    door = find_door(key, str(request.META.get("HTTP_HOST") or ""))
    brand = get_list_by_id(door.do_not_mail_id) if door else None
    tokens = query.get("t", [])
    made = _read(tokens)
    scope = get_list_by_id(made[0].list_id) if made else None
    if door is None or brand is None or scope is None or scope.realm_id != brand.realm_id:
        return screens.broken_link(request)

    try:
        visit = Visit.of(request, brand)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    reading = visit.reading
    can_undo = visit.now - made[0].recorded_at <= UNDO_WITHIN
    more: dict[str, Any] = {"switches_by_post": True}
    if request.method == "POST":
        pressed = read_pressed(visit)
        if not pressed.refuse_status:
            return _act(visit, tokens, made, scope, pressed, can_undo=can_undo)
        more |= refused(pressed.refuse_status)
    recorded = [(each, find_recorded(each.list_id, each.digest, each.optout_id)) for each in made]
    standing = [(each, found) for each, found in recorded if not (found and found.is_undone)]
    if not standing:
        return show_undone(brand, reading, again=_again(door, scope, reading), **more)
    has_reason = any(found is not None and found.has_reason for _each, found in recorded)
    return show_done(
        brand,
        scope,
        reading,
        _addresses(standing),
        can_undo=can_undo,
        reasons=offered(scope, reading.code) if can_undo and not has_reason else [],
        has_reason=has_reason,
        **more,
    )


def show_done(
    brand: ListSnapshot,
    scope: ListSnapshot,
    reading: Reading,
    addresses: Sequence[str],
    *,
    can_undo: bool,
    **more: Any,
) -> HttpResponse:
    """The done page. The owner's own words come beside the sentence that seed 001 has, never in its place (S1.10)."""
    return render_page(
        "global_done",
        brand,
        reading,
        scope=in_language(scope, reading.code),
        addresses=addresses,
        own_text=thank_you_text(scope, reading.code),
        delay=delay_text_lazy(scope.effect_hours),
        can_undo=can_undo,
        **more,
    )


def show_undone(brand: ListSnapshot, reading: Reading, *, again: str, **more: Any) -> HttpResponse:
    """The page of a request that was taken back, or that there was nothing to take back of: the same (AT-03)."""
    return render_page("global_undone", brand, reading, again=again, **more)


def redirect_to_done(
    request: HttpRequest, tokens: Sequence[str], reading: Reading, **more: str
) -> HttpResponse:
    """303 to the done page below the address that was asked for, with the realm's key or without."""
    before, _slash, _rest = request.path.partition("/unsubscribe/")
    query = [*(("t", token) for token in tokens), *more.items()]
    return replies.see_other(f"{before}/unsubscribe/done", reading, query)


def _read(tokens: Sequence[str]) -> list[DoneToken]:
    """What one request recorded, each address once; nothing where a token is not ours, or they are not of one list."""
    if len(tokens) > _MOST_TOKENS:
        return []
    read = [read_done_token(token) for token in tokens]
    made = [each for each in read if each is not None]
    is_one_request = len(made) == len(read) == len({each.digest for each in made})
    return made if is_one_request and len({each.list_id for each in made}) == 1 else []


def _act(
    visit: Visit,
    tokens: Sequence[str],
    made: Sequence[DoneToken],
    scope: ListSnapshot,
    pressed: Pressed,
    *,
    can_undo: bool,
) -> HttpResponse:
    """Do what the button says. A page that was open for a day undoes nothing, and does not say that it did."""
    if pressed.button == LANGUAGE or not can_undo:
        return redirect_to_done(visit.request, tokens, visit.reading)
    if pressed.button == REASON:
        keep_reason(made[0], scope, visit.reading, pressed.value, visit.now)
        return redirect_to_done(visit.request, tokens, visit.reading)
    # both or neither; in the order in which recording locks them, too
    with transaction.atomic():
        for each in sorted(made, key=lambda each: each.digest):
            take_back(each, visit)
    return redirect_to_done(visit.request, tokens, visit.reading, undone="1")


def _again(door: GlobalDoor, scope: ListSnapshot, reading: Reading) -> str:
    """Where to unsubscribe from the same again: the form, for a product that leads there; else the list's own page."""
    lang = {"lang": reading.code} if reading.chosen else {}
    number = next((each for each in sorted(door.products) if door.list_of(each) == scope.id), None)
    if not door.is_on or (number is None and not scope.is_global):
        return _address(f"/u/{scope.public_id}", lang)
    product = {} if scope.is_global else {"productId": str(number)}
    return _address("unsubscribe", {**product, **lang})


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _addresses(recorded: Sequence[tuple[DoneToken, RecordedOptOut | None]]) -> list[str]:
    """As they were recorded; one from a signed link is masked, a sealed one left out."""
    return [
        mask(found.address) if token.knows_recipient else found.address
        for token, found in recorded
        if found and found.address
    ]
