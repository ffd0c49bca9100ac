"""The secrets of the demo: they follow from the installation's SECRET_KEY, the same at each run, other ones elsewhere.

Each is set back to what is printed whenever the demo is loaded: it works, whatever somebody did to it in the portal.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings

from lists.api_auth import digest_password
from lists.api_keys import PREFIX
from lists.models import ApiKey, DownloadKey, InboundEndpoint, List, Realm, RealmCredential
from lists.sealed import SALT_LENGTH
from lists.secrets import as_secret, digest_secret
from lists.sms_setup import secret_of


@dataclass(frozen=True, slots=True)
class DemoApiKey:
    """A program's key for the whole realm, and its name in the answer."""

    key: str
    label: str
    may_write: bool = True


API_KEYS = (
    DemoApiKey("api_key", "Shop and newsletter system"),
    DemoApiKey("api_key_read", "Nightly reports", may_write=False),
    DemoApiKey("contacts_token", "Older customer system"),
)


def demo_password(key: str) -> str:
    """The password of one of the demo's people, such as `owner-7f3kq2m9`."""
    return f"{key.replace('_', '-')}-{_derived(f'user {key}', 8)}"


def realm_password(realm: Realm) -> tuple[str, RealmCredential]:
    """The realm's password for api_web."""
    password = f"realm-{_derived('realm', 16)}"
    # An earlier release kept it in a form that opens nothing now; it would count as one of the two active ones.
    RealmCredential.objects.filter(realm=realm, secret_digest=digest_secret(password)).delete()
    credential, _ = RealmCredential.objects.update_or_create(
        realm=realm,
        secret_digest=digest_password(realm.name, password),
        defaults={"revoked_at": None},
        create_defaults={"hint": password[-4:]},
    )
    return password, credential


def api_key(realm: Realm, wanted: DemoApiKey) -> tuple[str, ApiKey]:
    """One of the realm's API keys."""
    secret = as_secret(f"{PREFIX}_{_derived(wanted.key, 32)}")
    rights = {"may_read": True, "may_write": wanted.may_write, "list_ids": None}
    row, _ = ApiKey.objects.update_or_create(
        secret_digest=secret.digest,
        defaults={**rights, "revoked_at": None, "expires_at": None, "replaced_by": None},
        create_defaults={**rights, "realm": realm, "label": wanted.label, "hint": secret.hint},
    )
    return secret.text, row


def download_key(optout_list: List) -> str:
    """A script's key to download the list."""
    secret = as_secret(f"hd_{_derived(f'download {optout_list.number}', 32)}")
    DownloadKey.objects.update_or_create(
        secret_digest=secret.digest,
        defaults={"is_active": True, "expires_at": None},
        create_defaults={
            "optout_list": optout_list,
            "label": "Nightly suppression job",
            "hint": secret.hint,
            "may_see_clear": optout_list.plain_download,
        },
    )
    return secret.text


def inbound_endpoint(realm: Realm) -> tuple[str, InboundEndpoint]:
    """Where the realm's gateway passes on what people text."""
    secret = {
        "salt": _derived("inbound secret", SALT_LENGTH).encode(),
        "old_salt": None,
        "old_salt_until": None,
        "removed_at": None,
    }
    row, _ = InboundEndpoint.objects.update_or_create(
        public_id=_derived("inbound endpoint", 16),
        defaults=secret,
        create_defaults={**secret, "realm": realm, "label": "SMS gateway"},
    )
    return secret_of(row), row


def _derived(label: str, characters: int) -> str:
    """Letters and digits that only this installation knows: five bits each, none of them easily misread."""
    mac = hmac.digest(settings.SECRET_KEY.encode(), f"heed demo, {label}".encode(), hashlib.sha256)
    readable = base64.b32encode(mac).decode().translate(str.maketrans("ILO", "189"))
    return readable.lower()[:characters]
