"""Links for recipients: the open ones of a list, and the signed ones of a single address.

A signed link's token is opaque: whoever reads a log or looks over a shoulder learns no address. Layout, then base64url
without padding:

    1 byte version (1) · 1 byte key id · 4 bytes list id · 12 bytes nonce · address · 16 bytes tag        (AES-256-GCM)

The first 6 bytes are authenticated too, so a token of one list is worth nothing on another (AT-05). The nonce is derived from
the address: the same recipient has the same link, and mailers can make links themselves with their list's key.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = 1
# What a link is for. One that was made for one thing opens nothing else.
OPT_OUT = b"heed signed link"
PREFERENCES = b"heed preference link"
JOIN = b"heed join link"
HEADER_BYTES = 6
NONCE_BYTES = 12
TAG_BYTES = 16
LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Whom a signed link is about: the list's primary key, the normalised address, the id of the key it was made with."""

    list_id: int
    address: str
    key_id: int


def page_url(public_id: str) -> str:
    """The hosted page of a list, which asks for the address (S0.4)."""
    return f"{settings.BASE_URL}/u/{public_id}"


def direct_url(public_id: str, item: str = "{item}") -> str:
    """The hosted page with the address filled in; by default with the placeholder `{item}` (S0.6)."""
    return f"{page_url(public_id)}?item={_item(item)}"


def pixel_url(public_id: str, item: str = "{item}") -> str:
    """The 1×1 pixel for the mailer's own thank-you page (S0.15)."""
    return f"{page_url(public_id)}.gif?item={_item(item)}"


def signed_url(list_id: int, address: str) -> str:
    """The one recipient's own link: a confirm page for a person, RFC 8058 one-click for a mail provider."""
    return f"{settings.BASE_URL}/o/{make_token(list_id, address)}"


def download_url(public_id: str) -> str:
    """Where mailers fetch the list's suppressions; the key is theirs to add."""
    return f"{settings.BASE_URL}/d/{public_id}"


def api_web_url() -> str:
    """Where the programs of every realm send their commands (S4.3)."""
    return f"{settings.BASE_URL}/api_web"


def inbound_sms_url(public_id: str) -> str:
    """Where a gateway passes on what people text (S3.4)."""
    return f"{settings.BASE_URL}/sms/{public_id}"


def global_unsubscribe_url(key: str, hosts: Sequence[str] = ()) -> str:
    """Where a realm's websites send global requests (S1.8): by one of its host names, our own first, else by its key."""
    base = urlsplit(settings.BASE_URL)
    if not hosts:
        return f"{settings.BASE_URL}/g/{key}/unsubscribe/unsubscribe"
    if base.hostname in hosts:
        return f"{settings.BASE_URL}/unsubscribe/unsubscribe"
    port = f":{base.port}" if base.port else ""
    return f"{base.scheme}://{hosts[0]}{port}/unsubscribe/unsubscribe"


def ask_url(public_id: str) -> str:
    """Where people ask for the link to their preference page (S2.2)."""
    return f"{settings.BASE_URL}/p/{public_id}"


def preferences_url(list_id: int, address: str) -> str:
    """The one recipient's preference page, by way of this list of its realm."""
    return f"{settings.BASE_URL}/p/{make_token(list_id, address, PREFERENCES)}"


def join_url(public_id: str) -> str:
    """The form with which people join a list (S2.2)."""
    return f"{settings.BASE_URL}/j/{public_id}"


def confirm_join_url(list_id: int, mail_id: int) -> str:
    """What the mail to somebody who wants to join leads to. Names the request, not the address."""
    return f"{settings.BASE_URL}/j/{make_token(list_id, str(mail_id), JOIN)}"


def make_token(list_id: int, address: str, purpose: bytes = OPT_OUT) -> str:
    """The token of a signed link, made with the newest link secret. `address` is the normalised one."""
    key_id, secret = _secrets(settings.LINK_SECRETS)[0]
    key = _list_key(secret, list_id, purpose)
    header = _header(key_id, list_id)
    plain = address.encode()
    nonce = hmac.digest(key, header + plain, hashlib.sha256)[:NONCE_BYTES]
    sealed = AESGCM(key).encrypt(nonce, plain, header)
    return base64.urlsafe_b64encode(header + nonce + sealed).rstrip(b"=").decode()


def read_token(token: str, purpose: bytes = OPT_OUT) -> LinkTarget | None:
    """Whom the token is about, or None for anything that we did not make for that purpose (AT-04)."""
    longest = HEADER_BYTES + NONCE_BYTES + LONGEST_ADDRESS + TAG_BYTES
    if len(token) > longest * 4 // 3 + 4:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # One token, one spelling: the unused last bits must be zero, or a flipped bit there would still verify.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != token:
        return None
    if len(raw) <= HEADER_BYTES + NONCE_BYTES + TAG_BYTES or raw[0] != VERSION:
        return None
    key_id, list_id = raw[1], int.from_bytes(raw[2:HEADER_BYTES])
    secret = dict(_secrets(settings.LINK_SECRETS)).get(key_id)
    if secret is None:
        return None
    nonce = raw[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
    try:
        plain = AESGCM(_list_key(secret, list_id, purpose)).decrypt(
            nonce, raw[HEADER_BYTES + NONCE_BYTES :], raw[:HEADER_BYTES]
        )
        return LinkTarget(list_id, plain.decode(), key_id)
    except (InvalidTag, UnicodeDecodeError):
        return None


def list_key(list_id: int) -> bytes:
    """The 32-byte key with which a mailer makes this list's signed links; of the newest link secret."""
    return _list_key(_secrets(settings.LINK_SECRETS)[0][1], list_id, OPT_OUT)


def list_header(list_id: int) -> bytes:
    """The 6 bytes that such a mailer's tokens begin with."""
    return _header(_secrets(settings.LINK_SECRETS)[0][0], list_id)


def parse_secrets(text: str) -> tuple[tuple[int, str], ...]:
    """Read `2:newest,1:older` into ((2, "newest"), (1, "older")). Raises ValueError when it says something else."""
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        number, _, secret = part.partition(":")
        if not (
            number.isascii() and number.isdigit() and 1 <= int(number) <= 255 and len(secret) >= 16
        ):
            raise ValueError(
                "LINK_SECRETS must be id:secret pairs; id 1-255, at least 16 characters each."
            )
        pairs.append((int(number), secret))
    if not pairs or len({number for number, _ in pairs}) != len(pairs):
        raise ValueError("LINK_SECRETS needs at least one pair, and each id once.")
    return tuple(pairs)


@lru_cache(maxsize=4)
def _secrets(text: str) -> tuple[tuple[int, str], ...]:
    return parse_secrets(text)


@lru_cache(maxsize=10_000)
def _list_key(secret: str, list_id: int, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"%b, list %d" % (purpose, list_id), hashlib.sha256)


def _header(key_id: int, list_id: int) -> bytes:
    return bytes((VERSION, key_id)) + list_id.to_bytes(4)


def _item(item: str) -> str:
    # "@" may stand as it is in a query, and mailers read these links
    return item if item == "{item}" else quote(item, safe="@")
