"""What the way in of text messages knows of the endpoint that was called, and what it writes down about the calls (S3.4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from lists.models import ConfirmsBy, InboundEndpoint, InboundFormat
from lists.sealed import new_salt
from lists.sms_setup import find_endpoint, secrets_of, tokens_of

_EVERY = timedelta(minutes=1)  # so often a time is written anew
_LONGEST_REASON = 100


@dataclass(frozen=True, slots=True)
class Gate:
    """An endpoint as a call meets it. `secrets` open a generic one, `tokens` sign for Twilio's.

    `answers` and `sends`: how the message goes out that confirms a STOP; neither: the gateway does it itself. The gate of an
    endpoint that there is not has the `id` 0, and secrets that nobody knows.
    """

    id: int
    realm_id: int
    public_id: str
    is_twilio: bool
    allow_list: tuple[str, ...]
    secrets: tuple[str, ...]
    tokens: tuple[str, ...]
    answers: bool
    sends: bool

    @property
    def is_real(self) -> bool:
        """Whether there is such an endpoint."""
        return self.id != 0


def open_gate(public_id: str, now: datetime) -> Gate:
    """The endpoint of that name. For one that there is not as much is computed as for one that there is."""
    found = find_endpoint(public_id)
    endpoint = found or InboundEndpoint(
        id=0, realm_id=0, public_id=public_id, salt=new_salt(), confirms_by=ConfirmsBy.NOBODY
    )
    return Gate(
        id=endpoint.pk,
        realm_id=endpoint.realm_id,
        public_id=endpoint.public_id,
        is_twilio=endpoint.format == InboundFormat.TWILIO,
        allow_list=tuple(endpoint.allow_list),
        secrets=tuple(secrets_of(endpoint, now)),
        tokens=tuple(tokens_of(endpoint)),
        answers=endpoint.confirms_by == ConfirmsBy.ANSWER,
        sends=endpoint.confirms_by == ConfirmsBy.GATEWAY,
    )


def note_use(gate: Gate, now: datetime) -> None:
    """Write down that a message came in, to the minute."""
    rows = InboundEndpoint.objects.filter(pk=gate.id)
    rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - _EVERY)).update(last_used_at=now)


def note_refusal(gate: Gate, why: str, now: datetime) -> None:
    """Write down why a call was refused, to the minute. `why` holds nothing of what was sent."""
    why = why[:_LONGEST_REASON]
    is_old = Q(last_refused_at=None) | Q(last_refused_at__lt=now - _EVERY) | ~Q(last_refusal=why)
    rows = InboundEndpoint.objects.filter(is_old, pk=gate.id)
    rows.update(last_refused_at=now, last_refusal=why)
