"""The owner's own words on the pages: plain text in any script, with https links (S0.8)."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from lists.choices import TextKind
from lists.lookup import ListSnapshot
from optout.own_texts import own_words

_LINK = re.compile(r"https://[^\s<>\"']{1,500}")
_AFTER_LINK = ".,;:!?)]}»”"  # belongs to the sentence
_LONGEST = 2_000  # characters
LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class OwnText:
    """A text as safe HTML, and its language."""

    html: SafeString
    language: str
    text: str = ""

    def shorter_by(self, excess: int) -> "OwnText | None":
        """The text without its last words, so that its HTML has at least so many bytes less; None where nothing is left."""
        room = len(self.html.encode()) - excess
        words = self.text.split(" ")
        while words and len(as_html(" ".join(words) + "…").encode()) > room:
            words.pop()
        if not words:
            return None
        text = " ".join(words) + "…"
        return OwnText(as_html(text), self.language, text)


def weight_of(text: str) -> int:
    """The bytes of a plain text in a page."""
    return len(escape(text).encode())


def cut_words(text: str, most: int) -> str:
    """A longer text without its last words, so that it weighs at most so many bytes; or nothing at all."""
    words = text.split()
    while words and weight_of(" ".join(words) + "…") > most:
        words.pop()
    return " ".join(words) + "…" if words else ""


def message_text(optout_list: ListSnapshot, language: str) -> OwnText | None:
    """The owner's message for the pages where somebody decides, in the reader's language, else in the list's; or None."""
    words = own_words(optout_list, TextKind.MESSAGE, language)
    if words is None:
        return None
    text = words.text[:LONGEST_MESSAGE]
    return OwnText(as_html(text), words.language, text)


def thank_you_text(optout_list: ListSnapshot, language: str) -> OwnText | None:
    """The owner's text in the reader's language; None where Heed's own sentence is shown, which that reader can read.

    The snapshot has joined the texts already: the list's own, else the realm's, language by language (S0.8). Only in a language
    that Heed does not speak is the list's default language better than nothing.
    """
    is_ours = language in dict(settings.LANGUAGES)
    for code in (language,) if is_ours else (language, optout_list.default_language):
        text = str(optout_list.thank_you_texts.get(code) or "").strip()
        if text:
            return OwnText(as_html(text), code, text)
    return None


def as_html(text: str) -> SafeString:
    """Escaped paragraphs; nothing of it is markup but https links, which lead away without a trace."""
    paragraphs = re.split(r"\n\s*\n", text[:_LONGEST].replace("\r\n", "\n").strip())
    return mark_safe("".join(f'<p dir="auto">{_linked(each)}</p>' for each in paragraphs))  # noqa: S308 escaped


def _linked(text: str) -> str:
    parts, end = [], 0
    for match in _LINK.finditer(text):
        link = match[0].rstrip(_AFTER_LINK)
        parts += [escape(text[end : match.start()]), _anchor(link)]
        end = match.start() + len(link)
    parts.append(escape(text[end:]))
    return "".join(parts).replace("\n", "<br>")


def _anchor(link: str) -> str:
    return format_html('<a href="{0}" rel="nofollow noopener noreferrer">{0}</a>', link)
