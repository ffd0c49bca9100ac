from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models import ApiKey, List, Realm, User


class TextState(models.TextChoices):
    """How far a message of the Send editor is."""

    SENDING = "sending", _("Being sent")
    DONE = "done", _("Sent")
    STOPPED = "stopped", _("Stopped")


class RecipientState(models.IntegerChoices):
    """What became of one recipient's message, where it is worth a row."""

    CLAIMED = 1, _("Being handed over")
    REFUSED = 2, _("The gateway does not take it")
    UNKNOWN = 3, _("May have been sent or not")


class TextMessage(models.Model):
    """A text message that was handed over to the gateway, to a list's recipients or to a single number (S3.6).

    Whoever sends it moves `after` on to a recipient before that one is handed over: nobody is ever sent the same message twice.
    """

    id = models.AutoField(primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="text_messages")
    public_id = models.CharField(max_length=32, unique=True)
    optout_list = models.ForeignKey(  # none: to a single number
        List, models.PROTECT, null=True, related_name="text_messages"
    )
    number = models.CharField(max_length=16, blank=True)  # that single number
    text = models.TextField()  # with its placeholder
    sender = models.CharField(max_length=16, blank=True)  # a number of the realm; empty: SMS_FROM
    state = models.CharField(max_length=10, choices=TextState, default=TextState.SENDING)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="text_messages")
    made_by_key = models.ForeignKey(
        ApiKey, models.PROTECT, null=True, related_name="text_messages", db_index=False
    )
    created_at = models.DateTimeField()
    # How many could be written to then; none: counting them would have taken too long.
    recipient_count = models.IntegerField(null=True)
    finished_at = models.DateTimeField(null=True)
    # ── Written by the worker ──
    after = models.BinaryField(
        max_length=16, default=b"", db_default=b""
    )  # digest: so far the list was read
    rests_until = models.DateTimeField(null=True)  # after the gateway failed
    failures = models.IntegerField(default=0, db_default=0)  # of the gateway, in a row
    # Since the gateway last took one: recipients of whom nobody knows.
    unknown_in_row = models.IntegerField(default=0, db_default=0)
    sent = models.IntegerField(default=0, db_default=0)
    refused = models.IntegerField(default=0, db_default=0)
    unknown = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=TextState.values), name="text_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(optout_list__isnull=False) ^ ~Q(number=""),
                name="text_goes_to_a_list_or_a_number",
            ),
        )
        indexes = (
            # Read by the worker.
            models.Index(fields=("id",), condition=Q(state=TextState.SENDING), name="text_to_send"),
        )

    def __str__(self) -> str:
        return f"text message {self.pk}"


class TextRecipient(models.Model):
    """Who is being handed over, and whoever did not get the message, or perhaps did not."""

    message = models.ForeignKey(  # the constraint's index begins with it
        TextMessage, models.CASCADE, related_name="recipients", db_index=False
    )
    digest = models.BinaryField(max_length=16)
    number = models.CharField(max_length=16)
    state = models.PositiveSmallIntegerField(choices=RecipientState)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("message", "digest"), name="recipient_is_sent_a_message_once"
            ),
        )
        indexes = (
            # Read by the worker: what one that died has left.
            models.Index(
                fields=("message",),
                condition=Q(state=RecipientState.CLAIMED),
                name="text_recipient_claimed",
            ),
        )

    def __str__(self) -> str:
        return f"recipient of text message {self.message_id}"
