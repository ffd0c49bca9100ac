"""What an owner sets up for text messages: numbers that people text back to, who passes their answers on, and what STOP means."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from lists.models.lists import List
from lists.models.realms import Realm

MOST_KEYWORDS = 50
MOST_ALLOWED = 200
LONGEST_CONFIRMATION = 480  # characters, with the longest sender's name in it: three messages

# E.164, or a short code of one country, which has no country code.
validate_number = RegexValidator(
    r"\A(?:\+[0-9]{7,15}|[0-9]{3,8})\Z",
    _("Write the number with its country code, like +18005550199, or a short code."),
)


class SmsSetup(models.Model):
    """What holds for every text message of a realm. A realm without a row has the defaults (lists/sms_setup.py)."""

    realm = models.OneToOneField(Realm, models.PROTECT, primary_key=True, related_name="sms_setup")
    # Further words that stop, and built-in ones that shall not, as optout/keywords.py writes them.
    own_keywords = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, size=MOST_KEYWORDS
    )
    dropped_keywords = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, size=MOST_KEYWORDS
    )
    start_lifts = models.BooleanField(_("START takes STOP back"), default=False, db_default=False)
    # {language: text} of the one message that confirms a STOP. An empty one: the default.
    confirmation_texts = models.JSONField(default=dict, db_default={}, blank=True)

    def __str__(self) -> str:
        return f"text messages of realm {self.realm_id}"


class SmsNumber(models.Model):
    """A number that a realm's messages come from, and that people text STOP to."""

    id = models.AutoField(primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="sms_numbers")
    number = models.CharField(_("number"), max_length=16, validators=[validate_number])
    label = models.CharField(_("label"), max_length=100, blank=True)
    # The list whose messages come from it; STOP then reaches as far as that list says. None: the whole realm.
    optout_list = models.ForeignKey(
        List, models.PROTECT, null=True, blank=True, related_name="sms_numbers"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "number"), name="sms_number_is_unique_in_its_realm"
            ),
        )

    def __str__(self) -> str:
        return f"number {self.pk}"


class InboundFormat(models.TextChoices):
    """How a gateway passes on what people texted."""

    GENERIC = "generic", _("JSON or form")
    TWILIO = "twilio", _("Twilio")


class ConfirmsBy(models.TextChoices):
    """How the one message goes out that confirms a STOP."""

    GATEWAY = "gateway", _("A message through the SMS gateway")
    ANSWER = "answer", _("In the answer to the gateway’s call")
    NOBODY = "nobody", _("Not by Heed: the gateway does it")


class InboundEndpoint(models.Model):
    """An address of ours to which a realm's gateway passes on what people text."""

    id = models.AutoField(primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="inbound_endpoints")
    public_id = models.CharField(max_length=32, unique=True)
    label = models.CharField(_("label"), max_length=100, blank=True)
    format = models.CharField(
        _("format"), max_length=10, choices=InboundFormat, default=InboundFormat.GENERIC
    )
    confirms_by = models.CharField(
        _("STOP is confirmed"), max_length=10, choices=ConfirmsBy, default=ConfirmsBy.GATEWAY
    )
    allow_list = ArrayField(  # empty: from anywhere
        models.CharField(max_length=50),
        verbose_name=_("IP allow-list"),
        default=list,
        blank=True,
        size=MOST_ALLOWED,
    )
    # What its secret is made of (lists/sealed.py); the old one opens as well until then.
    salt = models.BinaryField(max_length=16)
    old_salt = models.BinaryField(max_length=16, null=True)
    old_salt_until = models.DateTimeField(null=True)
    # Twilio's own secrets, sealed: the auth token, and the second one while it is changed there.
    sealed_token = models.BinaryField(max_length=200, default=b"", db_default=b"")
    other_sealed_token = models.BinaryField(max_length=200, default=b"", db_default=b"")

    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    # When a message last came in, and when a call was last refused and why: to the minute.
    last_used_at = models.DateTimeField(null=True)
    last_refused_at = models.DateTimeField(null=True)
    last_refusal = models.CharField(max_length=100, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(format__in=InboundFormat.values),
                name="inbound_format_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(confirms_by__in=ConfirmsBy.values),
                name="inbound_confirms_by_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"inbound endpoint {self.pk}"

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: what came in by it names it. It is removed with `removed_at`."""
        raise models.ProtectedError("An inbound endpoint is removed, never deleted.", {self})
