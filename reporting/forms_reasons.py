"""What can be chosen on the report of reasons."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from reporting.forms_entries import REASONABLE
from reporting.stated_reasons import Period

_DATE = forms.DateInput(attrs={"type": "date"})


class PeriodForm(forms.Form):
    """Days in the URL, UTC, both included; each may be left out."""

    since = forms.DateField(label=_("From"), required=False, widget=_DATE, validators=[REASONABLE])
    until = forms.DateField(label=_("To"), required=False, widget=_DATE, validators=[REASONABLE])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", ValidationError(_("This day is before the first one.")))
        return values

    @property
    def is_used(self) -> bool:
        """Whether other days than the usual ones were asked for."""
        return self.is_bound and any(self.data.get(name) for name in self.fields)

    def period(self, today: date) -> Period:
        """The days of a valid form."""
        return Period.of(self.cleaned_data["since"], self.cleaned_data["until"], today)
