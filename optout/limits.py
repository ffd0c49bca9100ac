"""How many distinct addresses one network may bring to one list in unsigned traffic (security.md §4, S0.12).

Exact across processes and machines: the database decides, in one atomic upsert a request. What is refused is quarantined by
the caller, never lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import Q

from lists.lookup import ListSnapshot, forget_list
from lists.models import List
from lists.prepared import fetch_prepared
from optout.choices import RefusalCause, Traffic
from optout.models import LimitCounter

WINDOW = timedelta(minutes=10)
FIRST_BLOCK = timedelta(hours=1)
LONGEST_BLOCK = timedelta(hours=24)
PROTECTED_FOR = timedelta(hours=1)
UNUSUAL = 10  # times the p95 of the hours of the last 28 days

# Of forms that make us send a mail, the same for every list: what an owner allows to opt out is no leave to send mails.
MAILS_WITHOUT_A_TAP = 5  # in ten minutes, from forms on the owners' own websites
MOST_MAILS = 20  # in ten minutes
MOST_MAILS_A_DAY = 100

# Locks the counter's row first and the hour's row second, always: two requests cannot lock each other out. Each step
# reads the one before it, which makes that the order.
# `known`: whether this network brought the address within a day already; read under the lock, because after the update the
# row does not tell. (Of a network's very first requests, two with one address at the same instant may both count.)
# An admitted address stands last in the row; a refused one is not added, so an attack does not make the row grow past the
# limit, and is not forgotten if it was there, so that repeating addresses during a block frees no place.
# The hour counts an address that was admitted and is new, so that repeats and refused ones turn no protected mode on; nor do
# those who ask for a mail.
_COUNT = """
WITH before AS (
    SELECT digests, seen_at FROM optout_limitcounter
    WHERE optout_list_id = %(list)s AND network = %(network)s AND traffic = %(traffic)s
    FOR UPDATE
),
known AS MATERIALIZED (
    SELECT count(*) > 0 AS is_known
    FROM before, unnest(before.digests, before.seen_at) AS u (digest, seen)
    WHERE digest = %(digest)s AND seen > %(now)s - interval '1 day'
),
counted AS (
    INSERT INTO optout_limitcounter AS c (
        optout_list_id, network, traffic, digests, seen_at, refused, strikes, last_seen_at
    )
    SELECT
        %(list)s, %(network)s, %(traffic)s, ARRAY[%(digest)s::bytea], ARRAY[%(now)s::timestamptz], 0, 0, %(now)s::timestamptz
    FROM known
    ON CONFLICT (optout_list_id, network, traffic) DO UPDATE SET
        (digests, seen_at, refused, strikes, blocked_at, blocked_until, last_seen_at) = (
            SELECT
                CASE WHEN refuse THEN kept.digests ELSE others.digests || EXCLUDED.digests END,
                CASE WHEN refuse THEN kept.seen_at ELSE others.seen_at || EXCLUDED.seen_at END,
                c.refused + refuse::int,
                c.strikes + block::int,
                CASE WHEN block THEN EXCLUDED.last_seen_at ELSE c.blocked_at END,
                CASE WHEN block
                    THEN EXCLUDED.last_seen_at
                        + least(%(first_block)s::interval * power(2, least(c.strikes, 10)), %(longest_block)s::interval)
                    ELSE c.blocked_until END,
                EXCLUDED.last_seen_at
            FROM (
                SELECT
                    coalesce(array_agg(digest), '{}') AS digests,
                    coalesce(array_agg(seen), '{}') AS seen_at
                FROM unnest(c.digests, c.seen_at) AS u (digest, seen)
                WHERE seen > EXCLUDED.last_seen_at - interval '1 day'
            ) kept,
            LATERAL (
                SELECT
                    coalesce(array_agg(digest), '{}') AS digests,
                    coalesce(array_agg(seen), '{}') AS seen_at,
                    count(*) FILTER (WHERE seen > EXCLUDED.last_seen_at - %(window)s::interval) AS lately,
                    count(*) AS today
                FROM unnest(kept.digests, kept.seen_at) AS u (digest, seen)
                WHERE digest <> EXCLUDED.digests[1]
            ) others,
            LATERAL (SELECT coalesce(c.blocked_until > EXCLUDED.last_seen_at, false) AS blocked) b,
            LATERAL (SELECT others.lately >= %(hard)s OR others.today >= %(day)s AS exceeded) e,
            LATERAL (
                SELECT blocked OR exceeded AS refuse, exceeded AND NOT blocked AND %(blocks)s::bool AS block
            ) v
        )
    RETURNING
        NOT coalesce(c.blocked_until > %(now)s, false)
            AND c.digests[cardinality(c.digests)] = %(digest)s AND c.seen_at[cardinality(c.seen_at)] = %(now)s AS is_admitted,
        coalesce(c.blocked_until > %(now)s, false) AS is_blocked,
        (SELECT count(*) FROM unnest(c.seen_at) AS seen WHERE seen > %(now)s - %(window)s::interval) AS lately,
        c.blocked_until
),
hour AS (
    INSERT INTO optout_unsignedhour AS h (optout_list_id, hour_at, requests)
    SELECT %(list)s, date_trunc('hour', %(now)s::timestamptz), 1 FROM counted, known
    WHERE counted.is_admitted AND NOT known.is_known AND %(is_optout)s::bool
    ON CONFLICT (optout_list_id, hour_at) DO UPDATE SET requests = h.requests + 1
    RETURNING requests
)
SELECT is_admitted, is_blocked, lately, blocked_until, coalesce((SELECT requests FROM hour), 0) FROM counted
"""


class Admission(Enum):
    """What may be done with an unsigned request."""

    RECORD = "record"
    CONFIRM = "confirm"  # only after one more tap
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The admission; why it is not RECORD; and when it is REFUSE, how long to wait."""

    admission: Admission
    cause: RefusalCause | None = None
    wait: timedelta = timedelta()


