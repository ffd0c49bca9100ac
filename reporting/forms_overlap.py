"""When a secret or a key that is replaced ends: until then the old one holds beside the new one."""

from datetime import timedelta
from typing import Any

from django import forms

_OVERLAPS = {
    "0": ("At once", timedelta(0)),
    "24h": ("In 24 hours", timedelta(hours=24)),
    "7d": ("In 7 days", timedelta(days=7)),
    "30d": ("In 30 days", timedelta(days=30)),
}


class OldEndsField(forms.ChoiceField):
    """Choices up to `longest`, which is one of them."""

    def __init__(self, longest: str, **options: Any) -> None:
        most = _OVERLAPS[longest][1]
        choices = [(key, label) for key, (label, time) in _OVERLAPS.items() if time <= most]
        super().__init__(choices=choices, initial="24h", widget=forms.RadioSelect, **options)


class OverlapForm(forms.Form):
    """Its field `old_ends` is an OldEndsField, in the words of what is replaced."""

    @property
    def overlap(self) -> timedelta:
        """For how long both hold."""
        return _OVERLAPS[self.cleaned_data["old_ends"]][1]
