"""The fields that somebody sent, in a URL or an urlencoded body, with the plus signs of their addresses.

Pure functions, no database (security.md §1, "Query strings").
"""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from optout.addresses import MAX_TEXT, AddressError, PlusOrSpace, email_key

EMAIL_PARAMETERS = frozenset({"item", "email"})
ADDRESS_PARAMETERS = EMAIL_PARAMETERS | {"phone", "phoneNumber"}
# What links copied out of HTML source, and addresses put together with two question marks, have before a name
MANGLED = re.compile(r"^(?:amp;|\?)+")
_IN_ANY_CASE = {name.lower(): name for name in ADDRESS_PARAMETERS}
MAX_FIELDS = 100
_PLUS_OF_TEL = re.compile(rb"(tel:|;phone-context=)\+", re.IGNORECASE)  # RFC 3966


def decode_query(query_string: str | bytes) -> dict[str, list[str]]:
    """The fields of a raw query string, in order, blank values kept.

    In the address parameters a `+` stays a `+` (`?email=john+tag@x.com`, `?phone=+1415…` are the commonest broken
    links), but for one at either edge of an email: no address in use begins or ends with it, but `urlencode(" jane@x.com")` does.
    Elsewhere it is a space. Text is taken as WSGI hands it over: bytes read as Latin-1. Never raises: a broken
    escape stays as it is, and bytes that are not UTF-8 become U+FFFD, which `email_key` refuses. Fields after the first
    MAX_FIELDS are left out.
    """
    return _fields_of(query_string, _query_value)


def decode_form(body: str | bytes, *, mend_plus: bool = True) -> dict[str, list[str]]:
    """The fields of an urlencoded body, as `decode_query`, but with `+` for space, as browsers send it.

    Scripts that send an address unencoded lose its plus that way. With `mend_plus` a space within an email value is
    turned back (see `restore_plus`), and a phone number that began with a `+` is a `PlusOrSpace`; leave it out for our own
    form, where a space was typed.
    """
    return _fields_of(body, _program_value if mend_plus else _form_value)


def decode_address(raw: str) -> str:
    """The value of a parameter that is an address, whatever its name, as it stands in a raw query string: as `decode_query`."""
    return _query_value("item", _wsgi_octets(raw))


def has_too_many_fields(encoded: str | bytes) -> bool:
    """Whether there are fields behind the first MAX_FIELDS, which `decode_query` and `decode_form` leave out."""
    return encoded.count("&" if isinstance(encoded, str) else b"&") >= MAX_FIELDS  # type: ignore[arg-type]


def restore_plus(value: str) -> str:
    """An email value whose plus was sent unencoded and arrived as a space (protocols.md): with the plus, if only that
    makes it valid; else unchanged. With more than one @ it is two addresses, not one."""
    if " " not in value.strip() or len(value) > MAX_TEXT or value.count("@") > 1:
        return value
    mended = value.strip().replace(" ", "+")
    return mended if not _is_email(value) and _is_email(mended) else value


def _is_email(text: str) -> bool:
    try:
        email_key(text)
    except AddressError:
        return False
    return True


def _fields_of(encoded: str | bytes, value_of: Callable[[str, bytes], str]) -> dict[str, list[str]]:
    octets = _wsgi_octets(encoded) if isinstance(encoded, str) else encoded
    fields: dict[str, list[str]] = {}
    for part in octets.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        if not part:
            continue
        raw_name, _equals, raw_value = part.partition(b"=")
        name = _unescape(raw_name.replace(b"+", b" ")).removeprefix("amp;")
        mended = MANGLED.sub("", name.strip().lower())  # old templates write `Email=`
        name = _IN_ANY_CASE.get(mended, name)
        fields.setdefault(name, []).append(value_of(name, raw_value))
    return fields


def _form_value(_name: str, raw: bytes) -> str:
    return _unescape(raw.replace(b"+", b" "))


def _query_value(name: str, raw: bytes) -> str:
    if name not in ADDRESS_PARAMETERS:
        return _form_value(name, raw)
    value = _unescape(raw)
    if raw.strip(b"+") != raw and (name == "email" or (name == "item" and "@" in value)):
        return _unescape(raw.strip(b"+"))
    return value


def _program_value(name: str, raw: bytes) -> str:
    if name not in ADDRESS_PARAMETERS:
        return _form_value(name, raw)
    value = _form_value(name, _PLUS_OF_TEL.sub(rb"\1%2B", raw))
    if name in EMAIL_PARAMETERS and "@" in value:
        return restore_plus(value)
    # exactly one: what comes behind it is the number
    is_lost = name != "email" and raw[:1] == b"+" and value[1:2] not in {"", " ", "+"}
    return PlusOrSpace(value) if is_lost else value


def _wsgi_octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:  # not from WSGI
        return text.encode("utf-8", "replace")


def _unescape(octets: bytes) -> str:
    if b"%" in octets:
        octets = unquote_to_bytes(octets)
    return octets.decode("utf-8", "replace")
