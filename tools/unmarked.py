"""Which words on a screen are not marked for translation: `python -m tools.unmarked [paths]` prints them with file and line.

In templates: text between tags, and the attributes that people read or hear, outside translate and blocktranslate; and the
words handed to an include or a filter. In Python: what is handed to label=, help_text= and their like, to messages.success
and its sisters, to ValidationError and add_error, and the labels of choices.

What is no language is left alone: <code>, <pre>, <kbd>, <samp>, script, style, the names in UNTRANSLATED, and an element that
says translate="no", or by lang="de" that its words are in that language for good. What only programs and operators read is
left alone by path: OTHERS.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from django.template.base import DebugLexer, Token, TokenType

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "lists", "optout", "reporting")

# Programs and operators read these: a language would break the former, and English suffices for the latter.
OTHERS = (
    "*/migrations/*",
    "*/management/*",
    "*/channels/api_web/*",
    "*/channels/inbound_sms/*",
    "*/channels/rest/*",
    "*/contacts_http/*",
    "*/reporting/rest/*",
    "*/templates/rest/*",
    "*/templates/reporting/rest_docs*",
    "*/templates/reporting/rest/*",
    "*/config/demo*",
    "*/admin.py",
    "*/optout/page/trap.html",  # programs alone see the field; whom a browser without styles shows it loses nothing by it
    "*/reporting/throwaway.py",  # gone before anybody sees it
)

# A name that the specification gives to the letter.
NAMED = frozenset(("Unsubscribe API & Reporting",))

# The same in every language. A text of nothing but these (and of signs) needs no mark.
# `hk` begins an API key.
_NAMES = (
    "API|CSV|GET|HTML|HTTP|HTTPS|Heed|ID|IP|JSON|KB|MB|MD|Node|OK|PHP|POST|Python|QR|REST|SHA|SMS|START|STOP|UTC|URL|UUID|XML|"
    "curl|hk|js|h|ms|s"
)
UNTRANSLATED = frozenset(_NAMES.split("|"))
# Choices whose labels are names in their own language.
OWN_NAMES = frozenset(("Language",))

_READ_ATTRIBUTES = frozenset(
    ("alt", "data-copied", "data-label", "label", "placeholder", "summary", "title")
) | {f"aria-{name}" for name in ("description", "label", "roledescription", "valuetext")}
_NO_LANGUAGE = frozenset(("code", "kbd", "pre", "samp", "script", "style"))
_BLOCKS = {
    "blocktranslate": "endblocktranslate",
    "blocktrans": "endblocktrans",
    "comment": "endcomment",
    "verbatim": "endverbatim",
}
_CLASSES = ["block", "main_class"]  # a block of the frame that stands in an attribute: class names
_LITERAL = re.compile(r"(_\()?(?P<quote>[\"'])(?P<text>.*?)(?P=quote)")
_WORDY_FILTERS = re.compile(r"\|(default|default_if_none|yesno|add):\s*$")
_HANDED_OVER = re.compile(r"\b(\w+)=\s*$")
_WORD = re.compile(r"[^\W\d_]+")

_READ_KEYWORDS = frozenset(
    (
        "empty_label",
        "error_message",
        "error_messages",
        "help_text",
        "label",
        "labels",
        "choices",
        "verbose_name",
    )
)
_READ_CALLS = frozenset(("ValidationError", "add_error"))
_MESSAGES = frozenset(("debug", "error", "info", "success", "warning", "add_message"))
_WRAPPERS = frozenset(("format_html", "list", "mark_safe", "tuple"))
MARKS = frozenset(
    (
        "_",
        "gettext",
        "gettext_lazy",
        "gettext_noop",
        "ngettext",
        "ngettext_lazy",
        "pgettext",
        "pgettext_lazy",
        "npgettext",
    )
)


class Finding(NamedTuple):
    """Words nobody marked: where, and what they are part of (`text`, an attribute, a keyword)."""

    path: Path
    line: int
    what: str
    text: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {self.what}: {' '.join(self.text.split())[:100]}"


def is_language(text: str) -> bool:
    """Whether a text has a word that another language would say otherwise."""
    return text not in NAMED and any(word not in UNTRANSLATED for word in _WORD.findall(text))


def is_prose(text: str) -> bool:
    """Whether a text handed over in code is for people: `No lists yet`, not `notice` or `button-quiet`."""
    return is_language(text) and (" " in text.strip() or text[:1].isupper())


# ── Templates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_template(path: Path, source: str) -> list[Finding]:
    """The unmarked words of a template; a .txt is read as plain text."""
    found: list[Finding] = []
    bare = list(source)
    end = ""  # the tag that ends the block whose content is marked, or nobody's to read
    for token in DebugLexer(source).tokenize():
        start, stop = _place(token)
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if end:
            _blank(bare, start, stop)
            end = "" if name == end else end
        elif token.token_type != TokenType.TEXT:
            _blank(bare, start, stop)
            is_classes = name and token.split_contents() == _CLASSES
            end = "endblock" if is_classes else _BLOCKS.get(name, "")
            found += _in_tag(path, token, name)
    text = "".join(bare)
    if path.suffix == ".html":
        reader = _Reader(path)
        reader.feed(text)
        reader.close()
        found += reader.found
        found += [
            Finding(path, 1, "markup", f"<{name}> is opened and closed unevenly: branch inside it")
            for name, depth in reader.open.items()
            if depth
        ]
    else:
        found += [
            Finding(path, number, "text", line)
            for number, line in enumerate(text.splitlines(), 1)
            if is_language(line)
        ]
    return sorted(found, key=lambda each: each.line)


def _place(token: Token) -> tuple[int, int]:
    assert token.position is not None
    return token.position


def _blank(source: list[str], start: int, stop: int) -> None:
    # `<{% if many %}ul{% else %}ol{% endif %}>` stays a tag.
    filling = "x" if start and source[start - 1] in "</x" and _is_tag_name(source, start) else " "
    for place in range(start, stop):
        if source[place] != "\n":
            source[place] = filling


def _is_tag_name(source: list[str], start: int) -> bool:
    """Whether what stands before `start` is the beginning of a tag's name, which a blank would end."""
    before = "".join(source[max(0, start - 200) : start])
    return bool(re.search(r"</?x*$", before))


