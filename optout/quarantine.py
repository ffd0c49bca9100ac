"""Opt-outs that were refused: kept with their evidence, then accepted or rejected (S0.12, security.md §4)."""

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from lists.audit import record_audit
from lists.models import List, User
from lists.prepared import fetch_prepared
from optout.actions import record_optouts
from optout.choices import Assurance, Channel, Medium, RefusalCause, Verdict
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent
from optout.models import Consent, QuarantinedOptOut
from optout.sms_optouts import add_contacts

ACCEPTED_AFTER = timedelta(days=7)
BATCH = 1_000
MOST_GLOBAL_REQUESTS = (
    20  # global requests that one row keeps apart; what comes after them is only counted
)

# A server that is not on the whitelist may be a mail scanner with a programmer's agent; only the owner can tell, so these
# wait for the owner (promise 6: no opt-out by scanner). The rest is accepted by itself.
WAITS_FOR_OWNER = (RefusalCause.UNLISTED_SERVER,)

_KEEP = f"""
INSERT INTO optout_quarantinedoptout AS q (
    optout_list_id, digest, address, medium, channel, assurance, cause, ip, agent, evidence,
    requests, refused_at, last_refused_at, verdict, global_requests
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, 1, %s, %s, 1, %s::jsonb)
ON CONFLICT (optout_list_id, digest, cause) WHERE verdict = 1
DO UPDATE SET
    requests = q.requests + CASE WHEN q.evidence ->> 'form' = EXCLUDED.evidence ->> 'form' THEN 0 ELSE 1 END,
    last_refused_at = EXCLUDED.last_refused_at,
    global_requests = CASE
        WHEN EXCLUDED.global_requests IS NULL OR jsonb_array_length(q.global_requests) >= {MOST_GLOBAL_REQUESTS}
        THEN q.global_requests
        ELSE coalesce(q.global_requests, '[]') || EXCLUDED.global_requests
    END
"""  # noqa: S608  a constant of ours


def quarantine_optout(intent: OptOutIntent, cause: RefusalCause) -> None:
    """Keep a refused opt-out, durably. The same address refused again only counts up; what a global request says of its line in
    the report is kept of each, up to MOST_GLOBAL_REQUESTS."""
    evidence = intent.evidence
    fetch_prepared(
        _KEEP,
        (
            intent.list_id,
            intent.digest,
            intent.address,
            int(intent.medium),
            int(intent.channel),
            int(intent.assurance),
            int(cause),
            None if evidence.ip is None else str(evidence.ip),
            evidence.agent,
            json.dumps(dict(evidence.extra)) if evidence.extra else None,
            intent.requested_at,
            intent.requested_at,
            None
            if intent.global_request is None
            else json.dumps([_kept(intent, intent.global_request)]),
        ),
    )


def accept_quarantined(optout_list: List, chosen: Q, *, actor: User | None, now: datetime) -> int:
    """Record the quarantined opt-outs of a list that `chosen` selects; how many. In batches, each atomic with its audit entry.

    `actor` is None when they are accepted by themselves.
    """
    known = chosen & Q(channel__in=Channel.values)  # what a newer release has kept waits for it
    accepted, started, at = 0, time.monotonic(), now
    while True:
        with transaction.atomic():
            batch = _decide(optout_list, known, Verdict.ACCEPTED, actor, at)
            if not batch:
                return accepted
            intents = [intent for row in batch for intent in _intents(optout_list, row, at, actor)]
            add_contacts(intents)
            record_optouts(intents)
            _audit("accept_quarantined", optout_list, actor, len(batch))
        accepted += len(batch)
        # Each batch has the time at which it is recorded: a download "since" must not meet a later one with an older time.
        at = now + timedelta(seconds=time.monotonic() - started)


def reject_quarantined(optout_list: List, chosen: Q, *, actor: User, now: datetime) -> int:
    """Put aside the quarantined opt-outs of a list that `chosen` selects; how many. They are kept, as rejected."""
    rejected = 0
    while True:
        with transaction.atomic():
            batch = _decide(optout_list, chosen, Verdict.REJECTED, actor, now)
            if not batch:
                return rejected
            _audit("reject_quarantined", optout_list, actor, len(batch))
        rejected += len(batch)


def accept_overdue(now: datetime) -> int:
    """Accept what has waited for 7 days, on the lists that want it so; how many. Run by the worker.

    Not a request to stop everything whose recipient has said yes to a list since: the later word holds, and the owner decides.
    """
    overdue = Q(refused_at__lt=now - ACCEPTED_AFTER) & ~Q(cause__in=WAITS_FOR_OWNER)
    waiting = QuarantinedOptOut.objects.filter(
        overdue, verdict=Verdict.WAITING, optout_list__accepts_quarantined=True
    )
    lists = List.objects.filter(pk__in=waiting.values("optout_list_id").distinct())
    return sum(
        accept_quarantined(each, overdue & ~has_come_back(each), actor=None, now=now)
        for each in lists
    )


def has_come_back(optout_list: List) -> Q:
    """Selects what waits on Do Not Mail of addresses that have said yes to a list of the realm since they were refused last.

    Nothing on other lists: whoever comes back to one has what waits there rejected at once.
    """
    if not optout_list.is_global:
        return Q(pk__in=())
    # by the realm's lists, with which the index on the address begins
    said_yes = Consent.objects.filter(
        optout_list__realm=optout_list.realm_id,
        digest=OuterRef("digest"),
        confirmed_at__gt=OuterRef("last_refused_at"),
    )
    return Q(Exists(said_yes))


