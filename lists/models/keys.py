from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.choices import CallRefusal
from lists.models.lists import List
from lists.models.people import Membership, User
from lists.models.realms import Realm


class DownloadKey(models.Model):
    """The right of one mailer, owner or advertiser to download one list (protocols.md, "Suppression list download").

    The key itself is shown once; here is its HMAC (security.md §5).
    """

    optout_list = models.ForeignKey(List, models.PROTECT, related_name="download_keys")
    # Whose key it is; nobody's when it was made for a script. Such a key may do more: so a member's stays theirs, and ends for
    # good when lists.actions.remove_member ends their place.
    membership = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="download_keys"
    )
    label = models.CharField(_("label"), max_length=100)
    hint = models.CharField(max_length=8)  # the key's last characters, to tell two keys apart
    secret_digest = models.BinaryField(max_length=32, unique=True)
    may_see_clear = models.BooleanField(_("clear addresses"), default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"download key {self.pk} of list {self.optout_list_id}"


class RealmCredential(models.Model):
    """A realm's password for `api_web`; two may be active at a time, so that one can be rotated.

    Kept as an HMAC that is bound to the realm's name (lists/api_auth.py).
    """

    realm = models.ForeignKey(Realm, models.CASCADE, related_name="credentials")
    secret_digest = models.BinaryField(max_length=32)
    hint = models.CharField(max_length=8)
    # Brought along from another system, so that old scripts go on working; such a one might be guessed.
    is_chosen = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(
        null=True, blank=True
    )  # emptied after 90 days (AT-50)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "secret_digest"),
                condition=Q(revoked_at=None),
                name="active_password_is_unique_in_its_realm",
            ),
        )
        indexes = (
            # Read by the check of a password: the realm's active ones.
            models.Index(fields=("realm",), condition=Q(revoked_at=None), name="credential_active"),
        )

    def __str__(self) -> str:
        return f"credential {self.pk} of realm {self.realm_id}"


class ApiKey(models.Model):
    """A program's key to the REST API and to contacts over HTTP: for a realm or some of its lists, to read, to write, or both.

    The key itself is shown once; here is its HMAC (security.md §5). One that is replaced goes on until it expires.
    """

    realm = models.ForeignKey(Realm, models.PROTECT, related_name="api_keys")
    label = models.CharField(_("label"), max_length=100)
    hint = models.CharField(max_length=8)
    secret_digest = models.BinaryField(max_length=32, unique=True)
    may_read = models.BooleanField(_("read"), default=True)
    may_write = models.BooleanField(_("write"), default=False)
    # Primary keys of the lists it is for, Do Not Mail among them or not. None: the whole realm, later lists as well.
    list_ids = ArrayField(models.IntegerField(), null=True, blank=True)
    made_by = models.ForeignKey(  # none: an operator's command
        User, models.PROTECT, null=True, related_name="api_keys"
    )
    replaced_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaces"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(
        null=True, blank=True
    )  # emptied after 90 days (AT-50)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_write=True), name="api_key_may_do_something"
            ),
        )

    def __str__(self) -> str:
        return f"API key {self.pk} of realm {self.realm_id}"

    @property
    def is_replaced(self) -> bool:
        """Whether another key took its place for good; not where that one was revoked and nothing replaced it."""
        newer = self.replaced_by
        return newer is not None and (newer.revoked_at is None or newer.is_replaced)

    @property
    def lifetime(self) -> timedelta | None:
        """For how long it was made; the key that replaces it gets as much. None: for ever.

        A replacement sets `expires_at` anew, but hands the lifetime on.
        """
        if self.replaced_by is not None:
            return self.replaced_by.lifetime
        return None if self.expires_at is None else self.expires_at - self.created_at


class CallCount(models.Model):
    """How many calls of its minute's ceiling an API key's processes have taken. UNLOGGED: nothing to keep after a crash."""

    key = models.OneToOneField(ApiKey, models.CASCADE, primary_key=True, db_constraint=False)
    minute = models.BigIntegerField()  # since 1970
    taken = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"calls of API key {self.pk}"


class PasswordFailure(models.Model):
    """How many calls for a realm name were refused to one network, in its last window (security.md §4). UNLOGGED.

    The realm's admin reads it for a day (lists/refused_calls.py). `bucket` stands for the name that was given, known or not:
    65,536 of them, so that made-up names cannot fill the table.
    """

    pk = models.CompositePrimaryKey("bucket", "network")
    bucket = models.PositiveIntegerField()
    network = models.CharField(max_length=50)
    failures = models.PositiveIntegerField()
    window_started_at = models.DateTimeField()
    last_cause = models.PositiveSmallIntegerField(choices=CallRefusal)

    def __str__(self) -> str:
        return f"wrong passwords, bucket {self.bucket}"
