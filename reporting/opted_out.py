"""Which of a list's contacts opted out nevertheless: as a bare hash, say, which ends no subscription."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from lists.models import List
from lists.prepared import fetch
from optout.addresses import DIGEST_BYTES, hex_digests

_OPTED_OUT = """
SELECT digest, suppressed_at, optout_list_id <> %(list)s FROM optout_suppression
WHERE digest = ANY (%(keys)s::bytea[]) AND optout_list_id = ANY (ARRAY[%(list)s::int, (
    SELECT id FROM lists_list WHERE realm_id = %(realm)s AND kind = 'global'
)])
ORDER BY suppressed_at
"""


@dataclass(frozen=True, slots=True)
class OptedOut:
    """That an address is suppressed for the list. `hex_digest` is the hash it is kept under, by which a screen finds it."""

    since: datetime
    everywhere: bool
    hex_digest: str


def opted_out(optout_list: List, addresses: Collection[str]) -> dict[str, OptedOut]:
    """Those of these normalised addresses that are suppressed for the list, in whatever form they came. One query.

    The earliest suppression of each counts; `everywhere` when the realm's Do Not Mail has one.
    """
    kept_under = {
        bytes.fromhex(hex_digest)[:DIGEST_BYTES]: (address, hex_digest)
        for address in addresses
        for hex_digest in hex_digests(address)
    }
    if not kept_under:
        return {}
    values = {
        "list": optout_list.pk,
        "realm": optout_list.realm_id,
        "keys": list(kept_under),
    }
    found: dict[str, OptedOut] = {}
    for digest, since, everywhere in fetch(_OPTED_OUT, values):
        address, hex_digest = kept_under[digest]
        known = found.get(address)
        if known is None:
            found[address] = OptedOut(since, everywhere, hex_digest)
        elif everywhere and not known.everywhere:
            found[address] = OptedOut(known.since, everywhere, hex_digest)
    return found
