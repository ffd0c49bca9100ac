"""Calling `api_web` in tests, as a script does."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client

from lists.api_auth import digest_password
from lists.models import Realm, RealmCredential

PASSWORD = "hr_correct-horse-battery"
AGENT = "PHP/8.3"
PATH = "/bin/api_web"


def make_password(realm: Realm, password: str = PASSWORD, **fields: Any) -> RealmCredential:
    """A password that the realm's scripts know."""
    digest = digest_password(realm.name, password)
    return RealmCredential.objects.create(realm=realm, secret_digest=digest, **fields)


def call(
    realm: str, cmd: str, /, *, ip: str = "192.0.2.7", method: str = "POST", **given: Any
) -> Any:
    """Send one command with the right password, unless `pwd` says otherwise; the response."""
    fields = {"realm": realm, "pwd": PASSWORD, "cmd": cmd, **given}
    return send(fields, ip=ip, method=method)


def send(fields: Any, *, ip: str = "192.0.2.7", method: str = "POST") -> Any:
    """Send these fields, url-encoded."""
    encoded = urlencode(fields)
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=ip, headers={"user-agent": AGENT})
    if method == "GET":
        return client.get(f"{PATH}?{encoded}")
    return client.generic(method, PATH, encoded, "application/x-www-form-urlencoded")


def line(response: Any) -> str:
    """The answer's line."""
    body: str = response.content.decode()
    return body
