"""The list that a public request is about: read once a second, not once a request.

A frozen copy, so that nobody mistakes it for something that can be saved.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from lists.choices import ListKind
from lists.kept_lists import KeptLists, Key, RealmTexts
from lists.models import List
from lists.prepared import fetch_prepared


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """What public pages and channels need of a list and its realm. Texts are {language: text}."""

    id: int
    realm_id: int
    number: int
    public_id: str
    is_global: bool
    name: str
    description: str
    direct_link_mode: str
    accepts: str
    redirect_url: str
    thank_you_texts: dict[str, str]
    locked_language: str
    default_language: str
    effect_hours: int
    sender: str
    colour: str
    contact: str
    privacy_url: str
    whitelist: tuple[str, ...]
    plain_download: bool
    limit_confirm: int
    limit_block: int
    limit_block_day: int
    limit_form: int
    limit_hour: int
    usual_hour: int
    protected_until: datetime | None
    closed_at: datetime | None
    region: str
    do_not_mail_id: int
    sms_stop_scope: str
    frequency: str
    own_texts: dict[str, dict[str, str]]  # {kind: {language: text}}
    join_is_open: bool
    shown_in_preferences: bool
    asks_reason: bool
    reasons: dict[str, list[str]]  # {language: [reason, …]}; empty: Heed's own
    logo_id: int | None


_COLUMNS = """
    l.id, l.realm_id, l.number, l.public_id, l.kind, l.name, l.description, l.direct_link_mode, l.accepts,
    l.redirect_url, l.thank_you_texts, r.thank_you_texts, l.locked_language,
    coalesce(nullif(l.default_language, ''), r.default_language), l.effect_hours,
    coalesce(nullif(l.sender_name, ''), r.sender_name), coalesce(nullif(l.colour, ''), r.colour),
    coalesce(nullif(l.contact, ''), r.support_address), coalesce(nullif(l.privacy_url, ''), r.privacy_url),
    l.whitelist, l.plain_download, l.limit_confirm,
    l.limit_block, l.limit_block_day, l.limit_form, l.limit_hour, l.usual_hour, l.protected_until, l.closed_at,
    r.default_region, (SELECT g.id FROM lists_list g WHERE g.realm_id = l.realm_id AND g.kind = 'global'),
    l.sms_stop_scope, l.frequency, l.own_texts, r.own_texts, l.join_is_open, l.shown_in_preferences, l.asks_reason,
    l.reasons, r.reasons,
    (
        SELECT g.id FROM lists_logo g WHERE g.realm_id = l.realm_id AND (g.optout_list_id = l.id OR g.optout_list_id IS NULL)
        ORDER BY g.optout_list_id NULLS LAST LIMIT 1
    )
"""
_FROM = "FROM lists_list l JOIN lists_realm r ON r.id = l.realm_id"
_BY_PUBLIC_ID = f"SELECT {_COLUMNS} {_FROM} WHERE l.public_id = %s"
_BY_ID = f"SELECT {_COLUMNS} {_FROM} WHERE l.id = %s"
_BY_NUMBER = f"SELECT {_COLUMNS} {_FROM} WHERE l.realm_id = %s AND l.number = %s"

_MOST_LISTS, _MOST_BYTES = 10_000, 64_000_000
_kept = KeptLists(_MOST_LISTS, _MOST_BYTES)
_also_forgotten: list[Callable[[], None]] = []


def get_list(public_id: str) -> ListSnapshot | None:
    """The list with that public id, or None. At most `LIST_CACHE_SECONDS` old."""
    return _get(_BY_PUBLIC_ID, public_id, (public_id,))


def get_list_by_id(list_id: int) -> ListSnapshot | None:
    """The list with that primary key (signed links carry it), or None. At most `LIST_CACHE_SECONDS` old."""
    return _get(_BY_ID, list_id, (list_id,))


def get_list_by_number(realm_id: int, number: int) -> ListSnapshot | None:
    """The realm's list with that number (the `list_id` of api_web; 0 is Do Not Mail), or None. As old as the others."""
    key = (realm_id, number)
    return _get(_BY_NUMBER, key, key)


def snapshot(optout_list: List) -> ListSnapshot:
    """The snapshot of a list just read or saved, fresh from the database."""
    forget_list(optout_list)
    found = get_list(optout_list.public_id)
    if found is None:
        raise List.DoesNotExist
    return found


def forget_list(optout_list: List) -> None:
    """Make this process read the list anew; others do so within `LIST_CACHE_SECONDS`. Call it after a change.

    Who asks for a number that it had before does not go on finding it either.
    """
    _kept.forget(optout_list.pk)


def forget_all_lists() -> None:
    """Empty the cache of this process: after a change that concerns many lists, such as a realm's default text."""
    _kept.clear()
    for forget in _also_forgotten:
        forget()


def on_forget_all(forget: Callable[[], None]) -> None:
    """Have another cache of what belongs to realms emptied together with this one."""
    _also_forgotten.append(forget)


def _get(statement: str, key: Key, parameters: tuple[str | int, ...]) -> ListSnapshot | None:
    now = time.monotonic()
    cached = _kept.by_key.get(key)
    if cached is not None and now - cached[0] < settings.LIST_CACHE_SECONDS:
        return cached[1]
    rows = fetch_prepared(statement, parameters)
    if not rows:
        _kept.by_key.pop(key, None)  # unknown ids are not remembered: guesses would fill the memory
        return None
    return _kept.keep(key, *_as_snapshot(rows[0]), now)


def _as_snapshot(row: tuple[Any, ...]) -> tuple[ListSnapshot, RealmTexts]:
    """The snapshot, and what its realm says: the list's own wins, language by language (S0.8)."""
    values = list(row)
    realm_reasons = json.loads(values.pop(39))  # Django's connections give JSON as text
    realm_kinds, realm_thanks = json.loads(values.pop(34)), _texts(values.pop(11))
    realm = _kept.shared(values[1], RealmTexts(realm_thanks, realm_kinds, realm_reasons))
    values[4] = values[4] == ListKind.GLOBAL
    values[10] = _over(realm.thank_you_texts, _texts(values[10]))
    values[18] = tuple(values[18])
    own_kinds = json.loads(values[32])
    values[32] = {
        kind: _over(realm.own_texts.get(kind, {}), own_kinds.get(kind, {}))
        for kind in realm.own_texts.keys() | own_kinds.keys()
    }
    values[36] = json.loads(values[36]) or realm.reasons
    return ListSnapshot(*values), realm


def _over(realm: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """The realm's texts where there are no own ones: the same object, where there are none at all."""
    return realm | own if own else realm


def _texts(kept: str) -> dict[str, str]:
    return {language: text for language, text in json.loads(kept).items() if text.strip()}
