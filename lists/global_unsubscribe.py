"""Whose Global Unsubscribe a public request is for, read once a second, not once a request (S1.3, S1.15, S1.16)."""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from lists.lookup import on_forget_all
from lists.prepared import fetch_prepared
from lists.realm_hosts import own_host

EMAIL, PHONE = "email", "phoneNumber"
CUSTOM_FIELDS = ("customField1", "customField2", "customField3")
FIELDS = (EMAIL, PHONE, *CUSTOM_FIELDS)  # what a form can ask for, by the names of its parameters
LONGEST_LABEL = 40  # characters
LARGEST_PRODUCT = 2_147_483_647  # the largest productId
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class GlobalDoor:
    """A realm's door for global requests. `products` has the active ones: {number: the list's primary key, None for Do Not Mail}.

    `do_not_mail_id` is the primary key of the realm's Do Not Mail; `server_ips` are canonical networks.
    """

    realm_id: int
    key: str
    is_on: bool
    server_ips: tuple[str, ...]
    do_not_mail_id: int
    products: Mapping[int, int | None]

    def list_of(self, product_number: int) -> int:
        """The primary key of the list that requests for this product go to; 0 and unknown ones go to Do Not Mail."""
        return self.products.get(product_number) or self.do_not_mail_id


@dataclass(frozen=True, slots=True)
class FormSnapshot:
    """A stored form as the public door needs it. `publisher` is its reference, `product_number` 0 where it names none."""

    uuid: str
    publisher: str
    product_number: int
    website: str
    fields: tuple[str, ...]
    labels: Mapping[str, str]


_DOOR = """
SELECT g.realm_id, g.key, g.is_on, g.server_ips,
    (SELECT l.id FROM lists_list l WHERE l.realm_id = g.realm_id AND l.kind = 'global'),
    (SELECT json_agg(json_build_array(p.number, p.optout_list_id))::text FROM lists_product p
     WHERE p.realm_id = g.realm_id AND p.is_active)
FROM lists_globalunsubscribe g
"""
_BY_KEY = f"{_DOOR} WHERE g.key = %s"
_BY_HOST = f"{_DOOR} JOIN lists_realmhost h ON h.realm_id = g.realm_id WHERE h.host = %s"
# Also one that is switched off counts: another realm's forms must not get what was meant for it.
_IS_ONLY_ONE = "(SELECT count(*) FROM lists_globalunsubscribe) = 1"
# Whoever has the installation's own host name, else the only one there is.
_USUAL = f"""{_DOOR} LEFT JOIN lists_realmhost h ON h.realm_id = g.realm_id AND h.host = %s
WHERE h.host IS NOT NULL OR {_IS_ONLY_ONE}"""
_FORM = """
SELECT f.uuid, p.reference, coalesce(d.number, 0), f.website, f.fields, f.labels::text
FROM lists_storedform f
JOIN lists_publisher p ON p.id = f.publisher_id
LEFT JOIN lists_product d ON d.id = f.product_id
WHERE f.realm_id = %s AND f.uuid = %s AND f.is_active
"""
_HOST = re.compile(r"[a-z0-9._:\[\]-]{1,253}")

_CACHE_SIZE = 10_000


class _Cache[Name, Found]:
    """What was found under a name, or that nothing was, for `LIST_CACHE_SECONDS`.

    Emptied when it is full: guesses fill it, too.
    """

    def __init__(self, find: Callable[[Name], Found | None]) -> None:
        self._find = find
        self._kept: dict[Name, tuple[float, Found | None]] = {}

    def get(self, name: Name) -> Found | None:
        now = time.monotonic()
        kept = self._kept.get(name)
        if kept is not None and now - kept[0] < settings.LIST_CACHE_SECONDS:
            return kept[1]
        found = self._find(name)
        if len(self._kept) >= _CACHE_SIZE:
            self._kept.clear()
        self._kept[name] = (now, found)
        return found

    def clear(self) -> None:
        self._kept.clear()


def find_door(key: str, host: str) -> GlobalDoor | None:
    """The door that a request is for: by the realm key in its URL, else by its host name, else the usual one.

    The usual one is that of the realm that has the host of BASE_URL, or the only one there is. `key` is empty where the URL has
    none; a key that nobody has leads nowhere. `host` is the Host header as it came. The door may be switched off. At most
    `LIST_CACHE_SECONDS` old.
    """
    if key:
        return _doors.get((_BY_KEY, key))
    name = host_name(host)
    found = _doors.get((_BY_HOST, name)) if name else None
    return found or _doors.get((_USUAL, own_host()))


def find_form(realm_id: int, text: str) -> FormSnapshot | None:
    """The realm's active stored form with that UUID, or None for any other text (S1.16). As old as a door."""
    if UUID.fullmatch(text.strip()) is None:
        return None
    return _forms.get((realm_id, str(uuid.UUID(text.strip()))))


def host_name(host: str) -> str:
    """A Host header's name: lower case, without port and final dot; empty for what is none."""
    name = host.strip().lower()
    if _HOST.fullmatch(name) is None:
        return ""
    if name.startswith("["):  # an IPv6 address has colons of its own
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def forget_doors() -> None:
    """Make this process read doors and forms anew; others do so within `LIST_CACHE_SECONDS`. Call it after a change."""
    _doors.clear()
    _forms.clear()


def _find_door(name: tuple[str, str]) -> GlobalDoor | None:
    statement, value = name
    rows = fetch_prepared(statement, (value,))
    if not rows:
        return None
    realm_id, key, is_on, server_ips, do_not_mail_id, products = rows[0]
    numbered = dict(json.loads(products or "[]"))
    return GlobalDoor(realm_id, key, is_on, tuple(server_ips), do_not_mail_id, numbered)


def _find_form(name: tuple[int, str]) -> FormSnapshot | None:
    rows = fetch_prepared(_FORM, name)
    if not rows:
        return None
    form_uuid, publisher, product, website, fields, labels = rows[0]
    return FormSnapshot(
        str(form_uuid), publisher, product, website, tuple(fields), json.loads(labels)
    )


_doors = _Cache(_find_door)
_forms = _Cache(_find_form)
on_forget_all(forget_doors)
