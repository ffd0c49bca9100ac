"""Secrets that we give out: random, shown once, kept as an HMAC with a pepper (security.md §5)."""

import hashlib
import hmac
import secrets
from typing import NamedTuple

from django.conf import settings


class NewSecret(NamedTuple):
    """A fresh secret: the text to show once, what to keep of it, and a hint to tell two apart."""

    text: str
    digest: bytes
    hint: str


def digest_secret(text: str) -> bytes:
    """HMAC-SHA256 of a secret with the installation's pepper: 32 bytes, a few microseconds.

    Not a slow hash: the secrets are random and long, and a slow one would let a stranger stop us with wrong passwords (AT-27).
    """
    return hmac.digest(
        settings.SECRET_PEPPER.encode(), text.encode("utf-8", "replace"), hashlib.sha256
    )


def make_secret(prefix: str) -> NewSecret:
    """Make a secret such as `hd_…` (192 bits)."""
    return as_secret(f"{prefix}_{secrets.token_urlsafe(24)}")


def as_secret(text: str) -> NewSecret:
    """What to keep of a secret that is already known, for demo data and for secrets brought along from another system."""
    return NewSecret(text, digest_secret(text), text[-4:])
