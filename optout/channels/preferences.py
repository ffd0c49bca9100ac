"""The preference page of one recipient's own link: opening it shows, its buttons act (S2.2). Never limited, never expired.

A program's POST never saves: it has not seen which boxes there are, so that leaving a list out would be an opt-out by accident.
"""

from dataclasses import replace
from datetime import datetime

from django.http import HttpResponse

from lists.lookup import get_list_by_id
from optout import preference_pages, screens
from optout.actions import record_optouts
from optout.addresses import Address
from optout.choices import Assurance, Channel
from optout.guard import TOKEN_FIELD, check_form, form_id, is_form
from optout.preference_choices import Asked, find_choices, save_choices
from optout.returning import Yes
from optout.tokens import read_form_token
from optout.visits import Visit, has_too_many_form_fields

BOX_FIELD = "l"  # once for each ticked box, with the number of its list
WAS_FIELD = "was"  # what was on when the page was shown: `Choices.was`


def show(visit: Visit, recipient: Address) -> HttpResponse:
    """The page. Changes nothing, whoever asks."""
    choices = find_choices(visit.optout_list, recipient, visit.reading.code)
    return preference_pages.show_choices(
        visit,
        recipient,
        choices,
        is_saved=preference_pages.SAVED in visit.query,
        is_outdated=preference_pages.OUTDATED in visit.query,
    )


def record_form(visit: Visit, recipient: Address) -> HttpResponse:
    """Save, or "Unsubscribe from everything". A refused form changes nothing, and is shown again."""
    refused = check_form(visit).refuse_status or _is_spoilt(visit) * 400
    if refused:
        return _ask_again(visit, recipient, refused)
    if screens.wants_everything(visit):
        return _stop_everything(visit, recipient)
    asked = _asked(visit)
    choices = find_choices(visit.optout_list, recipient, visit.reading.code, asked)
    proof = visit.intent(recipient, Channel.PREFERENCES, Assurance.SIGNED, form=form_id(visit))
    yes = Yes(
        channel=Channel.PREFERENCES,
        language=visit.reading.code,
        asked_at=_shown_at(visit),
        asked_ip=visit.ip,
        evidence=proof.evidence,
        now=visit.now,
    )
    is_saved = save_choices(visit.optout_list, recipient, choices, asked, yes)
    return preference_pages.see_choices(visit, recipient, is_saved=is_saved)


def _stop_everything(visit: Visit, recipient: Address) -> HttpResponse:
    """One opt-out from Do Not Mail, and the done page of the list whose link it was: its colours, its thank-you."""
    own = visit.optout_list
    everything = get_list_by_id(own.do_not_mail_id) or own
    of_all = replace(visit, optout_list=everything)
    number = {} if own.is_global else {"list": own.number}
    intent = of_all.intent(
        recipient, Channel.PREFERENCES, Assurance.SIGNED, form=form_id(visit), **number
    )
    recorded = record_optouts([intent])
    return screens.see_done(
        visit, recorded, Assurance.SIGNED, recipient.digest, is_elsewhere=not own.is_global
    )


def _ask_again(visit: Visit, recipient: Address, status: int) -> HttpResponse:
    """With the boxes as the reader left them, unless it was perhaps another site that ticked them."""
    choices = find_choices(visit.optout_list, recipient, visit.reading.code)
    if status == 400 and is_form(visit) and WAS_FIELD in visit.form:
        choices = choices.changed_by(_asked(visit))
    return preference_pages.show_choices(visit, recipient, choices, status=status)


def _shown_at(visit: Visit) -> datetime:
    """When this good form was shown: what its reader has asked for since, it knows nothing of."""
    age = read_form_token(visit.field(TOKEN_FIELD), visit.optout_list.id, visit.now)
    return visit.now if age is None else visit.now - age


def _asked(visit: Visit) -> Asked:
    return Asked.read(visit.field(WAS_FIELD), visit.form.get(BOX_FIELD, ()))


def _is_spoilt(visit: Visit) -> bool:
    """Whether it is no whole form of this page: it says two things, nothing, or more than is read (AT-35-43)."""
    if has_too_many_form_fields(visit.request, visit.body):
        return True
    return len(set(visit.form.get(WAS_FIELD, ()))) != 1 and not screens.wants_everything(visit)
