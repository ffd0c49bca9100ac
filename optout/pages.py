"""Rendering the hosted pages: one document, one request, no script, no cookie, nobody else's server (pages.md)."""

import re
import secrets
from functools import cache
from typing import Any

import phonenumbers
from django.conf import settings
from django.http import HttpResponse
from django.template import loader
from django.utils import timezone, translation

from lists.logos import LogoImage, read_logo
from lists.lookup import ListSnapshot
from optout.languages import Reading
from optout.own_texts import in_language
from optout.replies import with_headers
from optout.styles import style_of
from optout.texts import cut_words, message_text, weight_of
from optout.tokens import make_form_token

_CSP = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors {ancestors}; base-uri 'none'"
)

_BETWEEN_TAGS = re.compile(r">\s*\n\s*<")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # HTML cannot say some of them

LARGEST_PAGE = 6 * 1024  # bytes, without a logo (pages.md)


def render_page(
    name: str,
    optout_list: ListSnapshot | None,
    reading: Reading,
    *,
    status: int = 200,
    optout_status: str = "",
    is_preview: bool = False,
    link_query: dict[str, str] | None = None,
    least_query: dict[str, str] | None = None,
    switches_by_post: bool = False,
    **context: Any,
) -> HttpResponse:
    """The hosted page `optout/page/<name>.html` in the reader's language, with all its headers.

    `optout_list` is None where the link leads to no list; the page names it, and describes it, in the reader's language.
    `link_query` is what the links to the other languages keep of the address; None leaves these links out. Where long names leave
    no room in a page's 6 KB, the owner's texts are cut (_GIVE_WAY), and these links keep only `least_query`. `switches_by_post`
    of a page whose address must not be written on it: buttons post the language to it.
    """
    has_switch = switches_by_post or link_query is not None
    nonce = secrets.token_urlsafe(12)
    is_closed = bool(context.pop("is_closed", False) or (optout_list and optout_list.closed_at))
    shown = in_language(optout_list, reading.code) if optout_list else None
    logo = context.pop("logo", None) or (read_logo(shown.logo_id) if shown else None)
    values: dict[str, Any] = {
        "list": shown,
        "reading": reading,
        "nonce": nonce,
        "is_closed": is_closed,
        "colour": brand_colours(shown.colour) if shown else None,
        "logo": logo,
        "is_wordmark": is_wordmark(logo),
        "initial": initial_of(shown.sender) if shown else "",
        "contact": contact_link(shown.contact) if shown else None,
        "description": shown.description if shown else "",
        "message": message_text(shown, reading.code) if shown else None,
        "country_code": country_code(shown.region) if shown else "",
        # made only where a template asks for it
        "new_token": lambda: new_token(shown) if not is_preview else "",
        "privacy_url": web_address(shown.privacy_url) if shown else "",
        "kept": {name: _CONTROL.sub("", value) for name, value in (link_query or {}).items()},
        "least": least_query,
        "languages": other_languages(reading) if has_switch else [],
        "switches_by_post": switches_by_post,
        "lang_query": f"?lang={reading.code}" if reading.chosen else "",
        "is_preview": is_preview,
        **context,
    }
    most = LARGEST_PAGE + (len(logo.data_uri) if logo else 0)
    with translation.override(reading.code):
        html = _render(name, values)
        for give_way in _GIVE_WAY:
            excess = len(html.encode()) - most
            if excess <= 0:
                break
            values |= give_way(values, excess)
            html = _render(name, values)
    response = HttpResponse(html, status=status)
    ancestors = "'self'" if is_preview else "'none'"  # the owner's screens may frame a preview
    response.headers["Content-Security-Policy"] = _CSP.format(nonce=nonce, ancestors=ancestors)
    response.headers["Content-Language"] = reading.code
    return with_headers(response, optout_status)


def other_languages(reading: Reading) -> list[tuple[str, str]]:
    """(code, own name) of every language but this one."""
    return [(code, name) for code, name in settings.LANGUAGES if code != reading.code]


