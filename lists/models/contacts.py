from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from lists.choices import MessageFormat
from lists.models.lists import List
from lists.models.realms import Realm


class Contact(models.Model):
    """A person as the owner knows them: an address in a realm. An opt-out needs none."""

    realm = models.ForeignKey(Realm, models.PROTECT, related_name="contacts")
    digest = models.BinaryField(max_length=16)
    medium = models.PositiveSmallIntegerField()
    address = models.CharField(max_length=254)
    # The owner's own name for the person, in realms that use one (S4.13).
    customer_key = models.CharField(max_length=100, null=True, blank=True)
    # {name: text}, the names of lists/contacts.py and `custom_…`; empty ones are left out.
    fields = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # When a field, the key or a place on a list last changed, or a text message was opted out of; for other opt-outs see the
    # ledger, which is not written twice.
    changed_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "digest"), name="contact_is_unique_in_its_realm"
            ),
            models.UniqueConstraint(
                fields=("realm", "customer_key"),
                condition=Q(customer_key__isnull=False),
                name="customer_key_is_unique_in_its_realm",
            ),
        )
        indexes = (
            # Read by the contacts of a list in the portal, by address and by how an address begins.
            models.Index(
                F("realm"), OpClass(F("address"), "varchar_pattern_ops"), name="contact_by_address"
            ),
            # Read by programs that poll for what has changed.
            models.Index(fields=("realm", "changed_at"), name="contact_by_change"),
        )

    def __str__(self) -> str:
        return f"contact {self.pk}"


class Subscription(models.Model):
    """A contact's place on a list."""

    pk = models.CompositePrimaryKey("optout_list_id", "digest")
    # No foreign-key trigger: an opt-out deletes here in the hot path, and lists are never deleted.
    optout_list = models.ForeignKey(
        List, models.DO_NOTHING, related_name="subscriptions", db_constraint=False, db_index=False
    )
    digest = models.BinaryField(max_length=16)
    subscribed_at = models.DateTimeField()
    # Kept for the mailer's program, which asked for it (the `format` of api_web).
    message_format = models.PositiveSmallIntegerField(
        choices=MessageFormat, db_default=MessageFormat.MULTIPART
    )

    def __str__(self) -> str:
        return f"subscription on list {self.optout_list_id}"
