"""`/sms/<name>`: a gateway passes on what somebody texted (S3.4). Who calls, what was texted, do it, answer in its format."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from lists.inbound_endpoints import Gate, note_refusal, note_use, open_gate
from lists.networks import IpAddress, compile_networks
from optout.channels.inbound_sms import generic, twilio
from optout.channels.inbound_sms.fields import read_bounded
from optout.channels.inbound_sms.incoming import Incoming, RefusedError
from optout.channels.inbound_sms.messages import Outcome, take_message
from optout.client_ip import client_ip
from optout.evidence import Evidence

UNKNOWN = "There is no such endpoint."


@dataclass(frozen=True, slots=True)
class Dialect:
    """A format: how a call is read, what is answered to a message, and to what was refused."""

    read: Callable[[HttpRequest, bytes, Gate, datetime], Incoming]
    reply: Callable[[Outcome], HttpResponse]
    refuse: Callable[[RefusedError], HttpResponse]


GENERIC = Dialect(generic.read, generic.reply, generic.refuse)
TWILIO = Dialect(twilio.read, twilio.reply, twilio.refuse)


def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take one message. What was refused did nothing, and its gateway is told why; an unknown name is told nothing else, and as
    late as a wrong secret."""
    now, ip = timezone.now(), client_ip(request)
    gate = open_gate(public_id, now)
    dialect = TWILIO if gate.is_twilio else GENERIC
    try:
        _check_ip(gate, ip)
        incoming = dialect.read(request, read_bounded(request), gate, now)
        agent = request.META.get("HTTP_USER_AGENT")
        outcome = take_message(gate, incoming, Evidence.of(ip, agent), now)
    except RefusedError as error:
        note_refusal(gate, f"{error.status}: {error}", now)
        return dialect.refuse(error) if gate.is_real else unknown()
    note_use(gate, now)
    return dialect.reply(outcome)


def unknown() -> HttpResponse:
    """404: also for whatever else is below `/sms/`."""
    return generic.refuse(RefusedError(404, UNKNOWN))


def _check_ip(gate: Gate, ip: IpAddress | None) -> None:
    if gate.allow_list and ip not in compile_networks(gate.allow_list):
        raise RefusedError(403, "This IP address is not on the endpoint’s allow-list.")
