"""Asking for the password again before something that decides who gets in (security.md §5)."""

import time

from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest

RECENT = 30 * 60  # seconds
_RECORDS = "account_authentication_methods"  # allauth keeps there when and how somebody signed in


def require_recent_sign_in(request: HttpRequest) -> None:
    """Go on if the person signed in, or confirmed it, in the last half hour.

    Otherwise raises ReauthenticationRequired: allauth's middleware then asks for the password or a code, and sends the
    request that was made once more, so that nothing typed is lost.
    """
    records = request.session.get(_RECORDS)
    latest = max(
        (each.get("at", 0) for each in records if isinstance(each, dict))
        if isinstance(records, list)
        else (),
        default=0,
    )
    if time.time() - latest > RECENT:
        raise ReauthenticationRequired
