from django.db import models
from django.db.models import Q

from lists.models import InboundEndpoint, List
from lists.models.sms import LONGEST_CONFIRMATION
from optout.choices import Confirmation, Meaning


class InboundMessage(models.Model):
    """A text message that somebody sent to a realm's number, and what Heed made of it. Its words are not kept here: of an
    opt-out they stand in the ledger, of what is unclear in quarantine, and the rest is none of our business."""

    endpoint = models.ForeignKey(  # inbound_of_endpoint begins with it
        InboundEndpoint, models.PROTECT, related_name="messages", db_index=False
    )
    # The gateway's name for it. A gateway that tries again sends the same one, and nothing is done twice.
    message_id = models.CharField(max_length=100, null=True)
    digest = models.BinaryField(max_length=16)
    # Who texted, as the gateway wrote it where that is no number; empty for an old START.
    sender = models.CharField(max_length=40)
    texted = models.CharField(max_length=40)  # the number that was texted
    meaning = models.PositiveSmallIntegerField(choices=Meaning)
    # The list that it concerned: Do Not Mail for everything. None where it asked for nothing.
    optout_list = models.ForeignKey(
        List, models.PROTECT, null=True, related_name="inbound_messages", db_index=False
    )
    received_at = models.DateTimeField()
    confirmation = models.PositiveSmallIntegerField(
        choices=Confirmation, default=Confirmation.NONE, db_default=Confirmation.NONE
    )
    confirmation_text = models.CharField(
        max_length=LONGEST_CONFIRMATION, blank=True, default="", db_default=""
    )
    # When it was sent; of one that waits for another try, when that was tried.
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "message_id"),
                condition=Q(message_id__isnull=False),
                name="inbound_message_comes_once",
            ),
        )
        indexes = (
            # Read by the worker, which sends confirmations, the oldest first.
            models.Index(
                fields=("id",),
                condition=Q(confirmation=Confirmation.WAITING),
                name="confirmation_waiting",
            ),
            # Read by the log of an endpoint, and by the night's clearing out.
            models.Index(fields=("endpoint", "received_at"), name="inbound_of_endpoint"),
        )

    def __str__(self) -> str:
        return f"inbound message {self.pk}"
