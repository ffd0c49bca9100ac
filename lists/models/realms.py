from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from lists.choices import Language

validate_realm_name = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]{1,62}\Z", _("Use lower-case letters, digits, hyphens and underscores.")
)

validate_colour = RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", _("Write a colour like #1d4ed8."))


class Realm(models.Model):
    """A tenant: the people, lists and addresses that one global opt-out covers."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(  # the `realm=` of api_web: S4.3
        _("realm name"), max_length=63, unique=True, validators=[validate_realm_name]
    )
    sender_name = models.CharField(
        _("sender name"), max_length=100, help_text=_("Recipients see it on every page.")
    )
    support_address = models.CharField(  # S3.14
        _("support address"), max_length=254, blank=True, help_text=_("Shown to recipients.")
    )
    default_language = models.CharField(
        _("default language"), max_length=10, choices=Language, default=Language.EN
    )
    default_region = models.CharField(  # ISO 3166; read when a phone number has no country code
        _("default country for phone numbers"), max_length=2, default="US"
    )
    # {language: text}. A list's own text wins over it (S0.8).
    thank_you_texts = models.JSONField(_("thank-you texts"), default=dict, blank=True)

    # Brand, where a list has none of its own
    colour = models.CharField(
        _("colour"),
        max_length=7,
        blank=True,
        default="",
        db_default="",
        validators=[validate_colour],
    )
    privacy_url = models.URLField(
        _("link to the privacy policy"), blank=True, default="", db_default=""
    )
    # {"message": {language: text}}: of TextKind, what may hold for every list.
    own_texts = models.JSONField(_("texts"), default=dict, db_default={}, blank=True)
    # {language: [reason, …]} that people who opted out can choose from; empty: Heed's own.
    reasons = models.JSONField(_("reasons"), default=dict, db_default={}, blank=True)

    # What the realm's programs may do (api_web: S4.13, S4.20)
    uses_customer_key = models.BooleanField(
        _("customer key"),
        default=False,
        db_default=False,
        help_text=_("Commands must name each contact by customer key and email address."),
    )
    approved_ips = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("approved IPs"),
        default=list,
        db_default=[],
        blank=True,
        size=200,
    )
    refuses_get = models.BooleanField(
        _("accept commands by POST only"),
        default=False,
        db_default=False,
        help_text=_("With GET the password stands in the URL, and so in the logs on the way."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
