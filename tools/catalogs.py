"""The catalogs of what recipients read: from which files their texts come, and how a catalog is read and written.

Needs no gettext on the machine: Babel reads and writes catalogs, Django says what is marked in a template.
"""

import io
import re
from collections.abc import Iterable, Iterator
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any, NamedTuple, cast

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
SOURCES = ("config", "lists", "optout", "reporting", "templates")

# Who reads what is marked in a file: recipients (their catalogs are complete in twelve languages), or people in the portal
# (English; a catalog is for whoever wants one). The first pattern that fits decides; a file that none fits is the portal's.
READERS = (
    ("templates/429.html", "portal"),
    ("optout/admin.py", "portal"),
    ("optout/choices.py", "portal"),
    ("optout/redirects.py", "portal"),
    ("optout/management/", "portal"),
    ("optout/migrations/", "portal"),
    ("optout/models/", "portal"),
    ("optout/channels/api_web/", "portal"),
    ("optout/channels/rest/", "portal"),
    ("optout/", "recipients"),
    ("templates/base_public.html", "recipients"),
    ("templates/emails/recipients/", "recipients"),
    ("templates/lists/front.html", "recipients"),
    ("templates/optout/", "recipients"),
    ("templates/plain.html", "recipients"),
    ("templates/4", "recipients"),
    ("templates/5", "recipients"),
)

_KEYWORDS: dict[str, Any] = {
    name + lazy: places
    for name, places in {
        "gettext": None,
        "gettext_noop": None,
        "ngettext": (1, 2),
        "pgettext": ((1, "c"), 2),
        "npgettext": ((1, "c"), 2, 3),
    }.items()
    for lazy in ("", "_lazy")
} | {"_": None}


class Shape(NamedTuple):
    """A language: its folder, its English name, how many plural forms it has and which one a number takes."""

    folder: str
    name: str
    forms: int
    plural: str

    @property
    def header(self) -> str:
        return f"nplurals={self.forms}; plural={self.plural};"


_ONE_ELSE = (2, "(n != 1)")
_ZERO_TOO = (2, "(n > 1)")
LANGUAGES = {
    "da": Shape("da", "Danish", *_ONE_ELSE),
    "de": Shape("de", "German", *_ONE_ELSE),
    "es": Shape("es", "Spanish", *_ONE_ELSE),
    "fr": Shape("fr", "French", *_ZERO_TOO),
    "it": Shape("it", "Italian", *_ONE_ELSE),
    "nl": Shape("nl", "Dutch", *_ONE_ELSE),
    "pl": Shape(
        "pl",
        "Polish",
        3,
        "(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2)",
    ),
    "pt-br": Shape("pt_BR", "Portuguese of Brazil", *_ZERO_TOO),
    "sv": Shape("sv", "Swedish", *_ONE_ELSE),
    "tr": Shape("tr", "Turkish", *_ONE_ELSE),
    "ar": Shape(
        "ar",
        "Arabic",
        6,
        "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
    ),
    "he": Shape("he", "Hebrew", 3, "(n==1 ? 0 : n==2 ? 1 : 2)"),
}


class Marked(NamedTuple):
    """A text that is marked for translation, and where."""

    path: str
    line: int
    context: str | None
    texts: tuple[str, ...]  # singular, plural
    notes: tuple[str, ...]

    @property
    def key(self) -> tuple[str | None, tuple[str, ...]]:
        return self.context, self.texts


class OurCatalog(Catalog):
    """A catalog whose header says what is needed and nothing that differs from one day to the next."""

    def __init__(self, language: str, readers: str = "recipients") -> None:
        shape = LANGUAGES[language]
        super().__init__(locale=shape.folder, header_comment="", fuzzy=False)
        who = "recipients read" if readers == "recipients" else "people in the portal read"
        self.header_comment = f"# What {who}, in {shape.name}. See CONTRIBUTING.md, “Translations”; then: make messages"
        self.shape = shape

    @property
    def num_plurals(self) -> int:
        return self.shape.forms

    @property
    def plural_expr(self) -> str:
        return self.shape.plural

    @property
    def plural_forms(self) -> str:
        return self.shape.header

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", self.shape.folder),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.shape.header + "\n"),
        ]


# ── What is marked ───────────────────────────────────────────────────────────────────────────────────────────────────────


def readers_of(path: str) -> str:
    """Who reads the texts of a file, named from the root of the project."""
    return next((who for start, who in READERS if path.startswith(start)), "portal")


