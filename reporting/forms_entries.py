"""What people type on a list's entries and in "Check an address"."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.choices import Kind, Medium
from reporting.entries import CHANNEL_CHOICES

_ANY = ("", _("Any"))
_DATE = forms.DateInput(attrs={"type": "date"})
REASONABLE = MaxValueValidator(date(2999, 12, 31), _("Enter a day that will come."))


def _choices(of: type[Medium] | type[Kind]) -> list[tuple[Any, Any]]:
    return [_ANY, *of.choices]


class EntryFilterForm(forms.Form):
    """Which ledger rows of a list; everything is optional and stands in the URL. Days are UTC, both included."""

    q = forms.CharField(
        label=_("Address or hash"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    channel = forms.TypedChoiceField(
        label=_("Channel"), choices=CHANNEL_CHOICES, coerce=int, empty_value=None, required=False
    )
    medium = forms.TypedChoiceField(
        label=_("Medium"), choices=_choices(Medium), coerce=int, empty_value=None, required=False
    )
    kind = forms.TypedChoiceField(
        label=_("What"), choices=_choices(Kind), coerce=int, empty_value=None, required=False
    )
    since = forms.DateField(label=_("From"), required=False, widget=_DATE, validators=[REASONABLE])
    until = forms.DateField(label=_("To"), required=False, widget=_DATE, validators=[REASONABLE])
    new_only = forms.BooleanField(label=_("New only"), required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", ValidationError(gettext("This day is before the first one.")))
        return values

    @property
    def is_used(self) -> bool:
        """Whether anything is filtered."""
        return self.is_bound and any(self.cleaned_data.get(name) for name in self.fields)

    @property
    def is_slow(self) -> bool:
        """Whether the filter is one that no index answers: rows may have to be read that are not shown."""
        names = ("channel", "medium", "kind", "new_only")
        return not self.cleaned_data.get("q") and any(self.cleaned_data.get(name) for name in names)


class LiftForm(forms.Form):
    """Why a suppression shall end."""

    note = forms.CharField(
        label=_("Why may this address be contacted again?"),
        help_text=_(
            "It is kept with the entry, for whoever asks later. Do not write an address here."
        ),
        max_length=300,
        error_messages={"required": _("Say why: somebody will ask.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class CheckForm(forms.Form):
    """An address or hash to ask about."""

    q = forms.CharField(
        label=_("Address or hash"),
        help_text=_("An email address, a phone number, or an MD5, SHA-1 or SHA-256 of one."),
        max_length=1000,
        error_messages={"required": _("Enter an address, a phone number or a hash.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
