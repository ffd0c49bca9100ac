"""See what we send you: asks for the link to the preference page, which comes by mail (S2.2)."""

from django.http import HttpResponse

from optout import mail_forms
from optout.choices import MailKind
from optout.given import NOTHING
from optout.visits import Visit


def show(visit: Visit) -> HttpResponse:
    """The form. Changes nothing, whoever asks."""
    return mail_forms.show_form(visit, "ask", NOTHING)


def record_form(visit: Visit) -> HttpResponse:
    """The form comes back: the mail is asked for, or the form is shown again."""
    given = mail_forms.read_email(visit)
    sent = mail_forms.send(visit, MailKind.PREFERENCES, given)
    return mail_forms.answer(visit, "ask", given, sent)
