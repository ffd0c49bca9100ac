"""Secrets that must be read again: one that we make of a salt, and one of somebody else's that is stored sealed.

Both need the installation's pepper, so that who has a copy of the database alone can read and sign nothing (security.md §5).
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

SALT_LENGTH = 16  # octets
NONCE_LENGTH = 12


class Rotated(Protocol):
    """A row whose secret can be replaced: the salt in force, and until then the old one."""

    @property
    def salt(self) -> bytes | memoryview: ...
    @property
    def old_salt(self) -> bytes | memoryview | None: ...
    @property
    def old_salt_until(self) -> datetime | None: ...


def salts_in_force(row: Rotated, now: datetime) -> list[bytes]:
    """The salts of the secrets that count: that in force, and while it is rotated the old one after it."""
    salts = [bytes(row.salt)]
    if row.old_salt is not None and row.old_salt_until is not None and now < row.old_salt_until:
        salts.append(bytes(row.old_salt))
    return salts


def new_salt() -> bytes:
    """What a new secret is made of: 16 random octets."""
    return secrets.token_bytes(SALT_LENGTH)


def derive_key(purpose: bytes, salt: bytes | memoryview) -> bytes:
    """The 32 octets that a salt stands for; other ones for each purpose."""
    return hmac.digest(settings.SECRET_PEPPER.encode(), purpose + bytes(salt), hashlib.sha256)


def derive_secret(purpose: bytes, salt: bytes | memoryview) -> str:
    """The same as it is given to people and programs: `whsec_` and base64, as Standard Webhooks writes secrets."""
    return f"whsec_{b64encode(derive_key(purpose, salt)).decode()}"


def seal(text: str, purpose: bytes) -> bytes:
    """A secret of somebody else's, to be stored: AES-256-GCM under the pepper."""
    nonce = secrets.token_bytes(NONCE_LENGTH)
    return nonce + AESGCM(derive_key(purpose, b"")).encrypt(nonce, text.encode(), purpose)


def unseal(sealed: bytes | memoryview, purpose: bytes) -> str:
    """What was sealed; empty where nothing was, or the pepper is another one now."""
    raw = bytes(sealed)
    try:
        key = AESGCM(derive_key(purpose, b""))
        return key.decrypt(raw[:NONCE_LENGTH], raw[NONCE_LENGTH:], purpose).decode()
    except (InvalidTag, ValueError):
        return ""
