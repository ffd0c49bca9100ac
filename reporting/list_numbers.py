"""The number of a list, by which the scripts of api_web call it (`list_id`): typed on two screens, free or taken."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.access import Standing
from lists.models import List
from lists.numbers import LARGEST_NUMBER

_DIGITS = re.compile(r"0*([1-9][0-9]{0,8})")  # ASCII: what api_web reads
_NOT_A_NUMBER = _("Write a whole number from 1 to %(largest)d, in digits alone.")


class ListNumberField(forms.CharField):
    """A list's number; its value is an int, or None when nothing was typed.

    Not an IntegerField, which takes `٣` and `1_000`; without maxlength, which would cut what is pasted in silence.
    """

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "numeric", "autocomplete": "off", "class": "short"}
        super().__init__(label=_("List number"), widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> int | None:
        text = str(super().clean(value))
        if not text:
            return None
        digits = _DIGITS.fullmatch(text)
        if digits is None:
            raise ValidationError(_NOT_A_NUMBER, params={"largest": LARGEST_NUMBER})
        return int(digits[1])


def say_taken(standing: Standing, holder: List) -> str:
    """That the holder has this number already; its name only for who knows of that list."""
    if standing.lists().filter(pk=holder.pk).exists():
        said = gettext("The list “%(list)s” has the number %(number)d already.")
    else:
        said = gettext("Another list has the number %(number)d already.")
    return said % {"list": holder.name, "number": holder.number}
