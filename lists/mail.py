"""Making the mails that Heed sends: plain text and HTML that say the same, and headers that nobody can write into.

Every mail goes through here, to owners and to recipients alike. Nothing in one is fetched from anywhere: a logo travels with the
mail, and nobody learns when it is opened.
"""

import email.policy
import re
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage as Message
from email.policy import Policy
from email.utils import make_msgid, parseaddr
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any, cast
from unicodedata import category

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from lists.logos import LogoImage

LONGEST_NAME = 100  # characters of a sender's name in a header
LONGEST_SUBJECT = 200
ENGLISH = "en"  # what owners read
LOGO = "logo"  # the id by which the HTML names it: cid:logo

_TALLEST, _WIDEST = 48, 240  # pixels in which a logo is shown
_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, ends of lines
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header that is written as it is. Python encodes what is longer than a line, and no mail program decodes an address."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Verbatim)


class Mail(EmailMultiAlternatives):
    """A mail of ours: a text, and the HTML with a logo beside it."""

    logo: LogoImage | None = None

    def message(self, *, policy: Any = email.policy.default) -> Message:
        """The mail as it is sent."""
        whole: Message = super().message(policy=policy.clone(header_factory=_HEADERS))
        html = whole.get_body(("html",))
        if self.logo is not None and html is not None:
            maintype, _, subtype = self.logo.media_type.partition("/")
            named: Any = {"cid": f"<{LOGO}>", "filename": f"{LOGO}.{subtype}"}
            cast("Message", html).add_related(
                self.logo.bytes, maintype, subtype, disposition="inline", **named
            )
        return whole


def make_mail(
    template: str,
    context: Mapping[str, Any],
    *,
    to: str,
    subject: str,
    language: str = ENGLISH,
    sender: str = "",
    reply_to: str = "",
    unsubscribe_url: str = "",
    headers: Mapping[str, str] | None = None,
    logo: LogoImage | None = None,
) -> Mail:
    """A mail to one address, of the templates `<template>.txt` and `<template>.html`, which are rendered in that language.

    `sender`: the name it comes from, instead of ours. `unsubscribe_url`: where a POST ends what this mail is one of (RFC 8058).
    Names in `subject`, `sender` and `reply_to` may hold anything: what they cannot be written with is left out.
    """
    subject = one_line(subject)[:LONGEST_SUBJECT].strip()
    with translation.override(language):
        whole = {
            "subject": subject,
            "language": language,
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
            "logo": _shown(logo),
            **context,
        }
        text = render_to_string(f"{template}.txt", whole).strip() + "\n"
        html = render_to_string(f"{template}.html", whole)
    extra = {
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's holiday notice answers it
        "Content-Language": language,
        # Django would put this machine's own name into it.
        "Message-ID": make_msgid(domain=_domain()),
        **({key: one_line(value) for key, value in headers.items()} if headers else {}),
    }
    if unsubscribe_url:
        extra["List-Unsubscribe"] = f"<{one_line(unsubscribe_url)}>"
        extra["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail = Mail(
        subject,
        text,
        _from(sender) if sender else settings.DEFAULT_FROM_EMAIL,
        [to],
        reply_to=[reply_to] if reply_to and _is_address(reply_to) else [],
        headers=extra,
        alternatives=[(html, "text/html")],
    )
    mail.logo = logo
    return mail


def one_line(text: str) -> str:
    """The text without line ends, control characters and marks of direction: fit for a header.

    In a header a line end would begin another one, and a mark of direction could let one address look like another.
    """
    spaced = "".join(" " if category(each) in _NOT_IN_A_LINE else each for each in text)
    return " ".join(_DIRECTIONS.sub("", spaced).split())


def is_refused_for_good(error: Exception) -> bool:
    """Whether the server will never take that mail: its recipient is unknown there, say. Not when it is our own set-up that
    it does not like, or when it has no time."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _said in error.recipients.values())
    if isinstance(error, SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)  # an address that cannot be written, as Django says it


def _shown(logo: LogoImage | None) -> dict[str, Any] | None:
    """What the HTML says of a logo: what it is called there, and the size it is shown in."""
    if logo is None:
        return None
    scale = min(1, _TALLEST / logo.height, _WIDEST / logo.width)
    width, height = (max(1, round(each * scale)) for each in (logo.width, logo.height))
    return {"src": f"cid:{LOGO}", "width": width, "height": height}


def _from(name: str) -> str:
    """Our address under that name."""
    shown = one_line(name)[:LONGEST_NAME].strip()
    return str(Address(shown, addr_spec=_our_address()))


def _our_address() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def _domain() -> str:
    return _our_address().rpartition("@")[2]


def _is_address(text: str) -> bool:
    """Whether it is one that a header can hold: no name beside it, no second one."""
    if one_line(text) != text or " " in text:
        return False
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return False
    return bool(address.domain) and address.username.isascii()
