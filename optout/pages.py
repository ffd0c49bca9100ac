"""Rendering the hosted pages: one document, one request, no script, no cookie, nobody else's server (pages.md)."""

import re
import secrets
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

import phonenumbers
from django.conf import settings
from django.http import HttpResponse
from django.template import loader
from django.utils import timezone, translation
from django.utils.html import escape

from lists.lookup import ListSnapshot
from optout.languages import Reading
from optout.replies import with_headers
from optout.styles import style_of
from optout.tokens import make_form_token

_CSP = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors {ancestors}; base-uri 'none'"
)

_ROOM_FOR_NAMES = 1_100  # bytes of a page for what owners write about a list


def render_page(
    name: str,
    optout_list: ListSnapshot | None,
    reading: Reading,
    *,
    status: int = 200,
    optout_status: str = "",
    is_preview: bool = False,
    link_query: dict[str, str] | None = None,
    **context: Any,
) -> HttpResponse:
    """The hosted page `optout/page/<name>.html` in the reader's language, with all its headers.

    `optout_list` is None where the link leads to no list. `link_query` is what the links to the other languages keep of
    the address; None leaves these links out.
    """
    nonce = secrets.token_urlsafe(12)
    template = f"optout/page/{name}.html"
    is_closed = bool(context.pop("is_closed", False) or (optout_list and optout_list.closed_at))
    with translation.override(reading.code):
        html = loader.get_template(template).render(
            {
                "list": optout_list,
                "reading": reading,
                "nonce": nonce,
                "css": style_of(template, has_note=is_preview or is_closed),
                "is_closed": is_closed,
                "colour": brand_colours(optout_list.colour) if optout_list else None,
                "initial": initial_of(optout_list.sender) if optout_list else "",
                "contact": contact_link(optout_list.contact) if optout_list else None,
                "description": description_of(optout_list) if optout_list else "",
                "country_code": country_code(optout_list.region) if optout_list else "",
                # made only where a template asks for it
                "new_token": lambda: new_token(optout_list) if not is_preview else "",
                "privacy_url": web_address(optout_list.privacy_url) if optout_list else "",
                "languages": language_links(reading, link_query),
                "lang_query": f"?lang={reading.code}" if reading.chosen else "",
                "is_preview": is_preview,
                **context,
            }
        )
    response = HttpResponse(html, status=status)
    ancestors = "'self'" if is_preview else "'none'"  # the owner's screens may frame a preview
    response.headers["Content-Security-Policy"] = _CSP.format(nonce=nonce, ancestors=ancestors)
    response.headers["Content-Language"] = reading.code
    return with_headers(response, optout_status)


def language_links(
    reading: Reading, link_query: dict[str, str] | None
) -> list[tuple[str, str, str]]:
    """(code, own name, relative link) of every language but this one."""
    if link_query is None:
        return []
    return [
        (code, name, "?" + urlencode({**link_query, "lang": code}))
        for code, name in settings.LANGUAGES
        if code != reading.code
    ]


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


def description_of(optout_list: ListSnapshot) -> str:
    """The list's description for its form: whole, unless long names leave it no room in the 6 KB of a page."""
    return _fitting(optout_list.name, optout_list.sender, optout_list.description)


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


@lru_cache(maxsize=1_000)
def _fitting(name: str, sender: str, description: str) -> str:
    room = _ROOM_FOR_NAMES - 2 * _weight(name) - 3 * _weight(sender)  # as often as a form has them
    if _weight(description) <= room:
        return description
    words = description.split()
    while words and _weight(" ".join(words) + "…") > room:
        words.pop()
    return " ".join(words) + "…" if words else ""


def _weight(text: str) -> int:
    """How many bytes a text has in a page."""
    return len(escape(text).encode())


def _linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
