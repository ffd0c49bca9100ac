from django.db import models

from lists.models.lists import List
from lists.models.people import User
from lists.models.realms import Realm


class AuditEntry(models.Model):
    """Who changed what in a realm. Append-only; never an address, never a secret."""

    realm = models.ForeignKey(Realm, models.PROTECT, related_name="audit_entries")
    optout_list = models.ForeignKey(
        List, models.PROTECT, null=True, related_name="audit_entries", db_index=False
    )
    actor = models.ForeignKey(  # none: the worker
        User, models.PROTECT, null=True, related_name="audit_entries"
    )
    action = models.CharField(max_length=50)  # verb_noun, such as "revert_optouts"
    detail = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = (
            # Read by the list's history, newest first.
            models.Index(fields=("realm", "-recorded_at"), name="audit_of_realm"),
            # Read by programs that poll for when a list last changed.
            models.Index(fields=("optout_list", "recorded_at"), name="audit_of_list"),
        )

    def __str__(self) -> str:
        return f"{self.action} in realm {self.realm_id}"
