"""The two forms into which people type an address so that we send it a mail (S2.2): what both check, and the pages of both.

Nothing here looks at what we know of the address: every good form has the same answer (AT-03).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from optout import replies, screens
from optout.addresses import Address
from optout.choices import MailKind
from optout.given import Given, read_given
from optout.guard import (
    AGAIN_FIELD,
    HONEYPOT_FIELD,
    TOKEN_FIELD,
    form_id,
    form_token,
    is_form,
    trapped_form,
)
from optout.limits import RECORD, Admission, Judgement, judge_mail
from optout.mail_requests import ask_for_mail
from optout.pages import render_page
from optout.tokens import read_form_token
from optout.visits import Visit

ADDRESS_FIELDS = ("item", "email")
QUICK = timedelta(seconds=2)  # nobody types an address and ticks a box in less

ONCE_MORE = _("Please press the button once more.")
_WAIT = _("There were very many requests from your network just now. We sent no mail.")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a form: whether its mail was asked for; else the `status` of the form that is shown again, why, and whether
    that one asks for nothing but one more tap."""

    is_asked: bool = False
    status: int = 200
    problem: Promise | str = ""
    is_again: bool = False
    judgement: Judgement = RECORD


def read_email(visit: Visit) -> Given:
    """The email address in the form, whatever else the list accepts."""
    fields = {name: visit.form.get(name, ()) for name in ADDRESS_FIELDS}
    return read_given(fields, replace(visit.optout_list, accepts="email"))


def send(
    visit: Visit,
    kind: MailKind,
    given: Given,
    *,
    wording: str = "",
    is_complete: bool = True,
    may_be_embedded: bool = False,
    more_fields: tuple[str, ...] = (),
) -> Sent:
    """Ask for the mail that this form wants, if it is a good one of ours and within the limits.

    `is_complete`: whether everything else is filled in. `may_be_embedded`: owners have this form on their own websites too, from
    where it comes without our token. Then it goes through a few times, and else asks for one more tap on our page, where what was
    filled in stands. So do a form that a robot filled in, and one that came back too quickly.
    `more_fields` are those of this form alone: a field that says two things changes nothing (AT-35-43).
    """
    is_embedded = may_be_embedded and (visit.is_foreign or not is_form(visit))
    if visit.is_foreign and not is_embedded:
        return Sent(status=403, problem=ONCE_MORE)
    if _is_contradictory(visit, more_fields):
        return Sent(status=400, problem=ONCE_MORE)
    list_id = visit.optout_list.id
    age = read_form_token(visit.field(TOKEN_FIELD), list_id, visit.now)
    if age is None and not is_embedded:
        return Sent(status=400, problem=screens.TOO_OLD)
    if given.address is None or not is_complete:
        return Sent(status=400)
    is_tapped = not is_embedded and bool(trapped_form(visit))
    is_quick = not is_embedded and age is not None and age < QUICK
    if not is_tapped and (is_quick or visit.field(HONEYPOT_FIELD).strip()):
        return Sent(problem=ONCE_MORE, is_again=True)
    judgement = _judge(visit, given.address)
    if judgement.admission is Admission.REFUSE:
        return Sent(status=429, judgement=judgement)
    if judgement.admission is Admission.CONFIRM and is_embedded:
        return Sent(problem=ONCE_MORE, is_again=True)
    ask_for_mail(visit, kind, given.address, wording)
    return Sent(is_asked=True)


def answer(visit: Visit, name: str, given: Given, sent: Sent, **more: Any) -> HttpResponse:
    """To a form that was sent: 303 to the page which is the same for everybody, or the form `name` again, or 429."""
    if sent.is_asked:
        path = f"/{visit.door}/{visit.optout_list.public_id}/sent"
        return replies.see_other(path, visit.reading)
    if sent.status == 429:
        page = told(visit, screens.wait_text_lazy(sent.judgement.wait), _WAIT, status=429)
        return replies.retry_after(page, sent.judgement.wait)
    return show_form(visit, name, given, sent, **more)


def show_form(
    visit: Visit, name: str, given: Given, sent: Sent | None = None, **more: Any
) -> HttpResponse:
    """The form `name`: empty, or with what was typed and what is wrong with it."""
    sent = sent or Sent()
    error = given.error
    is_fine = sent.problem is ONCE_MORE  # nothing is wrong with what was typed
    if error is None and given.address is None and sent.status == 400 and not sent.problem:
        error = screens.missing_error(replace(visit.optout_list, accepts="email"))
    return page(
        visit,
        name,
        status=sent.status,
        text=given.text,
        error=error if sent.status == 400 else None,
        problem="" if is_fine else sent.problem,
        note=ONCE_MORE if is_fine else "",
        token=form_token(visit),
        trapped=form_id(visit) if sent.is_again else trapped_form(visit),
        **more,
    )


def page(visit: Visit, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    """A page about this visit's list."""
    return render_page(name, visit.optout_list, visit.reading, status=status, link_query={}, **more)


def told(
    visit: Visit, heading: Promise | str, text: Promise | str, *, status: int = 200, **more: Any
) -> HttpResponse:
    """A page that only tells something. `more` may be `link` and `link_text`."""
    return page(visit, "join_told", status=status, heading=heading, text=text, **more)


def _is_contradictory(visit: Visit, more_fields: tuple[str, ...]) -> bool:
    names = (TOKEN_FIELD, HONEYPOT_FIELD, AGAIN_FIELD, "lang", *more_fields)
    return any(len(set(visit.form.get(name, ()))) > 1 for name in names)


def _judge(visit: Visit, address: Address) -> Judgement:
    if visit.is_whitelisted:
        return RECORD
    return judge_mail(visit.optout_list, visit.network, address.digest, visit.now)
