"""The one message that confirms a STOP, where the owner has written none."""

from django.utils.translation import gettext, gettext_noop, override

from lists.choices import Language

_DEFAULT = gettext_noop("You are unsubscribed from {sender}. You will get no more texts from us.")


def default_text(language: str) -> str:
    """The text in that language, with `{sender}` where the sender's name goes."""
    with override(language):
        return gettext(_DEFAULT)


def default_texts() -> dict[str, str]:
    """The same in every language that recipients can be served in."""
    return {code: default_text(code) for code in Language.values}
