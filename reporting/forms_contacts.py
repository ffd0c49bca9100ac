"""What people type on a list's contacts: whom to look for, and whom to add."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from lists.choices import Accepts
from lists.contacts import known_fields
from lists.models import List
from optout.addresses import AddressError, parse_address
from optout.contacts import ContactRecord

MAX_LINES = 1_000
MAX_CHARACTERS = 200_000
_MAX_LINE = 4_000
_MAX_SHOWN = 80
_ONLY = _("Write an address, or an address, a first and a last name, with commas between them.")
_ONE_A_LINE = _("One address a line.")
_ADDRESS_FIRST = _("The address comes first.")
_HEADER = re.compile(
    r"(e-?mail|mail|phone|telephone|mobile|telefon|handy)([ _-]?(address|adresse|number|nummer))?|address|adresse|tel\.?|msisdn",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"[^"]*"')


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
        self.fields["q"].label = _("Address, or how it begins") if clear else _("A whole address")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was typed: whom it names, or why it cannot be read."""

    text: str
    record: ContactRecord | None
    problem: str | Promise = ""

    @property
    def shown(self) -> str:
        return self.text if len(self.text) <= _MAX_SHOWN else f"{self.text[:_MAX_SHOWN]}…"


class AddContactsForm(forms.Form):
    """Whom to add to a list, one a line. No `maxlength`: a browser would cut what is pasted, in silence and in mid-line."""

    addresses = forms.CharField(
        label=_("Contacts, one a line"),
        error_messages={"required": _("Enter at least one address.")},
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
        self.header = ""  # the first line, when it names the columns
        example = "+44 20 7946 0958" if optout_list.accepts == Accepts.PHONE else "name@example.com"
        help_text = gettext(
            "%(accepts)s; with a name, if you like: %(example)s, Jane, Doe. Rows of a spreadsheet can be pasted as they are. "
            "Up to %(most)s lines."
        )
        self.fields["addresses"].help_text = help_text % {
            "accepts": Accepts(optout_list.accepts).label,
            "example": example,
            "most": f"{MAX_LINES:,}",
        }

    def clean_addresses(self) -> list[Line]:
        text: str = self.cleaned_data["addresses"]
        lines = [each.strip() for each in text.splitlines() if each.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(
                _("These are %(lines)s lines. Up to %(most)s can be added at once."),
                params={"lines": f"{len(lines):,}", "most": f"{MAX_LINES:,}"},
            )
        if len(text) > MAX_CHARACTERS:
            raise ValidationError(_("This is too much text for so few lines. Add them in parts."))
        if _is_header(lines[0]):
            self.header = lines.pop(0)
        if not lines:
            raise ValidationError(_("Enter at least one address."))
        return [self._read(each) for each in lines]

    def keep_only(self, lines: Sequence[Line]) -> "AddContactsForm":
        """The form as it goes back: with the lines that could not be added, for whoever mends them."""
        rest = AddContactsForm(
            self.optout_list, {"addresses": "\n".join(each.text for each in lines)}
        )
        said = ngettext(
            "%(count)s line was not added. It is still in the box.",
            "%(count)s lines were not added. They are still in the box.",
            len(lines),
        )
        rest.add_error("addresses", said % {"count": f"{len(lines):,}"})
        return rest

    def _read(self, text: str) -> Line:
        if len(text) > _MAX_LINE:
            return Line(text, None, _("This is too long."))
        address, *names = _cells(text)
        if any(_is_like_an_address(each) for each in names):
            return Line(text, None, _ONE_A_LINE if _is_like_an_address(address) else _ADDRESS_FIRST)
        if len(names) > 2:
            return Line(text, None, _ONLY)
        try:
            parsed = parse_address(
                address,
                self.optout_list.accepts,  # type: ignore[arg-type]
                self.optout_list.realm.default_region,
            )
        except AddressError as error:
            return Line(text, None, _ONE_A_LINE if address.count("@") > 1 else str(error))
        display_name = _display_name(address)
        if display_name.lower() == parsed.key:
            display_name = ""
        if _is_like_an_address(display_name):
            return Line(text, None, _ONE_A_LINE)
        given = {key: name for key, name in zip(("first", "last"), names, strict=False) if name}
        fields = known_fields({**_split_name(display_name), **given})
        if fields is None:
            return Line(text, None, _("A name is too long."))
        return Line(text, ContactRecord(parsed, fields))


def _cells(text: str) -> list[str]:
    """A line's cells: with tabs between them as spreadsheets copy them, or whichever of `,` and `;` comes first."""
    bare = _QUOTED.sub("", text)
    separator = next((each for each in bare if each in ",;"), ",")
    if "\t" in text:
        separator = "\t"
    (cells,) = csv.reader([text], delimiter=separator, skipinitialspace=True)
    cells = [each.strip() for each in cells]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    return cells


def _is_header(line: str) -> bool:
    """Whether it is a spreadsheet's first row, which says what the columns are."""
    if len(line) > _MAX_LINE or "@" in line:
        return False
    return any(_HEADER.fullmatch(each) for each in _cells(line))


def _is_like_an_address(text: str) -> bool:
    """Whether it must not be taken for a name."""
    return "@" in text or sum(map(str.isdigit, text)) >= 7


def _display_name(address: str) -> str:
    """The name in `Jo Do <jo@example.com>`."""
    name, _bracket, _rest = address.rpartition("<")
    return name.strip("\"' ")


def _split_name(name: str) -> dict[str, str]:
    """First and last name of `Jo Do`, or of `Do, Jo`."""
    last, comma, first = name.partition(",")
    if not comma:
        first, _space, last = name.partition(" ")
    given = {"first": first.strip(), "last": last.strip()}
    return {key: part for key, part in given.items() if part}
