"""What a text message asks for: STOP, START, perhaps STOP, or nothing of ours (S3.4). Pure functions, no database.

What is surely a STOP is done at once; what only holds one of its words waits a week for somebody to look, and is then done. So
nobody who asks is missed, and nobody is taken off a list for "when does it end".
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lists.sms_setup import SmsRules
from optout.choices import Meaning

# Those that the FCC names: no owner can drop them. "optout" and "opt-out" are the same word.
FIRST_SEVEN = frozenset({"stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"})
# "arret" is the same word, as it is typed on a phone without accents.
BUILT_IN = FIRST_SEVEN | {"stopall", "stop all", "remove", "arrêt"}
MOST_READ = 1_600  # characters: the longest message that gateways pass on in one piece

_SPELLINGS = {
    "optout": "opt out",
    "opt me out": "opt out",
    "un subscribe": "unsubscribe",
}
_STARTS = ("start", "unstop", "opt in", "optin", "opt me in")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that stand around a keyword and change nothing of what it says: before it …
_BEFORE = _set(
    """please pls plz plse plase kindly thanks thx thnx ty now just ok okay so and hi hello hey yo dear sir madam guys
    fuck fucking fck damn bloody bitte danke hallo jetzt sofort endlich hola gracias ya ahora bonjour merci svp stp maintenant"""
)
# … and after it.
_AFTER = _BEFORE | _set(
    """me us my mine it this that these those the all any every everything to from for your you u ur texting sending messaging
    contacting calling spamming bothering harassing texts text sms mms message messages msg msgs number phone cell mobile list
    lists subscription subscriptions spam immediately immediatly asap today forever completely further more again here off
    mich mir alle alles nachrichten nachricht von euch ihnen dir mensajes mensaje los les vos tous"""
)
# Around the words that mean nothing else, what is said when somebody asks in a whole sentence.
_ASKING = _set("i want would like wish need id to consent my you")
_CLEAR = frozenset({"opt out", "unsubscribe", "revoke", "stopall"})
_POLITE = re.compile(
    r"\b(?:thank (?:you|u)(?: very much| so much)?|right now|at once|por favor|s?il (?:vous|te) plait|no more|"
    r"(?:you have |you got )?(?:the )?wrong (?:number|person))\b"
)
_SIGNATURE = re.compile(
    r" (?:sent from my|get outlook for|von meinem|enviado desde mi|envoye de mon) \S.*"
)

# What phones send for a thumb on one of our own messages, with all its words: Liked “… Reply STOP to opt out”.
_REACTION = re.compile(
    r"\s*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|removed an? [a-z ]{1,30} from|reacted \S{1,12} to)"
    r"\s+[\"“„«].*[\"”“»]\s*",
    re.IGNORECASE | re.DOTALL,
)
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼ`´′＇"))
_INITIALS = re.compile(r"(?<!\S)(?:[^\W\d_] ){2,}[^\W\d_](?!\S)")  # s.t.o.p
_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u065f]")
_WITH_NUMBER = re.compile(r"([^\W\d_]+)(\d.*)")  # stop12345
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")  # Thai, Lao, kana, Han


@dataclass(frozen=True, slots=True)
class Said:
    """What a text asks for. `target` is what it asks to stop, where it names something: "stop 12345", "cancel flash sales".

    The meaning is UNCLEAR then, and the caller makes it a STOP of one list where `target` is the number of one of the realm's
    lists, or the `name_form` of its name. It is never a STOP of everything.
    """

    meaning: Meaning
    target: str | None = None


def read_meaning(text: str, rules: SmsRules) -> Said:
    """What this text asks a realm with these rules for. Of any text; at most `MOST_READ` characters of it are read."""
    text = text[:MOST_READ]
    if _REACTION.fullmatch(text):
        return Said(Meaning.NOTHING)
    bare = _bare(_SIGNATURE.sub("", f" {normal_form(text)}"))
    keywords = _keywords(rules.own_keywords, rules.dropped_keywords)
    words = _words(bare, keywords)
    spots = _find(words, keywords)
    if not spots:
        if any(each in bare for each in keywords.unspaced):
            return Said(Meaning.UNCLEAR)
        return Said(Meaning.START if _asks_to_start(words) else Meaning.NOTHING)
    before = words[: spots[0][0]]
    rest = [word for word, is_key in zip(words, _marks(words, spots), strict=True) if not is_key]
    after = rest[len(before) :]
    if _is_filler(before, _BEFORE) and _is_filler(after, _AFTER):
        return Said(Meaning.STOP)
    found = [_canonical(" ".join(words[start:end])) for start, end in spots]
    if not any(
        map(_is_word, found)
    ):  # an own keyword like 9: alone it says STOP, in a sentence nothing
        return Said(Meaning.NOTHING)
    if found[0] in _CLEAR and _is_filler(rest, _BEFORE | _ASKING, _AFTER):
        return Said(Meaning.STOP)
    if _is_filler(before, _BEFORE):
        return Said(Meaning.UNCLEAR, _trimmed(words[spots[0][1] :]))
    return Said(Meaning.UNCLEAR)


def normal_form(text: str) -> str:
    """A text as keywords are compared and kept: NFKC, case-folded, words apart by one space, and nothing but words.

    Apostrophes and invisible characters vanish; other punctuation and symbols, emoji among them, part words. Letters with
    something between them are put together: `s.t.o.p`.
    """
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    text = unicodedata.normalize("NFKC", text)
    spaced = " ".join("".join(map(_kept, text)).split())
    return _INITIALS.sub(lambda found: found[0].replace(" ", ""), spaced)


def name_form(name: str) -> str:
    """The name of a list as `Said.target` has it: without accents, and without words around it that name nothing."""
    return _trimmed(_bare(normal_form(name)).split())


def _kept(character: str) -> str:
    if character in "\ufe0e\ufe0f":  # whether what stands before is shown in colour
        return ""
    category = unicodedata.category(character)
    if category[0] in "LN" or category in {"Mn", "Mc"}:
        return character
    return "" if category in {"Cf", "Me"} else " "


def _bare(text: str) -> str:
    """Without accents, as people type who have none at hand."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text)).replace("ı", "i")
    return unicodedata.normalize("NFC", plain)


