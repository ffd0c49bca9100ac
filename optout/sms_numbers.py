"""A number that messages come from, as an owner types it and as a gateway names it: a phone number, or a short code."""

import re

from optout.addresses import AddressError, phone_key

_SEPARATORS = re.compile(r"[\s().\-/]+")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_PHONE_FROM = 7  # digits: from there on it is read as a phone number first


def read_number(text: str, region: str) -> str:
    """The number in E.164, or a short code as its digits; `region` (ISO 3166) reads what has no country code.

    Raises AddressError.
    """
    digits = _SEPARATORS.sub("", text)
    is_short = bool(_SHORT_CODE.fullmatch(digits))
    if is_short and len(digits) < _PHONE_FROM:
        return digits
    try:
        return phone_key(text, region)
    except AddressError:
        if is_short:
            return digits
        raise
