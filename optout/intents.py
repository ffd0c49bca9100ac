"""An opt-out understood, not yet recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from lists.lookup import ListSnapshot
from optout.addresses import Address
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest


@dataclass(frozen=True, slots=True)
class OptOutIntent:
    """What every channel makes of a request, and the only thing that `record_optouts` reads.

    `digest` is 16 bytes; `address` the normalised address, or None when only a hash is known. `requested_at` is aware.
    `evidence` goes into the ledger. `global_request`: what a global request said, for the line that it makes or
    counts up in the report; of the intents of one request only one has it.
    """

    list_id: int
    realm_id: int
    is_global: bool
    digest: bytes
    address: str | None
    medium: Medium
    channel: Channel
    assurance: Assurance
    requested_at: datetime
    evidence: Evidence = field(default_factory=Evidence)
    reason: Reason = Reason.UNSUBSCRIBED
    origin: Origin = Origin.RECIPIENT
    global_request: GlobalRequest | None = None


def intent_for(
    optout_list: ListSnapshot,
    address: Address,
    *,
    channel: Channel,
    assurance: Assurance,
    requested_at: datetime,
    evidence: Evidence,
    **more: Any,
) -> OptOutIntent:
    """The intent of a request about one address of one list; `more` is `reason`, `origin` and `global_request`."""
    return OptOutIntent(
        list_id=optout_list.id,
        realm_id=optout_list.realm_id,
        is_global=optout_list.is_global,
        digest=address.digest,
        address=address.key,
        medium=address.medium,
        channel=channel,
        assurance=assurance,
        requested_at=requested_at,
        evidence=evidence if address.raw == address.key else evidence.adding(raw=address.raw),
        **more,
    )


def global_intents(
    target: ListSnapshot,
    addresses: Sequence[Address],
    asked: GlobalRequest,
    *,
    channel: Channel,
    assurance: Assurance,
    requested_at: datetime,
    evidence: Evidence,
) -> list[OptOutIntent]:
    """The intents of one global request: one for each of its addresses, all about `target`. The first has the report's line.

    The evidence says besides what it was about (S1.20), and of every further address `also`: so the chart counts requests.
    """
    first = evidence.adding(**asked.as_evidence())
    of_one = partial(
        intent_for, target, channel=channel, assurance=assurance, requested_at=requested_at
    )
    return [
        of_one(address, evidence=first.adding(also=True))
        if number
        else of_one(address, evidence=first, global_request=asked)
        for number, address in enumerate(addresses)
    ]


def each_alone(intents: Sequence[OptOutIntent]) -> list[OptOutIntent]:
    """The intents of a global request as if each of its addresses had been sent by itself.

    For quarantine, where one may be accepted and the other rejected: a line must claim neither too much nor too little.
    """
    asked = next(filter(None, (each.global_request for each in intents)), None)
    if asked is None or len(intents) == 1:
        return list(intents)
    return [
        replace(
            each,
            evidence=each.evidence.without("also"),
            global_request=asked.about(each.address or "", is_email=each.medium == Medium.EMAIL),
        )
        for each in intents
    ]
