import secrets
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.choices import Accepts, DirectLinkMode, Language, ListKind, SmsStopScope
from lists.models.realms import Realm, validate_colour

DO_NOT_MAIL_NAME = "Do Not Mail"


def new_public_id() -> str:
    """An unguessable name for a list in links: 16 characters, 95 bits."""
    alphabet = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
    return "".join(secrets.choice(alphabet) for _ in range(16))


class List(models.Model):
    """What one opts out of: a newsletter, an offer, a topic.

    The realm's Do Not Mail is a row here too, of kind *global* and number 0, so that nothing needs a second way of asking.
    A list is never deleted, only closed: its links must go on working (security.md §7.5).
    """

    id = models.AutoField(
        primary_key=True
    )  # four bytes: it stands in every suppression and ledger row
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="lists")
    number = models.PositiveIntegerField(_("list number"))  # the `list_id` of api_web
    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    kind = models.CharField(max_length=10, choices=ListKind, default=ListKind.STANDARD)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    frequency = models.CharField(  # S2.2: "about once a week", on the preference page
        _("how often it comes"), max_length=60, blank=True, default="", db_default=""
    )
    # {kind: {language: text}}, the kinds of TextKind: what recipients read in other languages than the list's own.
    own_texts = models.JSONField(_("texts"), default=dict, db_default={}, blank=True)

    # How a recipient opts out (S0.7: each list has its own setup)
    direct_link_mode = models.CharField(
        _("direct link"), max_length=10, choices=DirectLinkMode, default=DirectLinkMode.CONFIRM
    )
    accepts = models.CharField(
        _("the form asks for"), max_length=10, choices=Accepts, default=Accepts.EMAIL
    )
    sms_stop_scope = models.CharField(  # S3.4: by default the number is out for the whole account
        _("STOP and the link in a text message end"),
        max_length=10,
        choices=SmsStopScope,
        default=SmsStopScope.REALM,
        db_default=SmsStopScope.REALM,
    )
    redirect_url = models.CharField(_("redirect to URL"), max_length=2000, blank=True)
    thank_you_texts = models.JSONField(_("thank-you texts"), default=dict, blank=True)
    locked_language = models.CharField(
        _("always show this language"), max_length=10, choices=Language, blank=True
    )
    default_language = models.CharField(
        _("default language"), max_length=10, choices=Language, blank=True
    )
    effect_hours = models.PositiveSmallIntegerField(  # S3.13
        _("hours until the last message stops"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
    )

    # What recipients are offered (S2.2)
    join_is_open = models.BooleanField(_("join form"), default=False, db_default=False)
    shown_in_preferences = models.BooleanField(
        _("show on the preference page"), default=True, db_default=False
    )
    asks_reason = models.BooleanField(
        _("ask for a reason afterwards"), default=True, db_default=True
    )
    # {language: [reason, …]}; empty: the realm's.
    reasons = models.JSONField(_("reasons"), default=dict, db_default={}, blank=True)

    # Brand; the logo is a row of its own (lists/models/logos.py)
    sender_name = models.CharField(_("sender name"), max_length=100, blank=True)
    colour = models.CharField(_("colour"), max_length=7, blank=True, validators=[validate_colour])
    contact = models.CharField(_("contact for questions"), max_length=254, blank=True)
    privacy_url = models.URLField(_("link to the privacy policy"), blank=True)

    # Who may call, and how often (security.md §2-4)
    whitelist = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("IP whitelist"),
        default=list,
        blank=True,
        size=200,
    )
    plain_download = models.BooleanField(_("allow downloads with clear addresses"), default=False)
    limit_confirm = models.PositiveIntegerField(default=5)
    limit_block = models.PositiveIntegerField(default=20)
    limit_block_day = models.PositiveIntegerField(default=100)
    limit_form = models.PositiveIntegerField(default=60)
    limit_hour = models.PositiveIntegerField(default=200)
    usual_hour = models.PositiveIntegerField(  # p95 of unsigned requests an hour, 28 days; kept by the worker
        default=0, editable=False
    )
    protected_until = models.DateTimeField(null=True, blank=True, editable=False)
    pixel_in_mail_at = (
        models.DateTimeField(  # a mail image proxy fetched the pixel (security.md §3.4)
            null=True, blank=True, editable=False
        )
    )
    accepts_quarantined = models.BooleanField(
        _("accept quarantined opt-outs after 7 days"), default=True
    )

    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("realm", "number")
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "number"), name="list_number_is_unique_in_its_realm"
            ),
            models.UniqueConstraint(
                fields=("realm",), condition=Q(kind="global"), name="realm_has_one_do_not_mail"
            ),
            models.CheckConstraint(
                condition=Q(kind="global", number=0) | Q(kind="standard", number__gt=0),
                name="do_not_mail_is_number_0",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ListKind.values), name="list_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(direct_link_mode__in=DirectLinkMode.values), name="list_mode_is_known"
            ),
            models.CheckConstraint(
                condition=Q(accepts__in=Accepts.values), name="list_accepts_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sms_stop_scope__in=SmsStopScope.values),
                name="list_sms_stop_scope_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.realm_id}/{self.number}"

    @property
    def is_global(self) -> bool:
        """Whether it is the realm's Do Not Mail."""
        return self.kind == ListKind.GLOBAL

    @property
    def sender(self) -> str:
        """The sender as recipients read it: the list's own, or the realm's."""
        return self.sender_name or self.realm.sender_name

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: a list that has a link somewhere in the world is closed, not deleted."""
        raise models.ProtectedError(
            "A list is closed, never deleted: its links must go on working.", {self}
        )
