from django.db import models
from django.db.models import F

from lists.models import List
from optout.choices import Channel


class Consent(models.Model):
    """Somebody's own yes to a list: by the button that the join form's mail led to, or on the preference page (S2.2).

    The owner's proof: who agreed to which words, when it was asked for and when it was confirmed. Whether they still want it
    says the suppression, not this row.
    """

    optout_list = models.ForeignKey(  # consent_of_address and consent_of_list begin with it
        List, models.PROTECT, related_name="consents", db_index=False
    )
    digest = models.BinaryField(max_length=16)
    channel = models.PositiveSmallIntegerField(choices=Channel)
    language = models.CharField(max_length=10)
    wording = models.CharField(max_length=1000, blank=True, default="")
    asked_at = models.DateTimeField()
    asked_ip = models.GenericIPAddressField(null=True)
    confirmed_at = models.DateTimeField()
    confirmed_ip = models.GenericIPAddressField(null=True)
    confirmed_agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = (
            # Read by the check of an address.
            models.Index(F("optout_list"), F("digest"), name="consent_of_address"),
            # Read by the join form's figures, and by the night, which empties old IPs (AT-50).
            models.Index(fields=("optout_list", "confirmed_at"), name="consent_of_list"),
        )

    def __str__(self) -> str:
        return f"consent {self.pk}"
