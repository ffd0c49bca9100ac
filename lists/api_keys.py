"""Who a program is that sends an API key (S2.3, security.md §5).

A key has 192 random bits: nobody guesses one, so wrong ones are not counted. It is hashed at once and goes no further.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from lists.lookup import ListSnapshot, on_forget_all
from lists.networks import IpAddress, compile_networks, unwrapped
from lists.prepared import fetch_prepared
from lists.secrets import digest_secret

PREFIX = "hk"
USE_NOTED = timedelta(minutes=1)  # `last_used_at` is not written more often than that
MAX_KEY = 200  # characters; longer ones are none of ours


class UnknownKeyError(Exception):
    """No such key."""


class EndedKeyError(Exception):
    """The key was revoked, or has expired, at `ended_at`; said to whoever holds it."""

    def __init__(self, ended_at: datetime, *, is_revoked: bool) -> None:
        super().__init__()
        self.ended_at = ended_at
        self.is_revoked = is_revoked


class IpNotApprovedError(Exception):
    """The key is right, but its realm approved other IPs than `ip` (None: we cannot tell it)."""

    def __init__(self, ip: IpAddress | None) -> None:
        super().__init__()
        self.ip = ip


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """A program that proved its key, and what the key is for. `list_ids` is None for the whole realm."""

    key_id: int
    realm_id: int
    realm_name: str
    region: str
    may_read: bool
    may_write: bool
    list_ids: frozenset[int] | None
    approved_ips: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def is_whole_realm(self) -> bool:
        """Whether it is for every list, Do Not Mail and later ones as well."""
        return self.list_ids is None

    def covers(self, list_id: int) -> bool:
        """Whether it is for the list (of its own realm) with that primary key."""
        return self.list_ids is None or list_id in self.list_ids

    def reads(self, optout_list: ListSnapshot) -> bool:
        """Whether, with the scope to read, it may read that list (of its own realm): Do Not Mail holds for each of its lists."""
        return optout_list.is_global or self.covers(optout_list.id)

    def check(self, ip: IpAddress | None, now: datetime) -> None:
        """Raises EndedKeyError, and IpNotApprovedError where the realm approved some IPs and not this one."""
        if self.revoked_at is not None:
            raise EndedKeyError(self.revoked_at, is_revoked=True)
        if self.expires_at is not None and self.expires_at <= now:
            raise EndedKeyError(self.expires_at, is_revoked=False)
        if self.approved_ips and ip not in compile_networks(self.approved_ips):
            raise IpNotApprovedError(ip)


_FIND = """
SELECT k.id, k.realm_id, r.name, r.default_region, k.may_read, k.may_write, k.list_ids, r.approved_ips, k.expires_at,
    k.revoked_at, k.last_used_at
FROM lists_apikey k JOIN lists_realm r ON r.id = k.realm_id
WHERE k.secret_digest = %s
"""
_NOTE_USE = "UPDATE lists_apikey SET last_used_at = %s, last_used_ip = %s WHERE id = %s"

# Callers that proved themselves, for LIST_CACHE_SECONDS. Unknown keys are not remembered.
_cache: dict[bytes, tuple[float, KeyCaller]] = {}
_CACHE_SIZE = 1_000
on_forget_all(_cache.clear)


def find_caller(text: str, ip: IpAddress | None, now: datetime) -> KeyCaller:
    """The caller with that key, calling from `ip` (None: unknown).

    Raises UnknownKeyError, EndedKeyError, IpNotApprovedError. What was changed about a key holds everywhere within
    `LIST_CACHE_SECONDS`.
    """
    if len(text) > MAX_KEY or not text.isascii():
        raise UnknownKeyError
    digest = digest_secret(text)
    caller = _remembered(digest)
    if caller is None:
        rows = fetch_prepared(_FIND, (digest,))
        if not rows:
            raise UnknownKeyError
        caller = _as_caller(rows[0])
        caller.check(ip, now)
        _note_use(caller, rows[0][10], ip, now)
        _remember(digest, caller)
    else:
        caller.check(ip, now)
    return caller


def _as_caller(row: tuple[Any, ...]) -> KeyCaller:
    key_id, realm_id, name, region, may_read, may_write, list_ids, approved, expires, revoked, _ = (
        row
    )
    covered = None if list_ids is None else frozenset(list_ids)
    return KeyCaller(
        key_id,
        realm_id,
        name,
        region,
        may_read,
        may_write,
        covered,
        tuple(approved),
        expires,
        revoked,
    )


def _note_use(
    caller: KeyCaller, noted_at: datetime | None, ip: IpAddress | None, now: datetime
) -> None:
    if noted_at is None or noted_at < now - USE_NOTED:
        used_from = None if ip is None else str(unwrapped(ip))
        fetch_prepared(_NOTE_USE, (now, used_from, caller.key_id))


def _remembered(digest: bytes) -> KeyCaller | None:
    cached = _cache.get(digest)
    if cached is not None and time.monotonic() - cached[0] < settings.LIST_CACHE_SECONDS:
        return cached[1]
    return None


def _remember(digest: bytes, caller: KeyCaller) -> None:
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[digest] = (time.monotonic(), caller)
