"""What an owner writes for recipients, language by language: where each text of a list, or of a realm, is kept (S0.8).

A list's name, description and frequency are columns in its default language; all else that it says in a language is JSON. Here
they are one thing: {kind: text} for a language.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from lists.choices import Language, TextKind
from lists.default_texts import COLUMNS, moved_texts
from lists.models import List, Realm

THANKS, REASONS = "thanks", "reasons"  # these have a field of their own; reasons are one a line

type Written = Mapping[str, str]  # {kind: text}
type Drafts = Mapping[str, Written]  # {language: {kind: text}}


def default_language(subject: List | Realm) -> str:
    """The language of a list's own name and description; of a realm, that of its lists."""
    if isinstance(subject, Realm):
        return subject.default_language
    return subject.default_language or subject.realm.default_language


def kinds_of(subject: List | Realm) -> tuple[str, ...]:
    """What can be written for it. Do Not Mail is named exactly so, comes never, and nobody joins it."""
    if isinstance(subject, Realm):
        return (TextKind.MESSAGE, THANKS, REASONS)
    if subject.is_global:
        return (TextKind.DESCRIPTION, TextKind.MESSAGE, THANKS, REASONS)
    return (*COLUMNS, TextKind.MESSAGE, THANKS, TextKind.CONSENT, REASONS)


def read_texts(subject: List | Realm, language: str) -> dict[str, str]:
    """What is written for it in that language; every kind is there, empty where nothing is."""
    texts = {}
    for kind in kinds_of(subject):
        if kind == THANKS:
            text = subject.thank_you_texts.get(language, "")
        elif kind == REASONS:
            text = "\n".join(subject.reasons.get(language, ()))
        elif kind in COLUMNS and language == default_language(subject):
            text = getattr(subject, kind)
        else:
            text = subject.own_texts.get(kind, {}).get(language, "")
        texts[kind] = str(text)
    return texts


def languages_with_texts(subject: List | Realm) -> set[str]:
    """The languages in which something is written."""
    return {code for code in Language.values if any(read_texts(subject, code).values())}


def with_texts(subject: List | Realm, drafts: Drafts) -> dict[str, Any]:
    """{field: value} of the list or realm, when this is written in these languages; all others keep what they have."""
    own_texts = deepcopy(subject.own_texts)
    thanks, reasons = dict(subject.thank_you_texts), dict(subject.reasons)
    values: dict[str, Any] = {}
    for language, written in drafts.items():
        for kind, text in written.items():
            if kind == THANKS:
                _put(thanks, language, text)
            elif kind == REASONS:
                _put(reasons, language, split_reasons(text))
            elif kind in COLUMNS and language == default_language(subject):
                values[kind] = text
            else:
                _put(own_texts.setdefault(kind, {}), language, text)
    kept = {kind: texts for kind, texts in own_texts.items() if texts}
    return values | {"own_texts": kept, "thank_you_texts": thanks, "reasons": reasons}


def in_other_default(optout_list: List, values: Mapping[str, Any], language: str) -> dict[str, Any]:
    """`values` with the list's columns in that language, its default one from now on, as far as they are written in it.

    What stood in the columns stays what readers of the language of before read. `language` may be empty: the realm's.
    """
    before, after = default_language(optout_list), language or optout_list.realm.default_language
    return moved_texts(optout_list, values, before, after) | {"default_language": language}


def split_reasons(text: str) -> list[str]:
    """The reasons of a text with one a line, each once."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return list(dict.fromkeys(filter(None, lines)))


def changed_drafts(subject: List | Realm, drafts: Drafts) -> dict[str, Written]:
    """Of these drafts, those that say something else than what is kept."""
    return {
        language: written
        for language, written in drafts.items()
        if _normal(written) != _normal(read_texts(subject, language))
    }


def sound_drafts(subject: List | Realm, sent: Any) -> dict[str, dict[str, str]]:
    """What was sent along in a form, which can be anything, as drafts: known languages, known kinds, texts."""
    kinds = set(kinds_of(subject))
    if not isinstance(sent, dict):
        return {}
    return {
        language: {
            kind: text for kind, text in written.items() if kind in kinds and isinstance(text, str)
        }
        for language, written in sent.items()
        if language in Language.values and isinstance(written, dict)
    }


def _normal(written: Written) -> dict[str, str | list[str]]:
    return {
        kind: split_reasons(text) if kind == REASONS else text.replace("\r\n", "\n").strip()
        for kind, text in written.items()
    }


def _put(texts: dict[str, Any], language: str, text: Iterable[str]) -> None:
    if text:
        texts[language] = text
    else:
        texts.pop(language, None)
