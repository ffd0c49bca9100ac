"""The join form as HTML that an owner puts into a website (S2.2): by itself, without script and style.

It sends to our page, which asks for one more tap where it must. Pure text: a list and a language go in, HTML comes out.
"""

from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _

from lists.lookup import ListSnapshot
from optout import links
from optout.consent_words import AGREE_FIELD, consent_words
from optout.guard import HONEYPOT_FIELD, TYPED_FIELD
from optout.own_texts import in_language

_FORM = """\
<form action="{url}" method="post" accept-charset="utf-8" lang="{language}" dir="{direction}">
  <p>
    <label for="{id}">{label}</label><br>
    <input id="{id}" name="{typed}" type="email" maxlength="254" autocomplete="email" required>
  </p>
  <p>
    <input id="{id}-consent" name="{agree}" type="checkbox" value="1" required>
    <label for="{id}-consent">{consent}</label>
  </p>
  <p hidden>
    <label for="{id}-empty">Leave this empty</label>
    <input id="{id}-empty" name="{trap}" tabindex="-1" autocomplete="off">
  </p>
  <input type="hidden" name="lang" value="{language}">
  <p><button type="submit">{button}</button></p>
</form>"""
_LOOK = '<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8"><title>{title}</title><body>'


def join_html(optout_list: ListSnapshot, language: str) -> str:
    """The form in that language, as text: who shows it escapes it. Its box is not ticked; who signs up ticks it."""
    with translation.override(language):
        return _fill(
            _FORM,
            url=links.join_url(optout_list.public_id),
            language=language,
            direction=direction_of(language),
            id=f"join-{optout_list.public_id}",
            typed=TYPED_FIELD,
            agree=AGREE_FIELD,
            trap=HONEYPOT_FIELD,
            label=_("Email address"),
            consent=consent_words(in_language(optout_list, language), language),
            button=_("Sign up"),
        )


def direction_of(language: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if translation.get_language_info(language)["bidi"] else "ltr"


def look_of(html: str, title: str, language: str) -> str:
    """A page with nothing but that form, as text, for a frame in which nothing can be pressed."""
    values = {"language": language, "direction": direction_of(language), "title": title}
    return _fill(_LOOK, **values) + html


def _fill(text: str, **values: str) -> str:
    return text.format(**{name: escape(value) for name, value in values.items()})