def _in_tag(path: Path, token: Token, name: str) -> Iterator[Finding]:
    """The words inside a tag: what it hands to an include, and what its filters put in."""
    line = token.lineno or 1
    if "|pluralize" in token.contents:
        yield Finding(
            path, line, "pluralize", f"English alone: blocktranslate count. {token.contents}"
        )
    if token.token_type == TokenType.COMMENT or name in ("translate", "trans"):
        return
    for literal in _LITERAL.finditer(token.contents):
        before = token.contents[: literal.start()]
        filtered, handed = _WORDY_FILTERS.search(before), _HANDED_OVER.search(before)
        if literal[1] or not (filtered or handed) or not is_prose(literal["text"]):
            continue
        what = filtered[1] if filtered else handed[1] if handed else ""
        yield Finding(path, line, what, literal["text"])


class _Reader(HTMLParser):
    """Reads HTML whose template tags are blanks, branches one after the other: depth is counted, nesting not checked."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.found: list[Finding] = []
        self.open = dict.fromkeys(_NO_LANGUAGE, 0)
        self.untranslated: list[str] = []  # the elements open since one that says translate="no"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in self.open:
            self.open[tag] += 1
        if tag == self.untranslated[0] if self.untranslated else _is_untranslated(tag, said):
            self.untranslated.append(tag)
        self._read(tag, said)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._read(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if self.open.get(tag):
            self.open[tag] -= 1
        if self.untranslated and tag == self.untranslated[0]:
            self.untranslated.pop()

    def handle_data(self, data: str) -> None:
        if self.untranslated or any(self.open.values()) or not is_language(data):
            return
        first = next(place for place, each in enumerate(data) if not each.isspace())
        self._add("text", data, self.getpos()[0] + data.count("\n", 0, first))

    def _read(self, tag: str, attributes: dict[str, str | None]) -> None:
        if self.untranslated:
            return
        read = set(_READ_ATTRIBUTES)
        if tag == "button" or (
            tag == "input" and attributes.get("type") in ("button", "reset", "submit")
        ):
            read.add("value")
        if tag == "meta" and attributes.get("name") == "description":
            read.add("content")
        # A button's value is sent, not read: only an input shows it.
        if tag == "button":
            read.discard("value")
        for name, value in attributes.items():
            if name in read and value and is_language(value):
                self._add(name, value, self.getpos()[0])

    def _add(self, what: str, text: str, line: int) -> None:
        self.found.append(Finding(self.path, line, what, text))


def _is_untranslated(tag: str, attributes: dict[str, str | None]) -> bool:
    speaks = (attributes.get("lang") or "").strip()
    return attributes.get("translate") == "no" or bool(speaks and tag != "html")


# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_python(path: Path, source: str) -> list[Finding]:
    """The unmarked words of a module, at the line where they stand: constants of the module are followed to it."""
    tree = ast.parse(source)
    constants = _constants(tree)
    found: dict[tuple[int, int], Finding] = {}
    for node in ast.walk(tree):
        for what, value in _read_by_people(node):
            for text in _words(value, constants):
                place = (text.lineno, text.col_offset)
                said = text.value if isinstance(text, ast.Constant) else ast.unparse(text)
                found.setdefault(place, Finding(path, text.lineno, what, str(said)))
    return [found[place] for place in sorted(found)]


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The module's own names for values: `_LAST_ADMIN = "…"`."""
    named: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            named[node.target.id] = node.value
    return named