def files(readers: str, root: Path = ROOT) -> Iterator[Path]:
    """The files whose texts these readers meet."""
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in (".py", ".html", ".txt") and readers_of(name) == readers:
                yield path


def collect(paths: Iterable[Path], root: Path = ROOT) -> list[Marked]:
    """Every text that these files mark, in their order; one that stands twice is there twice."""
    return [each for path in paths for each in _marked(path, root)]


def _marked(path: Path, root: Path) -> Iterator[Marked]:
    source = path.read_text()
    if path.suffix != ".py":
        source = _as_python(source, str(path))
    elif not _MARKED_CODE.search(source):
        return
    found = cast(
        "Iterable[tuple[int, str, Any, list[str]]]",  # with what a call says in place of texts: variables are None
        extract_python(
            io.BytesIO(source.encode()), _KEYWORDS, ("Translators:",), {"encoding": "utf-8"}
        ),
    )
    for line, function, said, notes in found:
        texts = said if isinstance(said, tuple) else (said,)
        context = texts[0] if "pgettext" in function else None
        texts = texts["pgettext" in function :][
            : 1 + ("ngettext" in function or "npgettext" in function)
        ]
        if all(isinstance(text, str) and text for text in texts):
            name = path.relative_to(root).as_posix()
            yield Marked(name, line, context, texts, tuple(notes))


_MARKED_CODE = re.compile(r"gettext|\b_\(")


def _as_python(source: str, name: str) -> str:
    """A template as Django shows it to gettext: calls among blanks. Python's tokenizer minds the indentation: none is left."""
    if "trans" not in source and "_(" not in source:
        return ""
    return "\n".join(line.strip() for line in templatize(source, origin=name).splitlines())


# ── Catalogs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def place_of(language: str, locale: Path = LOCALE) -> Path:
    """Where a language's catalog is, without its ending."""
    return locale / LANGUAGES[language].folder / "LC_MESSAGES" / "django"


def read_catalog(language: str, locale: Path = LOCALE) -> Catalog:
    """The catalog as it stands in its file; an empty one where there is none. Raises PoFileError for one that cannot be read."""
    path = place_of(language, locale).with_suffix(".po")
    if not path.exists():
        return OurCatalog(language)
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def merge(
    language: str, old: Catalog, marked: Iterable[Marked], readers: str = "recipients"
) -> OurCatalog:
    """What is marked, with the translations there are; nothing else is kept."""
    made = OurCatalog(language, readers)
    for each in marked:
        key = each.texts if len(each.texts) > 1 else each.texts[0]
        made.add(key, None, [(each.path, None)], auto_comments=each.notes, context=each.context)  # type: ignore[list-item]
    for message in made:
        if not message.id:
            continue
        before = old.get(_id(message), message.context)
        if before is not None and before.id == message.id and before.string:
            message.string = before.string
            message.flags |= before.flags & {"fuzzy"}
            message.user_comments = before.user_comments
    return made


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def po_bytes(catalog: Catalog) -> bytes:
    """The catalog as its .po has it: sorted, unfolded, with the files but not the lines, which change every day."""
    file = io.BytesIO()
    write_po(
        file, catalog, width=0, sort_output=True, ignore_obsolete=True, include_lineno=False
    )  # fmt: skip
    return file.getvalue()


def mo_bytes(language: str, catalog: Catalog) -> bytes:
    """The catalog compiled: what is translated and not fuzzy."""
    made = OurCatalog(language)
    for message in catalog:
        if message.id and is_translated(message):
            made.add(message.id, message.string, context=message.context)
    file = io.BytesIO()
    write_mo(file, made)
    return file.getvalue()


def is_translated(message: Message) -> bool:
    """Whether every form of it has a text, and none is a guess."""
    forms = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    return bool(forms) and all(forms) and not message.fuzzy


@cache
def single_numbers(language: str) -> dict[int, int]:
    """The plural forms that one number alone takes, with that number: such a form may leave the digits out (“one day”)."""
    shape = LANGUAGES[language]
    plural = _plural_function(shape.plural)
    takers: dict[int, set[int]] = {}
    for number in range(1_000):
        takers.setdefault(plural(number), set()).add(number)
    return {form: min(numbers) for form, numbers in takers.items() if len(numbers) == 1}


def _plural_function(expression: str) -> Any:
    return c2py(expression)
