from django.db import models

from lists.models import List


class StatedReason(models.Model):
    """Why somebody opted out, as they chose to say afterwards from the owner's list of reasons (pages.md). One per request."""

    optout_list = models.ForeignKey(  # stated_reason_of_list begins with it
        List, models.PROTECT, related_name="stated_reasons", db_index=False
    )
    optout_id = models.BigIntegerField()  # the ledger row of that request
    digest = models.BinaryField(max_length=16)
    # The reason in the owner's words, or the key of one of Heed's own (optout/reasons.py), whatever language it was read in.
    reason = models.CharField(max_length=100)
    stated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("optout_id", "digest"), name="stated_reason_is_one_per_request"
            ),
        )
        indexes = (
            # Read by the report of reasons.
            models.Index(fields=("optout_list", "stated_at"), name="stated_reason_of_list"),
        )

    def __str__(self) -> str:
        return f"stated reason {self.pk}"
