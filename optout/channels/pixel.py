"""The 1×1 pixel on the thank-you page of a mailer's own opt-out form (S0.11, S0.15). Always a GIF, never a redirect."""

from django.http import HttpResponse

from optout import replies
from optout.actions import record_optout
from optout.choices import Assurance, Channel, RefusalCause, Traffic
from optout.guard import judge
from optout.limits import Admission
from optout.pixel_warning import warn_of_pixel_in_mail
from optout.quarantine import quarantine_optout
from optout.visits import Visit


def answer(visit: Visit) -> HttpResponse:
    """A recipient's browser loads it: acts in either mode. Below the block threshold it is never stopped (S0.15)."""
    address = visit.sent.address
    if address is None:
        return replies.gif(400, replies.REJECTED)
    intent = visit.intent(address, Channel.PIXEL, Assurance.PREFILLED)

    judgement = judge(visit, Traffic.DIRECT, address.digest)
    if judgement.admission is Admission.REFUSE and judgement.cause is not None:
        quarantine_optout(intent, judgement.cause)
        return replies.retry_after(replies.gif(429, replies.QUARANTINED), judgement.wait)
    if judgement.cause is RefusalCause.PROTECTED_MODE:  # an image cannot show a confirm page
        quarantine_optout(intent, judgement.cause)
        return replies.gif(200, replies.QUARANTINED)
    record_optout(intent)
    return replies.gif(200, replies.RECORDED)


def answer_proxy(visit: Visit) -> HttpResponse:
    """Loaded for a mail or by a robot: opening a mail is no opt-out. The owner is told that the pixel is in a mail."""
    warn_of_pixel_in_mail(visit.optout_list.id, visit.now)
    return replies.gif()


def show(_visit: Visit) -> HttpResponse:
    """HEAD, or a browser loading ahead: the GIF and no more."""
    return replies.gif()
