from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models import ApiKey, DownloadKey, List


class DownloadFormat(models.TextChoices):
    """What a suppression list can be downloaded as."""

    MD5 = "md5", "MD5"
    SHA256 = "sha256", "SHA-256"
    TXT = "txt", _("Plain text")
    CSV = "csv", "CSV"


class DownloadOutcome(models.TextChoices):
    """What became of a download."""

    STARTED = "started", _("Started")
    COMPLETE = "complete", _("Complete")
    UNCHANGED = "unchanged", _("Nothing new")
    BROKEN_OFF = "broken_off", _("Broken off")


class Download(models.Model):
    """One access to a list's suppressions: who, when, how many rows. What a list owner shows a regulator."""

    optout_list = models.ForeignKey(List, models.PROTECT, related_name="downloads")
    key = models.ForeignKey(  # none: from the portal, by a person
        DownloadKey, models.PROTECT, null=True, related_name="downloads"
    )
    api_key = models.ForeignKey(  # a program at the REST API; nothing looks downloads up by it
        ApiKey, models.PROTECT, null=True, related_name="downloads", db_index=False
    )
    user = models.ForeignKey("lists.User", models.PROTECT, null=True, related_name="downloads")
    format = models.CharField(max_length=10, choices=DownloadFormat)
    since = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=120)
    outcome = models.CharField(max_length=10, choices=DownloadOutcome)
    rows = models.PositiveBigIntegerField(default=0)
    left_out = models.PositiveBigIntegerField(
        default=0
    )  # sealed or hash-only rows that the format cannot show
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            # Read by the access screen, newest first.
            models.Index(fields=("optout_list", "-started_at"), name="download_of_list"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(format__in=DownloadFormat.values), name="download_format_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"download {self.pk} of list {self.optout_list_id}"
