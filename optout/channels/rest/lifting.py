"""Lifting suppressions: a program ends them, says why, and both the opt-out and the lift stay in the ledger."""

from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import StringConstraints

from optout.channels.rest.addresses import Addresses, Rejected, read_addresses
from optout.channels.rest.bodies import Body
from optout.channels.rest.door import evidence_of, find_own_list, writer_of
from optout.channels.rest.idempotency import DOCUMENTED, idempotent
from optout.choices import Channel
from optout.lifting import lift_addresses

router = Router(tags=["suppressions"])

# Of control characters nothing would be kept.
Note = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=300, pattern=r"[^\s\x00-\x1f\x7f]"
    ),
]


class Lifts(Body):
    """Addresses whose suppressions are to end, and why."""

    addresses: Addresses
    reason: Note


class Lifted(Schema):
    """What became of them: some were suppressed until now, the others were not. An address that comes twice counts once."""

    lifted: int
    not_suppressed: int
    rejected: list[Rejected]


@router.post("/lists/{int:number}/suppressions/lift", response=Lifted, openapi_extra=DOCUMENTED)
@idempotent
def lift_suppressions(request: HttpRequest, number: int, sent: Lifts) -> Lifted:
    """End suppressions of that very list (0: Do Not Mail), for a reason that is written down.

    A suppression in Do Not Mail holds for every list: lifting one of a list does not end it.
    """
    caller = writer_of(request)
    optout_list = find_own_list(caller, number)
    usable, rejected = read_addresses(sent.addresses, optout_list.region)
    lifted = lift_addresses(
        optout_list,
        usable,
        note=sent.reason,
        channel=Channel.REST,
        evidence=evidence_of(request, caller),
        now=timezone.now(),
    )
    different = len({address.key for address in usable})
    return Lifted(lifted=lifted, not_suppressed=different - lifted, rejected=rejected)
