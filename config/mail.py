"""How mails leave: the mail server of EMAIL_URL, and the address of MAIL_FROM."""

from email.utils import getaddresses
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

CONSOLE = "consolemail"
TIMEOUT = 20  # seconds that one step with the mail server may take

_SMTP = {
    "smtp": {},  # plain, for a server on this machine or in a private network
    "smtp+tls": {"use_tls": True},  # STARTTLS, port 587 unless said otherwise
    "smtps": {"use_ssl": True},  # TLS from the first byte, port 465 unless said otherwise
    "smtp+ssl": {"use_ssl": True},
}
_BACKENDS = "django.core.mail.backends"


def mail_settings(url: str) -> dict[str, Any]:
    """Django's `MAILERS["default"]` of an EMAIL_URL.

    Raises ImproperlyConfigured without repeating the address: it holds a password.
    """
    said = "EMAIL_URL must look like smtp+tls://user:password@mail.example.com:587, or be consolemail://."
    try:
        parts = urlsplit(url)
        port, scheme = parts.port, parts.scheme
    except ValueError:
        raise ImproperlyConfigured(said) from None
    if scheme == CONSOLE:
        return {"BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    if scheme not in _SMTP or not parts.hostname:
        raise ImproperlyConfigured(said)
    options: dict[str, Any] = {
        "host": parts.hostname,
        "port": port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "timeout": TIMEOUT,
        **_SMTP[scheme],
    }
    return {"BACKEND": f"{_BACKENDS}.smtp.EmailBackend", "OPTIONS": options}


def mail_from(text: str) -> str:
    """A MAIL_FROM that every mail can come from: one address, with a name perhaps. Raises ImproperlyConfigured for another."""
    found = getaddresses([text], strict=True)
    address = found[0][1] if len(found) == 1 else ""
    local, _, domain = address.rpartition("@")
    if not (local and domain and address.isascii() and text.isprintable()):
        raise ImproperlyConfigured(
            f"MAIL_FROM must look like Acme <heed@example.com>, not {text!r}."
        )
    return text
