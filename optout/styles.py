"""The style of the hosted pages: one sheet, of which each page is sent the rules that it has a use for (pages.md: 6 KB)."""

import re
from functools import cache

from django.template import loader
from django.utils.safestring import SafeString, mark_safe

_PARTS = re.compile(r'\{% (?:extends|include) "([^"]+)"')
_NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COLOUR = re.compile(r"(--\w):[^;}]*;?")
_SUBJECT = re.compile(r"(?<!not\()[.#]([a-z][\w-]*)")  # a class or an id that an element must have


@cache
def style_of(template: str, without: frozenset[str] = frozenset()) -> SafeString:
    """What the sheet says of plain elements, and of the classes and ids that this template and its parts write out. Read once.

    `without`: the classes of what every page could have, and this one has not.
    """
    names = _names_in(template) - without

    def keep_used(rule: re.Match[str]) -> str:
        used = [one for one in rule[1].split(",") if names.issuperset(_SUBJECT.findall(one))]
        return f"{','.join(used)}{{{rule[2]}}}" if used else ""

    css = _RULE.sub(keep_used, _sheet())
    css = _COLOUR.sub(lambda one: one[0] if f"var({one[1]})" in css else "", css)
    return mark_safe(css.replace(";}", "}"))  # noqa: S308 our own file


@cache
def _sheet() -> str:
    """The sheet without comments and white space, and with short names of colours."""
    source = loader.get_template("optout/page/page.css").render()
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    source = re.sub(r"\s+", " ", source)
    source = re.sub(r" ?([{};,>!]) ?", r"\1", source)
    source = re.sub(r"(--\w)\w+", r"\1", source)
    return source.replace(": ", ":").strip()


def _names_in(template: str) -> set[str]:
    source = loader.get_template(template).template.source  # type: ignore[attr-defined]
    names = {name for value in _NAMES.findall(source) for name in value.split()}
    return names.union(*map(_names_in, _PARTS.findall(source)))
