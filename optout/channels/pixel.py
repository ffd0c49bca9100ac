"""The 1×1 pixel on the thank-you page of a mailer's own opt-out form (S0.11, S0.15). Always a GIF, never a redirect."""

from django.http import HttpResponse

from optout import replies
from optout.actions import record_optout
from optout.choices import Assurance, Channel, Traffic
from optout.guard import Tap, admit
from optout.limits import Admission, Judgement
from optout.pixel_warning import warn_of_pixel_in_mail
from optout.visits import Visit


def answer(visit: Visit) -> HttpResponse:
    """A recipient's browser loads it: acts in either mode. Below the block threshold it is never stopped (S0.15)."""
    address = visit.sent.address
    if address is None:
        return replies.gif(400, replies.REJECTED)
    intent = visit.intent(address, Channel.PIXEL, Assurance.PREFILLED)

    judgement = admit(visit, Traffic.DIRECT, [intent], Tap.IMPOSSIBLE)
    if judgement.admission is Admission.REFUSE:
        return _show_kept(judgement)
    record_optout(intent)
    return replies.gif(200, replies.RECORDED)


def answer_proxy(visit: Visit) -> HttpResponse:
    """Loaded for a mail or by a robot: opening a mail is no opt-out. The owner is told that the pixel is in a mail."""
    warn_of_pixel_in_mail(visit.optout_list.id, visit.now)
    return replies.gif()


def show(_visit: Visit) -> HttpResponse:
    """HEAD, or a browser loading ahead: the GIF and no more."""
    return replies.gif()


def _show_kept(judgement: Judgement) -> HttpResponse:
    if not judgement.wait:  # protected mode
        return replies.gif(200, replies.QUARANTINED)
    return replies.retry_after(replies.gif(429, replies.QUARANTINED), judgement.wait)
