"""Who comes by one recipient's own link: the visit, about that recipient."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from lists.lookup import get_list_by_id
from optout import screens
from optout.addresses import Address, AddressError, parse_address
from optout.links import read_token
from optout.visits import BodyError, Visit


def answer_signed(
    request: HttpRequest,
    token: str,
    purpose: bytes,
    answer: Callable[[Visit, Address], HttpResponse],
) -> HttpResponse:
    """What `answer` makes of a visit by a link of that purpose (optout/links.py); 404 for a token that is not ours, 400 or 413
    for a body that cannot be read."""
    target = read_token(token, purpose)
    optout_list = get_list_by_id(target.list_id) if target else None
    if target is None or optout_list is None:
        return screens.broken_link(request)
    try:
        # a mailer that makes its own links may have left the address as it was typed
        recipient = parse_address(target.address, "either", optout_list.region)
        visit = Visit.of(request, optout_list).about(recipient)
    except AddressError:
        return screens.broken_link(request)
    except BodyError as error:
        return screens.unreadable(request, error.status)
    return answer(visit, recipient)