def _read_by_people(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What a call or a class hands to people, each with a word for it."""
    if isinstance(node, ast.Call):
        name = _name(node.func)
        for keyword in node.keywords:
            if keyword.arg in _READ_KEYWORDS:
                yield keyword.arg or "", keyword.value
        if name in _READ_CALLS:
            # A field's name comes first in add_error.
            yield from ((name, each) for each in node.args[1 if name == "add_error" else 0 :][:1])
        elif (
            name in _MESSAGES
            and isinstance(node.func, ast.Attribute)
            and _name(node.func.value) == "messages"
        ):
            yield from ((f"messages.{name}", each) for each in node.args[-1:])
    elif (
        isinstance(node, ast.ClassDef)
        and any(_name(base).endswith("Choices") for base in node.bases)
        and node.name not in OWN_NAMES
    ):
        for each in node.body:
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.Tuple):
                yield "choice", each.value.elts[-1]


def called(node: ast.Call) -> str:
    """The name of what is called, without what stands before the dot."""
    return _name(node.func)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _words(value: ast.expr, constants: dict[str, ast.expr]) -> list[ast.Constant | ast.JoinedStr]:
    """The literals that a value can be, and that are prose; what a mark holds is none."""
    match value:
        case ast.Constant(value=str(text)):
            return [value] if is_prose(text) else []
        case ast.JoinedStr(values=parts):
            said = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
            return [value] if is_language(said) else []
        case ast.Name(id=name):
            return _words(constants[name], {}) if name in constants else []
    return [word for each in _inside(value) for word in _words(each, constants)]


def _inside(value: ast.expr) -> list[ast.expr]:
    """The parts of a value that become its words."""
    match value:
        case ast.Call(func=function, args=args) if _name(function) not in MARKS:
            # "…".format(x), ", ".join(…): the words stand before the dot.
            before = [function.value] if isinstance(function, ast.Attribute) else []
            return [*before, *args] if _name(function) in _WRAPPERS else before
        case ast.BinOp(left=left, right=right):
            return [left, right] if isinstance(value.op, ast.Add) else [left]
        case ast.IfExp(body=one, orelse=other):
            return [one, other]
        case ast.Tuple(elts=[_, label]):  # a choice
            return [label]
        case ast.BoolOp(values=values) | ast.Dict(values=values):
            return values
        case ast.List(elts=values) | ast.Tuple(elts=values):
            return values
    return []


# ── All of it ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sources(root: Path = ROOT) -> Iterator[Path]:
    """The files whose words people read, those of programs and operators left out."""
    paths = [path for app in APPS for path in (root / app).rglob("*.py")]
    paths += [path for kind in ("*.html", "*.txt") for path in (root / "templates").rglob(kind)]
    return (
        path
        for path in sorted(paths)
        if not any(fnmatch(f"/{path.relative_to(root).as_posix()}", other) for other in OTHERS)
    )


def find_unmarked(paths: Iterable[Path]) -> list[Finding]:
    """The unmarked words of these files."""
    found: list[Finding] = []
    for path in paths:
        source = path.read_text()
        found += in_python(path, source) if path.suffix == ".py" else in_template(path, source)
    return found


def main(arguments: list[str]) -> int:
    """Print them all, or those of the paths; 1 if there are any."""
    asked = [(ROOT / each).resolve() for each in arguments]
    paths = [
        path
        for path in sources()
        if not asked or any(path == each or each in path.parents for each in asked)
    ]
    found = find_unmarked(paths)
    for finding in found:
        print(finding)
    print(f"{len(found)} unmarked in {len({each.path for each in found})} of {len(paths)} files.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
