"""The one operation: recording opt-outs; and its counterpart, lifting suppressions.

No request comes in and no response goes out: callable from a channel, a mailbox, a file or a shell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists.prepared import fetch_prepared
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.intents import OptOutIntent
from optout.statements import LIFT, RECORD


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an intent: its row in the ledger, and whether it changed the state."""

    optout_id: int
    digest: bytes
    is_new: bool


def record_optout(intent: OptOutIntent) -> Recorded:
    """Record one opt-out: suppress the address, end its subscriptions, write the ledger. Durable when it returns.

    Repeating is normal: the address stays suppressed once, and each request has its ledger row. Raises `django.db.Error`s, and
    then nothing was recorded.
    """
    return record_optouts([intent])[0]


def record_optouts(intents: Sequence[OptOutIntent]) -> list[Recorded]:
    """Record many opt-outs as one statement: all of them or none. The results come in the order of the intents.

    Of several intents about the same address and list in one call, the first is the new one.
    """
    if not intents:
        return []
    rows = fetch_prepared(RECORD, _columns(intents))
    return [
        Recorded(optout_id, intent.digest, is_new)
        for intent, (optout_id, is_new) in zip(intents, rows, strict=True)
    ]


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
    columns = (
        [lift.list_id for lift in lifts],
        [lift.digest for lift in lifts],
        [int(lift.medium) for lift in lifts],
        [int(lift.channel) for lift in lifts],
        [int(lift.assurance) for lift in lifts],
        [int(lift.reason) for lift in lifts],
        [int(lift.origin) for lift in lifts],
        [lift.requested_at for lift in lifts],
        *_evidence_columns([lift.evidence for lift in lifts]),
    )
    rows = fetch_prepared(LIFT, columns)
    return [
        Recorded(optout_id, lift.digest, is_new)
        for lift, (optout_id, is_new) in zip(lifts, rows, strict=True)
    ]


def _columns(intents: Sequence[OptOutIntent]) -> tuple[list[Any], ...]:
    return (
        [intent.list_id for intent in intents],
        [intent.realm_id for intent in intents],
        [intent.is_global for intent in intents],
        [intent.digest for intent in intents],
        [intent.address for intent in intents],
        [int(intent.medium) for intent in intents],
        [int(intent.channel) for intent in intents],
        [int(intent.assurance) for intent in intents],
        [int(intent.reason) for intent in intents],
        [int(intent.origin) for intent in intents],
        [intent.requested_at for intent in intents],
        *_evidence_columns([intent.evidence for intent in intents]),
    )


def _evidence_columns(evidences: Sequence[Evidence]) -> tuple[list[Any], ...]:
    return (
        [None if evidence.ip is None else str(evidence.ip) for evidence in evidences],
        [evidence.agent for evidence in evidences],
        [json.dumps(dict(evidence.extra)) if evidence.extra else None for evidence in evidences],
    )
