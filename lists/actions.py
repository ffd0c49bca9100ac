"""What an owner or realm admin does: make, change, close a list; change a realm; let people in and out.

Each takes values, writes its audit entry in the same transaction, and makes this process forget what it knew of the list.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from lists.access import Standing
from lists.audit import record_audit
from lists.choices import ListKind, Role
from lists.default_texts import move_texts_of_lists
from lists.lookup import forget_all_lists, forget_list
from lists.models import List, ListAccess, Membership, Realm, User
from lists.models.lists import DO_NOT_MAIL_NAME
from lists.numbers import DO_NOT_MAIL_NUMBER, LARGEST_NUMBER
from lists.reserved_names import is_reserved_name

# Their values may be somebody's address, or long: the audit says only that they changed.
_QUIET = frozenset({"contact", "support_address", "thank_you_texts", "own_texts", "reasons"})


class NumberTakenError(Exception):
    """Another list of the realm, the `holder`, has that number."""

    def __init__(self, holder: List) -> None:
        super().__init__()
        self.holder = holder


class ReservedNameError(ValueError):
    """A list's name that people would take for Do Not Mail."""


class LastAdminError(Exception):
    """The realm would be left without an admin."""


def add_do_not_mail(realm: Realm) -> List:
    """Give a new realm its Do Not Mail, without which nothing in it works (S2.4)."""
    return List.objects.create(
        realm=realm, number=DO_NOT_MAIL_NUMBER, kind=ListKind.GLOBAL, name=DO_NOT_MAIL_NAME
    )


@transaction.atomic
def make_list(standing: Standing, fields: Mapping[str, Any]) -> List:
    """Make a list; an owner who makes one owns it. Without a `number`, or with None, it gets the realm's next one.

    With a `public_id` among the fields it is made once: the same one again gives the list that is there. Raises
    NumberTakenError, and ReservedNameError.
    """
    _require_own_name(fields)
    realm = Realm.objects.select_for_update().get(pk=standing.realm.pk)
    if "public_id" in fields:
        there = List.objects.filter(realm=realm, public_id=fields["public_id"]).first()
        if there is not None:
            return there
    number = fields.get("number")
    if number is None:
        number = next_number(realm)
    else:
        require_free_number(realm, number)
    made = List.objects.create(realm=realm, **{**fields, "number": number})
    if standing.membership is not None and standing.role == Role.OWNER:
        ListAccess.objects.create(
            membership=standing.membership, optout_list=made, may_see_clear=True
        )
    record_audit(
        "make_list", actor=standing.user, realm=realm, optout_list=made, number=made.number
    )
    return made


def next_number(realm: Realm) -> int:
    """The number that the realm's next list gets: the highest and one; where that is too large, the smallest free one."""
    return free_number(List.objects.filter(realm=realm), LARGEST_NUMBER)


def free_number(numbered: models.QuerySet[Any], largest: int) -> int:
    """What comes after the highest `number` of these rows; where that is too large, the smallest free one."""
    highest: int = numbered.aggregate(top=Max("number"))["top"] or 0
    if highest < largest:
        return highest + 1
    taken = set(numbered.values_list("number", flat=True))
    return next(number for number in range(1, largest) if number not in taken)


def require_free_number(realm: Realm, number: int, *, public_id: str = "") -> None:
    """Raise NumberTakenError when a list of the realm has that number, other than the one with that public id.

    Only who has locked the realm's row can rely on it.
    """
    holder = List.objects.filter(realm=realm, number=number).exclude(public_id=public_id).first()
    if holder is not None:
        raise NumberTakenError(holder)


