"""How a receiver knows that a message is ours: Standard Webhooks 1.0 (protocols.md, "Webhooks").

An endpoint's secret is made of the installation's pepper and a salt. Only the salt is stored, so that who has a copy of the
database can sign nothing.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence

from lists.sealed import derive_key, derive_secret

_PURPOSE = b"webhook secret"  # the pepper makes other things as well


def secret_of(salt: bytes | memoryview) -> str:
    """The secret as receivers are given it: `whsec_` and 32 octets in base64."""
    return derive_secret(_PURPOSE, salt)


def sign(salts: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, separated by spaces. `timestamp` in seconds, of this try."""
    signed = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    return " ".join(
        f"v1,{b64encode(hmac.digest(derive_key(_PURPOSE, salt), signed, hashlib.sha256)).decode()}"
        for salt in salts
    )
