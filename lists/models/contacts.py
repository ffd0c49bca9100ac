from django.db import models

from lists.models.lists import List
from lists.models.realms import Realm


class Contact(models.Model):
    """A person as the owner knows them: an address in a realm. An opt-out needs none."""

    realm = models.ForeignKey(Realm, models.PROTECT, related_name="contacts")
    digest = models.BinaryField(max_length=16)
    medium = models.PositiveSmallIntegerField()
    address = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "digest"), name="contact_is_unique_in_its_realm"
            ),
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

    def __str__(self) -> str:
        return f"subscription on list {self.optout_list_id}"
