"""What a text message asks for: STOP, START, perhaps STOP, or nothing of ours (S3.4). Pure functions, no database.

What is surely a STOP is done at once; what only holds one of its words waits a week for somebody to look, and is then done. So
nobody who asks is missed, and nobody is taken off a list for "when does it end".

A keyword with nothing but filler around it is a STOP. Weak ones, which people use for much else, need what only texts have:
"cancel my subscription". The words themselves are in sms_words.py.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache, partial

from lists.sms_setup import SmsRules
from optout.choices import Meaning
from optout.sms_words import (
    AFTER,
    ARTICLES,
    ASKING,
    AUTO_REPLY,
    BEFORE,
    INSTRUCTION,
    KINDS,
    OBJECTS,
    PHRASES,
    PLEASE,
    POLITE,
    REACTION,
    REMARKS,
    SIGNATURE,
    SPELLINGS,
    START,
    STOP_THAT,
    WEAK,
)

# Those that the FCC names: no owner can drop them. "optout" and "opt-out" are the same word.
FIRST_SEVEN = frozenset({"stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"})
# "arret" is the same word, as it is typed on a phone without accents.
BUILT_IN = FIRST_SEVEN | {"stopall", "stop all", "remove", "arrêt"}
MOST_READ = 1_600  # characters: the longest message that gateways pass on in one piece

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼ`´′＇"))
_INITIALS = re.compile(r"(?<!\S)(?:[^\W\d_] ){2,}[^\W\d_](?!\S)")  # s.t.o.p
_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u065f]")
_WITH_NUMBER = re.compile(r"([^\W\d_]+)(\d.*)")  # stop12345
_QUOTED = re.compile(r"[\"“”„«»].*[\"“”„«»]", re.DOTALL)
_QUESTION = re.compile("[?？؟]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")  # Thai, Lao, kana, Han


@dataclass(frozen=True, slots=True)
class Said:
    """What a text asks for. `target` is what it asks to stop, where it names something: "stop 12345", "stop flash sales".

    Where `target` is the number of one of the realm's lists, or the `name_form` of its name, it is about that list alone: a
    STOP if `is_sure`, else UNCLEAR. Where it is not, `meaning` holds, which is never a STOP of everything for "stop 12345".
    """

    meaning: Meaning
    target: str | None = None
    is_sure: bool = False


def read_meaning(text: str, rules: SmsRules) -> Said:
    """What this text asks a realm with these rules for. Of any text; at most `MOST_READ` characters of it are read."""
    text = text[:MOST_READ]
    keywords = _keywords(rules.own_keywords, rules.dropped_keywords)
    if _is_reaction(text, keywords) or _is_auto_reply(text, keywords):
        return Said(Meaning.NOTHING)
    return _read(text, keywords)


def _read(text: str, keywords: "_Keywords") -> Said:
    """What somebody asks for who wrote this text themselves."""
    is_question = _QUESTION.search(text) is not None
    bare = _said_bare(text, keywords)
    words = _words(_in_our_words(bare, keywords.owners), keywords)
    spots = _find(words, keywords)
    if not spots:
        return Said(_meaning_without(bare, keywords, is_question=is_question))
    first = spots[0]
    before = words[: first.start]
    after = _others(words, spots)[len(before) :]
    is_bare = not before and not after
    is_asked = is_bare or (not is_question and _asks(before))
    if is_asked and _is_clear(words, spots) and _is_filler(after, AFTER | KINDS):
        kind = _trimmed(after) if KINDS.intersection(after) else ""
        return Said(Meaning.STOP, kind, is_sure=True) if kind else Said(Meaning.STOP)
    if not _is_said_in_sentences(spots):
        # an owner's word like 9: alone it says STOP, in a sentence nothing
        return Said(Meaning.NOTHING)
    target = _trimmed(words[first.end :]) if _asks(before) else ""
    if not target:
        return Said(Meaning.UNCLEAR)
    return Said(Meaning.UNCLEAR, target, is_sure=not (first.is_weak or is_question))


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
    words = _in_our_words(_bare(normal_form(name)))
    return _trimmed(words.split()) or words


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


def _is_reaction(text: str, keywords: "_Keywords") -> bool:
    """Whether a phone sent it for a thumb on one of our own messages.

    Those say more than STOP. Who quotes nothing else asks for it: I don't like this. "STOP"
    """
    quote = _QUOTED.search(text)
    if quote is None:
        return False
    outside = _bare(normal_form(f"{text[: quote.start()]} {text[quote.end() :]}"))
    return REACTION.fullmatch(outside) is not None and not _is_keyword_alone(quote[0], keywords)


def _is_keyword_alone(text: str, keywords: "_Keywords") -> bool:
    words = _words(_in_our_words(_bare(normal_form(text)), keywords.owners), keywords)
    spots = _find(words, keywords)
    return bool(spots) and _is_filler(_others(words, spots), BEFORE)


def _is_auto_reply(text: str, keywords: "_Keywords") -> bool:
    """Whether a machine answered, and only repeats how to stop: [Auto-reply] … Reply STOP to opt out."""
    bare = _spelled(_bare(normal_form(text)))
    if AUTO_REPLY.match(bare) is None:
        return False
    rest, instructions = INSTRUCTION.subn(" ", bare)
    return bool(instructions) and not _may_ask(rest, keywords)


def _said_bare(text: str, keywords: "_Keywords") -> str:
    """The words of a text, without what the phone itself wrote under it."""
    bare = _bare(normal_form(text))
    if SIGNATURE.search(f" {bare}") is None:
        return bare
    return " ".join(filter(None, (_unsigned(line, keywords) for line in text.splitlines())))


def _unsigned(line: str, keywords: "_Keywords") -> str:
    """A line without a signature at its end. What may ask for something is none: sent from my son's phone, stop."""
    bare = f" {_bare(normal_form(line))}"
    found = SIGNATURE.search(bare)
    if found is not None and not _may_ask(found[0], keywords):
        bare = bare[: found.start()]
    return bare.strip()


