"""The name that only the realm's Do Not Mail has (S2.4): whoever reads it must not have to ask which list is meant."""

import unicodedata

from lists.models.lists import DO_NOT_MAIL_NAME


def is_reserved_name(name: str) -> bool:
    """Whether people would read a list's name as Do Not Mail, however it is cased, spaced or composed."""
    return _letters(name) == _RESERVED


def _letters(name: str) -> str:
    """Letters and digits alone, without case: spaces, punctuation, accents and what is invisible are no other name."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(each for each in folded if each.isalnum())


_RESERVED = _letters(DO_NOT_MAIL_NAME)
