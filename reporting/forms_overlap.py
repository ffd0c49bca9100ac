"""When a secret or a key that is replaced ends: until then the old one holds beside the new one."""

import hashlib
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_OVERLAPS = {
    "0": (_("At once"), timedelta(0)),
    "24h": (_("In 24 hours"), timedelta(hours=24)),
    "7d": (_("In 7 days"), timedelta(days=7)),
    "30d": (_("In 30 days"), timedelta(days=30)),
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


class RotateForm(OverlapForm):
    """When the old secret of an endpoint ends.

    `replaces` tells which one was current when the form was shown: a second click replaces nothing (`mark_of`).
    """

    replaces = forms.CharField(widget=forms.HiddenInput, required=False)

    def is_about(self, salt: bytes | memoryview) -> bool:
        """Whether the secret that shall be replaced, made of this salt, is still the one in force."""
        return bool(self.cleaned_data["replaces"] == mark_of(salt))


def mark_of(salt: bytes | memoryview) -> str:
    """What tells one secret of an endpoint from another, and nothing of the secret."""
    return hashlib.sha256(bytes(salt)).hexdigest()[:16]
