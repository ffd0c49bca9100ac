from django.db import models

from lists.models import List, Realm
from optout.choices import Channel, Kind, Reason
from optout.models.fields import Xid8Field


class FeedCursor(models.Model):
    """How far a consumer has read the ledger: everything below (xid, id) is done."""

    name = models.CharField(max_length=50, primary_key=True)
    xid = Xid8Field()
    last_id = models.BigIntegerField()
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class DailyCount(models.Model):
    """How many ledger rows a list got on a day (UTC), by kind, channel and reason, and how many changed the state."""

    optout_list = models.ForeignKey(List, models.PROTECT, related_name="daily_counts")
    day = models.DateField()
    kind = models.PositiveSmallIntegerField(choices=Kind)
    channel = models.PositiveSmallIntegerField(choices=Channel)
    reason = models.PositiveSmallIntegerField(choices=Reason)
    requests = models.PositiveBigIntegerField()
    new = models.PositiveBigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("optout_list", "day", "kind", "channel", "reason"),
                name="one_count_a_list_day_kind_channel_and_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} on list {self.optout_list_id}"


class GlobalDailyCount(models.Model):
    """How many global requests a realm got on a day (UTC), by channel and product. One that names two addresses counts once."""

    realm = models.ForeignKey(  # found by the unique constraint's index
        Realm, models.PROTECT, related_name="global_daily_counts", db_index=False
    )
    day = models.DateField()
    channel = models.PositiveSmallIntegerField(choices=Channel)
    product_number = models.PositiveIntegerField()
    requests = models.PositiveBigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "day", "channel", "product_number"),
                name="one_global_count_a_realm_day_channel_and_product",
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} in realm {self.realm_id}"
