"""What an owner wrote for recipients, in the reader's language (S0.8)."""

from dataclasses import dataclass, replace

from lists.choices import TextKind
from lists.lookup import ListSnapshot

_WITH_COLUMN = (TextKind.NAME, TextKind.DESCRIPTION, TextKind.FREQUENCY)


@dataclass(frozen=True, slots=True)
class Words:
    """An owner's text, and the language it is in."""

    text: str
    language: str


def in_language(optout_list: ListSnapshot, language: str) -> ListSnapshot:
    """The list as a reader of that language is to see it: with its name, description and how often it comes in it, where the
    owner wrote them; else as they are."""
    written = {
        kind.value: text
        for kind in _WITH_COLUMN
        if (text := optout_list.own_texts.get(kind, {}).get(language))
    }
    return replace(optout_list, **written) if written else optout_list  # type: ignore[arg-type]


def own_words(optout_list: ListSnapshot, kind: TextKind, language: str) -> Words | None:
    """The owner's text of a kind without a column, in that language, else in the list's default language; None without one."""
    texts = optout_list.own_texts.get(kind, {})
    for code in (language, optout_list.default_language):
        if text := texts.get(code, "").strip():
            return Words(text, code)
    return None
