"""One-click by a mail provider (RFC 8058): a POST without cookies or a page, answered with 200 and one line."""

from django.http import HttpResponse

from optout import replies, screens
from optout.actions import record_optout
from optout.addresses import Address
from optout.choices import Assurance, Channel, Traffic
from optout.guard import Tap, admit
from optout.limits import Admission, Judgement
from optout.visits import Visit

KEPT = "Your request was kept. The sender has to check it first."
TOO_MANY = "Too many requests. Nothing is lost: this one was kept."


def record_signed(visit: Visit, recipient: Address) -> HttpResponse:
    """By a signed link. Never limited: a provider posts for all its users from few servers (AT-09)."""
    record_optout(visit.intent(recipient, Channel.ONE_CLICK, Assurance.SIGNED))
    return replies.text(replies.DONE, 200, replies.RECORDED)


def record_unsigned(visit: Visit) -> HttpResponse:
    """By a link that anybody could have written: acts in either mode, but counts as unsigned traffic."""
    if visit.is_foreign:  # no provider, but a browser that another site made to send it
        return screens.ask_again(visit, 403)
    address = visit.sent.address
    if address is None:
        error = visit.sent.error or "There is no address in this link."
        return replies.text(str(error), 400, replies.REJECTED)
    intent = visit.intent(address, Channel.ONE_CLICK, Assurance.PREFILLED)

    judgement = admit(visit, Traffic.DIRECT, [intent], Tap.IMPOSSIBLE)
    if judgement.admission is Admission.REFUSE:
        return _say_kept(judgement)
    record_optout(intent)
    return replies.text(replies.DONE, 200, replies.RECORDED)


def _say_kept(judgement: Judgement) -> HttpResponse:
    if not judgement.wait:  # protected mode
        return replies.text(KEPT, 200, replies.QUARANTINED)
    return replies.retry_after(replies.text(TOO_MANY, 429, replies.QUARANTINED), judgement.wait)
