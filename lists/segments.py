"""How many text messages a text is: the arithmetic of GSM 03.38 and of UCS-2 (S3.6). Pure functions, no database.

A text of one message has all its room; longer ones lose some in each part, for what puts the parts together again. What takes
two places, `€` in one encoding and an emoji in the other, is never cut in two: it moves to the next part, as gateways do it.
"""

from dataclasses import dataclass
from typing import Literal

# One place each.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Two places each: an escape, and the character.
EXTENDED = frozenset("\f^{}\\[~]|€")

ONE_GSM, PART_GSM = 160, 153  # septets of a single message, and of each of several
ONE_UCS, PART_UCS = 70, 67  # 16-bit units of the same

type Encoding = Literal["GSM-7", "UCS-2"]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a text is sent. `characters` are what people count, `units` the places they take, `left` how many places the last
    message still has. An empty text is none (0 segments)."""

    encoding: Encoding
    characters: int
    units: int
    segments: int
    left: int


def measure(text: str) -> Measure:
    """What this text takes. Of any text: one character that GSM does not have makes all of it UCS-2."""
    if BASIC.union(EXTENDED).issuperset(text):
        wide = sum(map(text.count, EXTENDED))
        units = len(text) + wide
        return _measured("GSM-7", text, units, ONE_GSM, PART_GSM, has_wide=wide > 0)
    wide = sum(character > "\uffff" for character in text)
    return _measured("UCS-2", text, len(text) + wide, ONE_UCS, PART_UCS, has_wide=wide > 0)


def _measured(
    encoding: Encoding, text: str, units: int, one: int, part: int, *, has_wide: bool
) -> Measure:
    if units <= one:
        return Measure(encoding, len(text), units, 1 if text else 0, one - units)
    if not has_wide:
        parts = -(-units // part)
        return Measure(encoding, len(text), units, parts, parts * part - units)
    parts, used = 1, 0
    for character in text:
        width = 2 if character in EXTENDED or character > "\uffff" else 1
        if encoding == "UCS-2" and character in EXTENDED:
            width = 1
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return Measure(encoding, len(text), units, parts, part - used)
