"""How people get an account: they are invited, nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Signing in, resetting and second factors are allauth's; signing up is closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
