"""Whether everything that recipients read is there in every language, and whole: a line of `make check`.

`python -m tools.translations` looks at all catalogs, `… de` at one. It says file and line of what is wrong, and the language.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError

from tools.catalogs import (
    LANGUAGES,
    LOCALE,
    ROOT,
    Marked,
    collect,
    files,
    merge,
    mo_bytes,
    place_of,
    po_bytes,
    read_catalog,
    single_numbers,
)
from tools.unmarked import find_unmarked, sources

# Whether a word on a screen that is not marked (tools/unmarked.py) fails the check.
UNMARKED_FAILS = True

# Texts that are the same in another language, with the languages: anything else that stayed English is a finding.
SAME: dict[str, str] = {
    "April": "de",
    "August": "de",
    "November": "de",
    "September": "de",
}

# The quotation marks of each language (CONTRIBUTING.md, “Translations”). ’ is an apostrophe in all of them.
QUOTES = {
    "da": "”",
    "de": "„“‚‘",
    "es": "«»“”",
    "fr": "«»“”",
    "it": "“”«»",
    "nl": "“”‘",
    "pl": "„”",
    "pt-br": "“”",
    "sv": "”",
    "tr": "“”",
    "ar": "«»“”",
    "he": "”„“",
}
_QUOTE = re.compile("[„“”‚‘«»‹›]")

_PLACEHOLDER = re.compile(r"%\((\w+)\)[\d.]*[a-zA-Z]|\{\w*\}")
_TAG = re.compile(r"<[^<>]*>")
_ENTITY = re.compile(r"&(?:#\d+|\w+);")
_WORD = re.compile(r"[^\W\d_]{2,}")
_VOID = ("<br", "<hr", "<img", "<wbr", "<input")


type Key = tuple[str | None, tuple[str, ...]]


class Finding(NamedTuple):
    """What is wrong, in which catalogs, and where: at a text's place in the code, or in the catalog."""

    path: Path
    line: int
    languages: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {', '.join(self.languages)}: {self.what}"


def check(
    languages: Iterable[str] = LANGUAGES, locale: Path = LOCALE, marked: list[Marked] | None = None
) -> list[Finding]:
    """Everything that is wrong with the catalogs of these languages; `marked` is what the code marks."""
    marked = collect(files("recipients")) if marked is None else marked
    missing: dict[Marked, list[str]] = {}
    found = []
    wanted = {each.key: each for each in reversed(marked)}  # the first place of each
    for language in languages:
        path = place_of(language, locale).with_suffix(".po")
        try:
            catalog = read_catalog(language, locale)
        except (PoFileError, ValueError) as error:
            found.append(Finding(path, 1, (language,), f"cannot be read: {error}"))
            continue
        for each in _untranslated(catalog, wanted):
            missing.setdefault(each, []).append(language)
        faults = [
            Finding(path, line, (language,), what)
            for line, what in (
                *_wrong_header(language, path),
                *_stale(catalog, wanted),
                *(each for message in catalog if message.id for each in _wrong(language, message)),
            )
        ]
        if not faults:
            faults = [
                Finding(place, 1, (language,), what)
                for place, what in _not_as_written(language, catalog, marked, locale)
            ]
        found += faults
    return [
        *(
            Finding(ROOT / each.path, each.line, tuple(codes), f"not translated: {each.texts[0]}")
            for each, codes in missing.items()
        ),
        *found,
    ]


def _untranslated(catalog: Catalog, wanted: Mapping[Key, Marked]) -> Iterator[Marked]:
    """What a catalog lacks: no entry, or no text in it. A plural entry is no translation of the singular alone."""
    for each in wanted.values():
        message = catalog.get(each.texts[0], each.context)
        if message is None or _ids(message) != each.texts or not any(_forms(message)):
            yield each


def _stale(catalog: Catalog, wanted: Mapping[Key, Marked]) -> Iterator[tuple[int, str]]:
    for message in catalog:
        if message.id and (message.context, _ids(message)) not in wanted:
            yield message.lineno or 1, f"marked nowhere any more: {_ids(message)[0]}"
    for message in catalog.obsolete.values():
        yield message.lineno or 1, f"marked nowhere any more: {_ids(message)[0]}"


def _wrong_header(language: str, path: Path) -> Iterator[tuple[int, str]]:
    """Plural-Forms and Language must be ours: by another rule a number gets the wrong form."""
    shape = LANGUAGES[language]
    head = path.read_text().partition("\n\n")[0] if path.exists() else ""
    for field, value in {"Language": shape.folder, "Plural-Forms": shape.header}.items():
        if f'"{field}: {value}' not in head:
            yield 1, f"the header must say {field}: {value}"


def _not_as_written(
    language: str, catalog: Catalog, marked: list[Marked], locale: Path
) -> Iterator[tuple[Path, str]]:
    """Files that `make messages` would write otherwise: a text twice in the .po, a .mo that is not of this .po."""
    place = place_of(language, locale)
    mo, po = place.with_suffix(".mo"), place.with_suffix(".po")
    if not mo.exists() or mo.read_bytes() != mo_bytes(language, catalog):
        yield mo, "is not what the .po compiles to. Run: make messages"
    # Where a text stands moves with every change of a page, and is no fault.
    written = po_bytes(merge(language, catalog, marked)).decode()
    if not po.exists() or _without_places(po.read_text()) != _without_places(written):
        yield po, "is not as make messages writes it. Run: make messages"


