"""Who may change a realm's contacts at the same moment: those that are about different ones."""

import zlib
from collections.abc import Callable, Iterable
from functools import wraps

from django.db import IntegrityError

from lists.prepared import fetch
from optout.contact_statements import LOCK

PARTS = 64
_CONTACTS = 0x436F6E74  # any number: it tells these advisory locks from others in the database


def lock_contacts(realm_id: int, digests: Iterable[bytes], keys: Iterable[str] = ()) -> None:
    """Wait until nobody else changes contacts with these digests or customer keys; others then wait for our commit.

    A contact that does not exist yet has no row to lock, and two commands that add the same ones, or the same keys in another
    order, would lock each other out. So each realm has 64 locks, each for a part of its digests and keys, taken in one order
    and before any row: contacts, then suppressions, then subscriptions.
    """
    parts = {digest[0] % PARTS for digest in digests}
    parts.update(zlib.crc32(key.encode()) % PARTS for key in keys)
    fetch(LOCK, (_CONTACTS, [realm_id * PARTS + part for part in sorted(parts)]))


def seeing_others[**P, T](action: Callable[P, T]) -> Callable[P, T]:
    """An action that writes contacts in a transaction of its own, done anew when an address or key turns out to be taken.

    Whoever took it did so without our locks, after we looked. The second time we see it.
    """

    @wraps(action)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return action(*args, **kwargs)
        except IntegrityError:
            return action(*args, **kwargs)

    return again
