"""The text of a message: its placeholder for the recipient's own link, how long it becomes, and what is refused."""

import re
from typing import Final
from unicodedata import category

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lists.segments import Measure, measure
from optout.short_links import short_url

PLACEHOLDER: Final = "{optout}"
MOST_SEGMENTS = 10  # of one message; gateways take no more, and each is paid for
MOST_CHARACTERS = 1_600  # of the text as it is written
LIST_ONLY = _("The opt-out link is only available when sending to a list.")  # the seed's own words
TOO_LONG = _("This is too long for a text message: write 10 segments at most.")
NOBODY = _(
    "Nobody on this list can get a text message. Add contacts with phone numbers to it first."
)

# Written by hand, or by a phone that begins each line with a capital.
_LIKE_PLACEHOLDER = re.compile(r"\{\s*opt[\s_-]?out\s*\}", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n?")
_NOT_SENT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # a line end is
_SAMPLE_NUMBER = "+18005550199"  # every recipient's link is as long


# What an editor or a phone makes of plain characters by itself; GSM 03.38 has none of it, and one alone halves every segment.
_PLAIN = str.maketrans(
    dict.fromkeys("–—‐‑−•", "-")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‘’‚`´", "'")
    | dict.fromkeys("\u00a0\u202f\u2009", " ")
    | dict.fromkeys("\u200b\ufeff\u00ad", "")
    | {"…": "..."}
)


class TextRefusedError(ValueError):
    """This message cannot be sent so. The sentence says why and repeats nothing of it; `field` is what is wrong: text, list, to
    or from."""

    def __init__(self, message: str | Promise, field: str = "text") -> None:
        super().__init__()
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


def check_text(text: str, list_id: int | None) -> str:
    """The text as it is kept: line ends as text messages have them, the placeholder in its one spelling.

    `list_id` is the list it goes to, None for a single number. Raises TextRefusedError.
    """
    text = _LIKE_PLACEHOLDER.sub(PLACEHOLDER, _LINE_END.sub("\n", text).replace("\t", " ")).strip()
    if is_blank(text):
        raise TextRefusedError(_("Write the message."))
    if _NOT_SENT.search(text):
        raise TextRefusedError(_("There is a character in the text that no message can have."))
    if list_id is None and PLACEHOLDER in text:
        raise TextRefusedError(LIST_ONLY)
    if len(text) > MOST_CHARACTERS or measure_text(text, list_id).segments > MOST_SEGMENTS:
        raise TextRefusedError(TOO_LONG)
    return text


def is_blank(text: str) -> bool:
    """Whether nothing of it would be seen: spaces, and characters without a width, as a phone may leave them."""
    return all(each.isspace() or category(each) == "Cf" for each in text)


def plain_text(text: str) -> str:
    """The text with the plain characters that dashes, quotation marks and wide spaces stand for."""
    return text.translate(_PLAIN)


def fill(text: str, link: str) -> str:
    """The text as one recipient gets it."""
    return text.replace(PLACEHOLDER, link)


def measure_text(text: str, list_id: int | None) -> Measure:
    """How long the message is as it arrives: its placeholder counts as the link that it becomes."""
    return measure(text if list_id is None else fill(text, sample_link(list_id)))


def sample_link(list_id: int) -> str:
    """A link of that list as long as everybody's."""
    return short_url(list_id, _SAMPLE_NUMBER)
