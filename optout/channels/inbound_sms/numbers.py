"""Who texted, and which number: as gateways write numbers, with a plus or without."""

import re
from contextlib import suppress

from lists.sms_setup import find_number
from optout.addresses import Address, AddressError, PlusOrSpace, parse_phone

LONGEST = 40  # characters that are kept of what is no number

# What Twilio has before a number that is none of an ordinary text message.
_KIND = re.compile(r"\A(?:whatsapp|rcs|sms|mms|tel):", re.IGNORECASE)
_LIKE_A_NUMBER = re.compile(r"[+\uff0b\d\s().\-/\u2010-\u2015]{1,60}")
_SHORT_CODE = re.compile(r"[0-9]{3,6}")  # a service's; nobody's phone is that short
_ONLY_DIGITS = re.compile(r"[1-9][0-9]{6,14}")


def read_sender(text: str, region: str) -> Address | None:
    """The phone that texted; None for a short code, a name, or anything else that is no phone.

    Gateways write numbers with their country code, and many of them without its plus. `region` (ISO 3166) reads the rest.
    """
    text = bare(text)
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
    None for a number of the whole realm, or of nobody we know."""
    text = bare(text)
    known = find_number(realm_id, text[:LONGEST]) if text else None
    sender = None if known else read_sender(text, region)
    if sender is not None:
        known = find_number(realm_id, sender.key)
    if known is None:
        return (text if sender is None else sender.key)[:LONGEST], None
    return known.number, known.optout_list_id


def bare(text: str) -> str:
    """A number without the kind of message that stands before it."""
    return _KIND.sub("", text.strip()).strip()
