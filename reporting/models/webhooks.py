from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models import ApiKey, Realm, User
from optout.choices import Channel, Medium
from optout.models.fields import Xid8Field


class WebhookFormat(models.TextChoices):
    """What an endpoint gets of a phone number's opt-out. Everything else goes out as Standard Webhooks JSON."""

    STANDARD = "standard", _("Standard Webhooks (JSON)")
    SMS_JSON = "sms-json", _("Opt-out callback, three fields as JSON")
    SMS_FORM = "sms-form", _("Opt-out callback, three fields as a form")


class OffCause(models.TextChoices):
    """Why an endpoint gets nothing any more."""

    OWNER = "owner", _("Switched off by hand")
    GONE = "gone", _("The receiver answered 410 Gone")
    FAILING = "failing", _("Nothing could be delivered for 75 hours")


class WebhookEndpoint(models.Model):
    """An address of an owner's system which we tell of every opt-out (S3.9), and how far it has been told.

    The sender alone moves the cursor and writes the state below it (reporting/webhooks/); people and programs write the rest.
    """

    id = models.AutoField(primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="webhook_endpoints")
    public_id = models.CharField(max_length=32, unique=True)  # `wh_…`, in URLs and the REST API
    label = models.CharField(_("label"), max_length=100, blank=True)
    url = models.CharField(_("URL"), max_length=2000)
    format = models.CharField(
        _("format"), max_length=10, choices=WebhookFormat, default=WebhookFormat.STANDARD
    )
    # The realm's “Default Optout Callback URL” (S3.11), or the one of a single list, which takes its place there.
    is_callback = models.BooleanField(default=False)
    # Primary keys of the lists it is told of, Do Not Mail always with them. None: the whole realm, later lists as well.
    list_ids = ArrayField(models.IntegerField(), null=True, blank=True)
    channels = ArrayField(  # None: every channel, later ones as well
        models.SmallIntegerField(choices=Channel), null=True, blank=True
    )
    medium = models.SmallIntegerField(  # None: both
        _("medium"), choices=Medium, null=True, blank=True
    )
    gets_lifts = models.BooleanField(_("lifts as well"), default=True)
    batches = models.BooleanField(_("several in one when many wait"), default=True)

    # What its secret is made of (reporting/webhooks/signing.py); the old one signs as well until then.
    salt = models.BinaryField(max_length=16)
    old_salt = models.BinaryField(max_length=16, null=True)
    old_salt_until = models.DateTimeField(null=True)

    made_by = models.ForeignKey(  # none: a program, or an operator's command
        User, models.PROTECT, null=True, related_name="webhook_endpoints"
    )
    made_by_key = models.ForeignKey(
        ApiKey, models.PROTECT, null=True, related_name="webhook_endpoints", db_index=False
    )
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # its log goes with the next night
    off_at = models.DateTimeField(null=True)
    off_cause = models.CharField(max_length=10, choices=OffCause, blank=True)
    off_told_at = models.DateTimeField(
        null=True
    )  # when its owners were mailed that we switched it off
    # One more with each change of the above that matters to the sender (not of the label or the secret): of what it does by an
    # older one, only what arrived counts.
    revision = models.IntegerField(default=0)

    # ── Written by the sender ──
    xid = Xid8Field()  # everything up to and including (xid, last_id) has been made into deliveries
    last_id = models.BigIntegerField()
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(
        null=True
    )  # the first of the failures since the last success

    class Meta:
        ordering = ("-is_callback", "created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("realm",),
                condition=Q(is_callback=True, list_ids=None, removed_at=None),
                name="one_default_callback_a_realm",
            ),
            models.UniqueConstraint(
                fields=("realm", "list_ids"),
                condition=Q(is_callback=True, removed_at=None),
                name="one_callback_a_list",
            ),
            models.CheckConstraint(
                condition=Q(format__in=WebhookFormat.values), name="webhook_format_is_known"
            ),
            models.CheckConstraint(
                condition=Q(off_at=None, off_cause="")
                | Q(off_at__isnull=False, off_cause__in=OffCause.values),
                name="webhook_is_off_for_a_cause",
            ),
        )

    def __str__(self) -> str:
        return f"webhook endpoint {self.pk} of realm {self.realm_id}"

    @property
    def is_on(self) -> bool:
        """Whether opt-outs are sent to it."""
        return self.off_at is None and self.removed_at is None


class DeliveryState(models.IntegerChoices):
    """How far a delivery has come."""

    QUEUED = (
        1,
        _("Queued"),
    )  # asked for by a person or a program (a test, a replay); no sender has it yet
    WAITING = 2, _("Waiting")  # for its first try or the next one, in the hands of a sender
    DELIVERED = 3, _("Delivered")
    FAILED = 4, _("Failed")  # a dead letter: kept, and sent again when somebody asks for it


class Failure(models.TextChoices):
    """Why a try failed where no answer says so."""

    REFUSED = "refused", _("The connection was refused")
    UNREACHABLE = "unreachable", _("The receiver cannot be reached")
    NAME = "name", _("The host name is not known")
    TLS = "tls", _("The certificate or the encryption is not right")
    TIMEOUT = "timeout", _("No whole answer within 15 seconds")
    BROKEN = "broken", _("The connection broke off, or the answer is no HTTP")
    FORBIDDEN = "forbidden", _("The address is inside a network that Heed may not call")
    STATUS = "status", _("The answer was not 2xx")


class WebhookDelivery(models.Model):
    """One message to an endpoint: what it says, and what became of it. Kept for a while as the delivery log."""

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(  # found by the index below
        WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False
    )
    # `webhook-id`, with "msg_" before it: the same on each try, and never again, also after a restore.
    message = models.UUIDField()
    is_test = models.BooleanField(default=False)
    # The changes it tells of, as /api/v1/changes tells them; one, or several where many waited. `source` beside (S3.10).
    changes = models.JSONField()
    recorded_at = models.DateTimeField()  # of the first of them
    created_at = models.DateTimeField()
    state = models.SmallIntegerField(choices=DeliveryState)
    due_at = models.DateTimeField()  # when the next try is due
    step = models.SmallIntegerField(
        default=0
    )  # how many of the ten tries of the timetable are over
    tries = models.IntegerField(default=0)  # all of them, also those out of turn
    first_tried_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    took_ms = models.IntegerField(
        null=True
    )  # of the last try, from the first octet to the end of the answer
    status = models.SmallIntegerField(null=True)  # of the last answer
    failure = models.CharField(max_length=15, choices=Failure, blank=True)  # of the last try
    answer = models.CharField(
        max_length=1000, blank=True
    )  # the beginning of what the receiver said
    # A person's or program's wish to send it (again).
    asked_by = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = (
            # Read by the delivery log, newest first.
            models.Index(fields=("endpoint", "-id"), name="delivery_of_endpoint"),
            # Read by the sender: what to take up after a start, and what was asked for.
            models.Index(
                fields=("endpoint", "state", "id"),
                condition=Q(state__in=(1, 2)),
                name="delivery_to_do",
            ),
            # Read by the sender: what goes before a hundred thousand replays.
            models.Index(
                fields=("endpoint", "id"),
                condition=Q(state__in=(1, 2), is_test=True) | Q(state=1, asked_by=""),
                name="delivery_before_replays",
            ),
            # Read by "replay all failed since", and by the count of them.
            models.Index(
                fields=("endpoint", "recorded_at"), condition=Q(state=4), name="delivery_failed"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk} to webhook endpoint {self.endpoint_id}"

    @property
    def webhook_id(self) -> str:
        """The header `webhook-id`."""
        return f"msg_{self.message.hex}"
