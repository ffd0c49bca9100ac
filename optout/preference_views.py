"""The door of the preference page."""

from django.http import HttpRequest, HttpResponse

from lists.lookup import get_list_by_id
from optout import screens
from optout.addresses import AddressError, parse_address
from optout.channels import preferences
from optout.links import PREFERENCES, read_token
from optout.public import public
from optout.visits import BodyError, Visit


@public
def open_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """`/p/<token>`: what one recipient gets from a realm. A POST acts, if it is our form."""
    target = read_token(token, PREFERENCES)
    optout_list = get_list_by_id(target.list_id) if target else None
    if target is None or optout_list is None:
        return screens.broken_link(request)
    try:
        recipient = parse_address(target.address, "either", optout_list.region)
        visit = Visit.of(request, optout_list).about(recipient)
    except AddressError:
        return screens.broken_link(request)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    if request.method != "POST":
        return preferences.show(visit, recipient)
    return preferences.record_form(visit, recipient)
