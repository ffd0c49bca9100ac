"""The hosted page: a form, one button, no account (S0.4, S0.5)."""

from django.http import HttpResponse

from optout import guard, replies, screens
from optout.choices import Assurance, Channel, RefusalCause, Traffic
from optout.guard import Tap, admit, check_form, form_id, quarantine
from optout.limits import Admission
from optout.visits import Visit


def show(visit: Visit) -> HttpResponse:
    """The form, or the confirm page when the link has an address. Changes nothing, whoever asks."""
    return screens.ask(visit)


def record_form(visit: Visit) -> HttpResponse:
    """Our own form comes back. A refusal keeps what was typed; nothing tells whether the address was known."""
    guarded = check_form(visit)
    if guarded.refuse_status:
        return screens.ask_again(visit, guarded.refuse_status)
    address = visit.typed.address
    if address is None:
        return screens.show_form(visit, visit.typed, status=400, optout_status=replies.REJECTED)

    linked = visit.linked.address
    is_prefilled = linked is not None and linked.key == address.key
    assurance = Assurance.PREFILLED if is_prefilled else Assurance.TYPED
    # One more tap on the page of a direct link is still a direct link: so a list reads the same in both modes.
    channel = Channel.DIRECT_LINK if is_prefilled else Channel.PAGE
    intents = screens.form_intents(visit, address, channel, assurance)

    if (
        guarded.is_robot
    ):  # or somebody whose browser filled in the trap: one more tap, on a page without it
        quarantine(intents, RefusalCause.HONEYPOT)
        return screens.show_confirm(visit, address, trapped=form_id(visit))
    # Nobody types an address within a second: the stricter threshold stops a robot, and never one quick person.
    is_quick = guarded.is_quick and not is_prefilled
    judgement = admit(visit, Traffic.DIRECT if is_quick else Traffic.FORM, intents, Tap.MADE)
    if judgement.admission is Admission.REFUSE:
        return screens.refuse(visit, judgement)
    return screens.see_done(visit, guard.record_form(visit, intents), assurance, address.digest)
