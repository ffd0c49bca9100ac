"""A realm's API keys as people read of them: what each may do, for which lists, and whether it still opens anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from lists.api_keys import PREFIX
from lists.models import ApiKey, List, Realm

SHOWN_ENDED = timedelta(days=90)
MOST_ENDED = 50  # on one page
ENDS_SOON = timedelta(days=14)


class KeyState(Enum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    REPLACED = "replaced"  # it goes on for a while beside the one that replaces it
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key at a certain time; `lists` is None for one of the whole realm."""

    row: ApiKey
    lists: tuple[List, ...] | None
    now: datetime

    @property
    def name(self) -> str:
        """What tells two keys apart."""
        return f"{PREFIX}_…{self.row.hint}"

    @property
    def scopes(self) -> str:
        """What it may do, in words."""
        if self.row.may_read and self.row.may_write:
            return _("Read and write")
        return _("Read") if self.row.may_read else _("Write")

    @property
    def reads_do_not_mail_too(self) -> bool:
        """Whether it reads Do Not Mail without being for it: that holds for every list."""
        lists = self.lists or ()
        return self.row.may_read and bool(lists) and not any(each.is_global for each in lists)

    @property
    def state(self) -> KeyState:
        if self.row.revoked_at is not None:
            return KeyState.REVOKED
        if self.row.expires_at is not None and self.row.expires_at <= self.now:
            return KeyState.EXPIRED
        return KeyState.REPLACED if self.row.is_replaced else KeyState.ACTIVE

    @property
    def has_ended(self) -> bool:
        return self.state in {KeyState.EXPIRED, KeyState.REVOKED}

    @property
    def may_be_replaced(self) -> bool:
        return self.state is KeyState.ACTIVE

    @property
    def ended_at(self) -> datetime | None:
        """Since when it opens nothing any more."""
        return self.row.revoked_at or (self.row.expires_at if self.has_ended else None)

    @property
    def ends_soon(self) -> bool:
        """Whether somebody should replace it before its programs are refused."""
        expires_at = self.row.expires_at
        is_near = expires_at is not None and expires_at <= self.now + ENDS_SOON
        return is_near and self.state is KeyState.ACTIVE

    @property
    def lifetime(self) -> timedelta | None:
        """For how long it was made; the key that replaces it gets as much. None: for ever."""
        return self.row.lifetime

    @property
    def longest_until(self) -> datetime | None:
        """When it ends at the latest, whenever it is replaced. None: it was made for ever."""
        return None if self.lifetime is None else self.row.created_at + self.lifetime


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """A realm's keys: those that open something, newest first, and those that ended lately, the last one first."""

    active: list[KnownKey]
    ended: list[KnownKey]


def api_keys_of(realm: Realm, now: datetime) -> KnownKeys:
    """The realm's active keys, and the last ones that ended within SHOWN_ENDED. Two queries."""
    oldest = now - SHOWN_ENDED
    lately = Q(revoked_at=None) | Q(revoked_at__gt=oldest)
    lately &= Q(expires_at=None) | Q(expires_at__gt=oldest)
    known = _known(ApiKey.objects.filter(lately, realm=realm), realm, now)
    ended = [each for each in known if each.has_ended]
    ended.sort(key=lambda each: each.ended_at or now, reverse=True)
    return KnownKeys([each for each in known if not each.has_ended], ended[:MOST_ENDED])


def find_api_key(realm: Realm, key_id: int, now: datetime) -> KnownKey | None:
    """One of the realm's keys, ended or not."""
    found = _known(ApiKey.objects.filter(realm=realm, pk=key_id), realm, now)
    return found[0] if found else None


def replaced_key(realm: Realm, key: KnownKey) -> KnownKey | None:
    """The key whose place it took, if that one still opens something."""
    found = _known(ApiKey.objects.filter(realm=realm, replaced_by=key.row.pk), realm, key.now)
    return found[0] if found and not found[0].has_ended else None


def may_any_write(optout_list: List, now: datetime) -> bool:
    """Whether some program can report opt-outs of the list by REST."""
    covers = Q(list_ids=None) | Q(list_ids__contains=[optout_list.pk])
    lives = Q(expires_at=None) | Q(expires_at__gt=now)
    keys = ApiKey.objects.filter(covers, lives, realm=optout_list.realm_id, may_write=True)
    return keys.filter(revoked_at=None).exists()


def _known(keys: QuerySet[ApiKey, ApiKey], realm: Realm, now: datetime) -> list[KnownKey]:
    rows = keys.select_related("made_by", "replaced_by").defer("secret_digest")
    lists = {each.pk: each for each in List.objects.filter(realm=realm).order_by("number")}
    return [KnownKey(row, _lists_of(row, lists), now) for row in rows]


def _lists_of(row: ApiKey, lists: dict[int, List]) -> tuple[List, ...] | None:
    if row.list_ids is None:
        return None
    return tuple(each for pk, each in lists.items() if pk in row.list_ids)