def is_wordmark(logo: LogoImage | None) -> bool:
    """Whether a logo is so broad that the sender's name stands in it, and need not stand beside it."""
    return logo is not None and logo.width >= 2 * logo.height


@cache
def brand_colours(colour: str) -> tuple[str, str] | None:
    """(background, text) of a list's colour: black or white text, whichever contrasts more (WCAG 2.2); None without one."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return None
    red, green, blue = (_linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    white, black = 1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05
    return colour, "#fff" if white >= black else "#000"


def initial_of(sender: str) -> str:
    """The letter in the mark beside the sender's name; empty where there is none to show."""
    return next((character.upper() for character in sender if character.isalnum()), "")


def contact_link(contact: str) -> tuple[str, str]:
    """(text, address to link to or nothing) of the list's contact, which is an email address, a link or words."""
    if contact.startswith("https://"):
        return contact.removeprefix("https://").rstrip("/"), contact
    if re.fullmatch(r"[^\s@<>\"'?&]+@[^\s@<>\"'?&]+\.[^\s@<>\"'?&]+", contact):
        return contact, f"mailto:{contact}"
    return contact, ""


@cache
def country_code(region: str) -> str:
    """What a phone number of a two-letter region begins with, like `+49`; empty for a region without numbers."""
    code = phonenumbers.country_code_for_region(region.upper())
    return f"+{code}" if code else ""


def new_token(optout_list: ListSnapshot | None) -> str:
    """A form token made now, for the button on a page that is no form; empty where there is no list."""
    return make_form_token(optout_list.id, timezone.now()) if optout_list else ""


def web_address(url: str) -> str:
    """`url` where it is one that a link may lead to, else nothing."""
    return url if url.startswith(("https://", "http://")) else ""


def _render(name: str, values: dict[str, Any]) -> str:
    template = f"optout/page/{name}.html"
    has_buttons = values["kept"] or values["switches_by_post"]
    unused = {
        "note": not (values["is_preview"] or values["is_closed"]),
        "logo": not values["logo"],
        "mark": values["logo"] or not values["initial"],
        "own": not values["message"],
        "langs": not values["languages"],
        "links": not values["languages"] or has_buttons,
        "lang": not (values["languages"] and has_buttons),
    }
    without = frozenset(name for name, is_unused in unused.items() if is_unused)
    html = loader.get_template(template).render({**values, "css": style_of(template, without)})
    return _BETWEEN_TAGS.sub("><", html)


def _cut_choices(values: dict[str, Any], excess: int) -> dict[str, Any]:
    choices = values.get("choices")  # of the preference page
    return {"choices": choices and choices.shorter_by(excess)}


def _cut_description(values: dict[str, Any], excess: int) -> dict[str, Any]:
    description = values["description"]
    return {"description": cut_words(description, weight_of(description) - excess)}


def _cut_message(values: dict[str, Any], excess: int) -> dict[str, Any]:
    message = values["message"]
    return {"message": message and message.shorter_by(excess)}


def _cut_links(values: dict[str, Any], _excess: int) -> dict[str, Any]:
    return {"kept": values["kept"] and values["least"]}


def _drop_links(values: dict[str, Any], _excess: int) -> dict[str, Any]:
    # Of a page of many lists it is not the links that are too much.
    return {"languages": values["languages"] if values.get("choices") else []}


def _cut_reasons(values: dict[str, Any], excess: int) -> dict[str, Any]:
    reasons = list(values.get("reasons") or ())
    while reasons and excess > 0:
        _value, text = reasons.pop()
        excess -= weight_of(text)
    return {"reasons": reasons}


def _cut_own_text(values: dict[str, Any], excess: int) -> dict[str, Any]:
    own_text = values.get("own_text")
    return {"own_text": own_text and own_text.shorter_by(excess)}


# What is cut where a page has no room, one after the other.
_GIVE_WAY = (
    _cut_choices,
    _cut_description,
    _cut_message,
    _cut_links,
    _drop_links,
    _cut_reasons,
    _cut_own_text,
)


def _linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
