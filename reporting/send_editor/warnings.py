"""What to think of before a message goes out: what would be read as it stands, and how to opt out (S3.6). No database."""

import re
from collections.abc import Iterable
from unicodedata import normalize

from django.utils.translation import gettext as _

from lists.sms_setup import SmsRules
from optout.keywords import BUILT_IN, normal_form
from optout.sms_words import WEAK
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
    words = {"found": found, "placeholder": PLACEHOLDER}
    said = _("“%(found)s” goes out as it stands.") % words
    if not is_to_list:
        return said
    if _is_nearly(_LETTERS.sub("", found.lower())):
        return f"{said} {_('For the opt-out link write %(placeholder)s.') % words}"
    return f"{said} {_('%(placeholder)s is the only placeholder.') % words}"


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


# ── How to opt out ───────────────────────────────────────────────────────────────────────────────────────────────────────

# Said in capitals it is a word to text, unless all is.
_CAPITALS = re.compile(r"\b(?:STOP|STOPALL|UNSUBSCRIBE|ARRET|ARRÊT)\b")
_SENTENCES = re.compile(r"[.!?؟\n]+")
# Without accents: answer, text and send, in the languages of the pages and some more.
_VERBS = (
    r"(?:reply|respond|answer|text|txt|sms|antwort\w*|send\w*|schreib\w*|schick\w*|sims\w*|repond\w*|envo[iy]\w*|contest\w*"
    r"|envi\w*|mand\w*|escrib\w*|respon\w*|rispond\w*|invi\w*|scriv\w*|ارسل\w*|رد\w*|اكتب\w*)"
)
# What may stand between: reply to this message with the word STOP, send STOP to 12345.
# No two of them make up a third one: the search would try every way to part them.
_WITH = "with|mit|par|con"
_BETWEEN = (
    f"{_WITH}|by|us|back|to|this|that|the|our|number|message|text|word|code|please|just|simply|one|sie|uns|bitte|einfach|an|auf|diese"
    r"|dieser|nachricht|von|dem|das|wort|nous|le|la|au|a|ce|mot|svp|por|favor|el|al|este|mensaje|numero|palabra|il|parola|\d+"
    r"|الي|على|علي|كلمة|ب"
)


def tells_word(text: str, rules: SmsRules) -> bool:
    """Whether the text tells its readers to text back a word that stops: "Reply STOP", and not "we never stop".

    In capitals STOP is that by itself. Others, and the owner's own, are where a verb asks for them; those that people use for
    much else, right after it: "text END", not "text us by the end of May".
    """
    if text.upper() != text and _CAPITALS.search(text):
        return True
    words = (BUILT_IN | {"optout"}) - rules.dropped_keywords | rules.own_keywords
    strong, weak = _either(words - WEAK), _either(words & WEAK)
    asks = re.compile(
        rf"(?<!\w)(?:{_VERBS} (?:(?:{_BETWEEN}) )*(?<!\bto )(?:{strong})|(?:{strong}) (?:(?:{_BETWEEN}) )*{_VERBS}"
        rf"|{_VERBS} (?:(?:(?:{_BETWEEN}) )*(?:{_WITH}) )?(?:(?:the|dem|le|la) )?(?:(?:word|wort|mot|palabra) )?(?:{weak}))(?!\w)"
    )
    return any(asks.search(_plain(each)) for each in _SENTENCES.split(text))


def _either(words: Iterable[str]) -> str:
    return (
        "|".join(sorted((re.escape(_plain(each)) for each in words), key=len, reverse=True))
        or "(?!)"
    )


def _plain(text: str) -> str:
    """Words in lower case and without accents, one space apart."""
    return re.sub(r"[\u0300-\u036f\u064b-\u065f]", "", normalize("NFD", normal_form(text)))
