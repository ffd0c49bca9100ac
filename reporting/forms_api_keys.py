"""Forms of a realm's API keys: a new one, and how long the old one goes on beside the one that replaces it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.key_actions import LONGEST_LABEL
from lists.models import List
from reporting.forms_entries import REASONABLE
from reporting.forms_overlap import OldEndsField, OverlapForm

_READ, _WRITE = "read", "write"
_WHOLE, _SOME = "whole", "some"
_NEVER, _ON_A_DAY = "never", "day"
_LIFETIMES = {
    "30": (_("After 30 days"), timedelta(days=30)),
    "90": (_("After 90 days"), timedelta(days=90)),
    "365": (_("After 1 year"), timedelta(days=365)),
}
_REACH_HELP = _(
    "Do Not Mail holds for every list, so a key that may read reads it whichever lists are ticked. To write to it, tick it. "
    "Contacts, and the older Contacts API in Atom and JSON, are about no single list: a program that uses them needs the "
    "whole realm."
)
_EXPIRY_HELP = _(
    "Its programs are refused then, and what they report is not recorded. Days are UTC."
)


class ApiKeyForm(forms.Form):
    """A new key. Of a valid one `values()` goes to make_api_key."""

    label = forms.CharField(
        label=_("Label"),
        max_length=LONGEST_LABEL,
        help_text=_(
            "Which program will use it, such as “Web shop”. Realm admins see it at each opt-out that it reports."
        ),
        error_messages={"required": _("Say which program will use it.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=(
            (_READ, _("Read: lists, opt-outs, contacts, look-ups, changes")),
            (_WRITE, _("Write: report opt-outs, lift suppressions, change contacts")),
        ),
        initial=[_READ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick one of them at least.")},
    )
    reach = forms.ChoiceField(
        label=_("It is for"),
        help_text=_REACH_HELP,
        choices=(
            (_WHOLE, _("The whole realm, later lists as well")),
            (_SOME, _("These lists only:")),
        ),
        initial=_WHOLE,
        widget=forms.RadioSelect,
    )
    lists = forms.MultipleChoiceField(
        label=_("Lists"), required=False, widget=forms.CheckboxSelectMultiple
    )
    expiry = forms.ChoiceField(
        label=_("It expires"),
        help_text=_EXPIRY_HELP,
        choices=(
            (_NEVER, _("Never")),
            *((key, label) for key, (label, _time) in _LIFETIMES.items()),
            (_ON_A_DAY, _("At the end of this day:")),
        ),
        initial=_NEVER,
        widget=forms.RadioSelect,
    )
    day = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[REASONABLE],
    )

    def __init__(self, lists: Iterable[List], now: datetime, *args: Any, **kwargs: Any) -> None:
        """`lists`: those of the realm."""
        super().__init__(*args, **kwargs)
        self._now = now
        self._lists = {str(each.pk): each for each in lists}
        field = cast("forms.MultipleChoiceField", self.fields["lists"])
        field.choices = [(pk, f"{each.number} – {each.name}") for pk, each in self._lists.items()]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        is_some = values.get("reach") == _SOME
        if is_some and "lists" in values and not values["lists"]:
            self.add_error("lists", ValidationError(gettext("Tick one list at least.")))
        if values.get("reach") == _WHOLE and values.get("lists"):
            text = gettext(
                "Some lists are ticked, and the whole realm is chosen. Choose one of the two."
            )
            self.add_error("reach", ValidationError(text))
        if values.get("expiry") == _ON_A_DAY and "day" in values:
            self._check_day(values["day"])
        return values

    def _check_day(self, day: date | None) -> None:
        if day is None:
            self.add_error("day", ValidationError(gettext("Enter the last day.")))
        elif day < self._now.astimezone(UTC).date():
            self.add_error("day", ValidationError(gettext("This day is over.")))

    def values(self) -> dict[str, Any]:
        """What make_api_key is told, but for the realm and who makes it."""
        cleaned = self.cleaned_data
        is_whole = cleaned["reach"] == _WHOLE
        return {
            "label": cleaned["label"],
            "may_read": _READ in cleaned["scopes"],
            "may_write": _WRITE in cleaned["scopes"],
            "lists": None if is_whole else [self._lists[pk] for pk in cleaned["lists"]],
            "expires_at": self._expires_at(),
        }

    def _expires_at(self) -> datetime | None:
        expiry = self.cleaned_data["expiry"]
        if expiry == _NEVER:
            return None
        if expiry == _ON_A_DAY:
            return datetime.combine(self.cleaned_data["day"], time(), UTC) + timedelta(days=1)
        return self._now + _LIFETIMES[expiry][1]


class ReplaceForm(OverlapForm):
    """When the old key ends."""

    old_ends = OldEndsField(
        "30d",
        label=_("The old key ends"),
        help_text=_("Until then both are let in. Put the new one into the program meanwhile."),
    )
