"""The built-in form: shows what the link asks for, and acts when its button is pressed (S1.9–S1.14)."""

from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lists.global_unsubscribe import EMAIL, PHONE
from optout import replies, screens
from optout.actions import Recorded
from optout.addresses import AddressError, parse_email, parse_phone
from optout.channels.global_unsubscribe import done, screen
from optout.channels.global_unsubscribe.asked import Asked
from optout.choices import Assurance, Channel, RefusalCause, Traffic
from optout.given import NOTHING
from optout.guard import Guarded, Tap, admit, check_form, form_id, is_form, quarantine, record_form
from optout.intents import OptOutIntent
from optout.limits import Admission
from optout.tokens import DoneToken, make_done_token

MISSING = _("Enter your email address or your phone number.")
CONTRADICTION = _(
    "The link says two different things. Check what is filled in here, then press the button."
)
ONCE_MORE = _("Please press the button once more.")


def answer(asked: Asked) -> HttpResponse:
    """GET shows, whoever asks; POST acts. An address that the form does not show was not given: nobody can look at it."""
    return _record(asked) if asked.visit.request.method == "POST" else _show(asked)


def find_errors(asked: Asked) -> screen.Errors:
    """What is wrong with the addresses, at their fields: an unusable one also where the other is good (S1.14)."""
    given = {EMAIL: asked.email, PHONE: asked.phone}
    errors = {name: each.error for name, each in given.items() if each.error is not None}
    if errors or asked.has_address:
        return errors
    shown = [name for name in asked.fields if name in given]
    return {shown[0]: MISSING if len(shown) > 1 else _empty(shown[0])}


def _show(asked: Asked) -> HttpResponse:
    # A merge tag that no mail tool filled in is nothing that the reader could mend.
    asked = replace(
        asked,
        email=NOTHING if asked.email.is_unfilled else asked.email,
        phone=NOTHING if asked.phone.is_unfilled else asked.phone,
    )
    if asked.email.error or asked.phone.error:
        return _show_errors(asked, find_errors(asked))
    if asked.is_contradictory:
        return _show_errors(asked, {}, CONTRADICTION)
    return screen.show_form(asked)


def _record(asked: Asked) -> HttpResponse:
    visit = asked.visit
    guarded = check_form(visit, has_trap=True)
    if guarded.refuse_status:
        # A form of another site, or a script, is told the same; it has no token that could be too old.
        why = screens.REFUSED[guarded.refuse_status if is_form(visit) else 403]
        return screen.show_form(
            asked, problem=why, status=guarded.refuse_status, optout_status=replies.REJECTED
        )
    if errors := find_errors(asked):
        return _show_errors(asked, errors)
    if asked.is_contradictory:
        return _show_errors(asked, {}, CONTRADICTION)

    return _act(asked, guarded)


def _act(asked: Asked, guarded: Guarded) -> HttpResponse:
    visit, is_prefilled = asked.visit, _is_prefilled(asked)
    assurance = Assurance.PREFILLED if is_prefilled else Assurance.TYPED
    intents = asked.intents(Channel.GLOBAL_FORM, assurance, form=form_id(visit))
    if guarded.is_robot:  # or somebody whose browser filled in the trap: once more, without it
        quarantine(intents, RefusalCause.HONEYPOT)
        return screen.show_form(
            asked,
            problem=ONCE_MORE,
            optout_status=replies.CONFIRM_REQUIRED,
            trapped=form_id(visit),
        )
    # as on the hosted page: nobody types an address within a second
    is_quick = guarded.is_quick and not is_prefilled
    judgement = admit(visit, Traffic.DIRECT if is_quick else Traffic.FORM, intents, Tap.MADE)
    if judgement.admission is Admission.REFUSE:
        return screen.refuse(asked, judgement)
    return _see_done(asked, intents, record_form(visit, intents))


def _is_prefilled(asked: Asked) -> bool:
    """Whether every address is one that the link gave."""
    linked = screen.linked_addresses(asked.visit).values()
    given = [each.address for each in (asked.email, asked.phone) if each.address is not None]
    return all(address.key in linked for address in given)


def _show_errors(asked: Asked, errors: screen.Errors, problem: Promise | str = "") -> HttpResponse:
    return screen.show_form(
        asked, errors=errors, problem=problem, status=400, optout_status=replies.REJECTED
    )


def _see_done(
    asked: Asked, intents: Sequence[OptOutIntent], recorded: Sequence[Recorded]
) -> HttpResponse:
    """303 to the page that says so: with a token for each address."""
    visit = asked.visit
    tokens = [
        make_done_token(
            DoneToken(intent.list_id, each.optout_id, intent.digest, visit.now, intent.assurance)
        )
        for intent, each in zip(intents, recorded, strict=True)
    ]
    page = done.redirect_to_done(visit.request, tokens, visit.reading)
    return replies.with_headers(page, replies.RECORDED)


def _empty(name: str) -> AddressError:
    try:
        parse_email("") if name == EMAIL else parse_phone("", "")
    except AddressError as error:
        return error
    raise AssertionError  # pragma: no cover
