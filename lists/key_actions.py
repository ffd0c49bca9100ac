"""API keys: made, replaced by a fresh one, revoked. By a realm admin in the portal, or an operator in a shell (no actor).

The text of a key is in the result of the action that made it and nowhere else. What there is: lists/known_keys.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from lists.api_keys import PREFIX
from lists.audit import record_audit
from lists.lookup import forget_all_lists
from lists.models import ApiKey, List, Realm, User
from lists.secrets import make_secret

LONGEST_LABEL = 100  # characters


class KeyEndedError(Exception):
    """The key was revoked, has expired, or was replaced already."""


class LabelTakenError(Exception):
    """An active key has this label already: perhaps the same form was sent twice."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: its text, which nobody can read again, and its row."""

    text: str
    row: ApiKey


@transaction.atomic
def make_api_key(
    realm: Realm,
    label: str,
    *,
    may_read: bool,
    may_write: bool,
    lists: Collection[List] | None,
    expires_at: datetime | None,
    actor: User | None,
) -> NewKey:
    """Make a key of the realm; `lists` None: for all of it.

    Raises LabelTakenError, and ValueError for lists of another realm, or none at all.
    """
    if lists is not None and (not lists or any(each.realm_id != realm.pk for each in lists)):
        raise ValueError("an API key is for lists of its own realm, and for one at least")
    _require_new_label(realm, label)
    list_ids = None if lists is None else sorted(each.pk for each in lists)
    made = _make(
        realm=realm,
        label=label,
        may_read=may_read,
        may_write=may_write,
        list_ids=list_ids,
        expires_at=expires_at,
        made_by=actor,
    )
    record_audit(
        "make_api_key",
        actor=actor,
        realm=realm,
        key=made.row.pk,
        may_read=may_read,
        may_write=may_write,
        lists=list_ids,
    )
    return made


@transaction.atomic
def rotate_api_key(
    realm: Realm, key_id: int, *, overlap: timedelta, actor: User | None, now: datetime
) -> NewKey:
    """Make a fresh key with the same rights; the old one goes on for `overlap`, and not longer than it was made for.

    The fresh one lasts as long as the old one was made for. Where a fresh one was revoked, perhaps because it leaked, the old one
    can be replaced again while it goes on. Raises ApiKey.DoesNotExist, and KeyEndedError for one that cannot be replaced.
    """
    old = ApiKey.objects.select_for_update().get(realm=realm, pk=key_id)
    ended = old.expires_at is not None and old.expires_at <= now
    if ended or old.revoked_at is not None or old.is_replaced:
        raise KeyEndedError
    lifetime = old.lifetime
    made = _make(
        realm=realm,
        label=old.label,
        may_read=old.may_read,
        may_write=old.may_write,
        list_ids=old.list_ids,
        expires_at=None if lifetime is None else now + lifetime,
        made_by=actor,
    )
    old.replaced_by = made.row
    old.expires_at = now + overlap
    if lifetime is not None:
        old.expires_at = min(old.expires_at, old.created_at + lifetime)
    old.save(update_fields=("replaced_by", "expires_at"))
    record_audit("rotate_api_key", actor=actor, realm=realm, key=old.pk, new_key=made.row.pk)
    transaction.on_commit(forget_all_lists)
    return made


@transaction.atomic
def revoke_api_key(realm: Realm, key_id: int, *, actor: User | None, now: datetime) -> bool:
    """End a key for good; False when there is none such, or it was revoked before. Everywhere within `LIST_CACHE_SECONDS`."""
    if not ApiKey.objects.filter(pk=key_id, realm=realm, revoked_at=None).update(revoked_at=now):
        return False
    record_audit("revoke_api_key", actor=actor, realm=realm, key=key_id)
    transaction.on_commit(forget_all_lists)
    return True


def _require_new_label(realm: Realm, label: str) -> None:
    """The realm's row is locked, so that a form sent twice at once makes one key. NO KEY: what is written below it goes on."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    may_be_replaced = Q(replaced_by=None) | Q(replaced_by__revoked_at__isnull=False)
    active = ApiKey.objects.filter(may_be_replaced, realm=realm, label=label, revoked_at=None)
    if active.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now())).exists():
        raise LabelTakenError


def _make(**fields: object) -> NewKey:
    secret = make_secret(PREFIX)
    row = ApiKey.objects.create(secret_digest=secret.digest, hint=secret.hint, **fields)
    return NewKey(secret.text, row)
