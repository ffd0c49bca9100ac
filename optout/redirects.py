"""The owner's redirect address: a template checked when it is saved and filled in when someone opted out (S0.9, S0.10).

The scheme, host and port are fixed by the owner; nothing that a recipient sends can change them (AT-11/12).
"""

import ipaddress
import re
from typing import NoReturn
from urllib.parse import quote

import idna
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PLACEHOLDERS = ("item", "list", "lang", "status", "md5", "sha256")
MAX_TEMPLATE = 2_000  # characters

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PARTS = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?")
_PORT = re.compile(r"[0-9]{1,5}")
# RFC 3986 characters that stay as they are; % so that what the owner encoded is not encoded again.
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~{}"


class RedirectError(ValueError):
    """This template cannot be used. `code` is stable: `too_long`, `character`, `scheme`, `host`, `placeholder`;
    `message` is a translatable sentence for the owner."""

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


def validate_template(text: str) -> str:
    """A redirect template in the form in which it is stored: in ASCII, scheme and host in lower case.

    Raises RedirectError for anything but http and https, a placeholder before the path, user info, white space,
    control characters, backslashes, unknown placeholders, and more than MAX_TEMPLATE characters.
    """
    if len(text) > MAX_TEMPLATE:
        _refuse_length()
    text = text.strip()
    if "\\" in text or any(
        character.isspace() or not character.isprintable() for character in text
    ):
        raise RedirectError(
            "character",
            _("The address must not contain spaces, backslashes or control characters."),
        )
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise RedirectError("scheme", _("The address must begin with https:// or http://."))
    scheme, authority, rest = parts.groups()
    if "{" in authority or "}" in authority:
        raise RedirectError(
            "placeholder", _("Placeholders can stand only after the host name and a slash.")
        )
    _check_placeholders(rest)
    template = f"{scheme.lower()}://{_authority(authority)}{quote(rest, safe=_URL_SAFE)}"
    if len(template) > MAX_TEMPLATE:
        _refuse_length()
    return template


def build_redirect(
    template: str,
    *,
    item: str | None,
    list_ref: str | int,
    lang: str,
    status: str,
    md5: str = "",
    sha256: str = "",
) -> str:
    """The address to send a reader to: `template` (as `validate_template` returned it) with its placeholders filled in.

    Every value is percent-encoded whole, so that it can neither end its place in the address nor begin a header; what
    is missing is empty. Values are not searched for placeholders again.
    """
    values = {
        "item": item or "",
        "list": str(list_ref),
        "lang": lang,
        "status": status,
        "md5": md5,
        "sha256": sha256,
    }

    def fill(match: re.Match[str]) -> str:
        return quote(values.get(match[1], ""), safe="", errors="replace")

    return _PLACEHOLDER.sub(fill, template)


def _check_placeholders(text: str) -> None:
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    left = _PLACEHOLDER.sub("", text)
    if unknown or "{" in left or "}" in left:
        raise RedirectError(
            "placeholder",
            _(
                "Unknown placeholder. These can be used: {item}, {list}, {lang}, {status}, {md5}, {sha256}."
            ),
        )


def _authority(authority: str) -> str:
    """Host and port in canonical form; RedirectError for user info and everything that is no host."""
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        colon = port[:1]
        if not bracket or (port and colon != ":"):
            _refuse_host()
        port = port[1:]
        try:
            host = f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            _refuse_host()
        if "%" in host:
            _refuse_host()
    else:
        host, colon, port = authority.partition(":")
        host = _host(host)
    if not colon:
        return host
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= 65_535:
        _refuse_host()
    return f"{host}:{int(port)}"


def _host(host: str) -> str:
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except ValueError:
            _refuse_host()
    host = host.lower()
    if not _HOST.fullmatch(host) or ".." in host:
        _refuse_host()
    return host


def _refuse_host() -> NoReturn:
    raise RedirectError(
        "host", _("The address needs a host name, such as www.example.com, without a user name.")
    )


def _refuse_length() -> NoReturn:
    raise RedirectError("too_long", _("The address is longer than 2,000 characters."))
