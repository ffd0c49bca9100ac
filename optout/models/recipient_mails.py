from django.db import models
from django.db.models import Q

from lists.models import List
from optout.choices import MailKind, MailState


class RecipientMail(models.Model):
    """A mail that somebody asked for by typing an address into a form of ours (S2.2), and what is needed to prove who asked.

    The request only writes this row, the same for every address; what the mail says is decided where it is sent, so that
    neither the answer nor its time tells whether the address is known (AT-03).
    """

    optout_list = models.ForeignKey(  # the list whose form it was
        List, models.PROTECT, related_name="recipient_mails", db_index=False
    )
    kind = models.PositiveSmallIntegerField(choices=MailKind)
    digest = models.BinaryField(max_length=16)
    mailbox = models.BinaryField(max_length=16)  # of the address without its plus tag
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=10)
    # What was agreed to, as it was read; of the join form alone.
    wording = models.CharField(max_length=1000, blank=True, default="")
    asked_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True, default="")

    state = models.PositiveSmallIntegerField(choices=MailState, default=MailState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # When it is tried next; while somebody tries it, when somebody else may.
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            # Read by the worker, which sends what is due.
            models.Index(fields=("due_at",), condition=Q(state=MailState.WAITING), name="mail_due"),
            # Read to see how many mails a person has had lately.
            models.Index(fields=("mailbox", "asked_at"), name="mail_of_mailbox"),
            # Read by the night's clearing out.
            models.Index(fields=("asked_at",), name="mail_by_age"),
        )

    def __str__(self) -> str:
        return f"recipient mail {self.pk}"
