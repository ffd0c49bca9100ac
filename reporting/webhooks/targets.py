"""Which URLs an endpoint may have (S3.11, AT-19).

Told when it is saved, as far as the text alone says it. A name may lead anywhere, and elsewhere tomorrow: where it leads is
looked at when the connection is made (posting.py).
"""

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, urlsplit

import idna
from django.utils.translation import gettext as _

from reporting.webhooks.guard import is_allowed

MAX_LENGTH = 2000  # characters
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNPRINTABLE = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
# By these, resolvers and browsers take a host for an IPv4 address: 127.1, 0x7f000001, 017700000001, 2130706433.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_LOOPBACK = ("127.0.0.1", "::1")
_LOOPBACK_NAMES = re.compile(
    r"(?:.*\.)?localhost|localhost6?(?:\.localdomain6?)?|ip6-(?:localhost|loopback)|localhost[46]"
)
# Kept as they are; the rest of a path or query is escaped. `%` stands for what has been.
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"


class UrlRefusedError(ValueError):
    """The URL cannot be an endpoint's. `str(error)` is a sentence for whoever entered it."""


def check_url(text: str) -> str:
    """The URL as it is kept and called, in ASCII. Raises UrlRefusedError. Asks no name server."""
    text = text.strip()
    if not text:
        raise UrlRefusedError(_("Enter a URL."))
    if len(text) > MAX_LENGTH:
        raise UrlRefusedError(_too_long())
    if _UNPRINTABLE.search(text):
        raise UrlRefusedError(_("A URL has no spaces and no line breaks."))
    try:
        text.encode()  # half a pair of surrogates, as JSON may name it, is no text
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UrlRefusedError(_no_url()) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise UrlRefusedError(_("The URL must begin with https:// or http://."))
    if "@" in parts.netloc:
        raise UrlRefusedError(_("The URL must not contain a user name or a password."))
    if "#" in text:
        raise UrlRefusedError(_("The URL must not contain a # and what follows it."))
    if port == 0:
        raise UrlRefusedError(_no_url())
    shown_port = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    path = quote(parts.path, safe=_KEPT) or "/"
    url = f"{parts.scheme}://{_checked_host(parts)}{shown_port}{path}{query}"
    if len(url) > MAX_LENGTH:
        raise UrlRefusedError(_too_long())
    return url


def _checked_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        try:
            address = IPv6Address(host)
        except ValueError:
            raise UrlRefusedError(_no_url()) from None
        if address.scope_id is not None or not is_allowed(address):
            raise UrlRefusedError(_forbidden())
        return f"[{address}]"
    name = _ascii_name(host)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            allowed = is_allowed(IPv4Address(name))
        except ValueError:
            raise UrlRefusedError(
                _("Write the IP address as four numbers, such as 192.0.2.1.")
            ) from None
    else:
        allowed = not _LOOPBACK_NAMES.fullmatch(name) or any(map(is_allowed, _LOOPBACK))
    if not allowed:
        raise UrlRefusedError(_forbidden())
    return name


def _ascii_name(host: str) -> str:
    """A host name as name servers know it, without the dot at the end; full-width digits and the like as plain ones."""
    try:
        name = idna.uts46_remap(host, std3_rules=False, transitional=False)
        if not name.isascii():
            name = idna.encode(name).decode()
    except (idna.IDNAError, UnicodeError):
        raise UrlRefusedError(_no_url()) from None
    name = name.removesuffix(".").lower()
    if not _NAME.fullmatch(name):
        raise UrlRefusedError(_no_url())
    return name


def _no_url() -> str:
    return _("This is not a URL that can be called.")


def _too_long() -> str:
    return _("A URL may have at most %(most)d characters.") % {"most": MAX_LENGTH}


def _forbidden() -> str:
    return _(
        "This address is inside a network that Heed may not call. The operator can allow it (WEBHOOK_ALLOW_CIDRS)."
    )
