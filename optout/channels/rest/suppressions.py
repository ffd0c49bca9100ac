"""Opt-outs that a program reports, and suppressions that it lifts."""

from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from optout.addresses import AddressError, parse_address
from optout.channels.rest.bodies import Body
from optout.channels.rest.door import evidence_of, find_list, writer_of
from optout.choices import Assurance, Channel
from optout.contacts import opt_out_contacts
from optout.intents import intent_for

MOST_ADDRESSES = 10_000

router = Router(tags=["suppressions"])

Addresses = Annotated[list[str], Field(min_length=1, max_length=MOST_ADDRESSES)]


class NewSuppressions(Body):
    """Addresses that opted out."""

    addresses: Addresses


class Recorded(Schema):
    """What became of them: how many opt-outs were recorded, and how many of them suppressed an address anew."""

    recorded: int
    new: int


@router.post("/lists/{int:number}/suppressions", response=Recorded)
def add_suppressions(request: HttpRequest, number: int, sent: NewSuppressions) -> Recorded:
    """Record opt-outs of a list (0: Do Not Mail)."""
    caller = writer_of(request)
    optout_list = find_list(caller, number)
    now, evidence = timezone.now(), evidence_of(request, caller)
    intents = []
    for text in sent.addresses:
        try:
            address = parse_address(text, "either", optout_list.region)
        except AddressError:
            continue
        intents.append(
            intent_for(
                optout_list,
                address,
                channel=Channel.REST,
                assurance=Assurance.API_CREDENTIAL,
                requested_at=now,
                evidence=evidence,
            )
        )
    recorded = opt_out_contacts(optout_list, intents)
    return Recorded(recorded=len(recorded), new=sum(each.is_new for each in recorded))
