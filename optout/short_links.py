"""Links that fit into a text message (S3.2): `/s/` and 22 characters, none of which a gateway has to write in two.

A signed link (optout/links.py) has 90 characters; half a message. Here all that a token says is one block of AES-256:

    4 bytes list id · 7 bytes number: a 1, and the digits of E.164 · 5 bytes zero

Whoever changes a token gets another block, all of it by chance: that its last 5 bytes are zero happens once in 2^40 tries, and
then it must still name a list that there is, and the number is nobody's whom one could have chosen. A token tells nothing, and
the same recipient always has the same link. It holds no key id: reading tries each of the LINK_SECRETS.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

from optout.links import LinkTarget, parse_secrets

TOKEN_LENGTH = 22
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_PURPOSE = b"heed short link"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_BLOCK = 16
_ZERO_BITS = 40
_NUMBER_BITS = 56
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_HALVES = struct.Struct(">QQ")


def short_url(list_id: int, number: str) -> str:
    """The short link of one recipient of a list. `number` is in E.164; anything else is a ValueError."""
    return short_urls(list_id, [number])[0]


def short_urls(list_id: int, numbers: Sequence[str]) -> list[str]:
    """The same of many, in their order. The cipher is called once, so that there are 650,000 in a second (measured)."""
    start = open_short_url("")
    return [start + token for token in _tokens(list_id, numbers)]


def open_short_url(public_id: str) -> str:
    """The short link that asks for the number (S3.3): for a post, a poster, and a message to one."""
    return f"{settings.SMS_LINK_BASE_URL or settings.BASE_URL}/s/{public_id}"


def read_short_token(token: str) -> LinkTarget | None:
    """Whom the token is about, or None for anything that we did not make (AT-04)."""
    if len(token) != TOKEN_LENGTH:
        return None
    value = 0
    for character in token:
        digit = _VALUES.get(character)
        if digit is None:
            return None
        value = value * 62 + digit
    if value >> 128:  # one token, one spelling
        return None
    block = value.to_bytes(_BLOCK)
    for key_id, cipher in _ciphers(settings.LINK_SECRETS):
        decryptor = cipher.decryptor()
        plain = int.from_bytes(decryptor.update(block) + decryptor.finalize())
        if plain & ((1 << _ZERO_BITS) - 1):
            continue
        digits = str((plain >> _ZERO_BITS) & ((1 << _NUMBER_BITS) - 1))
        if digits[0] == "1" and _FEWEST_DIGITS < len(digits) <= _MOST_DIGITS + 1:
            return LinkTarget(plain >> (_ZERO_BITS + _NUMBER_BITS), f"+{digits[1:]}", key_id)
    return None


def _tokens(list_id: int, numbers: Iterable[str]) -> list[str]:
    encryptor = _ciphers(settings.LINK_SECRETS)[0][1].encryptor()
    high = list_id << _NUMBER_BITS
    plain = b"".join(
        [((high | _packed(number)) << _ZERO_BITS).to_bytes(_BLOCK) for number in numbers]
    )
    sealed = encryptor.update(plain) + encryptor.finalize()
    return [_spell(first << 64 | second) for first, second in _HALVES.iter_unpack(sealed)]


def _packed(number: str) -> int:
    """The digits with a 1 in front, so that those which begin with zeros keep them."""
    digits = number[1:]
    if (
        number[:1] != "+"
        or not (digits.isascii() and digits.isdigit())
        or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS
    ):
        raise ValueError("A short link is made for a phone number in E.164.")
    return int("1" + digits)


def _spell(value: int) -> str:
    """128 bits in base 62, always of the same length; two characters at a time, as that is twice as fast."""
    parts = [""] * 11
    for at in range(10, -1, -1):
        value, pair = divmod(value, 3844)
        parts[at] = _PAIRS[pair]
    return "".join(parts)


@lru_cache(maxsize=4)
def _ciphers(secrets: str) -> tuple[tuple[int, Cipher[modes.ECB]], ...]:
    """(key id, cipher) of each link secret, newest first."""
    return tuple(
        (
            key_id,
            # A single block of our own making, no two alike but for the same recipient: that is what ECB is good for.
            Cipher(
                algorithms.AES(hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)),
                modes.ECB(),  # noqa: S305
            ),
        )
        for key_id, secret in parse_secrets(secrets)
    )
