"""What people type on a list's contacts: whom to look for, and whom to add."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from lists.choices import Accepts
from lists.contacts import known_fields
from lists.models import List
from optout.addresses import AddressError, parse_address
from optout.contacts import ContactRecord

MAX_LINES = 1_000
MAX_CHARACTERS = 200_000
_MAX_LINE = 4_000
_MAX_SHOWN = 80
_ONLY = "Write an address, or an address, a first and a last name, with commas between them."


class ContactSearchForm(forms.Form):
    """Which of a list's contacts."""

    q = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, clear: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].label = "Address, or how it begins" if clear else "A whole address"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was typed: whom it names, or why it cannot be read."""

    text: str
    record: ContactRecord | None
    problem: str = ""

    @property
    def shown(self) -> str:
        return self.text if len(self.text) <= _MAX_SHOWN else f"{self.text[:_MAX_SHOWN]}…"


class AddContactsForm(forms.Form):
    """Whom to add to a list, one a line."""

    addresses = forms.CharField(
        label="Contacts, one a line",
        max_length=MAX_CHARACTERS,
        error_messages={"required": "Enter at least one address."},
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )

    def __init__(self, optout_list: List, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.optout_list = optout_list
        example = "+44 20 7946 0958" if optout_list.accepts == Accepts.PHONE else "name@example.com"
        self.fields["addresses"].help_text = (
            f"{Accepts(optout_list.accepts).label}; with a name, if you like: {example}, Jane, Doe. "
            f"Up to {MAX_LINES:,} lines."
        )

    def clean_addresses(self) -> list[Line]:
        lines = [each for each in self.cleaned_data["addresses"].splitlines() if each.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(
                f"These are {len(lines):,} lines. Up to {MAX_LINES:,} can be added at once."
            )
        return [self._read(each.strip()) for each in lines]

    def keep_only(self, lines: Sequence[Line]) -> "AddContactsForm":
        """The form as it goes back: with the lines that could not be added, for whoever mends them."""
        rest = AddContactsForm(
            self.optout_list, {"addresses": "\n".join(each.text for each in lines)}
        )
        many = (
            "1 line was not added. It is"
            if len(lines) == 1
            else f"{len(lines):,} lines were not added. They are"
        )
        rest.add_error("addresses", f"{many} still in the box.")
        return rest

    def _read(self, text: str) -> Line:
        if len(text) > _MAX_LINE:
            return Line(text, None, "This is too long.")
        separator = "\t" if "\t" in text else ","  # as a spreadsheet's cells are copied
        (parts,) = csv.reader([text], delimiter=separator, skipinitialspace=True)
        address, *names = [each.strip() for each in parts]
        if len(names) > 2:
            return Line(text, None, _ONLY)
        given = {key: name for key, name in zip(("first", "last"), names, strict=False) if name}
        fields = known_fields(given)
        if fields is None:
            return Line(text, None, "A name is too long.")
        try:
            parsed = parse_address(
                address,
                self.optout_list.accepts,  # type: ignore[arg-type]
                self.optout_list.realm.default_region,
            )
        except AddressError as error:
            return Line(text, None, str(error))
        return Line(text, ContactRecord(parsed, fields))
