from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from lists.models import List
from optout.choices import Assurance, Channel, Kind, Medium, Origin, Reason
from optout.models.fields import CurrentXid, NextVal, Xid8Field


class OptOut(models.Model):
    """The ledger: one row for every request not to be contacted, new or repeated, and for every lift. Append-only.

    At most 350 bytes with its three indexes. Only the sealing of an address (erasure) and the end of the 90 days for IP and
    agent ever change a row, and they only empty fields.
    """

    pk = models.CompositePrimaryKey("digest", "id")
    id = models.BigIntegerField(db_default=NextVal("optout_optout_id_seq"))
    xid = Xid8Field(db_default=CurrentXid())
    recorded_at = models.DateTimeField()
    optout_list = models.ForeignKey(
        List, models.DO_NOTHING, related_name="optouts", db_constraint=False, db_index=False
    )
    kind = models.SmallIntegerField(choices=Kind)
    channel = models.SmallIntegerField(choices=Channel)
    medium = models.SmallIntegerField(choices=Medium)
    reason = models.SmallIntegerField(choices=Reason)
    origin = models.SmallIntegerField(choices=Origin)
    assurance = models.SmallIntegerField(choices=Assurance)
    is_new = models.BooleanField()  # it made (or, for a lift, ended) the suppression
    digest = models.BinaryField(max_length=16)
    address = models.TextField(null=True)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=120)
    evidence = models.JSONField(null=True)  # what else proves it; small, and usually nothing
    left_lists = ArrayField(models.IntegerField(), null=True)  # the subscriptions it ended

    class Meta:
        indexes = (
            # Read by the feed: order of commit, see reporting/feed.py.
            models.Index(fields=("xid", "id"), name="optout_feed"),
            # Read by a list's entries, its downloads since a time, and reverts.
            models.Index(fields=("optout_list", "recorded_at"), name="optout_of_list"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="optout_kind_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id} on list {self.optout_list_id}"
