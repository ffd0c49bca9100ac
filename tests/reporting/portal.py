"""People at the portal, for the tests of its screens."""

import time

from django.test import Client

from lists.models import User


def signed_in(user: User) -> Client:
    """A browser in which the person signed in a moment ago."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session.save()
    return client


def signed_in_long_ago(user: User) -> Client:
    """A browser in which the person signed in yesterday."""
    client = signed_in(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 86_400}]
    session.save()
    return client
