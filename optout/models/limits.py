from django.contrib.postgres.fields import ArrayField
from django.db import models

from lists.models import List
from optout.choices import Traffic


class LimitCounter(models.Model):
    """How many distinct addresses one network brought to one list lately, and until when it is blocked (security.md §4).

    The table is UNLOGGED: a hit costs no disk flush. A crash of the database server empties it, which forgives, never loses.
    """

    pk = models.CompositePrimaryKey("optout_list_id", "network", "traffic")
    optout_list = models.ForeignKey(
        List, models.DO_NOTHING, related_name="limit_counters", db_constraint=False, db_index=False
    )
    network = models.CharField(max_length=50)  # IPv4 /32 or IPv6 /64
    traffic = models.PositiveSmallIntegerField(choices=Traffic)
    digests = ArrayField(models.BinaryField(max_length=16))  # of the last day
    seen_at = ArrayField(models.DateTimeField())  # beside `digests`: when each was last seen
    refused = models.PositiveIntegerField(default=0)
    strikes = models.PositiveSmallIntegerField(
        default=0
    )  # each block lasts twice as long as the one before
    blocked_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = (
            # Read by the screen of blocked IPs and by the worker that tells the owner.
            models.Index(
                fields=("optout_list", "blocked_until"),
                condition=models.Q(blocked_until__isnull=False),
                name="limit_blocked",
            ),
        )

    def __str__(self) -> str:
        return f"limit counter of list {self.optout_list_id}"


class UnsignedHour(models.Model):
    """How many new addresses unsigned requests brought to a list in one hour: for its protected mode. UNLOGGED; kept 28 days."""

    pk = models.CompositePrimaryKey("optout_list_id", "hour_at")
    optout_list = models.ForeignKey(
        List, models.DO_NOTHING, related_name="unsigned_hours", db_constraint=False, db_index=False
    )
    hour_at = models.DateTimeField()
    requests = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"unsigned requests of list {self.optout_list_id}"
