"""Which database: the server of DATABASE_URL, or else the embedded PostgreSQL."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from config.embedded import ensure_server, leave_server, server_binaries

__all__ = ["database_settings", "ensure_server", "leave_server", "server_binaries"]

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
