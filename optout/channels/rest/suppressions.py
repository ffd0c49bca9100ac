"""Opt-outs that a program reports, and the suppressions of a list."""

from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from optout.channels.rest.addresses import Addresses, Rejected, read_addresses
from optout.channels.rest.bodies import Body
from optout.channels.rest.door import (
    evidence_of,
    find_list,
    find_own_list,
    reader_of,
    writer_of,
)
from optout.channels.rest.idempotency import DOCUMENTED, idempotent
from optout.channels.rest.paging import UpTo10000, make_cursor, read_cursor
from optout.channels.rest.words import time_text, word
from optout.choices import Assurance, Channel, HashKind, Medium, Origin, Reason
from optout.contacts import opt_out_contacts
from optout.intents import intent_for
from optout.suppression_pages import ListedSuppression, page_of_suppressions

router = Router(tags=["suppressions"])


class NewSuppressions(Body):
    """Addresses that opted out, all for the same reason."""

    addresses: Addresses
    reason: Literal["unsubscribed", "complained", "bounced", "manual", "legal"] = "unsubscribed"
    origin: Literal["recipient", "owner"] = Field("recipient", description="Who asked for it.")


class Recorded(Schema):
    """What became of them: of those that were recorded some are suppressed anew, the others already were."""

    recorded: int
    new: int
    already: int
    rejected: list[Rejected]


class SuppressionOut(Schema):
    """A suppression: the address must not be contacted for this list (for the whole realm, if the list is Do Not Mail)."""

    address: str | None = Field(description="Null where only a hash is known.")
    digest: str = Field(description="What it is kept under: 16 bytes of a hash, in hex.")
    hash: str | None = Field(description="The hash, where nothing else is known.")
    hash_kind: str | None = Field(description="Of that hash: sha256, sha1 or md5.")
    medium: str = Field(description="email or sms.")
    channel: str = Field(description="How it reached us, such as page or one_click.")
    reason: str
    suppressed_at: str = Field(description="RFC 3339, in UTC.")


class SuppressionsOut(Schema):
    """A page of suppressions; `next` is the cursor of the page after it, null at the end."""

    suppressions: list[SuppressionOut]
    next: str | None


@router.post("/lists/{int:number}/suppressions", response=Recorded, openapi_extra=DOCUMENTED)
@idempotent
def add_suppressions(request: HttpRequest, number: int, sent: NewSuppressions) -> Recorded:
    """Record opt-outs of a list (0: Do Not Mail), up to 10,000 at once.

    Those that can be used are recorded although others cannot: `rejected` says which. When none can, nothing is done (422).
    Repeating is harmless.
    """
    caller = writer_of(request)
    optout_list = find_own_list(caller, number)
    usable, rejected = read_addresses(sent.addresses, optout_list.region)
    now, evidence = timezone.now(), evidence_of(request, caller)
    reason, origin = Reason[sent.reason.upper()], Origin[sent.origin.upper()]
    intents = [
        intent_for(
            optout_list,
            address,
            channel=Channel.REST,
            assurance=Assurance.API_CREDENTIAL,
            requested_at=now,
            evidence=evidence,
            reason=reason,
            origin=origin,
        )
        for address in usable
    ]
    recorded = opt_out_contacts(optout_list, intents)
    new = sum(each.is_new for each in recorded)
    return Recorded(recorded=len(recorded), new=new, already=len(recorded) - new, rejected=rejected)


@router.get("/lists/{int:number}/suppressions", response=SuppressionsOut)
def read_suppressions(
    request: HttpRequest, number: int, cursor: str | None = None, limit: UpTo10000 = 1_000
) -> SuppressionsOut:
    """The suppressions of a list itself (0: Do Not Mail), in no order that means anything.

    Each one that is there from the first page to the last comes once. For what happens meanwhile there is the change feed.
    """
    optout_list = find_list(reader_of(request), number)
    kind = f"suppressions {optout_list.id}"
    after = b"" if cursor is None else read_cursor(kind, cursor, bytes)[0]
    rows = page_of_suppressions(optout_list.id, after, limit + 1)
    more = len(rows) > limit
    return SuppressionsOut(
        suppressions=[_shown(each) for each in rows[:limit]],
        next=make_cursor(kind, rows[limit - 1].digest) if more else None,
    )


def _shown(row: ListedSuppression) -> SuppressionOut:
    is_hash = row.address is None
    return SuppressionOut(
        address=row.address,
        digest=row.digest.hex(),
        hash=row.full_hash.hex() if is_hash else None,
        hash_kind=word(HashKind, row.hash_kind) if is_hash else None,
        medium=word(Medium, row.medium),
        channel=word(Channel, row.channel),
        reason=word(Reason, row.reason),
        suppressed_at=time_text(row.suppressed_at),
    )