@dataclass(frozen=True, slots=True)
class _Keywords:
    # First word → the keywords that begin with it, the longest first.
    by_first: dict[str, list[list[str]]]
    unspaced: tuple[str, ...]


@lru_cache(maxsize=256)
def _keywords(own: frozenset[str], dropped: frozenset[str]) -> _Keywords:
    gone = {_bare(normal_form(each)) for each in dropped} - FIRST_SEVEN
    built_in = {_bare(each) for each in BUILT_IN} - gone
    owners = {_bare(normal_form(each)) for each in own} - {""}
    spelled = {each for each, meant in _SPELLINGS.items() if meant in built_in}
    by_first: dict[str, list[list[str]]] = {}
    for keyword in sorted(built_in | spelled | owners, key=len, reverse=True):
        words = keyword.split()
        by_first.setdefault(words[0], []).append(words)
    return _Keywords(by_first, tuple(sorted(filter(_UNSPACED.search, owners))))


def _words(bare: str, keywords: _Keywords) -> list[str]:
    words: list[str] = []
    for word in _POLITE.sub("please", bare).split():
        split = _WITH_NUMBER.fullmatch(word)
        is_split = (
            split is not None and word not in keywords.by_first and split[1] in keywords.by_first
        )
        words.extend(split.groups() if split is not None and is_split else (word,))
    return words


def _find(words: list[str], keywords: _Keywords) -> list[tuple[int, int]]:
    """Where keywords stand: (first word, one after the last)."""
    spots, at = [], 0
    while at < len(words):
        for keyword in keywords.by_first.get(words[at], ()):
            if words[at : at + len(keyword)] == keyword:
                spots.append((at, at + len(keyword)))
                at += len(keyword) - 1
                break
        at += 1
    return spots


def _marks(words: list[str], spots: list[tuple[int, int]]) -> list[bool]:
    marks = [False] * len(words)
    for start, end in spots:
        marks[start:end] = [True] * (end - start)
    return marks


def _asks_to_start(words: list[str]) -> bool:
    text = [word for word in words if word not in _BEFORE]
    return any(
        text[: len(start)] == start and _is_filler(text[len(start) :], _AFTER)
        for start in (each.split() for each in _STARTS)
    )


def _is_filler(words: Iterable[str], *allowed: frozenset[str]) -> bool:
    return all(any(word in each for each in allowed) for word in words)


def _canonical(keyword: str) -> str:
    return _SPELLINGS.get(keyword, keyword)


def _is_word(keyword: str) -> bool:
    return len(keyword) > 1 and not keyword.isdigit()


def _trimmed(words: list[str]) -> str:
    """Words without the filler at both ends; as they are where nothing else is left."""
    first, last = 0, len(words)
    while first < last and words[first] in _AFTER | {"of"}:
        first += 1
    while last > first and words[last - 1] in _AFTER:
        last -= 1
    return " ".join(words[first:last] or words)
