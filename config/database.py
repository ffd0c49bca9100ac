"""Which database: the server of DATABASE_URL, or else the embedded PostgreSQL."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from environ import Env

from config.embedded import ensure_server, leave_server, server_binaries

__all__ = [
    "database_settings",
    "ensure_server",
    "leave_server",
    "prepare_connection",
    "server_binaries",
]

# Stronger than "on" is left alone: the answer then also waits for a standby to show the row.
_PREPARE = """
SELECT set_config('default_transaction_isolation', 'read committed', false),
    CASE WHEN current_setting('synchronous_commit') <> 'remote_apply' THEN set_config('synchronous_commit', 'on', false) END
"""

POSTGRESQL_SCHEMES = ("postgres://", "postgresql://")


def database_settings(url: str | None, state: Path, *, durable: bool = True) -> dict[str, Any]:
    """Django's `DATABASES["default"]`.

    `url`: a postgresql:// address (a Unix socket as `?host=/folder`), or empty for the embedded server, which is then
    started if it does not run yet, with its data in `<state>/pg` (`<state>/test-pg` with `durable=False`: fast, and
    worth nothing after a crash). Raises ImproperlyConfigured without repeating the address: it holds a password.
    """
    shared = {
        # Connections live as long as their thread; one broken by a restart of the server is replaced, not an error.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
    if url:
        return _from_url(url) | shared
    folder = ensure_server(state / ("pg" if durable else "test-pg"), durable=durable)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "heed",
        "USER": "heed",
        "PASSWORD": "",
        "HOST": str(folder),
        "PORT": "",
    } | shared


def prepare_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """What we rely on, whatever the server, the role or DATABASE_URL would have it.

    Promise 1: no answer before its commit is on disk. And whoever waited for a lock then sees what others did meanwhile: each
    statement has a snapshot of its own (optout/contact_locks.py); in a stricter isolation it would see the time before.

    Called with each new connection, before its first transaction. A statement and not libpq's `options`: PgBouncer refuses
    those at the start of a connection, and where it is told to ignore them, the setting would be lost without a word.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)


def _from_url(url: str) -> dict[str, Any]:
    if not url.startswith(POSTGRESQL_SCHEMES):
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgresql:// (Heed needs PostgreSQL 15 or newer)."
        )
    try:
        parsed = dict(Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured("DATABASE_URL is not a valid postgresql:// address.") from None
    parsed["ENGINE"] = "django.db.backends.postgresql"
    # The way libpq writes a Unix socket: postgresql:///heed?host=/run/postgresql&port=5433
    options = parsed.get("OPTIONS", {})
    for name in ("host", "port", "user", "password"):
        value = options.pop(name, None)
        if value:
            parsed[name.upper()] = str(value)
    if not parsed.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL names no database: postgresql://user:password@host/database"
        )
    return parsed
