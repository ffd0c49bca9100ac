"""Who a program is: the realm's name and password of `api_web` (S4.2, S4.18, AT-26, AT-27).

Every kind of wrong is the same error and takes the same way through here: an unknown realm, a wrong or revoked password, an IP
that is not approved. The password itself is hashed at once and goes no further, least of all to the database or a log.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from lists.choices import CallRefusal
from lists.lookup import on_forget_all
from lists.networks import IpAddress, compile_networks, network_of, unwrapped
from lists.prepared import fetch_prepared
from lists.secrets import digest_secret

WINDOW = timedelta(minutes=10)
MOST_FAILURES = 20  # in a window, for each (realm name, network): security.md §4
MAX_NAME = 63  # characters of a realm's name
USE_NOTED = timedelta(minutes=1)  # `last_used_at` is not written more often than that
FAILURES_KEPT = timedelta(hours=24)  # for their owner to read; they count for WINDOW
BUCKETS = 1 << 16


class WrongPasswordError(Exception):
    """Realm, password and IP do not belong together. Never says which of them."""


class TooManyFailuresError(Exception):
    """This network sent too many wrong passwords for this realm name; `wait` until it may try again."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """A program that proved its realm, and what that realm wants of programs."""

    realm_id: int
    credential_id: int
    uses_customer_key: bool
    refuses_get: bool
    approved_ips: tuple[str, ...]

    def allows(self, ip: IpAddress | None) -> bool:
        """Whether programs may call from there: from everywhere, unless the realm approved some IPs."""
        return not self.approved_ips or ip in compile_networks(self.approved_ips)


# One row at least, whether the realm exists or not: what the failures of this name and network are, beside the realm's active
# passwords. For a name that is none another realm is looked up in its place (`is_named` is false then), and the approved IPs are
# read only for the right password: so it takes as long either way (AT-27).
_FIND = """
SELECT f.failures, f.window_started_at, r.name = %(name)s AS is_named, r.id, r.uses_customer_key, r.refuses_get,
    CASE WHEN c.secret_digest = %(digest)s THEN array_to_string(r.approved_ips, ',') END,
    c.id, c.secret_digest, c.is_chosen, c.last_used_at
FROM (SELECT 1) AS one
LEFT JOIN lists_passwordfailure f ON f.bucket = %(bucket)s AND f.network = %(network)s
LEFT JOIN lists_realm r ON r.id = coalesce(
    (SELECT id FROM lists_realm WHERE name = %(name)s),
    (SELECT id FROM lists_realm ORDER BY id LIMIT 1)
)
LEFT JOIN lists_realmcredential c ON c.realm_id = r.id AND c.revoked_at IS NULL
"""
_COUNT = """
INSERT INTO lists_passwordfailure AS f (bucket, network, failures, window_started_at, last_cause)
VALUES (%(bucket)s, %(network)s, 1, %(now)s, %(cause)s)
ON CONFLICT (bucket, network) DO UPDATE SET
    failures = CASE WHEN f.window_started_at <= %(begin)s THEN 1 ELSE f.failures + 1 END,
    window_started_at = CASE WHEN f.window_started_at <= %(begin)s THEN %(now)s ELSE f.window_started_at END,
    last_cause = %(cause)s
RETURNING failures, window_started_at
"""
_NOTE_USE = "UPDATE lists_realmcredential SET last_used_at = %s, last_used_ip = %s WHERE id = %s"
_PRUNE = "DELETE FROM lists_passwordfailure WHERE window_started_at < %s RETURNING 1"

# Callers that proved themselves, for LIST_CACHE_SECONDS. Only right passwords are remembered, so that a wrong one for a known
# realm takes as long as one for an unknown. A chosen password is remembered for its network alone: elsewhere it is looked at
# how often it was guessed at.
_cache: dict[tuple[bytes, str], tuple[float, ApiCaller]] = {}
_CACHE_SIZE = 1_000
on_forget_all(_cache.clear)


def digest_password(realm_name: str, password: str) -> bytes:
    """What is kept of a realm's password: 32 bytes, bound to the realm, so that two realms may bring along the same one."""
    return digest_secret(f"{realm_name}\n{password}")


