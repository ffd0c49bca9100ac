"""What can be filtered in the Global Unsubscribe report (S1.21)."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.global_actions import NOT_DEFINED
from optout.addresses import AddressError, parse_email, parse_phone
from optout.channels.global_unsubscribe.values import clean_publisher, clean_website
from reporting.forms_entries import REASONABLE
from reporting.global_report.report import (
    GlobalFilters,
    GlobalReader,
    GlobalReport,
    Order,
    Seen,
    Sort,
    default_order,
    orders_of,
)

# What somebody must know who looks for a part of a text. Anything but the whole of it would be a look at every line.
WHOLE = format_lazy(
    _(
        "Website, publisher ID, email and phone are looked for as a whole, not in part; a publisher ID also by its capital and "
        "small letters. {not_defined} finds what was not given."
    ),
    not_defined=NOT_DEFINED,
)
_NOT_IN_PART = _(
    "No request fits. Texts are looked for as a whole: shop.example finds neither shop.example/garden nor www.shop.example, and "
    "a publisher ID must have the same capital and small letters."
)
_DATE = forms.DateInput(attrs={"type": "date"})
_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_WORDS = {
    # of a column: what it is called, and how its two ends are
    Sort.ID: ("ID", _("highest first"), _("lowest first")),
    Sort.FIRST_SEEN: (_("First seen"), _("newest first"), _("oldest first")),
    Sort.LAST_SEEN: (_("Last seen"), _("newest first"), _("oldest first")),
    Sort.EMAIL: (_("Email"), _("Z to A"), _("A to Z")),
    Sort.PHONE: (_("Phone"), _("highest first"), _("lowest first")),
    Sort.PRODUCT: (_("Product"), _("highest ID first"), _("lowest ID first")),
    Sort.WEBSITE: (_("Website"), _("Z to A"), _("A to Z")),
    Sort.PUBLISHER: (_("Publisher"), _("Z to A"), _("A to Z")),
    Sort.COUNT: (_("Unsubscribe count"), _("highest first"), _("lowest first")),
}


def order_label(order: Order) -> str:
    """An order in words: "Last seen, newest first"."""
    name, high, low = _WORDS[order.sort]
    return f"{name}, {high if order.is_descending else low}"


def _text(label: Any, longest: int = 1000) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=longest, widget=forms.TextInput(attrs=_PLAIN)
    )


class GlobalReportForm(forms.Form):
    """Which lines of the report; everything is optional and stands in the URL. Days are UTC, both included.

    In a text field, NOT DEFINED finds the lines in which nothing was given there.
    """

    product = forms.TypedChoiceField(
        label=_("Product"), coerce=int, empty_value=None, required=False
    )
    seen = forms.ChoiceField(
        label=_("Days of"),
        choices=[(Seen.LAST, _("Last seen")), (Seen.FIRST, _("First seen"))],
        required=False,
    )
    since = forms.DateField(label=_("From"), required=False, widget=_DATE, validators=[REASONABLE])
    until = forms.DateField(label=_("To"), required=False, widget=_DATE, validators=[REASONABLE])
    website = _text(_("Website"), 500)
    publisher = _text(_("Publisher ID"), 60)
    email = _text(_("Email"))
    phone = _text(_("Phone"))
    # Not a ChoiceField: a link with an order that somebody may not have, or that nobody knows, shows the usual one.
    sort = forms.CharField(label=_("Order"), required=False, max_length=30, widget=forms.Select())

    def __init__(self, query: QueryDict, reader: GlobalReader) -> None:
        super().__init__(query)
        self._reader = reader
        numbers = reader.product_numbers
        none = [(0, gettext("0, none"))] if numbers is None or 0 in numbers else []
        named = [(each.number, f"{each.number}, {each.name}") for each in reader.products]
        product = cast("forms.TypedChoiceField", self.fields["product"])
        product.choices = [("", gettext("Any")), *none, *named]
        self._orders = {str(order): order for order in orders_of(reader)}
        choices = [(name, order_label(order)) for name, order in self._orders.items()]
        cast("forms.Select", self.fields["sort"].widget).choices = [
            ("", gettext("Newest first")),
            *choices,
        ]

    @property
    def shown(self) -> list[forms.BoundField]:
        """The filters. The order stands beside them where the table has no headings to press."""
        return [field for field in self if field.name != "sort"]

    @property
    def report(self) -> GlobalReport:
        """What is asked for; only of a valid form."""
        values = self.cleaned_data
        filters = GlobalFilters(
            seen=values["seen"],
            since=values["since"],
            until=values["until"],
            **{name: values[name] for name in ("product", "publisher", "website")},
            **{name: values[name] for name in ("email", "phone")},
        )
        order = self._orders.get(values["sort"]) or default_order(filters)
        return GlobalReport(self._reader, filters, order)

    @property
    def figured(self) -> GlobalReport | None:
        """What figures and chart are of: days and product. None where one of these is not understood, whatever the others are."""
        if {"product", "since", "until"} & set(self.errors):
            return None
        names = ("product", "since", "until")
        filters = GlobalFilters(**{name: self.cleaned_data[name] for name in names})
        return GlobalReport(self._reader, filters, default_order(filters))

    @property
    def nothing_found(self) -> str:
        """What to say where no line is left, by what was looked for; only of a valid form."""
        is_text = self.report.filters.has_texts
        return str(_NOT_IN_PART) if is_text else gettext("No request fits. Try other filters.")

    def clean_seen(self) -> Seen:
        return Seen(self.cleaned_data["seen"] or Seen.LAST)

    def clean_publisher(self) -> str | None:
        return self._wanted("publisher", clean_publisher)

    def clean_website(self) -> str | None:
        return self._wanted("website", clean_website)

    def clean_email(self) -> str | None:
        return self._wanted("email", lambda text: parse_email(text).key)

    def clean_phone(self) -> str | None:
        region = self._reader.realm.default_region
        return self._wanted("phone", lambda text: parse_phone(text, region).key)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", ValidationError(gettext("This day is before the first one.")))
        return values

    def _wanted(self, name: str, key: Callable[[str], str]) -> str | None:
        """None for any, empty for what was not given, else the text as the report keeps it."""
        text: str = self.cleaned_data[name]
        if not text:
            return None
        if text.upper() == NOT_DEFINED:
            return ""
        try:
            found = key(text)
        except AddressError as error:
            raise ValidationError(str(error)) from None
        if not found:
            raise ValidationError(gettext("There is nothing in it to look for."))
        return found