@transaction.atomic
def change_list(optout_list: List, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set these fields of a list; the names of those that changed. Nothing is written when none did.

    Raises NumberTakenError and ReservedNameError. Numbers are given one at a time: the realm's row is locked, as in make_list.
    """
    if values.get("name", optout_list.name) != optout_list.name:
        _require_own_name(values)
    number = values.get("number", optout_list.number)
    if number != optout_list.number:
        realm = Realm.objects.select_for_update(no_key=True).get(pk=optout_list.realm_id)
        require_free_number(realm, number, public_id=optout_list.public_id)
    changed = _change(optout_list, values)
    if changed:
        record_audit(
            "change_list",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            changes=changed,
        )
        transaction.on_commit(lambda: forget_list(optout_list))
    return list(changed)


@transaction.atomic
def close_list(optout_list: List, *, actor: User, now: datetime) -> None:
    """Close a list: its page says so, its links go on recording opt-outs. Do Not Mail cannot be closed (ValueError)."""
    if optout_list.is_global:
        raise ValueError("Do Not Mail cannot be closed.")
    _set_closed_at(optout_list, now, "close_list", actor)


@transaction.atomic
def reopen_list(optout_list: List, *, actor: User) -> None:
    """Open a closed list again."""
    _set_closed_at(optout_list, None, "reopen_list", actor)


@transaction.atomic
def change_realm(realm: Realm, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set these fields of a realm; the names of those that changed. Another default language moves its lists' texts."""
    if values.get("default_language", realm.default_language) != realm.default_language:
        move_texts_of_lists(realm, values["default_language"])
    changed = _change(realm, values)
    if changed:
        record_audit("change_realm", actor=actor, realm=realm, changes=changed)
        transaction.on_commit(forget_all_lists)
    return list(changed)


@transaction.atomic
def add_member(
    realm: Realm, email: str, role: Role, lists: Iterable[List], *, actor: User
) -> tuple[Membership, bool]:
    """Give the person with that email a place in the realm; makes the person if nobody has it yet.

    Returns the membership and whether the person is new (and so needs a link to set a password). Somebody who is a
    member already gets the role and the lists.
    """
    email = email.strip().lower()
    user = User.objects.filter(email__iexact=email).first()
    is_new = user is None
    if user is None:
        user = User.objects.create_user(email)
    membership, was_made = Membership.objects.get_or_create(
        user=user, realm=realm, defaults={"role": role}
    )
    if was_made:
        record_audit("add_member", actor=actor, realm=realm, member=user.pk, role=role.value)
        _set_lists(membership, lists)
    else:
        change_member(membership, role, lists, actor=actor)
    return membership, is_new


@transaction.atomic
def change_member(
    membership: Membership, role: Role, lists: Iterable[List], *, actor: User
) -> None:
    """Give a member another role and these lists. Raises LastAdminError."""
    if membership.role != role:
        _keep_an_admin(membership)
    before = (membership.role, sorted(membership.accesses.values_list("optout_list", flat=True)))
    if membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
        membership.accesses.all().delete()  # rights of the old role end with it
    _set_lists(membership, lists)
    after = (role.value, sorted(membership.accesses.values_list("optout_list", flat=True)))
    if before != after:
        record_audit(
            "change_member",
            actor=actor,
            realm=membership.realm,
            member=membership.user_id,
            role=[before[0], after[0]],
            lists=[before[1], after[1]],
        )


@transaction.atomic
def remove_member(membership: Membership, *, actor: User) -> None:
    """End somebody's place in the realm; the person and their keys' history stay. Raises LastAdminError.

    Their keys end for good: without a member they would be a script's, which may do more, if they were switched on again.
    """
    _keep_an_admin(membership)
    record_audit(
        "remove_member",
        actor=actor,
        realm=membership.realm,
        member=membership.user_id,
        role=membership.role,
    )
    membership.download_keys.update(is_active=False, membership=None, expires_at=timezone.now())
    membership.delete()


def _require_own_name(fields: Mapping[str, Any]) -> None:
    if is_reserved_name(str(fields["name"])):
        raise ReservedNameError


def _change(row: List | Realm, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set and save what differs; {field: [old, new]}, or {field: None} where the audit says no values."""
    changed = {}
    for name, new in values.items():
        old = getattr(row, name)
        if old != new:
            changed[name] = None if name in _QUIET else [old, new]
            setattr(row, name, new)
    if changed:
        row.save(update_fields=list(changed))
    return changed


def _set_closed_at(optout_list: List, when: datetime | None, action: str, actor: User) -> None:
    if (optout_list.closed_at is None) == (when is None):
        return
    optout_list.closed_at = when
    optout_list.save(update_fields=["closed_at"])
    record_audit(action, actor=actor, realm=optout_list.realm, optout_list=optout_list)
    transaction.on_commit(lambda: forget_list(optout_list))


def _set_lists(membership: Membership, lists: Iterable[List]) -> None:
    """Give these lists and no others. What a mailer may do with a list it keeps is left as it is."""
    wanted = {each.pk for each in lists}
    membership.accesses.exclude(optout_list__in=wanted).delete()
    ListAccess.objects.bulk_create(
        [
            ListAccess(
                membership=membership,
                optout_list_id=key,
                may_see_clear=membership.role == Role.OWNER,
            )
            for key in wanted
        ],
        ignore_conflicts=True,
    )


def _keep_an_admin(membership: Membership) -> None:
    """Refuse to take the last admin's place away; the realm's row is locked so that two cannot go at once."""
    if membership.role != Role.ADMIN:
        return
    Realm.objects.select_for_update().get(pk=membership.realm_id)
    others: models.QuerySet[Membership] = Membership.objects.filter(
        realm=membership.realm_id, role=Role.ADMIN
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise LastAdminError
