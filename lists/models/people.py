from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from lists.choices import Role
from lists.models.lists import List
from lists.models.realms import Realm


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person who signs in by email; no password means one who cannot sign in yet."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an operator: runs the installation, sees every realm."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in to the portal; an operator when `is_superuser`."""

    email = models.EmailField(_("email"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="email_is_unique_in_any_case"),)

    def __str__(self) -> str:
        return self.name or f"user {self.pk}"

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """A person's place in a realm, with one role."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    lists: "models.ManyToManyField[List, ListAccess]" = models.ManyToManyField(
        List, through="ListAccess", related_name="members"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "realm"), name="one_membership_a_person_and_realm"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_is_known"),
        )

    def __str__(self) -> str:
        return f"user {self.user_id} in realm {self.realm_id}: {self.role}"


class ListAccess(models.Model):
    """A list that a member owns (role owner) or was given (role mailer)."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="accesses")
    optout_list = models.ForeignKey(List, models.CASCADE, related_name="accesses")
    may_download = models.BooleanField(_("may download and scrub"), default=True)
    may_see_clear = models.BooleanField(_("may see clear addresses"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("membership", "optout_list"), name="one_access_a_member_and_list"
            ),
        )

    def __str__(self) -> str:
        return f"membership {self.membership_id} on list {self.optout_list_id}"
