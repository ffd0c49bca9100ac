"""What does not stay for ever: IP addresses, agents and evidence (AT-50), counts behind limits, answers to programs, mails that
somebody asked for.

A suppression is never deleted by age (promise 5); of ledger rows only fields are emptied.
"""

from datetime import datetime, timedelta
from typing import Any

from lists.models import List
from lists.prepared import fetch_prepared
from optout import given_answers, mail_requests
from optout.choices import Verdict
from optout.models import LimitCounter, UnsignedHour

KEPT = timedelta(days=90)  # IP, agent and evidence
BATCH = 10_000  # rows; each batch is a transaction of its own
COUNTERS_KEPT = timedelta(days=2)
HOURS_KEPT = timedelta(days=28)

# By the index optout_of_list, oldest first: the next batch goes on where this one ended.
_EMPTY_LEDGER = """
WITH batch AS MATERIALIZED (
    SELECT digest, id FROM optout_optout
    WHERE optout_list_id = %(list)s AND recorded_at >= %(begin)s AND recorded_at < %(end)s
      AND (ip IS NOT NULL OR agent <> '' OR evidence IS NOT NULL)
    ORDER BY recorded_at
    LIMIT %(batch)s
), emptied AS (
    UPDATE optout_optout o SET ip = NULL, agent = '', evidence = NULL
    FROM batch WHERE o.digest = batch.digest AND o.id = batch.id
    RETURNING o.recorded_at
)
SELECT count(*), max(recorded_at) FROM emptied
"""

# What a global request says of its line in the report is needed until somebody has decided; then the report has it, or nobody.
# And of its second address, that it is one: the chart counts requests.
_IS_WAITING = f"verdict = {Verdict.WAITING:d}"
_LEFT = f"CASE WHEN {_IS_WAITING} AND (evidence->>'also')::bool THEN jsonb_build_object('also', true) END"
_EMPTY_QUARANTINE = f"""
WITH batch AS MATERIALIZED (
    SELECT id FROM optout_quarantinedoptout
    WHERE last_refused_at < %(end)s AND (
        ip IS NOT NULL OR agent <> '' OR evidence IS DISTINCT FROM {_LEFT} OR global_requests IS NOT NULL AND NOT {_IS_WAITING}
    )
    LIMIT %(batch)s
)
UPDATE optout_quarantinedoptout q
SET ip = NULL, agent = '', evidence = {_LEFT}, global_requests = CASE WHEN {_IS_WAITING} THEN global_requests END
FROM batch WHERE q.id = batch.id
RETURNING q.id
"""  # noqa: S608 -- made of constants

# The 95th percentile of the hours of 28 days, quiet hours included: of 672 the 34th busiest.
_USUAL_HOUR = """
WITH ranked AS (
    SELECT optout_list_id, requests, row_number() OVER (PARTITION BY optout_list_id ORDER BY requests DESC) AS place
    FROM optout_unsignedhour
    WHERE hour_at >= %(begin)s AND hour_at < date_trunc('hour', %(now)s::timestamptz)
)
UPDATE lists_list l SET usual_hour = u.requests
FROM (
    SELECT l.id, coalesce(r.requests, 0) AS requests
    FROM lists_list l LEFT JOIN ranked r ON r.optout_list_id = l.id AND r.place = %(place)s
) u
WHERE u.id = l.id AND l.usual_hour <> u.requests
RETURNING l.id
"""

_FORGET_ANSWERS = """
DELETE FROM optout_givenanswer WHERE (api_key_id, name_digest) IN (
    SELECT api_key_id, name_digest FROM optout_givenanswer
    WHERE recorded_at < %(end)s ORDER BY recorded_at LIMIT %(batch)s
)
RETURNING 1
"""

# By mail_by_age.
_FORGET_MAILS = """
DELETE FROM optout_recipientmail WHERE id IN (
    SELECT id FROM optout_recipientmail WHERE asked_at < %(end)s ORDER BY asked_at LIMIT %(batch)s
)
RETURNING 1
"""

