"""How people get an account and how guessing is limited: allauth's ways, with our answer to "whose address is this?"."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from lists.invitations import send_password_reset
from lists.models import User
from lists.networks import network_of
from optout.client_ip import client_ip

UNKNOWN = "unknown"  # the one limit bucket of all whose address cannot be known


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Signing in, resetting and second factors are allauth's; nobody signs up: people are invited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller as the limits count it (security.md §2, §4): an IPv4 address, the /64 of an IPv6 one, or "unknown".

        Allauth's own answer believes nobody's proxy, so that all people behind one would share a limit, and refuses
        whoever comes through a Unix socket.
        """
        ip = client_ip(request)
        return UNKNOWN if ip is None else network_of(ip).removesuffix("/32")

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """By a job: else an answer that takes long, or fails with the mail server, would tell who has an account."""
        send_password_reset(user)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What wrong passwords are counted by: (person, network), not the person alone, or anybody could lock them out."""
        person: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{person}:{self.get_client_ip(request)}"
