"""How many calls a minute an API key may make: a ceiling that holds across all processes, without a write for each call.

A process takes a lease: a hundredth of the ceiling at a time. What it does not use of one, others cannot use either: so a key may
be refused when it made a few hundredths less than it may, and is never let in when it made more.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from lists.lookup import on_forget_all
from lists.prepared import fetch_prepared

LEASES = 100  # that a ceiling is cut into

# A host whose clock is a little behind counts into the minute that another has begun; one further ahead had its clock set wrong.
_TAKE = """
INSERT INTO lists_callcount AS c (key_id, minute, taken)
VALUES (%(key)s::bigint, %(minute)s::bigint, %(lease)s::int)
ON CONFLICT (key_id) DO UPDATE SET
    minute = CASE WHEN c.minute = EXCLUDED.minute + 1 THEN c.minute ELSE EXCLUDED.minute END,
    taken = EXCLUDED.taken
        + CASE WHEN c.minute IN (EXCLUDED.minute, EXCLUDED.minute + 1) THEN c.taken ELSE 0 END
WHERE c.minute NOT IN (EXCLUDED.minute, EXCLUDED.minute + 1) OR c.taken < %(ceiling)s::int
RETURNING taken
"""


@dataclass(frozen=True, slots=True)
class CallAllowance:
    """Whether a call is let in, and what its key may still do this minute, as far as this process knows."""

    is_allowed: bool
    limit: int
    remaining: int
    resets_in: timedelta


@dataclass(slots=True)
class _Lease:
    """Calls of a minute that this process may still let in, and those that no process had taken when it asked last.

    `told`: how many remain, as the last caller heard it; within the minute it is never more again.
    """

    minute: int
    calls: int
    untaken: int
    told: int

    def holds_for(self, minute: int) -> bool:
        """Whether it is for that minute, or the next: whoever came just before the minute ended may be served after it began."""
        return self.minute in {minute, minute + 1}

    def use(self) -> int:
        """Use one call: what remains after it, -1 if there is none."""
        if not self.calls:
            return -1
        self.calls -= 1
        self.told = min(self.told, self.calls + self.untaken)
        return self.told


_leases: dict[int, _Lease] = {}
_MOST_LEASES = 10_000
_lock = threading.Lock()
on_forget_all(_leases.clear)


def count_call(key_id: int, now: datetime) -> CallAllowance:
    """Count one call of the key and say whether it is let in. One statement a lease; none once the ceiling is reached."""
    limit: int = settings.API_CALLS_PER_MINUTE
    minute, second = divmod(now.timestamp(), 60)
    remaining = _use(key_id, int(minute))
    if remaining is None:
        remaining = _take(key_id, int(minute), limit)
    return CallAllowance(remaining >= 0, limit, max(remaining, 0), timedelta(seconds=60 - second))


def _use(key_id: int, minute: int) -> int | None:
    """Use one call of the lease: what remains after it, -1 if there is nothing more to have, None if a lease must be taken."""
    with _lock:
        lease = _leases.get(key_id)
        if lease is None or not lease.holds_for(minute):
            return None
        return None if lease.untaken and not lease.calls else lease.use()


def _take(key_id: int, minute: int, limit: int) -> int:
    """Take a lease and use one call of it at once: what remains, -1 if there was nothing to take."""
    size = max(1, limit // LEASES)
    rows = fetch_prepared(_TAKE, {"key": key_id, "minute": minute, "lease": size, "ceiling": limit})
    taken = rows[0][0] if rows else limit + size
    calls = min(size, max(0, limit + size - taken))
    with _lock:
        lease = _leases.get(key_id)
        if lease is None or not lease.holds_for(minute):
            if len(_leases) >= _MOST_LEASES:
                _leases.clear()
            lease = _leases[key_id] = _Lease(minute, 0, limit, limit)
        lease.calls += calls
        lease.untaken = min(lease.untaken, max(0, limit - taken))
        return lease.use()