RECORD = Judgement(Admission.RECORD)


def judge_unsigned(
    optout_list: ListSnapshot, traffic: Traffic, network: str, digest: bytes, now: datetime
) -> Judgement:
    """Count one unsigned request and say what may be done with it.

    `network` is what `networks.network_of` gives. Signed links, whitelisted servers and API credentials never come here.
    Protected mode asks for the confirm page, so a form's POST passes it.
    """
    is_form = traffic == Traffic.FORM
    is_admitted, is_blocked, distinct, blocked_until, in_this_hour = _count(
        optout_list,
        traffic,
        network,
        digest,
        now,
        hard=optout_list.limit_form if is_form else optout_list.limit_block,
        day=2_000_000_000 if is_form else optout_list.limit_block_day,
        blocks=not is_form,
    )
    if in_this_hour > max(optout_list.limit_hour, UNUSUAL * optout_list.usual_hour):
        _protect(optout_list, now)
    if not is_admitted:
        cause = RefusalCause.BLOCKED_IP if is_blocked else RefusalCause.ADDRESS_LIMIT
        return Judgement(Admission.REFUSE, cause, blocked_until - now if is_blocked else WINDOW)
    if is_form:
        return RECORD
    if is_protected(optout_list, now):
        return Judgement(Admission.CONFIRM, RefusalCause.PROTECTED_MODE)
    if distinct > optout_list.limit_confirm:
        return Judgement(Admission.CONFIRM, RefusalCause.ADDRESS_LIMIT)
    return RECORD


def judge_mail(optout_list: ListSnapshot, network: str, digest: bytes, now: datetime) -> Judgement:
    """Count one address that was typed into a form that makes us send it a mail, and say whether it may.

    CONFIRM: only after one more tap, which the press of our own form is. Counted apart: whoever has people mailed keeps nobody
    from opting out, and turns no protected mode on. Nobody is blocked; the oldest address makes room for the next.
    """
    is_admitted, _, distinct, _, _ = _count(
        optout_list,
        Traffic.JOIN,
        network,
        digest,
        now,
        hard=MOST_MAILS,
        day=MOST_MAILS_A_DAY,
        blocks=False,
    )
    if not is_admitted:
        return Judgement(Admission.REFUSE, RefusalCause.ADDRESS_LIMIT, WINDOW)
    if distinct > MAILS_WITHOUT_A_TAP:
        return Judgement(Admission.CONFIRM, RefusalCause.ADDRESS_LIMIT)
    return RECORD


def is_protected(optout_list: ListSnapshot, now: datetime) -> bool:
    """Whether the list is in protected mode: unsigned requests need the confirm page."""
    return optout_list.protected_until is not None and optout_list.protected_until > now


def unblock_network(optout_list: List, network: str) -> bool:
    """Forget what the network did to this list; whether it was blocked."""
    deleted, _ = LimitCounter.objects.filter(optout_list=optout_list, network=network).delete()
    return deleted > 0


def _count(
    optout_list: ListSnapshot,
    traffic: Traffic,
    network: str,
    digest: bytes,
    now: datetime,
    *,
    hard: int,
    day: int,
    blocks: bool,
) -> tuple[bool, bool, int, datetime, int]:
    """Whether it is admitted, whether the network is blocked, the distinct addresses of the window, until when it is blocked,
    and how many new ones this hour had, where they count."""
    values = {
        "list": optout_list.id,
        "network": network,
        "traffic": int(traffic),
        "digest": digest,
        "now": now,
        "window": WINDOW,
        "hard": hard,
        "day": day,
        "blocks": blocks,
        "is_optout": traffic != Traffic.JOIN,
        "first_block": FIRST_BLOCK,
        "longest_block": LONGEST_BLOCK,
    }
    (row,) = fetch_prepared(_COUNT, values)
    return row


def _protect(optout_list: ListSnapshot, now: datetime) -> None:
    """Start protected mode, or keep it on; written once in ten minutes, not once a request."""
    until = now + PROTECTED_FOR
    if optout_list.protected_until is not None and optout_list.protected_until >= until - WINDOW:
        return
    stale = Q(protected_until=None) | Q(protected_until__lt=until - WINDOW)
    row = List.objects.filter(stale, pk=optout_list.id)
    if row.update(protected_until=until):
        forget_list(List.objects.get(pk=optout_list.id))
