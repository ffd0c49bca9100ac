"""What somebody who joins a list agrees to: the words beside the box, as they are read and as they are kept."""

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lists.choices import TextKind
from lists.lookup import ListSnapshot
from optout.own_texts import Words, own_words

AGREE_FIELD = "consent"
_UNTICKED = frozenset(("", "0", "no", "false", "off"))


def is_ticked(value: str) -> bool:
    """Whether the field of the box, whatever its form gives it as a value, says yes."""
    return value.strip().lower() not in _UNTICKED


def consent_words(optout_list: ListSnapshot, language: str) -> str:
    """The owner's words in that language, else ours in the language of the moment. `optout_list` as its reader sees it."""
    own = own_words(optout_list, TextKind.CONSENT, language)
    return own.text if own else _ours() % {"list": optout_list.name}


def consent_label(optout_list: ListSnapshot, language: str) -> Words:
    """The same as safe HTML, and the language it is in."""
    own = own_words(optout_list, TextKind.CONSENT, language)
    if own:
        return Words(escape(own.text), own.language)
    name = format_html("<bdi>{}</bdi>", optout_list.name)
    return Words(_marked(escape(_ours()) % {"list": name}), language)


def _ours() -> str:
    return _("Yes, send me %(list)s. I can unsubscribe at any time.")


def _marked(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  both parts are escaped
