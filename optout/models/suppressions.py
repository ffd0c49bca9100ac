from django.db import models
from django.db.models import Q

from lists.models import List
from optout.choices import Channel, HashKind, Medium, Reason


class Suppression(models.Model):
    """The state: this address must not be contacted for this list (for the whole realm, when the list is Do Not Mail).

    The key is (list, digest): the first 16 bytes of the SHA-256 of the normalised address, or of the hash that an import
    brought. At most 150 bytes with the index, so the fields stand in the order that wastes no padding, and there is neither a
    foreign-key trigger nor a second index over all rows: whoever needs time order reads the ledger.
    """

    pk = models.CompositePrimaryKey("optout_list_id", "digest")
    suppressed_at = models.DateTimeField()
    optout_list = models.ForeignKey(
        List, models.DO_NOTHING, related_name="suppressions", db_constraint=False, db_index=False
    )
    channel = models.SmallIntegerField(choices=Channel)
    reason = models.SmallIntegerField(choices=Reason)
    medium = models.SmallIntegerField(choices=Medium)
    hash_kind = models.SmallIntegerField(choices=HashKind, default=HashKind.SHA256)
    digest = models.BinaryField(max_length=16)
    address = models.TextField(null=True)
    # Empty beside an address, not null: a row without any null is 8 bytes shorter.
    full_hash = models.BinaryField(max_length=32, default=b"", db_default=b"")

    class Meta:
        indexes = (
            # Read by downloads, which say how many rows a format cannot show. Holds no row that has an address.
            models.Index(
                fields=("optout_list", "hash_kind"),
                condition=Q(address__isnull=True),
                name="suppression_hash_only",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(address__isnull=False) | ~Q(full_hash=b""),
                name="suppression_has_address_or_hash",
            ),
        )

    def __str__(self) -> str:
        return f"suppression on list {self.optout_list_id}"