# By consent_of_list. The consent itself is the owner's proof, and stays.
_EMPTY_CONSENTS = """
UPDATE optout_consent SET asked_ip = NULL, confirmed_ip = NULL, confirmed_agent = '' WHERE id IN (
    SELECT id FROM optout_consent
    WHERE optout_list_id = %(list)s AND confirmed_at >= %(begin)s AND confirmed_at < %(end)s
      AND (asked_ip IS NOT NULL OR confirmed_ip IS NOT NULL OR confirmed_agent <> '')
    LIMIT %(batch)s
)
RETURNING 1
"""


def empty_ledger(now: datetime, *, since: datetime | None = None) -> int:
    """Empty IP, agent and evidence of ledger rows that are older than 90 days; how many rows.

    In batches, so that nobody waits for it and it can be stopped at any time. With `since` only rows recorded from then on are
    looked at: a night's work instead of the whole ledger.
    """
    return sum(
        _empty_list(list_id, since or datetime.min.replace(tzinfo=now.tzinfo), now - KEPT)
        for list_id in List.objects.values_list("pk", flat=True)
    )


def empty_quarantine(now: datetime) -> int:
    """Empty IP, agent and evidence of quarantined opt-outs that were last asked for more than 90 days ago; how many rows.

    Of those that were decided also what a global request said for the report.
    """
    return _until_done(_EMPTY_QUARANTINE, {"end": now - KEPT, "batch": BATCH})


def prune_limits(now: datetime) -> int:
    """Forget networks that were quiet for two days and are not blocked, and hours older than 28 days; how many rows."""
    quiet = LimitCounter.objects.filter(last_seen_at__lt=now - COUNTERS_KEPT)
    counters, _ = quiet.exclude(blocked_until__gt=now).delete()
    hours, _ = UnsignedHour.objects.filter(hour_at__lt=now - HOURS_KEPT).delete()
    return counters + hours


def prune_answers(now: datetime) -> int:
    """Forget what programs were answered more than 24 hours ago; how many answers."""
    return _until_done(_FORGET_ANSWERS, {"end": now - given_answers.KEPT, "batch": BATCH})


def prune_mails(now: datetime) -> int:
    """Forget the mails that somebody asked for more than 7 days ago, sent or not, and their links with them; how many."""
    end = now - mail_requests.KEPT
    return _until_done(_FORGET_MAILS, {"end": end, "batch": BATCH})


def empty_consents(now: datetime, *, since: datetime | None = None) -> int:
    """Empty IPs and agents of consents that were given more than 90 days ago; how many. `since` as in `empty_ledger`."""
    begin = since or datetime.min.replace(tzinfo=now.tzinfo)
    values = {"begin": begin, "end": now - KEPT, "batch": BATCH}
    return sum(
        _until_done(_EMPTY_CONSENTS, {**values, "list": list_id})
        for list_id in List.objects.values_list("pk", flat=True)
    )


def keep_usual_hours(now: datetime) -> int:
    """Keep each list's p95 of unsigned requests an hour, for its protected mode (security.md §4); how many lists changed."""
    hours = HOURS_KEPT // timedelta(hours=1)
    place = hours // 20 + 1
    return len(fetch_prepared(_USUAL_HOUR, {"begin": now - HOURS_KEPT, "now": now, "place": place}))


def _until_done(statement: str, values: dict[str, Any]) -> int:
    done = 0
    while count := len(fetch_prepared(statement, values)):
        done += count
    return done


def _empty_list(list_id: int, begin: datetime, end: datetime) -> int:
    emptied = 0
    while begin < end:
        ((count, newest),) = fetch_prepared(
            _EMPTY_LEDGER, {"list": list_id, "begin": begin, "end": end, "batch": BATCH}
        )
        emptied += count
        if count < BATCH:
            break
        begin = newest
    return emptied
