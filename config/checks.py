"""What `manage.py check` finds out before the first request does."""

from email.utils import parseaddr
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from lists.networks import compile_networks
from optout.links import parse_secrets

OLDEST_POSTGRESQL = 150000


@register(Tags.security)
def link_secrets_are_readable(**_: Any) -> list[CheckMessage]:
    """LINK_SECRETS must be readable, or no signed link would work."""
    try:
        parse_secrets(settings.LINK_SECRETS)
    except ValueError as error:
        return [Error(str(error), id="heed.E001")]
    return []


@register(Tags.security)
def webhook_networks_are_readable(**_: Any) -> list[CheckMessage]:
    """WEBHOOK_ALLOW_CIDRS must be readable: a wrong entry allows nothing, and its receivers would never be told (AT-19)."""
    bad = [entry for entry in settings.WEBHOOK_ALLOW_CIDRS if not _is_network(entry)]
    if bad:
        return [
            Error(
                f"WEBHOOK_ALLOW_CIDRS: not an IP address or network: {', '.join(bad)}.",
                hint="Write CIDRs by comma, such as 10.0.0.0/8,fd00::/8.",
                id="heed.E004",
            )
        ]
    if any(entry.endswith("/0") for entry in settings.WEBHOOK_ALLOW_CIDRS):
        return [
            checks.Warning(
                "WEBHOOK_ALLOW_CIDRS lets whoever may enter a webhook call everything that this machine can reach.",
                hint="Name the networks your receivers are in.",
                id="heed.W005",
            )
        ]
    return []


def _is_network(entry: str) -> bool:
    """Whether the guard understands it: an address inside it is allowed."""
    try:
        return ip_network(entry, strict=False).network_address in compile_networks([entry])
    except ValueError:
        return False


@register(Tags.compatibility)
def sms_gateway_is_there(**_: Any) -> list[CheckMessage]:
    """SMS_GATEWAY must name a class, or no text message would be sent."""
    try:
        if settings.SMS_GATEWAY:
            import_string(settings.SMS_GATEWAY)
    except ImportError as error:
        return [Error(f"SMS_GATEWAY: {error}.", id="heed.E005")]
    return []


@register(Tags.compatibility, deploy=True)
def mails_are_sent(**_: Any) -> list[CheckMessage]:
    """Where recipients reach us from elsewhere, mails must leave, and from an address that one can answer."""
    if urlsplit(settings.BASE_URL).hostname in {"localhost", "127.0.0.1"}:
        return []
    found: list[CheckMessage] = []
    if "console" in settings.MAILERS["default"]["BACKEND"]:
        found.append(
            checks.Warning(
                "Mails are printed to the log, not sent.", hint="Set EMAIL_URL.", id="heed.W006"
            )
        )
    if parseaddr(settings.DEFAULT_FROM_EMAIL)[1].endswith("@localhost"):
        found.append(
            checks.Warning(
                "Mails come from an address at localhost: most mail servers refuse it.",
                hint="Set MAIL_FROM.",
                id="heed.W007",
            )
        )
    return found


@register(Tags.security, deploy=True)
def proxies_are_named(**_: Any) -> list[CheckMessage]:
    """A proxy range that takes in everybody would let anybody choose their own IP address (security.md §2)."""
    wide = [entry for entry in settings.TRUSTED_PROXIES if entry.endswith("/0") or entry == "*"]
    if wide:
        return [
            checks.Warning(
                "TRUSTED_PROXIES trusts the whole internet.",
                hint="Name your proxies.",
                id="heed.W001",
            )
        ]
    return []


@register(Tags.database)
def postgresql_is_new_enough(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """PostgreSQL 15 or newer."""
    if not databases:
        return []
    try:
        connection.ensure_connection()
    except DatabaseError:
        return [
            Error("The database does not answer.", hint="Look at DATABASE_URL.", id="heed.E002")
        ]
    if connection.connection.info.server_version < OLDEST_POSTGRESQL:
        return [Error("Heed needs PostgreSQL 15 or newer.", id="heed.E003")]
    return []


# Setting → values with which a power cut may take back what was answered as recorded, and the id of the warning.
_NOT_DURABLE = {
    "fsync": ({"off"}, "heed.W002"),
    "full_page_writes": ({"off"}, "heed.W003"),
    "synchronous_commit": ({"off", "local"}, "heed.W004"),
}


@register(Tags.database)
def commits_are_durable(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Promise 1, as far as the server decides it; of `synchronous_commit` what our own connection has."""
    if not databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY (%s) ORDER BY name",
                [list(_NOT_DURABLE)],
            )
            found = dict(cursor.fetchall())
    except DatabaseError:
        return []  # heed.E002 says so
    return [
        checks.Warning(
            f"The database runs with {name} = {value}: opt-outs that were answered may be lost in a crash.",
            hint=f"Set {name} = on in postgresql.conf, or silence {warning_id} if you know why.",
            id=warning_id,
        )
        for name, value in found.items()
        for bad, warning_id in [_NOT_DURABLE[name]]
        if value in bad
    ]
