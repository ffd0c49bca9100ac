from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models import List


class NoticeKind(models.TextChoices):
    """What an owner is told about a list without having asked."""

    BLOCKED_IP = "blocked_ip", _("An IP address was blocked")
    UNLISTED_SERVER = "unlisted_server", _("A server that is not on the whitelist called")
    PROTECTED_MODE = "protected_mode", _("The list is in protected mode")
    PIXEL_IN_MAIL = "pixel_in_mail", _("The pixel was put inside a mail")
    UNCLEAR_TEXT = "unclear_text", _("Texts that may mean STOP wait")


class Notice(models.Model):
    """Something that an owner is told once: on the list's pages, and by mail."""

    optout_list = models.ForeignKey(List, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind)
    subject = models.CharField(max_length=50)  # the network it is about, or nothing
    raised_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("optout_list", "kind", "subject"),
                condition=Q(settled_at=None),
                name="told_once_until_settled",
            ),
        )
        indexes = (
            # Read by the worker that mails them.
            models.Index(fields=("raised_at",), condition=Q(mailed_at=None), name="notice_to_mail"),
        )

    def __str__(self) -> str:
        return f"{self.kind} on list {self.optout_list_id}"