def authenticate(realm_name: str, password: str, ip: IpAddress | None, now: datetime) -> ApiCaller:
    """The caller with that realm name and password, calling from `ip` (None: unknown).

    Raises WrongPasswordError, and TooManyFailuresError once the network sent more than MOST_FAILURES wrong ones for that name
    within WINDOW. A right password that we made ourselves is let in even then: it cannot be guessed, and another script on
    the same server, with an old password, must not shut it out.
    """
    name = realm_name if len(realm_name) <= MAX_NAME and realm_name.isascii() else "?"
    name = name.replace("\0", "?")
    digest = digest_password(name, password)
    network = network_of(ip)
    remembered = _remembered(digest, network)
    if remembered is not None and remembered.allows(ip):
        return remembered
    keys = {"bucket": bucket_of(name), "network": network}
    rows = fetch_prepared(_FIND, {"name": name, "digest": digest, **keys})
    blocked_for = _blocked_for(rows[0][0], rows[0][1], now)
    cause = CallRefusal.WRONG_PASSWORD
    found = _match(rows, digest)
    if found is not None:
        caller, is_chosen, used_at = _as_caller(found)
        if not caller.allows(ip):
            cause = CallRefusal.IP_NOT_APPROVED
        elif not (is_chosen and blocked_for):
            if used_at is None or used_at < now - USE_NOTED:
                used_from = None if ip is None else str(unwrapped(ip))
                fetch_prepared(_NOTE_USE, (now, used_from, caller.credential_id))
            _remember((digest, network if is_chosen else ""), caller)
            return caller
    if not blocked_for:
        count = {**keys, "now": now, "begin": now - WINDOW, "cause": cause.value}
        counted = fetch_prepared(_COUNT, count)
        blocked_for = _blocked_for(counted[0][0] - 1, counted[0][1], now)
    if blocked_for:
        raise TooManyFailuresError(blocked_for)
    raise WrongPasswordError


def prune_failures(now: datetime) -> int:
    """Forget the counts that nobody is shown any more; how many there were."""
    return len(fetch_prepared(_PRUNE, (now - FAILURES_KEPT,)))


def bucket_of(name: str) -> int:
    """What stands for a realm's name in the counts. Keyed, so that nobody can make up a name that shares a realm's bucket."""
    mac = hmac.digest(settings.SECRET_PEPPER.encode(), b"bucket " + name.encode(), hashlib.sha256)
    return int.from_bytes(mac[:4], "big") % BUCKETS


def _blocked_for(failures: int | None, since: datetime | None, now: datetime) -> timedelta | None:
    if failures is None or since is None or failures < MOST_FAILURES or since <= now - WINDOW:
        return None
    return since + WINDOW - now


def _match(rows: list[tuple[Any, ...]], digest: bytes) -> tuple[Any, ...] | None:
    """The row of the active password that this is; every one is compared, in constant time."""
    found = None
    for row in rows:
        if hmac.compare_digest(row[8] or b"", digest) and row[2]:
            found = row
    return found


def _as_caller(row: tuple[Any, ...]) -> tuple[ApiCaller, bool, datetime | None]:
    _, _, _, realm_id, uses_key, refuses_get, approved, credential_id, _, is_chosen, used = row
    approved_ips = tuple(approved.split(",")) if approved else ()
    return ApiCaller(realm_id, credential_id, uses_key, refuses_get, approved_ips), is_chosen, used


def _remembered(digest: bytes, network: str) -> ApiCaller | None:
    now = time.monotonic()
    for key in ((digest, ""), (digest, network)):
        cached = _cache.get(key)
        if cached is not None and now - cached[0] < settings.LIST_CACHE_SECONDS:
            return cached[1]
    return None


def _remember(key: tuple[bytes, str], caller: ApiCaller) -> None:
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[key] = (time.monotonic(), caller)
