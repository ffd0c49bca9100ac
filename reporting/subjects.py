"""Whom a search is about: an address, or a hash of one, as somebody typed it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lists.bounded import TookTooLongError, at_most
from lists.prepared import fetch_prepared
from optout.addresses import DIGEST_BYTES, lookup_keys, parse_address, parse_hash
from optout.choices import HashKind

SEARCH_SECONDS = 5

_BY_MD5 = """
SELECT address FROM optout_suppression
WHERE optout_list_id = ANY (%s::int[]) AND md5(address) = %s
LIMIT 1
"""
_BY_DIGEST = """
SELECT address FROM optout_optout
WHERE digest = %s AND optout_list_id = ANY (%s::int[]) AND address IS NOT NULL
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """`keys`: the 16-byte keys it may be stored under. `address`: the normalised address, if it was given or found.

    `is_certain`: whether finding nothing under these keys means that there is nothing. It is not, for a bare hash: the same
    address may have come as another kind of hash.
    """

    given: str
    keys: tuple[bytes, ...]
    address: str | None
    hash_kind: HashKind | None = None

    @property
    def is_certain(self) -> bool:
        return self.address is not None


def read_subject(text: str, region: str, list_ids: Sequence[int]) -> Subject:
    """What `text` is about: an email address, a phone number, or their MD5, SHA-1 or SHA-256 in hex.

    A hash is looked for among what these lists hold, and nowhere else, so that its address can be asked about in full: what
    the person who asks may not see is as unknown as what nobody has. Raises AddressError when it is neither address nor hash.
    """
    parsed_hash = parse_hash(text)
    if parsed_hash is None:
        address = parse_address(text, "either", region)
        return Subject(text.strip(), lookup_keys(address.key), address.key)
    kind, full = parsed_hash
    found = _address_of(kind, full, list_ids)
    keys = lookup_keys(found) if found else (full[:DIGEST_BYTES],)
    return Subject(text.strip(), keys, found, kind)


def _address_of(kind: HashKind, full: bytes, list_ids: Sequence[int]) -> str | None:
    """The address behind a hash, if these lists hold it in clear and we can find it: by SHA-256 at once, by MD5 with a search
    of some seconds at most, by SHA-1 not at all (PostgreSQL cannot compute it)."""
    rows: list[tuple[str]] = []
    if kind == HashKind.SHA256:
        rows = fetch_prepared(_BY_DIGEST, (full[:DIGEST_BYTES], list(list_ids)))
    elif kind == HashKind.MD5:
        try:
            with at_most(SEARCH_SECONDS):
                rows = fetch_prepared(_BY_MD5, (list(list_ids), full.hex()))
        except TookTooLongError:
            return None
    return rows[0][0] if rows else None
