"""The one operation: recording opt-outs; and its counterpart, lifting suppressions.

No request comes in and no response goes out: callable from a channel, a mailbox, a file or a shell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.prepared import fetch, fetch_prepared
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.intents import OptOutIntent
from optout.statements import (
    LIFT,
    RECORD_AGAIN,
    RECORD_MANY,
    RECORD_MANY_AND_REPORT,
    RECORD_ONE,
    RECORD_ONE_AND_REPORT,
    RECORD_TWO,
    RECORD_TWO_AND_REPORT,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an intent: its row in the ledger, and whether it changed the state."""

    optout_id: int
    digest: bytes
    is_new: bool


def record_optout(intent: OptOutIntent) -> Recorded:
    """Record one opt-out: suppress the address, end its subscriptions, write the ledger, and count a global request in its
    report. Durable when it returns.

    Repeating is normal: the address stays suppressed once, and each request has its ledger row. Raises `django.db.Error`s, and
    then nothing was recorded.
    """
    values = (*_values(intent), *_evidence_values(intent.evidence))
    statement = RECORD_ONE
    if intent.global_request is not None:
        line = intent.global_request.values(intent.requested_at)
        statement, values = RECORD_ONE_AND_REPORT, (*values, *line)
    ((optout_id, is_new),) = fetch_prepared(statement, values)
    return Recorded(optout_id, intent.digest, is_new)


def record_optouts(intents: Sequence[OptOutIntent]) -> list[Recorded]:
    """Record many opt-outs as one statement: all of them or none. The results come in the order of the intents.

    Of several intents about the same address and list in one call, the first is the new one.
    """
    if not intents:
        return []
    if len(intents) == 1:
        return [record_optout(intents[0])]
    lines = _report_lines(intents)
    record = _record_two if len(intents) == 2 and len(lines) < 2 else _record_many
    return [
        Recorded(optout_id, intent.digest, is_new)
        for intent, (optout_id, is_new) in zip(intents, record(intents, lines), strict=True)
    ]


def record_again(intent: OptOutIntent) -> bool:
    """Write down an opt-out of what is known by a hash alone, and suppressed; False, and nothing written, if it is not."""
    ip, agent, evidence = _evidence_values(intent.evidence)
    values = {
        "list": intent.list_id,
        "digest": intent.digest,
        "now": intent.requested_at,
        "channel": int(intent.channel),
        "reason": int(intent.reason),
        "origin": int(intent.origin),
        "assurance": int(intent.assurance),
        "ip": ip,
        "agent": agent,
        "evidence": evidence,
    }
    return bool(fetch(RECORD_AGAIN, values))


def _record_two(
    intents: Sequence[OptOutIntent], lines: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The two intents of one request, with at most one line."""
    values = [
        value
        for intent in intents
        for value in (*_values(intent), *_evidence_values(intent.evidence))
    ]
    if lines:
        return fetch_prepared(RECORD_TWO_AND_REPORT, (*values, *lines[0]))
    return fetch_prepared(RECORD_TWO, values)


def _record_many(
    intents: Sequence[OptOutIntent], lines: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    # A command's requests share their evidence: it is put into words once.
    distinct = {id(intent.evidence): intent.evidence for intent in intents}
    evidence = {key: _evidence_values(each) for key, each in distinct.items()}
    values = [(*_values(intent), *evidence[id(intent.evidence)]) for intent in intents]
    if lines:
        return fetch(RECORD_MANY_AND_REPORT, [*_columns(values), *_columns(lines)])
    return fetch(RECORD_MANY, _columns(values))


@dataclass(frozen=True, slots=True)
class LiftIntent:
    """A suppression that shall end: which, by whom, why. `evidence` says by which opt-out or file."""

    list_id: int
    digest: bytes
    medium: Medium
    channel: Channel
    assurance: Assurance
    reason: Reason
    origin: Origin
    requested_at: datetime
    evidence: Evidence


def lift_suppressions(lifts: Sequence[LiftIntent]) -> list[Recorded]:
    """End suppressions, all of them or none; the ledger keeps both the opt-out and the lift.

    A lift of an address that is not suppressed is written down as not new.
    """
    if not lifts:
        return []
    rows = fetch(LIFT, _columns([_lift_values(lift) for lift in lifts]))
    return [
        Recorded(optout_id, lift.digest, is_new)
        for lift, (optout_id, is_new) in zip(lifts, rows, strict=True)
    ]


def _values(intent: OptOutIntent) -> tuple[Any, ...]:
    """In the order of the columns of `intent` in the statement, up to the evidence."""
    return (
        intent.list_id,
        intent.realm_id,
        intent.is_global,
        intent.digest,
        intent.address,
        int(intent.medium),
        int(intent.channel),
        int(intent.assurance),
        int(intent.reason),
        int(intent.origin),
        intent.requested_at,
    )


def _report_lines(intents: Sequence[OptOutIntent]) -> list[tuple[Any, ...]]:
    """In the order of the columns of `request` in the statements; none where no intent has a line in the report."""
    return [
        each.global_request.values(each.requested_at)
        for each in intents
        if each.global_request is not None
    ]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _lift_values(lift: LiftIntent) -> tuple[Any, ...]:
    """In the order of the columns of `lift` in the statement."""
    return (
        lift.list_id,
        lift.digest,
        int(lift.medium),
        int(lift.channel),
        int(lift.assurance),
        int(lift.reason),
        int(lift.origin),
        lift.requested_at,
        *_evidence_values(lift.evidence),
    )


def _evidence_values(evidence: Evidence) -> tuple[str | None, str, str | None]:
    return (
        None if evidence.ip is None else str(evidence.ip),
        evidence.agent,
        json.dumps(dict(evidence.extra)) if evidence.extra else None,
    )
