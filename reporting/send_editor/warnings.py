"""What to think of before a message goes out: what would be read as it stands (S3.6)."""

import re

from reporting.send_editor.texts import PLACEHOLDER

_MOST_NAMED = 3
_LIKE_A_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,30}\}")
# Ours in other brackets, or in half of them.
_BROKEN = re.compile(
    r"[\[(<{]\s*opt[\s_-]?out\s*[\])>}]|\{\s*opt[\s_-]?out\b|\boptout\s*\}",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^a-z]")


def placeholder_warnings(text: str, *, is_to_list: bool) -> list[str]:
    """A sentence for each thing in braces that is no placeholder, as it would be sent to everybody; of the first few."""
    rest = text.replace(PLACEHOLDER, " ") if is_to_list else text
    found = [*_LIKE_A_PLACEHOLDER.findall(rest)]
    if is_to_list:
        found += _BROKEN.findall(_LIKE_A_PLACEHOLDER.sub(" ", rest))
    return [_told(each, is_to_list=is_to_list) for each in list(dict.fromkeys(found))[:_MOST_NAMED]]


def _told(found: str, *, is_to_list: bool) -> str:
    said = f"“{found}” goes out as it stands."
    if not is_to_list:
        return said
    if _is_nearly(_LETTERS.sub("", found.lower())):
        return f"{said} For the opt-out link write {PLACEHOLDER}."
    return f"{said} {PLACEHOLDER} is the only placeholder."


def _is_nearly(word: str) -> bool:
    """Whether somebody who writes this means the link: ours with a slip or two, or another system's word for it."""
    if re.search("unsub|opt.?out|stoplink|optoutlink", word):
        return True
    return word[:1] == "o" and _distance(word, "optout") <= 2


def _distance(left: str, right: str) -> int:
    """How many letters have to be put in, left out or changed."""
    above = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        row = [at]
        for place, other in enumerate(right, 1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != other)))
        above = row
    return above[-1]
