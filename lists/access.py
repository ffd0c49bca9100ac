"""Who may touch what: the only door through which a portal view gets a realm or a list (pages.md, the table of roles).

What somebody may not see does not exist for them: every refusal is a 404, never a 403, so that nothing can be probed (AT-31).
"""

from dataclasses import dataclass
from enum import Enum, auto

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.http import Http404

from lists.choices import ListKind, Role
from lists.models import List, ListAccess, Membership, Realm, User


class Permission(Enum):
    """Something that can be done with a list."""

    SEE = auto()  # that it exists, its name and its Service page
    ENTRIES = auto()  # its entries and reports, masked
    CLEAR = auto()  # clear addresses in them
    DOWNLOAD = auto()  # its suppressions
    CHECK = auto()  # whether an address is suppressed
    EDIT = auto()  # settings, whitelist, keys, quarantine, revert


_OF_ROLE = {
    Role.ADMIN: frozenset(Permission),
    Role.OWNER: frozenset(Permission),
    Role.VIEWER: frozenset({Permission.SEE, Permission.ENTRIES, Permission.CHECK}),
    Role.MAILER: frozenset({Permission.SEE, Permission.CHECK}),
}
_WHOLE_REALM = (Role.ADMIN, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's place in one realm. `membership` is None for an operator, who may do everything everywhere."""

    user: User
    realm: Realm
    membership: Membership | None

    @property
    def is_realm_admin(self) -> bool:
        """Whether team, realm settings and new lists of any kind are theirs."""
        return self.membership is None or self.membership.role == Role.ADMIN

    @property
    def may_make_lists(self) -> bool:
        """Whether they may make a list (an owner then owns it)."""
        return self.is_realm_admin or self.role == Role.OWNER

    @property
    def role(self) -> Role:
        """The role; an operator counts as realm admin."""
        return Role.ADMIN if self.membership is None else Role(self.membership.role)

    def lists(self) -> QuerySet[List]:
        """The lists they know of, in the order of their numbers."""
        lists = List.objects.filter(realm=self.realm).select_related("realm").order_by("number")
        if self.membership is None or self.role in _WHOLE_REALM:
            return lists
        own = lists.filter(accesses__membership=self.membership)
        return own.exclude(kind=ListKind.GLOBAL) if self.role == Role.MAILER else own

    def permissions(self, optout_list: List) -> frozenset[Permission]:
        """What they may do with a list of this realm; nothing with one they do not know of."""
        if optout_list.realm_id != self.realm.pk:
            return frozenset()
        access = None
        if self.membership is not None and self.role not in _WHOLE_REALM:
            access = ListAccess.objects.filter(
                membership=self.membership, optout_list=optout_list
            ).first()
        return self.granted_by(access)

    def granted_by(self, access: ListAccess | None) -> frozenset[Permission]:
        """What they may do with a list of this realm, where this is their access to it."""
        if self.membership is None or self.role in _WHOLE_REALM:
            return _OF_ROLE[self.role]
        return frozenset() if access is None else self._granted(access)

    def open_lists(self, permission: Permission) -> "list[OpenedList]":
        """Those of the lists with which they may do that, in the order of their numbers. Two queries, however many there are."""
        if self.membership is None or self.role in _WHOLE_REALM:
            granted = _OF_ROLE[self.role]
            return [
                OpenedList(each, self, granted) for each in self.lists() if permission in granted
            ]
        accesses = {
            access.optout_list_id: access
            for access in ListAccess.objects.filter(membership=self.membership)
        }
        opened = [
            OpenedList(each, self, self._granted(accesses[each.pk]))
            for each in self.lists()
            if each.pk in accesses
        ]
        return [each for each in opened if each.may(permission)]

    def _granted(self, access: ListAccess) -> frozenset[Permission]:
        granted = set(_OF_ROLE[self.role])
        if self.role == Role.MAILER:
            if access.may_download:
                granted.add(Permission.DOWNLOAD)
            if access.may_see_clear:
                granted.add(Permission.CLEAR)
        return frozenset(granted)


def standings(user: User | AnonymousUser) -> list[Standing]:
    """The realms a person is in, by name; all of them for an operator."""
    if not isinstance(user, User) or not user.is_active:
        return []
    if user.is_superuser:
        return [Standing(user, realm, None) for realm in Realm.objects.all()]
    memberships = (
        Membership.objects.filter(user=user).select_related("realm").order_by("realm__name")
    )
    return [Standing(user, each.realm, each) for each in memberships]


def get_standing(user: User | AnonymousUser, realm_name: str | None) -> Standing:
    """Their place in the realm of that name, or in their first one when no name is given. Http404 when there is none."""
    for standing in standings(user):
        if realm_name is None or standing.realm.name == realm_name:
            return standing
    raise Http404


@dataclass(frozen=True, slots=True)
class OpenedList:
    """A list that somebody may touch, with what they may do."""

    optout_list: List
    standing: Standing
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def open_list(user: User | AnonymousUser, public_id: str, permission: Permission) -> OpenedList:
    """The list with that public id, if the person may do that with it; else Http404."""
    if not (
        public_id.isascii() and public_id.isalnum()
    ):  # a NUL, for one, is nothing to ask the database
        raise Http404
    optout_list = List.objects.select_related("realm").filter(public_id=public_id).first()
    if optout_list is None or not isinstance(user, User) or not user.is_active:
        raise Http404
    membership, access = None, None
    if not user.is_superuser:
        membership, access = _place_of(user, optout_list)
        if membership is None:
            raise Http404
    standing = Standing(user, optout_list.realm, membership)
    permissions = standing.granted_by(access)
    if permission not in permissions:
        raise Http404
    return OpenedList(optout_list, standing, permissions)


def _place_of(user: User, optout_list: List) -> tuple[Membership | None, ListAccess | None]:
    """The person's membership in the list's realm, and their access to the list if they have one. One query."""
    here = FilteredRelation("accesses", condition=Q(accesses__optout_list=optout_list))
    membership = (
        Membership.objects.filter(user=user, realm=optout_list.realm)
        .annotate(here=here)
        .annotate(
            has_access=Q(here__isnull=False),
            may_download=F("here__may_download"),
            may_see_clear=F("here__may_see_clear"),
        )
        .first()
    )
    if membership is None or not membership.has_access:
        return membership, None
    return membership, ListAccess(
        membership=membership,
        optout_list=optout_list,
        may_download=membership.may_download,
        may_see_clear=membership.may_see_clear,
    )