def _may_ask(bare: str, keywords: "_Keywords") -> bool:
    """Whether there is anything in these words that somebody would have to look at."""
    spots = _find(_words(_spelled(bare), keywords), keywords)
    return _is_said_in_sentences(spots) or _asks_otherwise(bare, keywords)


def _in_our_words(bare: str, owners: tuple[str, ...] = ()) -> str:
    """Every spelling as the word that is meant, and what is said besides as one filler: unless it is an owner's keyword."""
    text = _spelled(bare)
    for besides, filler in ((PHRASES, "ok"), (PLEASE, "please"), (REMARKS, "ok")):
        text = besides.sub(partial(_filler_for, filler, owners), text)
    return text


def _filler_for(filler: str, owners: tuple[str, ...], found: re.Match[str]) -> str:
    is_owners = any(f" {each} " in f" {found[0]} " for each in owners)
    return found[0] if is_owners else filler


def _spelled(bare: str) -> str:
    for keyword, misspelled in SPELLINGS:
        bare = misspelled.sub(keyword, bare)
    return bare


def _meaning_without(bare: str, keywords: "_Keywords", *, is_question: bool) -> Meaning:
    """What a text without any keyword asks for."""
    if START.fullmatch(bare) and not is_question:
        return Meaning.START
    return Meaning.UNCLEAR if _asks_otherwise(bare, keywords) else Meaning.NOTHING


def _asks_otherwise(bare: str, keywords: "_Keywords") -> bool:
    unspaced = filter(_UNSPACED.search, keywords.owners)
    return PHRASES.search(bare) is not None or any(each in bare for each in unspaced)


@dataclass(frozen=True, slots=True)
class _Keywords:
    # First word → the keywords that begin with it, the longest first.
    by_first: dict[str, list[list[str]]]
    owners: tuple[str, ...]


@lru_cache(maxsize=256)
def _keywords(own: frozenset[str], dropped: frozenset[str]) -> _Keywords:
    gone = {_bare(normal_form(each)) for each in dropped} - FIRST_SEVEN
    built_in = {_bare(each) for each in BUILT_IN} - gone
    owners = {_spelled(_bare(normal_form(each))) for each in own} - {""}
    by_first: dict[str, list[list[str]]] = {}
    for keyword in sorted(built_in | owners, key=len, reverse=True):
        words = keyword.split()
        by_first.setdefault(words[0], []).append(words)
    return _Keywords(by_first, tuple(sorted(owners)))


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a keyword stands: its first word, and one after the last of what belongs to it: cancel my subscription."""

    keyword: str
    start: int
    end: int

    @property
    def is_weak(self) -> bool:
        return self.keyword in WEAK

    @property
    def has_object(self) -> bool:
        return self.end - self.start > len(self.keyword.split())


def _words(text: str, keywords: _Keywords) -> list[str]:
    words: list[str] = []
    for word in text.split():
        split = _WITH_NUMBER.fullmatch(word)
        is_split = (
            split is not None and word not in keywords.by_first and split[1] in keywords.by_first
        )
        words.extend(split.groups() if split is not None and is_split else (word,))
    return words


def _find(words: list[str], keywords: _Keywords) -> list[_Spot]:
    spots: list[_Spot] = []
    for at in range(len(words)):
        if spots and at < spots[-1].end:
            continue
        for keyword in keywords.by_first.get(words[at], ()):
            end = at + len(keyword)
            if words[at:end] == keyword:
                name = " ".join(keyword)
                spots.append(_Spot(name, at, end + _length_of_object(name, words[end:])))
                break
    return spots


def _length_of_object(keyword: str, words: list[str]) -> int:
    """How many words say that a weak keyword is about texts; 0 where none do."""
    found = OBJECTS[keyword].match(" ".join(words[:10])) if keyword in OBJECTS else None
    return len(found[0].split()) if found else 0


def _others(words: list[str], spots: list[_Spot]) -> list[str]:
    """The words that belong to no keyword."""
    taken = {at for spot in spots for at in range(spot.start, spot.end)}
    return [word for at, word in enumerate(words) if at not in taken]


def _is_said_in_sentences(spots: list[_Spot]) -> bool:
    """Whether any of these keywords says something among other words: a digit or a letter of an owner's does not."""
    return any(len(spot.keyword) > 1 and not spot.keyword.isdigit() for spot in spots)


def _asks(before: list[str]) -> bool:
    """Whether what stands before a keyword asks for it, or says nothing: "please", "I want you to"."""
    rest = " ".join(word for word in before if word not in BEFORE)
    return not rest or ASKING.fullmatch(rest) is not None


def _is_clear(words: list[str], spots: list[_Spot]) -> bool:
    """Whether the first keyword is meant as one, and no later one is what it is about: "cancel my stop"."""
    first = spots[0]
    if words[-2:] == STOP_THAT:
        return False
    if first.is_weak and not first.has_object:
        return all(word in POLITE or word == first.keyword for word in words)
    return all(words[spot.start - 1] not in ARTICLES for spot in spots[1:])


def _is_filler(words: list[str], allowed: frozenset[str]) -> bool:
    return all(word in allowed for word in words)


def _trimmed(words: list[str]) -> str:
    """Words without the filler at both ends; nothing where nothing else is left."""
    first, last = 0, len(words)
    while first < last and words[first] in AFTER:
        first += 1
    while last > first and words[last - 1] in AFTER:
        last -= 1
    return " ".join(words[first:last])
