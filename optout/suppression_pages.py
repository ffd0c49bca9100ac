"""The suppressions of a list, read page after page by their key: however many there are, each page costs the same."""

from dataclasses import dataclass
from datetime import datetime

from lists.prepared import fetch_prepared

_PAGE = """
SELECT digest, address, medium, channel, reason, suppressed_at, hash_kind, full_hash
FROM optout_suppression
WHERE optout_list_id = %(list)s AND digest > %(after)s
ORDER BY digest
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ListedSuppression:
    """One of them; without an address it is known by a hash alone, the `full_hash`."""

    digest: bytes
    address: str | None
    medium: int
    channel: int
    reason: int
    suppressed_at: datetime
    hash_kind: int
    full_hash: bytes


def page_of_suppressions(list_id: int, after: bytes, limit: int) -> list[ListedSuppression]:
    """Those of the list itself whose digest comes after this one, in that order. From the beginning: after b""."""
    values = {"list": list_id, "after": after, "limit": limit}
    return [ListedSuppression(*row) for row in fetch_prepared(_PAGE, values)]
