"""What somebody who joins a list agrees to: the words beside the box, as they are read and as they are kept."""

from django.utils import translation
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lists.choices import TextKind
from lists.lookup import ListSnapshot
from optout.languages import Reading
from optout.own_texts import Words, in_language, own_words

AGREE_FIELD = "consent"
_LONGEST = 1_000  # characters that are kept of it
_UNTICKED = frozenset(("", "0", "no", "false", "off"))


def is_ticked(value: str) -> bool:
    """Whether the field of the box, whatever its form gives it as a value, says yes."""
    return value.strip().lower() not in _UNTICKED


def consent_words(optout_list: ListSnapshot, language: str) -> str:
    """The owner's words in that language, else ours in it."""
    own = own_words(optout_list, TextKind.CONSENT, language)
    if own:
        return own.text
    with translation.override(language):
        return _ours() % {"list": in_language(optout_list, language).name}


def consent_label(optout_list: ListSnapshot, reading: Reading) -> Words:
    """The same as safe HTML for that reader, and the language it is in."""
    own = own_words(optout_list, TextKind.CONSENT, reading.code)
    if own:
        return Words(escape(own.text), own.language)
    name = format_html("<bdi>{}</bdi>", in_language(optout_list, reading.code).name)
    with translation.override(reading.code):
        return Words(_marked(escape(_ours()) % {"list": name}), reading.code)


def choice_words(*beside: str, language: str) -> str:
    """What is read beside a box of the preference page, and on the button below it, by whoever ticks it."""
    with translation.override(language):
        button = _("Save choices")
    return " · ".join(filter(None, (*beside, button)))[:_LONGEST]


def _ours() -> str:
    return _("Yes, send me %(list)s. I can unsubscribe at any time.")


def _marked(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  both parts are escaped
