"""Every state of a list's hosted page with a sample address, for its owner. Saves nothing and knows nobody."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lists.logos import LogoImage
from lists.lookup import ListSnapshot, get_list
from optout import mail_screens, preference_pages, screens
from optout.addresses import mask, parse_address
from optout.decoding import decode_query
from optout.done import delay_text_lazy
from optout.given import read_given
from optout.languages import Reading, choose_language
from optout.pages import render_page
from optout.public import public
from optout.reasons import offered
from optout.texts import thank_you_text
from optout.typos import suggest_address

SAMPLE_EMAIL = "sample@example.com"
SAMPLE_TYPO = "sample@gmial.com"
SAMPLE_PHONE = "+14155550123"

STATES = (
    "form",
    "confirm",
    "done",
    "thanked",
    "typo",
    "undone",
    "already",
    "invalid",
    "broken",
    "too-many",
    "texts",
    "texts-form",
    "outage",
    "closed",
    "preferences",
    *mail_screens.STATES,
)


@public
def open_preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/u/<public_id>/preview?state=…&lang=…`; an unknown state is the form."""
    optout_list = get_list(public_id)
    if optout_list is None:
        return screens.broken_link(request)
    query = decode_query(request.META.get("QUERY_STRING", ""))
    state, lang = (next(iter(query.get(name, ())), "") for name in ("state", "lang"))
    accepted = str(request.META.get("HTTP_ACCEPT_LANGUAGE") or "")
    reading = choose_language(lang, accepted, optout_list)
    if state not in STATES:
        state = "form"
    return show_state(state, optout_list, reading)


def show_state(
    state: str, optout_list: ListSnapshot, reading: Reading, logo: LogoImage | None = None
) -> HttpResponse:
    """One of STATES, always with status 200; with a logo that is not kept yet, where one is given."""
    name, context = _states(optout_list, reading)[state]
    shown = None if state in {"broken", "outage"} else optout_list
    if shown is not None and state == "texts-form":
        shown = replace(shown, accepts="phone")
    context.setdefault("can_undo", True)
    return render_page(
        name, shown, reading, is_preview=True, link_query={"state": state}, logo=logo, **context
    )


def _states(optout_list: ListSnapshot, reading: Reading) -> dict[str, tuple[str, dict[str, Any]]]:
    sample = SAMPLE_PHONE if optout_list.accepts == "phone" else SAMPLE_EMAIL
    typo = read_given({"item": ["sample@example"]}, optout_list)
    form = {"field": screens.FIELDS[optout_list.accepts], "token": ""}
    done = {
        "address": sample,
        "own_text": thank_you_text(optout_list, reading.code),
        "all_stopped": optout_list.is_global,
        "delay": delay_text_lazy(optout_list.effect_hours),
    }
    after: dict[str, Any] = {"reasons": offered(optout_list, reading.code)}
    if not optout_list.is_global:
        after["preferences"] = f"?state=preferences&lang={reading.code}"
    return {
        "form": ("form", form),
        "invalid": (
            "form",
            {**form, "text": "sample@example", "error": typo.error},
        ),
        "confirm": ("confirm", {"address": sample, "token": ""}),
        "closed": ("confirm", {"address": sample, "is_closed": True}),
        "done": ("done", {**done, **after}),
        "thanked": ("done", {**done, "has_reason": True}),
        "typo": (
            "done",
            {**done, "address": SAMPLE_TYPO, "suggestion": suggest_address(SAMPLE_TYPO)},
        ),
        "undone": ("undone", {"is_back": True, "was_all": optout_list.is_global}),
        "already": (
            "already",
            {
                "address": mask(sample),
                "since": timezone.now() - timedelta(days=30),
                "all_stopped": optout_list.is_global,
            },
        ),
        "broken": ("broken", {}),
        "too-many": ("too_many", {"heading": screens.wait_text_lazy(timedelta(minutes=10))}),
        "preferences": (
            "preferences",
            preference_pages.preview_context(
                optout_list, parse_address(sample, "either", "US"), reading
            ),
        ),
        **mail_screens.samples(optout_list, reading, SAMPLE_EMAIL),
        "texts": ("stop_texts", {"address": mask(SAMPLE_PHONE), "token": "", "door": "s"}),
        "texts-form": ("stop_texts_form", {"field": screens.FIELDS["phone"], "token": ""}),
        "outage": ("outage", {"heading": _("We could not save your request")}),
    }
