"""Who texted, and which number: as gateways write numbers, with a plus or without."""

import re
import unicodedata
from contextlib import suppress
from urllib.parse import unquote

from lists.sms_setup import find_number, find_only_number
from optout.addresses import Address, AddressError, PlusOrSpace, parse_phone
from optout.channels.inbound_sms.fields import clean

LONGEST = 40  # characters that are kept of what is no number
_READ = 200  # characters that are read of it

# What Twilio has before a number that is none of an ordinary text message.
_KIND = re.compile(r"\A(?:whatsapp|rcs|sms|mms|tel):", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
# `;ext=5`, `x5`, `#5`, and the parameters of tel: URIs.
_EXTENSION = re.compile(
    r"(?<=[0-9)\s])\s*(?:;.*|(?:,|#|x|ext(?:ension)?)[.:=\s]*[0-9]{1,7}#?)\Z", re.IGNORECASE
)
_LIKE_A_NUMBER = re.compile(r"[+\uff0b\d\s().\-/\u2010-\u2015]{1,60}")
_SHORT_CODE = re.compile(r"[0-9]{3,6}")  # a service's; nobody's phone is that short
_ONLY_DIGITS = re.compile(r"[1-9][0-9]{6,14}")
# What a message may come from that is no phone: a short code, or a name of letters and digits.
_NAME = re.compile(r"[A-Za-z0-9 _.&+-]{1,15}")


def read_sender(text: str, region: str) -> Address | None:
    """The phone that texted; None for a short code, a name, or anything else that is no phone.

    Gateways write numbers with their country code, and many of them without its plus. `region` (ISO 3166) reads the rest.
    """
    text = _EXTENSION.sub("", bare(text))
    if not _LIKE_A_NUMBER.fullmatch(text) or _SHORT_CODE.fullmatch(text):
        return None
    with suppress(AddressError):
        return parse_phone(PlusOrSpace(text) if _ONLY_DIGITS.fullmatch(text) else text, region)
    with suppress(AddressError):
        if _ONLY_DIGITS.fullmatch(text):  # it may be a number at home as well: gateways mean this
            return parse_phone(f"+{text}", region)
    return None


def read_texted(realm_id: int, text: str, region: str) -> tuple[str, int | None]:
    """The number that was texted, as the realm has it set up or else as it was sent; and the list whose messages come from it,
    None for a number of the whole realm, or of nobody we know.

    Where the gateway does not say it, it is the realm's only number, if there is just one; but of no list: messages of others
    may have come from elsewhere, and their STOP would be lost. What nothing can be texted to is not kept: it would be told to
    webhooks as the number.
    """
    if not text:
        only = find_only_number(realm_id)
        return ("" if only is None else only.number), None
    known = find_number(realm_id, *_spellings(text, region))
    if known is not None:
        return known.number, known.optout_list_id
    sender = read_sender(text, region)
    if sender is not None:
        return sender.key, None
    name = bare(text)
    return name if _NAME.fullmatch(name) else "", None


def is_own_number(realm_id: int, text: str, region: str) -> bool:
    """Whether a message comes from a number of the realm itself: an echo of what the gateway sent."""
    return find_number(realm_id, *_spellings(text, region)) is not None


def spell(text: str, region: str) -> str:
    """A number in the one spelling by which two are compared; a name as it is, but for case and spaces."""
    sender = read_sender(text, region)
    return sender.key if sender else "".join(bare(text).casefold().split())


def bare(text: str) -> str:
    """A number without the kind of message that stands before it, nor what a gateway put around it or into it: format characters,
    and an encoding too many."""
    text = text[:_READ]
    if _ENCODED.search(text):
        text = clean(unquote(text))
    text = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return _KIND.sub("", text.strip()).strip()


def _spellings(text: str, region: str) -> set[str]:
    sender = read_sender(text, region)
    return {bare(text)[:LONGEST]} | ({sender.key} if sender else set())
