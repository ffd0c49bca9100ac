"""Short links in text messages (S3.2, S3.3): opening shows, one tap acts, and to a recipient's own link so does a
program's POST. One recipient's, or the list's that asks for a number.

How far the tap reaches is the list's to say (`sms_stop_scope`): the list, or all texts of the realm, which is then one opt-out,
from Do Not Mail. Either way the number stays a contact, or becomes one (protocols.md, "Opt-out callback").
"""

from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpResponse

from optout import guard, replies, screens
from optout.addresses import Address, mask
from optout.choices import Assurance, Channel, Medium, RefusalCause, Traffic
from optout.given import NOTHING
from optout.guard import Tap, admit, check_form, form_id, quarantine
from optout.intents import OptOutIntent
from optout.limits import Admission
from optout.pages import render_page
from optout.queries import Found, find_suppressions
from optout.sms_optouts import record_sms_optouts, stop_target
from optout.visits import SMS_DOOR, Visit

_ONLY_LIST = "list"  # the field's value when the quiet button was pressed
_STOPS_TEXTS = {"confirm": "stop_texts", "form": "stop_texts_form"}


def prepare(visit: Visit, recipient: Address | None) -> Visit:
    """The visit as this channel reads and shows it: about a phone, and about nobody but the link's own recipient.

    Of the list's link nothing in the query names a number: whoever makes such links for others has the API.
    """
    return replace(
        visit,
        optout_list=replace(visit.optout_list, accepts="phone"),
        query={name: values for name, values in visit.query.items() if name == "lang"},
        recipient=recipient,
        door=SMS_DOOR,
        pages=_STOPS_TEXTS if _stops_texts(visit) else {},
    )


def show(visit: Visit) -> HttpResponse:
    """The page with the one button; of the list's link the form. Changes nothing, whoever asks.

    A recipient's own link tells since when the number is out, once there is nothing more that the button could stop.
    """
    recipient = visit.recipient
    if recipient is None:
        return screens.show_form(visit, NOTHING)
    found = find_suppressions(visit.optout_list.id, recipient.key)
    is_out_of_all = any(each.is_global for each in found)
    if not found or (_stops_texts(visit) and not is_out_of_all):
        return screens.show_confirm(_offering_the_rest(visit, found), recipient)
    return render_page(
        "already",
        visit.optout_list,
        visit.reading,
        link_query={},
        door=SMS_DOOR,
        address=mask(recipient.key),
        since=found[0].suppressed_at,
        all_stopped=is_out_of_all,
    )


def record_form(visit: Visit) -> HttpResponse:
    """The button of either page."""
    guarded = check_form(visit)
    if guarded.refuse_status:
        if visit.recipient is not None:
            found = find_suppressions(visit.optout_list.id, visit.recipient.key)
            visit = _offering_the_rest(visit, found)
        return screens.ask_again(visit, guarded.refuse_status)
    if visit.recipient is not None:
        intents = _intents(visit, visit.recipient, Assurance.SIGNED)
        return _record(visit, intents)

    address = visit.typed.address
    if address is None or address.medium != Medium.SMS:
        return screens.show_form(visit, visit.typed, status=400, optout_status=replies.REJECTED)
    intents = _intents(visit, address, Assurance.TYPED)
    if guarded.is_robot:
        quarantine(intents, RefusalCause.HONEYPOT)
        return screens.show_confirm(visit, address, trapped=form_id(visit))
    is_quick = guarded.is_quick and guard.TYPED_FIELD in visit.form
    judgement = admit(visit, Traffic.DIRECT if is_quick else Traffic.FORM, intents, Tap.MADE)
    if judgement.admission is Admission.REFUSE:
        return screens.refuse(visit, judgement)
    return _record(visit, intents)


def record_program(visit: Visit, recipient: Address) -> HttpResponse:
    """A POST to a recipient's own link by no browser (security.md §3.2): whoever has the link may use it. Never limited (AT-09).

    What is in its body says nothing: it reaches as far as the list says.
    """
    if visit.is_foreign:  # a browser that another site made to send it
        return screens.ask_again(visit, 403)
    intent = visit.intent(recipient, Channel.SMS_LINK, Assurance.SIGNED)
    record_sms_optouts([_of_everything(visit, intent) if _stops_texts(visit) else intent])
    return replies.text(replies.DONE, 200, replies.RECORDED)


def _record(visit: Visit, intents: list[OptOutIntent]) -> HttpResponse:
    recorded = guard.record_form(visit, intents, record=record_sms_optouts)
    first = intents[0]
    return screens.see_done(
        visit,
        recorded,
        first.assurance,
        first.digest,
        is_elsewhere=first.list_id != visit.optout_list.id,
    )


def _offering_the_rest(visit: Visit, found: Sequence[Found]) -> Visit:
    """The visit with the page that offers only what can still be done: who is out of the list cannot leave it again."""
    if not found or not _stops_texts(visit):
        return visit
    return replace(visit, pages={**visit.pages, "confirm": "stop_all_texts"})


def _stops_texts(visit: Visit) -> bool:
    """Whether the tap is about all texts of the realm, and the list is only where it came from."""
    return not visit.optout_list.is_global and stop_target(visit.optout_list).is_global


def _intents(visit: Visit, address: Address, assurance: Assurance) -> list[OptOutIntent]:
    if not _stops_texts(visit) or visit.field(guard.SCOPE_FIELD) == _ONLY_LIST:
        return screens.form_intents(visit, address, Channel.SMS_LINK, assurance)
    intent = visit.intent(address, Channel.SMS_LINK, assurance, form=form_id(visit))
    return [_of_everything(visit, intent)]


def _of_everything(visit: Visit, intent: OptOutIntent) -> OptOutIntent:
    """An intent of this visit as one about Do Not Mail, which knows of which list the link was."""
    evidence = intent.evidence.adding(list=visit.optout_list.number)
    return replace(
        intent, list_id=visit.optout_list.do_not_mail_id, is_global=True, evidence=evidence
    )
