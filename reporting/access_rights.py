"""Who may fetch a list's suppressions: its download keys and the mailers it was given to (S0.2, S0.13)."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from lists.actions import add_member
from lists.audit import record_audit
from lists.choices import Role
from lists.models import DownloadKey, List, ListAccess, Membership, User
from lists.secrets import make_secret
from reporting.models import Download


class OtherPlaceError(Exception):
    """The person is in the realm already, as something else than a mailer."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A mailer who got the list, and whether the person is new and needs a link to set a password."""

    user: User
    is_new: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: its text, which nobody can read again, and its row."""

    text: str
    row: DownloadKey


def keys_of(optout_list: List) -> QuerySet[DownloadKey, DownloadKey]:
    """The list's keys, those in use first."""
    keys = DownloadKey.objects.filter(optout_list=optout_list)
    return keys.select_related("membership__user").order_by("-is_active", "-created_at")


def mailers_of(optout_list: List) -> QuerySet[ListAccess, ListAccess]:
    """The mailers that the list was given to."""
    accesses = ListAccess.objects.filter(optout_list=optout_list, membership__role=Role.MAILER)
    return accesses.select_related("membership__user").order_by("membership__user__email")


def mailers_without(optout_list: List) -> QuerySet[Membership, Membership]:
    """The realm's mailers that the list was not given to."""
    mailers = Membership.objects.filter(realm=optout_list.realm_id, role=Role.MAILER)
    return (
        mailers.exclude(accesses__optout_list=optout_list)
        .select_related("user")
        .order_by("user__email")
    )


def downloads_of(optout_list: List) -> QuerySet[Download, Download]:
    """The access log: every download of the list."""
    downloads = Download.objects.filter(optout_list=optout_list)
    return downloads.select_related("key__membership__user", "api_key", "user")


def make_key(
    optout_list: List,
    *,
    label: str,
    membership: Membership | None,
    may_see_clear: bool,
    actor: User,
) -> NewKey:
    """Make a download key; its text is in the result and nowhere else."""
    secret = make_secret("hd")
    with transaction.atomic():
        row = DownloadKey.objects.create(
            optout_list=optout_list,
            membership=membership,
            label=label,
            hint=secret.hint,
            secret_digest=secret.digest,
            may_see_clear=may_see_clear,
        )
        _audit("make_download_key", optout_list, actor, key=row.pk, may_see_clear=may_see_clear)
    return NewKey(secret.text, row)


def switch_key(optout_list: List, key_id: int, *, on: bool, actor: User) -> bool:
    """Switch a key of this list on or off; whether there is such a key. One that has expired cannot be switched on."""
    keys = DownloadKey.objects.filter(pk=key_id, optout_list=optout_list)
    if on:
        keys = keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    with transaction.atomic():
        found = keys.update(is_active=on)
        if found:
            name = "switch_on_download_key" if on else "switch_off_download_key"
            _audit(name, optout_list, actor, key=key_id)
    return bool(found)


def give_list(
    optout_list: List,
    membership: Membership,
    *,
    may_download: bool,
    may_see_clear: bool,
    actor: User,
) -> None:
    """Give the list to a mailer, or change what the mailer may do with it."""
    rights = {"may_download": may_download, "may_see_clear": may_see_clear}
    with transaction.atomic():
        ListAccess.objects.update_or_create(
            membership=membership, optout_list=optout_list, defaults=rights
        )
        _audit("give_list", optout_list, actor, member=membership.pk, **rights)


def invite_mailer(
    optout_list: List, email: str, *, may_download: bool, may_see_clear: bool, actor: User
) -> Invited:
    """Give the list to a mailer by email address, with a login made for them if they have none (S0.2).

    Raises OtherPlaceError when the person has another role in the realm.
    """
    with transaction.atomic():
        known = Membership.objects.filter(user__email__iexact=email, realm=optout_list.realm)
        membership = known.select_related("user").first()
        is_new = False
        if membership is None:
            membership, is_new = add_member(
                optout_list.realm, email, Role.MAILER, [optout_list], actor=actor
            )
        elif membership.role != Role.MAILER:
            raise OtherPlaceError
        give_list(
            optout_list,
            membership,
            may_download=may_download,
            may_see_clear=may_see_clear,
            actor=actor,
        )
    return Invited(membership.user, is_new)


def take_list(optout_list: List, membership: Membership, *, actor: User) -> int:
    """Take the list from a mailer, and switch off the keys they have for it; how many keys that were."""
    with transaction.atomic():
        ListAccess.objects.filter(membership=membership, optout_list=optout_list).delete()
        keys = DownloadKey.objects.filter(
            membership=membership, optout_list=optout_list, is_active=True
        ).update(is_active=False)
        _audit("take_list", optout_list, actor, member=membership.pk, keys=keys)
    return keys


def _audit(action: str, optout_list: List, actor: User, **detail: object) -> None:
    record_audit(action, actor=actor, realm=optout_list.realm, optout_list=optout_list, **detail)
