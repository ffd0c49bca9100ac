"""Whose Global Unsubscribe a public request is for, read once a second, not once a request (S1.3, S1.15, S1.16)."""

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from lists.lookup import on_forget_all
from lists.prepared import fetch_prepared

EMAIL, PHONE = "email", "phoneNumber"
CUSTOM_FIELDS = ("customField1", "customField2", "customField3")
FIELDS = (EMAIL, PHONE, *CUSTOM_FIELDS)  # what a form can ask for, by the names of its parameters


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
_ONLY_ONE = f"{_DOOR} WHERE {_IS_ONLY_ONE}"
_FORM = """
SELECT f.uuid, p.reference, coalesce(d.number, 0), f.website, f.fields, f.labels::text
FROM lists_storedform f
JOIN lists_publisher p ON p.id = f.publisher_id
LEFT JOIN lists_product d ON d.id = f.product_id
WHERE f.realm_id = %s AND f.uuid = %s AND f.is_active
"""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_HOST = re.compile(r"[a-z0-9._:\[\]-]{1,253}")

_cache: dict[tuple[str, str], tuple[float, GlobalDoor]] = {}
_forms: dict[tuple[int, str], tuple[float, FormSnapshot]] = {}
_CACHE_SIZE = 10_000


def find_door(key: str, host: str) -> GlobalDoor | None:
    """The door that a request is for: by the realm key in its URL, else by its host name, else the only one there is.

    `key` is empty where the URL has none; a key that nobody has leads nowhere. `host` is the Host header as it came. The door
    may be switched off. At most `LIST_CACHE_SECONDS` old.
    """
    if key:
        return _get(_BY_KEY, ("key", key))
    name = host_name(host)
    if name and (found := _get(_BY_HOST, ("host", name))):
        return found
    return _get(_ONLY_ONE, ("only", ""))


def find_form(realm_id: int, text: str) -> FormSnapshot | None:
    """The realm's active stored form with that UUID, or None for any other text (S1.16). As old as a door."""
    if _UUID.fullmatch(text.strip()) is None:
        return None
    name = str(uuid.UUID(text.strip()))
    now = time.monotonic()
    cached = _forms.get((realm_id, name))
    if cached is not None and now - cached[0] < settings.LIST_CACHE_SECONDS:
        return cached[1]
    rows = fetch_prepared(_FORM, (realm_id, name))
    if not rows:
        _forms.pop((realm_id, name), None)
        return None
    form_uuid, publisher, product, website, fields, labels = rows[0]
    found = FormSnapshot(
        str(form_uuid), publisher, product, website, tuple(fields), json.loads(labels)
    )
    if len(_forms) >= _CACHE_SIZE:
        _forms.clear()
    _forms[realm_id, name] = (now, found)
    return found


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
    _cache.clear()
    _forms.clear()


on_forget_all(forget_doors)


def _get(statement: str, name: tuple[str, str]) -> GlobalDoor | None:
    now = time.monotonic()
    cached = _cache.get(name)
    if cached is not None and now - cached[0] < settings.LIST_CACHE_SECONDS:
        return cached[1]
    rows = fetch_prepared(statement, (name[1],) if name[1] else ())
    if not rows:
        _cache.pop(name, None)
        return None
    found = _as_door(rows[0])
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[name] = (now, found)
    return found


def _as_door(row: tuple[Any, ...]) -> GlobalDoor:
    realm_id, key, is_on, server_ips, do_not_mail_id, products = row
    numbered = dict(json.loads(products or "[]"))
    return GlobalDoor(realm_id, key, is_on, tuple(server_ips), do_not_mail_id, numbered)
