"""Whose customer key is whose: a contact has one at most, and no two contacts of a realm have the same (S4.13)."""

import re
from collections.abc import Iterable, Mapping, Sequence

from lists.prepared import fetch, fetch_prepared
from optout.contact_statements import FIND_CONTACTS

MAX_KEY = 100  # characters
_USES_KEYS = "SELECT uses_customer_key FROM lists_realm WHERE id = %s"
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class KnownContacts:
    """Contacts of a realm and their customer keys, as they were when this was read."""

    def __init__(self, keys: Mapping[bytes, str | None]) -> None:
        self._keys = dict(keys)
        self._holders = {key: digest for digest, key in keys.items() if key is not None}

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._keys

    def fits(self, digest: bytes, key: str) -> bool:
        """Whether the contact has that key or could be given it: it has no other, and no other contact has it."""
        return (
            is_usable_key(key)
            and self._keys.get(digest) in {None, key}
            and self._holders.get(key) in {None, digest}
        )

    def noting(self) -> "KnownContacts":
        """A copy to take down in what is going to be written."""
        return KnownContacts(self._keys)

    def note(self, digest: bytes, key: str | None) -> None:
        self._keys[digest] = key or self._keys.get(digest)
        if key:
            self._holders[key] = digest


def find_known(realm_id: int, digests: Iterable[bytes], keys: Iterable[str]) -> KnownContacts:
    """The contacts with these digests, and those with these (usable) customer keys. One query."""
    values = {"realm": realm_id, "digests": list(digests), "keys": list(keys)}
    return KnownContacts(dict(fetch(FIND_CONTACTS, values)))


def is_usable_key(key: str) -> bool:
    """Whether this can be a customer key at all."""
    return 0 < len(key) <= MAX_KEY and not _UNSTORABLE.search(key)


def belong_together(realm_id: int, pairs: Sequence[tuple[bytes, str]]) -> list[bool]:
    """Whether each digest and customer key may be of one contact. One query.

    They may when the contact has that key, and also when neither the contact has a key nor the key a contact: an opt-out needs
    no contact.
    """
    if not pairs:
        return []
    digests = [digest for digest, _key in pairs]
    keys = [key for _digest, key in pairs if is_usable_key(key)]
    known = find_known(realm_id, digests, keys)
    return [known.fits(digest, key) for digest, key in pairs]


def uses_customer_keys(realm_id: int) -> bool:
    """Whether the realm names its contacts by a key of its own, too."""
    ((uses,),) = fetch_prepared(_USES_KEYS, (realm_id,))
    return bool(uses)
