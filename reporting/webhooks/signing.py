"""How a receiver knows that a message is ours: Standard Webhooks 1.0 (protocols.md, "Webhooks").

An endpoint's secret is made of the installation's pepper and a salt. Only the salt is stored, so that who has a copy of the
database can sign nothing.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from reporting.models import WebhookEndpoint

SALT_LENGTH = 16  # octets
_PURPOSE = b"webhook secret"  # the pepper makes other things as well


def new_salt() -> bytes:
    """What a new secret is made of: 16 random octets."""
    return secrets.token_bytes(SALT_LENGTH)


def secret_of(salt: bytes | memoryview) -> str:
    """The secret as receivers are given it: `whsec_` and 32 octets in base64."""
    return f"whsec_{b64encode(_key(bytes(salt))).decode()}"


def sign(salts: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, separated by spaces. `timestamp` in seconds, of this try."""
    signed = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    return " ".join(
        f"v1,{b64encode(hmac.digest(_key(salt), signed, hashlib.sha256)).decode()}"
        for salt in salts
    )


def signing_salts(endpoint: WebhookEndpoint, now: datetime) -> list[bytes]:
    """The salts of the secrets to sign with: that in force, and while it is rotated the old one after it."""
    salts = [bytes(endpoint.salt)]
    if (
        endpoint.old_salt is not None
        and endpoint.old_salt_until is not None
        and now < endpoint.old_salt_until
    ):
        salts.append(bytes(endpoint.old_salt))
    return salts


def _key(salt: bytes) -> bytes:
    return hmac.digest(settings.SECRET_PEPPER.encode(), _PURPOSE + salt, hashlib.sha256)
