from django.db import models

from lists.models import Realm
from optout.models.fields import NextVal


class GlobalLine(models.Model):
    """A line of the Global Unsubscribe report: what was asked for, when first and last, and how often (S1.20, S1.21).

    Its key is the first 16 bytes of a SHA-256 over the four values that make two requests the same: email, phone, website,
    product. What was not given is an empty text here, and "NOT DEFINED" where people read it (S1.19). Each single request is in
    the ledger.
    """

    pk = models.CompositePrimaryKey("realm_id", "key")
    realm = models.ForeignKey(
        Realm,
        models.DO_NOTHING,
        related_name="global_lines",
        db_constraint=False,
        db_index=False,
    )
    key = models.BinaryField(max_length=16)
    id = models.BigIntegerField(db_default=NextVal("optout_globalline_id_seq"))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    unsubscribe_count = models.PositiveIntegerField()
    product_number = models.PositiveIntegerField()  # 0: none, or one that was not in the system
    # Byte order: quicker, and the same on every server.
    email = models.TextField(db_collation="C")
    phone = models.TextField(db_collation="C")
    website = models.TextField(db_collation="C")
    publisher = models.TextField(db_collation="C")  # the `pubID`
    custom1 = models.TextField()
    custom2 = models.TextField()
    custom3 = models.TextField()
    form = models.UUIDField(null=True)

    class Meta:
        # Read by the report, by one of them for each order that it can be shown in (the id breaks ties in the order of first
        # requests); the last three also by its filters, in the order that it has by itself. What stands behind the id there is
        # for two filters of which each finds a million lines and both together none: the index alone says so, in a tenth of the
        # time. The first one also finds the line after which a page begins.
        indexes = (
            models.Index(fields=("realm", "id"), name="global_by_id"),
            models.Index(fields=("realm", "last_seen_at", "id"), name="global_by_last_seen"),
            models.Index(fields=("realm", "first_seen_at", "id"), name="global_by_first_seen"),
            models.Index(fields=("realm", "unsubscribe_count", "id"), name="global_by_count"),
            models.Index(fields=("realm", "email", "id"), name="global_by_email"),
            models.Index(fields=("realm", "phone", "id"), name="global_by_phone"),
            models.Index(
                fields=("realm", "website", "last_seen_at", "id", "product_number", "publisher"),
                name="global_by_website",
            ),
            models.Index(
                fields=("realm", "product_number", "last_seen_at", "id"), name="global_by_product"
            ),
            models.Index(
                fields=("realm", "publisher", "last_seen_at", "id", "product_number"),
                name="global_by_publisher",
            ),
        )

    def __str__(self) -> str:
        return f"global request {self.id} of realm {self.realm_id}"
