"""What a realm sets up for its Global Unsubscribe: the switch, products, publishers, stored forms (seed 001)."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lists.models.lists import List, new_public_id
from lists.models.realms import Realm


class GlobalUnsubscribe(models.Model):
    """The door at which a realm takes global requests, by form and API (S1.3).

    Made when the realm switches it on for the first time and never deleted: while it is off, its key and its host names still
    belong to this realm, so that no other one gets what its forms send.
    """

    realm = models.OneToOneField(
        Realm, models.PROTECT, primary_key=True, related_name="global_unsubscribe"
    )
    key = models.CharField(  # names the realm in a URL: /g/<key>/unsubscribe/unsubscribe
        max_length=32, unique=True, default=new_public_id, editable=False
    )
    is_on = models.BooleanField("Unsubscribe API & Reporting", default=False)
    server_ips = (
        ArrayField(  # publishers' servers, which the limits of unsigned traffic do not bind
            models.CharField(max_length=50),
            verbose_name=_("publishers’ servers"),
            default=list,
            blank=True,
            size=200,
        )
    )

    def __str__(self) -> str:
        return f"Global Unsubscribe of realm {self.realm_id}"


class RealmHost(models.Model):
    """A host name that leads to one realm. Lower case, without a port."""

    host = models.CharField(max_length=253, primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="hosts")

    class Meta:
        ordering = ("host",)

    def __str__(self) -> str:
        return self.host


class Product(models.Model):
    """What a recipient had to do with, as the realm's websites number it (S1.15). Requests that name it go to its list.

    Never deleted: its number stands in the report. One that is not active counts as not in the system.
    """

    realm = models.ForeignKey(  # found by the unique constraint's index
        Realm, models.PROTECT, related_name="products", db_index=False
    )
    number = models.PositiveIntegerField(  # the `productId`
        _("product ID"), validators=[MinValueValidator(1)]
    )
    name = models.CharField(_("name"), max_length=100)
    optout_list = models.ForeignKey(  # none: the realm's Do Not Mail
        List,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="products",
        verbose_name=_("list"),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "number"), name="product_number_is_unique_in_its_realm"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="product_number_is_not_0"
            ),  # S1.15: 0 is "none"
        )

    def __str__(self) -> str:
        return self.name


class Publisher(models.Model):
    """Whose website sends requests; by the reference its scripts send as `pubID` (S1.17)."""

    realm = models.ForeignKey(  # found by the unique constraint's index
        Realm, models.PROTECT, related_name="publishers", db_index=False
    )
    reference = models.CharField(_("publisher ID"), max_length=60)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        ordering = ("name", "reference")
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "reference"), name="publisher_reference_is_unique_in_its_realm"
            ),
        )

    def __str__(self) -> str:
        return self.name


class StoredForm(models.Model):
    """A form that a publisher's website links to by its `uuid` alone: whose it is, what it asks for, and for what (S1.16).

    What the URL says of fields, labels, product and website wins over what is stored here; the publisher never does.
    """

    realm = models.ForeignKey(  # found by the unique constraint's index
        Realm, models.PROTECT, related_name="stored_forms", db_index=False
    )
    uuid = models.UUIDField("UUID", default=uuid.uuid4)
    name = models.CharField(_("name"), max_length=100)
    publisher = models.ForeignKey(
        Publisher, models.PROTECT, related_name="forms", verbose_name=_("publisher")
    )
    product = models.ForeignKey(  # none: what the URL says
        Product,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="forms",
        verbose_name=_("product"),
    )
    website = models.CharField(_("website"), max_length=200, blank=True)
    # Of email, phoneNumber, customField1 … 3, in the order in which they are shown
    fields = ArrayField(models.CharField(max_length=20), verbose_name=_("fields"), default=list)
    labels = models.JSONField(_("labels"), default=dict, blank=True)  # {"customField1": "Country"}
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("realm", "uuid"), name="form_uuid_is_unique_in_its_realm"
            ),
        )

    def __str__(self) -> str:
        return self.name
