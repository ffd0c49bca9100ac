"""The two mails that recipients ask for by typing an address into a form of ours: "Please confirm" and "What we send you" (S2.2).

Which of them it is, or none, is decided here, where the mail is made, and not where it is asked for: a page's answer tells
nothing about the address (AT-03). Each sentence is written once, and stands in the text as it does in the HTML.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lists.logos import read_logo
from lists.lookup import ListSnapshot, get_list_by_id
from lists.mail import Mail, make_mail
from lists.models import Contact
from optout import mail_requests
from optout.addresses import parse_email
from optout.choices import MailKind
from optout.links import confirm_join_url, preferences_url, signed_url
from optout.models import RecipientMail
from optout.own_texts import in_language
from optout.pages import brand_colours, contact_link, web_address
from optout.queries import Found, find_suppressions, widest_of
from optout.returning import foresee

_CONFIRM = _("Please confirm: <bdi>%(list)s</bdi>")
_SOMEBODY_ASKED = _(
    "Somebody, probably you, asked us to send <bdi>%(list)s</bdi> to <bdi>%(address)s</bdi>."
)
_HAS_OPTED_OUT = _("You unsubscribed on %(day)s. Nothing changes unless you press the button.")
_YES = _("Yes, send me <bdi>%(list)s</bdi>")
_OTHERWISE_NOT_ADDED = _("If you did not ask for this, do nothing: you will not be added.")

_WHAT_WE_SEND = _("What we send you")
_SEE_AND_CHOOSE = _("See what <bdi>%(sender)s</bdi> sends you, and choose what you want to get.")
_TICK_IT = _("To get <bdi>%(list)s</bdi>, open the link, tick that list and save.")
_SEE = _("See what we send you")
_SOMEBODY_TYPED = _(
    "Somebody, probably you, typed this address into our form: <bdi>%(address)s</bdi>. If it was not you, do nothing."
)
_KEEP_IT = _("Do not pass this mail on: whoever has the link can change what you get.")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence: plain, and as HTML, in which each name stands by itself whatever direction it is read in."""

    text: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class _Letter:
    """What such a mail says: a button with what stands before and after it."""

    heading: Said
    before: Sequence[Said]
    button: Said
    url: str
    after: Sequence[Said]


def compose(mail: RecipientMail, now: datetime) -> Mail | None:
    """The mail as it is to be sent now, in the language in which it was asked for; None where nothing is sent.

    To be asked right before it is sent: whoever has opted out meanwhile is not invited any more.
    """
    optout_list = get_list_by_id(mail.optout_list_id)
    if optout_list is None or mail_requests.has_had_enough(mail, now):
        return None
    is_invited = mail.kind == MailKind.JOIN
    found: list[Found] = []
    if is_invited:
        if optout_list.closed_at or not optout_list.join_is_open:
            return None  # since it was asked for
        if not foresee(optout_list, parse_email(mail.address), mail.asked_at).is_on:
            return None  # the button would say no: an opt-out that came later is the last word
        found = find_suppressions(optout_list.id, mail.address)
        contacts = Contact.objects.filter(realm=optout_list.realm_id, digest=bytes(mail.digest))
        is_invited = not contacts.exists()
    language = mail.language if mail.language in dict(settings.LANGUAGES) else ""
    language = language or settings.LANGUAGE_CODE
    shown = in_language(optout_list, language)
    with translation.override(language):
        letter = (
            _invite(shown, mail, found) if is_invited else _show_preferences(shown, mail, language)
        )
    return _make(shown, mail, letter, language)


def _invite(optout_list: ListSnapshot, mail: RecipientMail, found: Sequence[Found]) -> _Letter:
    name = optout_list.name
    before = [_say(_SOMEBODY_ASKED, list=name, address=mail.address)]
    if widest := widest_of(found):
        day = date_format(widest.suppressed_at, "DATE_FORMAT")
        before.append(_say(_HAS_OPTED_OUT, day=day))
    days = mail_requests.KEPT.days
    lasts = ngettext(
        "The link works for %(count)d day.", "The link works for %(count)d days.", days
    ) % {"count": days}
    return _Letter(
        heading=_say(_CONFIRM, list=name),
        before=before,
        button=_say(_YES, list=name),
        url=confirm_join_url(optout_list.id, mail.pk),
        after=[_say(lasts), _say(_OTHERWISE_NOT_ADDED)],
    )


def _show_preferences(optout_list: ListSnapshot, mail: RecipientMail, language: str) -> _Letter:
    before = [_say(_SEE_AND_CHOOSE, sender=optout_list.sender)]
    if mail.kind == MailKind.JOIN:  # who has signed up looks for that list
        before.append(_say(_TICK_IT, list=optout_list.name))
    return _Letter(
        heading=_say(_WHAT_WE_SEND),
        before=before,
        button=_say(_SEE),
        url=f"{preferences_url(optout_list.id, mail.address)}?lang={language}",
        after=[_say(_SOMEBODY_TYPED, address=mail.address), _say(_KEEP_IT)],
    )


def _make(optout_list: ListSnapshot, mail: RecipientMail, letter: _Letter, language: str) -> Mail:
    contact, contact_url = contact_link(optout_list.contact)
    is_mail = contact_url.startswith("mailto:")
    context: dict[str, Any] = {
        "letter": letter,
        "sender": optout_list.sender,
        "colours": brand_colours(optout_list.colour),
        "contact": contact,
        "contact_url": contact_url,
        "privacy_url": web_address(optout_list.privacy_url),
    }
    return make_mail(
        "emails/recipients/letter",
        context,
        to=mail.address,
        subject=letter.heading.text,
        language=language,
        sender=optout_list.sender,
        reply_to=contact if is_mail else "",
        unsubscribe_url=signed_url(optout_list.id, mail.address),
        headers={"List-Id": f"<{optout_list.public_id}.{urlsplit(settings.BASE_URL).hostname}>"},
        logo=read_logo(optout_list.logo_id),
    )


def _say(sentence: str | Promise, **names: str) -> Said:
    """The sentence with these names in it; what is marked stands in HTML, as on the pages, and has no more of it than <bdi>."""
    words = str(sentence)
    named = {key: " ".join(name.split()) for key, name in names.items()}
    escaped = {key: escape(name) for key, name in named.items()}
    plain = re.sub("</?bdi>", "", words)
    if not names:
        return Said(plain, SafeString(words))
    return Said(plain % named, SafeString(words % escaped))
