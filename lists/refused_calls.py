"""Which calls of `api_web` for a realm were refused lately: what its admin is shown, and the caller never (AT-27).

Only calls with this realm's name are found. A wrong name may be somebody's password in the wrong field: it is kept nowhere.
"""

from dataclasses import dataclass
from datetime import datetime

from lists.api_auth import FAILURES_KEPT, MOST_FAILURES, WINDOW, bucket_of
from lists.choices import CallRefusal
from lists.models import PasswordFailure, Realm
from lists.networks import UNKNOWN_NETWORK

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RefusedCalls:
    """What one network was refused in its last window of ten minutes; earlier windows are not kept."""

    network: str  # blank: unknown
    tries: int
    may_be_more: bool  # a network that is locked is not counted
    since: datetime
    why: str  # of the last one
    locked_until: datetime | None


def refused_calls(realm: Realm, now: datetime) -> list[RefusedCalls]:
    """The networks that were refused within FAILURES_KEPT, the last one first, at most MOST_SHOWN."""
    known = PasswordFailure.objects.filter(
        bucket=bucket_of(realm.name), window_started_at__gt=now - FAILURES_KEPT
    )
    return [_as_refused(row, now) for row in known.order_by("-window_started_at")[:MOST_SHOWN]]


def _as_refused(row: PasswordFailure, now: datetime) -> RefusedCalls:
    is_locked = row.failures >= MOST_FAILURES
    ends_at = row.window_started_at + WINDOW
    return RefusedCalls(
        network="" if row.network == UNKNOWN_NETWORK else row.network.removesuffix("/32"),
        tries=row.failures,
        may_be_more=is_locked,
        since=row.window_started_at,
        why=str(CallRefusal(row.last_cause).label),
        locked_until=ends_at if is_locked and ends_at > now else None,
    )
