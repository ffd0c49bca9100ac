"""The join form: on our page, and on owners' websites (S2.2). What it asks for is a mail; nobody joins by it alone."""

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from lists.lookup import ListSnapshot
from optout import mail_forms
from optout.choices import MailKind
from optout.consent_words import AGREE_FIELD, consent_label, consent_words, is_ticked
from optout.given import NOTHING
from optout.visits import Visit

_NOT_TICKED = _("Tick the box if you want to get the messages.")


def is_open(optout_list: ListSnapshot) -> bool:
    """Whether people may join the list. The mail that they get is an email, whatever the list sends."""
    return (
        optout_list.join_is_open
        and not optout_list.is_global
        and optout_list.closed_at is None
        and optout_list.accepts != "phone"
    )


def show(visit: Visit) -> HttpResponse:
    """The form. Changes nothing, whoever asks."""
    return mail_forms.show_form(
        visit, "join", NOTHING, consent=consent_label(visit.optout_list, visit.reading)
    )


def record_form(visit: Visit) -> HttpResponse:
    """The form comes back, from our page or from an owner's: the mail is asked for, or the form is shown again."""
    given = mail_forms.read_email(visit)
    agrees = is_ticked(visit.field(AGREE_FIELD))
    sent = mail_forms.send(
        visit,
        MailKind.JOIN,
        given,
        wording=consent_words(visit.optout_list, visit.reading.code),
        is_complete=agrees,
        may_be_embedded=True,
        more_fields=(AGREE_FIELD,),
    )
    is_missed = sent.status == 400 and not sent.problem and not agrees
    return mail_forms.answer(
        visit,
        "join",
        given,
        sent,
        agrees=agrees,
        box_error=_NOT_TICKED if is_missed else "",
        consent=consent_label(visit.optout_list, visit.reading),
    )
