from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models import Realm, User
from optout.choices import Medium
from optout.models.fields import Xid8Field


class ReportKind(models.TextChoices):
    """What is reported."""

    OPT_OUTS = "opt_outs", _("Who unsubscribed")
    SINCE_DOWNLOAD = "since_download", _("What is new since my last download")


class ReportRhythm(models.TextChoices):
    """How often."""

    IMMEDIATE = "immediate", _("At once")
    DAILY = "daily", _("Daily")
    WEEKLY = "weekly", _("Weekly")


class UnsubscriptionReport(models.Model):
    """A person's wish to be told of a realm's opt-outs, by mail or SMS (S3.8). Both: two rows. Off: none.

    The cursor says how far they were told: whatever the ledger got since goes into the next report.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="unsubscription_reports")
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="unsubscription_reports")
    kind = models.CharField(max_length=15, choices=ReportKind)
    medium = models.SmallIntegerField(choices=Medium)
    rhythm = models.CharField(max_length=10, choices=ReportRhythm)
    phone = models.CharField(max_length=20, blank=True)  # E.164; of SMS only
    xid = Xid8Field()
    last_id = models.BigIntegerField()
    due_at = models.DateTimeField()  # when the next one is due, or the next try
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)  # since when it cannot be sent

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "realm", "kind", "medium"),
                name="one_report_a_person_kind_and_medium",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ReportKind.values), name="report_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(rhythm__in=ReportRhythm.values), name="report_rhythm_is_known"
            ),
        )
        indexes = (
            # Read by the worker each minute: who is to be told now.
            models.Index(fields=("due_at",), name="report_due"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for user {self.user_id} in realm {self.realm_id}"
