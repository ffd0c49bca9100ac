"""Server to server: the mailer's own server passes on an opt-out by calling the direct link (S0.3, S0.11, S0.12)."""

from django.http import HttpResponse

from optout import replies
from optout.actions import record_optout
from optout.choices import Assurance, Channel, RefusalCause
from optout.quarantine import quarantine_optout
from optout.visits import Visit

NOT_LISTED = (
    "This server's IP address is not on the list's whitelist. Ask the list owner to allow it. "
    "The request was kept for the owner."
)


def answer(visit: Visit) -> HttpResponse:
    """A server on the list's whitelist: acts in either mode, is never counted and never redirected."""
    address = visit.sent.address
    if address is None:
        return reject(visit)
    record_optout(visit.intent(address, Channel.S2S, Assurance.WHITELISTED_IP))
    return replies.to_program(visit, "OK", 200, replies.RECORDED)


def refuse(visit: Visit) -> HttpResponse:
    """A server that is not on the whitelist: its request waits for the owner, and it is told why."""
    address = visit.sent.address
    if address is None:
        return reject(visit)
    intent = visit.intent(address, Channel.S2S, Assurance.PREFILLED)
    quarantine_optout(intent, RefusalCause.UNLISTED_SERVER)
    return replies.to_program(visit, NOT_LISTED, 403, replies.QUARANTINED)


def reject(visit: Visit) -> HttpResponse:
    """No usable address: what is wrong with it, and nothing recorded."""
    error = visit.sent.error or "There is no address: add item=, email= or phone=."
    return replies.to_program(visit, str(error), 400, replies.REJECTED)
