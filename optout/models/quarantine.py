from django.conf import settings
from django.db import models
from django.db.models import Q

from lists.models import List
from optout.choices import Assurance, Channel, Medium, RefusalCause, Verdict


class QuarantinedOptOut(models.Model):
    """An opt-out that was refused, kept with its evidence until somebody decides: nothing is ever lost (S0.12).

    One row per (list, address, cause) waiting; repeats only count, so that an attack cannot fill the disk with one address. IP,
    agent and evidence are those of the first request.
    """

    optout_list = models.ForeignKey(List, models.PROTECT, related_name="quarantine")
    digest = models.BinaryField(max_length=16)
    address = models.TextField()
    medium = models.PositiveSmallIntegerField(choices=Medium)
    channel = models.PositiveSmallIntegerField(choices=Channel)
    assurance = models.PositiveSmallIntegerField(choices=Assurance)
    cause = models.PositiveSmallIntegerField(choices=RefusalCause)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=120)
    evidence = models.JSONField(null=True)
    # An array of what global requests said, for their lines in the report, as they came; up to MOST_GLOBAL_REQUESTS.
    global_requests = models.JSONField(null=True)
    requests = models.PositiveIntegerField(default=1)
    refused_at = models.DateTimeField()
    last_refused_at = models.DateTimeField()
    verdict = models.PositiveSmallIntegerField(choices=Verdict, default=Verdict.WAITING)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(  # none: by itself, after 7 days
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("optout_list", "digest", "cause"),
                condition=Q(verdict=Verdict.WAITING),
                name="one_waiting_a_list_address_and_cause",
            ),
        )
        indexes = (
            # Read by the quarantine screen and by the worker that accepts after 7 days.
            models.Index(
                fields=("optout_list", "refused_at"),
                condition=Q(verdict=Verdict.WAITING),
                name="quarantine_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"quarantined opt-out {self.pk} on list {self.optout_list_id}"
