"""What programs were answered to calls that they gave a name: a repeat is told the same and does nothing (`Idempotency-Key`)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from lists.prepared import fetch_prepared

KEPT = timedelta(hours=24)
WAIT = "5s"  # for whoever is carrying out the same call

# The claim waits for another one with the same name, and then sees what that one left. `lock_timeout` is put back at once: what
# the call itself does may wait as long as ever.
_BEGIN_WAIT = "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %(wait)s, true)"
_CLAIM = """
INSERT INTO optout_givenanswer AS a (api_key_id, name_digest, request_digest, status, body, recorded_at)
VALUES (%(key)s, %(name)s, %(request)s, 0, '', %(now)s)
ON CONFLICT (api_key_id, name_digest) DO UPDATE SET
    request_digest = EXCLUDED.request_digest, status = 0, body = '', recorded_at = EXCLUDED.recorded_at
WHERE a.recorded_at <= %(forgotten)s
RETURNING set_config('lock_timeout', %(before)s, true)
"""
_FIND = """
SELECT request_digest, status, body FROM optout_givenanswer WHERE api_key_id = %(key)s AND name_digest = %(name)s
"""
_KEEP = """
UPDATE optout_givenanswer SET status = %(status)s, body = %(body)s
WHERE api_key_id = %(key)s AND name_digest = %(name)s
"""


class NameReusedError(Exception):
    """The name was given to another call before."""


class StillAtItError(Exception):
    """The same call is being carried out right now, and did not end soon."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a call: a status, and JSON. `is_replayed`: it was given before, and nothing was done now."""

    status: int
    body: str
    is_replayed: bool = False


def answer_once(
    key_id: int, name: str, request: bytes, answer: Callable[[], Answer], *, now: datetime
) -> Answer:
    """The answer to a call of that name: from `answer`, whose work is committed together with it; or the one given before.

    What `answer` raises undoes all of it, so that the call may be repeated. Raises NameReusedError and StillAtItError.
    """
    values = {
        "key": key_id,
        "name": hashlib.sha256(name.encode()).digest(),
        "request": hashlib.sha256(request).digest(),
        "now": now,
        "forgotten": now - KEPT,
    }
    with transaction.atomic():
        ((before, _wait),) = fetch_prepared(_BEGIN_WAIT, {"wait": WAIT})
        try:
            is_first = bool(fetch_prepared(_CLAIM, {**values, "before": before}))
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise StillAtItError from error
            raise
        if not is_first:
            ((request_digest, status, body),) = fetch_prepared(_FIND, values)
            if bytes(request_digest) != values["request"]:
                raise NameReusedError
            return Answer(status, body, is_replayed=True)
        given = answer()
        fetch_prepared(_KEEP, {**values, "status": given.status, "body": given.body})
    return given
