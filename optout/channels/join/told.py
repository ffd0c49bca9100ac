"""What is told of a list that nobody joins now, and of a link that puts nobody on it (S2.2)."""

from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from optout import mail_forms
from optout.channels.join import form
from optout.returning import Joined
from optout.visits import Visit

_SIGN_UP_AGAIN = _("Sign up again")
_NOT_HERE = _("You cannot sign up here")
_CLOSED = _("This list takes no sign-ups on this page. Nothing was changed.")
_BARRED = _(
    "You are off this list for a legal reason. Only the sender can change that. Please ask them."
)
_TOO_OLD = (
    _("This link is too old"),
    _("It worked for seven days. Nothing was changed."),
)
_OUT_SINCE = (
    _("You unsubscribed in the meantime"),
    _("You unsubscribed after you asked for this mail, so nothing was changed."),
)


def tell_closed(visit: Visit) -> HttpResponse:
    """404: this list takes nobody in here."""
    return mail_forms.told(visit, _NOT_HERE, _CLOSED, status=404)


def tell_too_old(visit: Visit) -> HttpResponse:
    """404: the request is forgotten."""
    return _tell(visit, *_TOO_OLD, status=404)


def tell_out(visit: Visit, joined: Joined) -> HttpResponse:
    """Why the address stays off the list."""
    if joined is Joined.BARRED:
        return mail_forms.told(visit, _NOT_HERE, _BARRED)
    return _tell(visit, *_OUT_SINCE)


def _tell(visit: Visit, heading: Promise | str, text: Promise | str, **more: Any) -> HttpResponse:
    link = f"/j/{visit.optout_list.public_id}" if form.is_open(visit.optout_list) else ""
    return mail_forms.told(visit, heading, text, link=link, link_text=_SIGN_UP_AGAIN, **more)
