"""The one message that confirms a STOP: in the owner's words, or in ours."""

import re
from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import gettext, gettext_noop, override

from lists.choices import Language
from lists.lookup import ListSnapshot
from lists.models.sms import LONGEST_CONFIRMATION

_DEFAULT = gettext_noop("You are unsubscribed from {sender}. You will get no more texts from us.")
_DEFAULT_OF_LIST = gettext_noop(
    "You are unsubscribed from {list} by {sender}. You will get no more texts from this list."
)


def default_text(language: str) -> str:
    """The text in that language, with `{sender}` where the sender's name goes."""
    with override(language):
        return gettext(_DEFAULT)


def default_texts() -> dict[str, str]:
    """The same in every language that recipients can be served in."""
    return {code: default_text(code) for code in Language.values}


def write_confirmation(
    own_texts: Mapping[str, str], own_list: ListSnapshot, target: ListSnapshot
) -> str:
    """The message that confirms the STOP of `target`, in the language of the list whose messages came from that number.

    `own_texts` are the owner's, by language, with `{sender}`: for a STOP of everything. Of one list it is always ours, which
    names that list: an owner's "you will get no more texts" would not be true of the others.
    """
    spoken = own_list if target.is_global else target
    language = spoken.locked_language or spoken.default_language or settings.LANGUAGE_CODE
    if target.is_global:
        text = own_texts.get(language, "").strip() or default_text(language)
    else:
        with override(language):
            text = gettext(_DEFAULT_OF_LIST)
    names = {"{list}": target.name, "{sender}": spoken.sender.strip() or spoken.name}
    text = re.sub(r"\{(?:list|sender)\}", lambda found: names[found[0]], text)
    return text[:LONGEST_CONFIRMATION]
