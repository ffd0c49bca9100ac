"""The form in which a stored form is made and changed: what it asks for, in which order, and for whom (S1.16)."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.forms import ask_kindly, keep_to_one_line, validate_one_line
from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, FIELDS, LONGEST_LABEL, PHONE, UUID
from lists.models import Product, Publisher, StoredForm
from optout.channels.global_unsubscribe.values import clean_website

NAMES = {
    EMAIL: _("Email address"),
    PHONE: _("Phone number"),
    "customField1": _("Custom field 1"),
    "customField2": _("Custom field 2"),
    "customField3": _("Custom field 3"),
}
_PLACES = [
    ("", _("Not shown")),
    ("1", _("1st")),
    ("2", _("2nd")),
    ("3", _("3rd")),
    ("4", _("4th")),
    ("5", _("5th")),
]


class UuidField(forms.CharField):
    """A UUID as websites may have it, with or without hyphens; its value is a UUID, or None when nothing was typed."""

    def clean(self, value: Any) -> uuid.UUID | None:
        text = str(super().clean(value))
        if not text:
            return None
        if UUID.fullmatch(text) is None:
            raise ValidationError(
                gettext(
                    "This is no UUID. It has 32 digits and letters a to f, such as "
                    "0b8f6a52-4c1d-4f7e-9a3b-5d2e1f0c9b8a."
                )
            )
        return uuid.UUID(text)


class PublisherChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A publisher of the realm."""

    def label_from_instance(self, obj: Publisher) -> str:
        return f"{obj.name} ({obj.reference})"


class ProductChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A product of the realm."""

    def label_from_instance(self, obj: Product) -> str:
        named = f"{obj.number} – {obj.name}"
        return named if obj.is_active else gettext("%(product)s (not active)") % {"product": named}


class StoredFormForm(forms.Form):
    """A stored form. `values()` of a valid one goes to make_form or change_form; `preview_query()` works for any.

    A new one brings the UUID that it will have, so that what is sent twice makes one form.
    """

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For you and your colleagues.")
    )
    publisher = PublisherChoice(
        queryset=Publisher.objects.none(),
        label=_("Publisher"),
        empty_label=_("Choose a publisher"),
        help_text=_(
            "Whose website it is. Every request by this form is counted for this publisher."
        ),
    )
    product = ProductChoice(
        queryset=Product.objects.none(),
        label=_("Product"),
        required=False,
        empty_label=_("None: what the link says"),
        help_text=_("A productId in the link wins."),
    )
    website = forms.CharField(
        label=_("Website"),
        max_length=200,
        required=False,
        help_text=_(
            "Such as shop.example.com. Readers see it: “Stop emails and texts from …”. A website in the link wins."
        ),
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "spellcheck": "false", "inputmode": "url"}
        ),
    )
    own_uuid = UuidField(
        label="UUID",
        required=False,
        help_text=_(
            "Leave it empty, and the form gets a new one. Or bring the UUID that your websites link to already."
        ),
        widget=forms.TextInput(
            attrs={
                "class": "mono",
                "autocapitalize": "none",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    draft = UuidField(required=False, widget=forms.HiddenInput)
    is_active = forms.BooleanField(
        label=_("Active"),
        required=False,
        help_text=_("Off: its UUID counts as unknown, and links with it show the usual form."),
    )

    def __init__(
        self,
        *args: Any,
        publishers: QuerySet[Publisher],
        products: QuerySet[Product],
        stored: StoredForm | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["publisher"].queryset = publishers  # type: ignore[attr-defined]
        self.fields["product"].queryset = products  # type: ignore[attr-defined]
        keep_to_one_line(self)
        self._add_shown_fields()
        ask_kindly(self)
        if stored is None:
            del self.fields["is_active"]
            self.initial = {"draft": str(uuid.uuid4())} | _places([EMAIL, PHONE])
        else:
            del self.fields["own_uuid"], self.fields["draft"]
            names = ("name", "publisher", "product", "website", "is_active")
            labels = {f"label_{name}": text for name, text in stored.labels.items()}
            self.initial = {each: getattr(stored, each) for each in names} | labels
            self.initial |= _places(stored.fields)

    def show_again(self, typed: Mapping[str, str]) -> None:
        """Fill an unbound form with what was typed, right or wrong."""
        self.initial = {name: typed.get(name, "") for name in self.fields}

    def _add_shown_fields(self) -> None:
        """For each field that a form can show its place, and for a custom one its label."""
        for name in FIELDS:
            self.fields[f"place_{name}"] = forms.ChoiceField(
                label=NAMES[name], choices=_PLACES, required=False
            )
        for name in CUSTOM_FIELDS:
            self.fields[f"label_{name}"] = forms.CharField(
                label=gettext("Label of %(field)s") % {"field": str(NAMES[name]).lower()},
                max_length=LONGEST_LABEL,
                required=False,
                validators=[validate_one_line],
                widget=forms.TextInput(attrs={"dir": "auto"}),
            )

    @property
    def shown(self) -> list[tuple[forms.BoundField, forms.BoundField | None]]:
        """The choosers of places, each with its label's field where it has one."""
        return [
            (self[f"place_{name}"], self[f"label_{name}"] if name in CUSTOM_FIELDS else None)
            for name in FIELDS
        ]

    def clean_website(self) -> str:
        """As the report has it: without https:// and what stands behind the path."""
        return clean_website(str(self.cleaned_data["website"]))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = self._in_order()
        self._refuse_same_places()
        if not {EMAIL, PHONE} & set(chosen):
            self.add_error(
                f"place_{EMAIL}", gettext("A form must ask for an email address or a phone number.")
            )
        for name in CUSTOM_FIELDS:
            label = f"label_{name}"
            if name in chosen and label not in self.errors and not cleaned.get(label):
                self.add_error(label, gettext("Enter a label, or choose “Not shown”."))
        return cleaned

    def _refuse_same_places(self) -> None:
        for place, nth in _PLACES:
            names = [name for name in FIELDS if place and self._typed(f"place_{name}") == place]
            if len(names) > 1:
                *first, last = (str(NAMES[name]) for name in names)
                said = gettext(
                    "%(first)s and %(last)s have the same place, the %(nth)s. Choose another one here or there."
                )
                values = {"first": ", ".join(first), "last": last, "nth": nth}
                self.add_error(f"place_{names[-1]}", said % values)

    def values(self) -> dict[str, Any]:
        """{field of the form: value} of a valid form."""
        names = ("name", "publisher", "product", "website", "is_active")
        values = {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}
        values["fields"] = self._in_order()
        labels = {name: self.cleaned_data[f"label_{name}"] for name in CUSTOM_FIELDS}
        values["labels"] = {name: text for name, text in labels.items() if text}
        own = self.cleaned_data.get("own_uuid") or self.cleaned_data.get("draft")
        return values | ({"uuid": own} if own else {})

    def preview_query(self) -> str:
        """The parameters of a link that asks for what stands in the form, saved or not, with mistakes or without."""
        parameters = {"fields": ",".join(self._in_order())}
        for name in CUSTOM_FIELDS:
            parameters[f"fieldLabel[{name}]"] = self._typed(f"label_{name}")[:LONGEST_LABEL]
        parameters["website"] = self._typed("website")[:200]
        parameters["productId"] = self._product_number()
        given = {name: value for name, value in parameters.items() if value}
        return urlencode(given, safe=",[]", quote_via=quote)

    @property
    def has_labels(self) -> bool:
        """Whether custom fields stand in the preview, right or wrong."""
        return any(name in CUSTOM_FIELDS for name in self._in_order())

    def _product_number(self) -> str:
        try:
            product = self.fields["product"].clean(self["product"].value())
        except ValidationError:
            return ""
        return str(product.number) if product else ""

    def _in_order(self) -> list[str]:
        """The names of the fields to show, by their places; two in one place stand as they do above."""
        places = {name: self._typed(f"place_{name}") for name in FIELDS}
        known = {place for place, _label in _PLACES if place}
        return sorted((name for name in FIELDS if places[name] in known), key=lambda n: places[n])

    def _typed(self, name: str) -> str:
        value = self[name].value()
        return value.strip() if isinstance(value, str) else ""


def _places(fields: list[str]) -> dict[str, str]:
    return {f"place_{name}": str(number) for number, name in enumerate(fields, start=1)}