def _without_places(po: str) -> list[str]:
    return [line for line in po.splitlines() if not line.startswith("#")]


# ── One text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _forms(message: Message) -> tuple[str, ...]:
    given = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    return tuple(form or "" for form in given)


def _wrong(language: str, message: Message) -> Iterator[tuple[int, str]]:
    """What is wrong with a translation; an empty one is missing, not wrong."""
    ids, forms = _ids(message), _forms(message)
    if not any(forms):
        return
    if message.fuzzy:
        yield message.lineno or 1, f"fuzzy: look at it, then take the mark away: {ids[0]}"
    wanted = LANGUAGES[language].forms if len(ids) > 1 else 1
    if len(forms) != wanted or not all(forms):
        yield message.lineno or 1, f"{wanted} plural forms are needed: {ids[0]}"
        return
    for number, form in enumerate(forms):
        # Only the form of one number may leave the digits out: “one day”.
        single = len(ids) > 1 and number in single_numbers(language)
        for fault in faults_of(ids, form, language, may_omit_count=single):
            yield message.lineno or 1, f"{fault}: {form}"


def faults_of(
    ids: tuple[str, ...], text: str, language: str, *, may_omit_count: bool = False
) -> Iterator[str]:
    """What is wrong with `text` as a translation of `ids`, its singular and, where it has one, its plural."""
    english = ids[-1]
    yield from _placeholder_faults(english, text, may_omit_count=may_omit_count)
    yield from _markup_faults(english, text)
    for side, where in ((str.lstrip, "before"), (str.rstrip, "after")):
        if _trimmed(english, side) != _trimmed(text, side):
            yield f"other blanks {where} it than in English"
    if text in ids and _says_something(text) and language not in SAME.get(text, "").split():
        yield "is English (if that is right: SAME in tools/translations.py)"
    yield from _quote_faults(english, text, language)


def _placeholder_faults(english: str, text: str, *, may_omit_count: bool) -> Iterator[str]:
    wanted = Counter(each[0] for each in _PLACEHOLDER.finditer(english))
    given = Counter(each[0] for each in _PLACEHOLDER.finditer(text))
    if may_omit_count and "%(count)d" in wanted and "%(count)d" not in given:
        del wanted["%(count)d"]
    for each in (wanted - given) | (given - wanted):
        yield f"{each} stands {given[each]} times, and {wanted[each]} times in English"
    if "%" in _PLACEHOLDER.sub("", text).replace("%%", "") and "%" not in _PLACEHOLDER.sub(
        "", english
    ).replace("%%", ""):
        yield "a lone % breaks the page"


def _markup_faults(english: str, text: str) -> Iterator[str]:
    wanted, given = Counter(_TAG.findall(english)), Counter(_TAG.findall(text))
    for tag in (wanted - given) | (given - wanted):
        yield f"{tag} stands {given[tag]} times, and {wanted[tag]} times in English"
    if wanted == given and not _is_nested(text):
        yield "its tags are not closed in order"
    if new := set(_ENTITY.findall(text)) - set(_ENTITY.findall(english)):
        yield f"{', '.join(sorted(new))}: write the character itself"
    left = _ENTITY.sub("", _TAG.sub("", text))
    if any(sign in left and sign not in _TAG.sub("", english) for sign in "<>&"):
        yield "a lone <, > or & is no text in HTML"


def _is_nested(text: str) -> bool:
    open_tags: list[str] = []
    for tag in _TAG.findall(text):
        name = re.sub(
            r"[\s/>].*", "", tag[2:] if tag.startswith("</") else tag[1:], flags=re.DOTALL
        )
        if tag.startswith("</"):
            if not open_tags or open_tags.pop() != name:
                return False
        elif not tag.startswith(_VOID):
            open_tags.append(name)
    return not open_tags


def _trimmed(text: str, side: Callable[[str], str]) -> str:
    """The blanks that `side`, lstrip or rstrip, takes away."""
    rest = side(text)
    return text[: len(text) - len(rest)] if side is str.lstrip else text[len(rest) :]


def _says_something(text: str) -> bool:
    """Whether a text has words of its own: not a sender's name alone."""
    return bool(_WORD.search(_TAG.sub("", _PLACEHOLDER.sub("", text))))


def _quote_faults(english: str, text: str, language: str) -> Iterator[str]:
    bare, plain = _TAG.sub("", text), _TAG.sub("", english)
    if any(sign in bare and sign not in plain for sign in "\"'"):
        yield "a typewriter's quote: write the language's own, and ’ for an apostrophe"
    if foreign := set(_QUOTE.findall(bare)) - set(QUOTES[language]):
        yield f"{' '.join(sorted(foreign))} is no quotation mark of this language, which has {' '.join(QUOTES[language])}"


def main(arguments: list[str]) -> int:
    """Print what is wrong, for all languages or those named; 1 if anything is."""
    if unknown := [each for each in arguments if each not in LANGUAGES]:
        print(f"Unknown: {', '.join(unknown)}. Choose among {', '.join(LANGUAGES)}.")
        return 2
    found: list[object] = list(check(arguments or LANGUAGES))
    if UNMARKED_FAILS and not arguments:
        found += find_unmarked(sources())
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
