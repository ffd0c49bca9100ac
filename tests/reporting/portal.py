"""People at the portal, for the tests of its screens."""

import time
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from lists.models import User


def signed_in(user: User, *, seconds_ago: float = 0) -> Client:
    """A browser in which the person signed in a moment ago.

    Its session is written at once, as signing in would leave it: `force_login` asks the database ten times as often.
    """
    data = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        "account_authentication_methods": [{"method": "password", "at": time.time() - seconds_ago}],
    }
    session = Session.objects.create(
        session_key=get_random_string(32),
        session_data=SessionStore().encode(data),
        expire_date=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def signed_in_long_ago(user: User) -> Client:
    """A browser in which the person signed in yesterday."""
    return signed_in(user, seconds_ago=86_400)