def _decide(
    optout_list: List, chosen: Q, verdict: Verdict, actor: User | None, now: datetime
) -> Sequence[QuarantinedOptOut]:
    waiting = QuarantinedOptOut.objects.filter(
        chosen, optout_list=optout_list, verdict=Verdict.WAITING
    )
    batch = list(waiting.select_for_update(skip_locked=True).order_by("pk")[:BATCH])
    QuarantinedOptOut.objects.filter(pk__in=[row.pk for row in batch]).update(
        verdict=verdict, decided_at=now, decided_by=actor
    )
    return batch


def _kept(intent: OptOutIntent, asked: GlobalRequest) -> dict[str, Any]:
    """A global request as its row keeps it: its line, and in what it may differ from the row's other requests."""
    return {
        **asked.as_json(),
        "channel": int(intent.channel),
        "assurance": int(intent.assurance),
        "asked_at": intent.requested_at.isoformat(),
    }


def _intents(
    optout_list: List, row: QuarantinedOptOut, now: datetime, actor: User | None
) -> list[OptOutIntent]:
    """What a row asks for: an intent for each global request that it keeps, or else one."""
    by = f"user {actor.pk}" if actor else "7 days"
    ip = ip_address(row.ip) if row.ip else None
    first = Evidence(ip=ip, agent=row.agent, extra=row.evidence or {})
    one = OptOutIntent(
        list_id=optout_list.pk,
        realm_id=optout_list.realm_id,
        is_global=optout_list.is_global,
        digest=bytes(row.digest),
        address=row.address,
        medium=Medium(row.medium),
        channel=Channel(row.channel),
        assurance=Assurance(row.assurance),
        # The ledger's time is when it was recorded, so that a download "since" then has it; the request's own is evidence.
        requested_at=now,
        evidence=first.adding(
            asked_at=_said(row.refused_at),
            last_asked_at=row.last_refused_at.isoformat(),  # what coming back is measured by (optout/holds.py)
            accepted_by=by,
        ),
    )
    if not row.global_requests:
        return [one]
    intents = [_intent_of(one, kept, by) for kept in row.global_requests]
    earliest = row.global_requests[0]
    if earliest["asked_at"] == row.refused_at.isoformat():  # the row's own, with IP and program
        said = GlobalRequest.from_json(earliest).as_evidence()  # what age has emptied there
        intents[0] = replace(intents[0], evidence=one.evidence.adding(**said))
    return intents


def _intent_of(one: OptOutIntent, kept: dict[str, Any], by: str) -> OptOutIntent:
    """The intent of one global request of a row, whose IP and evidence may be another's: it has what the request itself said."""
    asked, asked_at = GlobalRequest.from_json(kept), datetime.fromisoformat(kept["asked_at"])
    return replace(
        one,
        channel=Channel.find(kept["channel"]) or one.channel,
        assurance=Assurance(kept["assurance"]),
        evidence=Evidence().adding(
            **asked.as_evidence(),
            asked_at=_said(asked_at),
            last_asked_at=asked_at.isoformat(),
            accepted_by=by,
        ),
        global_request=asked,
    )


def _said(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _audit(action: str, optout_list: List, actor: User | None, count: int) -> None:
    record_audit(action, actor=actor, realm=optout_list.realm, optout_list=optout_list, count=count)


def settle_quarantined(
    intents: Sequence[OptOutIntent], cause: RefusalCause, *, form: str, now: datetime
) -> None:
    """Accept what waits of these intents since `form` was sent, for they are recorded in this transaction: nothing is recorded
    once more.

    Not where another request waits in the same row: who asked for that must not lose it to an Undo of this one.
    """
    if not intents:
        return
    about = Q()
    for intent in intents:
        about |= Q(optout_list=intent.list_id, digest=intent.digest)
    waiting = QuarantinedOptOut.objects.filter(
        about, cause=cause, verdict=Verdict.WAITING, requests=1, evidence__form=form
    )
    _settle([pk for pk, _list in _locked(waiting)], Verdict.ACCEPTED, now)


def lock_waiting(
    list_ids: Collection[int], digests: Collection[bytes]
) -> Sequence[tuple[int, int]]:
    """What waits on these lists for one address, under any of its keys, for whatever cause: row and list of each.

    Nobody else decides about it until the transaction ends. To be called before contacts and suppressions are locked.
    """
    return _locked(
        QuarantinedOptOut.objects.filter(
            optout_list__in=list_ids, digest__in=list(digests), verdict=Verdict.WAITING
        )
    )


def reject_waiting(pks: Collection[int], now: datetime) -> None:
    """Put aside rows of `lock_waiting`, because their recipient has come back since. They are kept, as rejected."""
    if pks:
        _settle(pks, Verdict.REJECTED, now)


def _locked(waiting: QuerySet[QuarantinedOptOut]) -> Sequence[tuple[int, int]]:
    """In one order: whoever decides about several rows of one address waits for the others, and they never for each other."""
    locked = waiting.order_by("pk").select_for_update(of=("self",))
    return list(locked.values_list("pk", "optout_list_id"))


def _settle(pks: Collection[int], verdict: Verdict, now: datetime) -> None:
    QuarantinedOptOut.objects.filter(pk__in=pks).update(verdict=verdict, decided_at=now)
