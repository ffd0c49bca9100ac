"""The address that a request gives: which parameter, how it is read, what is wrong with it (S0.5, S0.6)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.utils.translation import gettext_lazy as _

from lists.lookup import ListSnapshot
from optout.addresses import Accepts, Address, AddressError, parse_address, parse_email, parse_phone

PARAMETERS = ("item", "email", "phone")
_MOST_VALUES = 10  # repeated values that are read before a request counts as contradictory
_KEPT = 254  # characters of an unusable address that the form gives back

# A merge tag that no mail tool filled in: {item}, {{ email }}, *|EMAIL|*, [[email]], %EMAIL%, %%email%%, ${email}, <%= email %>
_MERGE_TAG = re.compile(
    r"[{\[<%$#*|]{1,4}(?=[^a-z]*[a-z])[\w\s.,:|$=%+'\"()-]{1,80}[}\]>%#*|]{1,4}", re.IGNORECASE
)

type Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Given:
    """What a request says about the address: a usable one, or what is wrong with it, or neither.

    `text` is what was typed or sent, fit to be shown again.
    """

    address: Address | None = None
    error: AddressError | None = None
    text: str = ""

    @property
    def is_unfilled(self) -> bool:
        """Whether there is only a merge tag where the address should be: the sender's mistake, not the reader's."""
        return self.error is not None and _MERGE_TAG.fullmatch(self.text) is not None


NOTHING = Given()


def read_given(fields: Fields, optout_list: ListSnapshot) -> Given:
    """The address in the parameters `item`, `email` and `phone`; blank ones count as missing.

    Parameters that name different addresses are an error: acting on one of them might be the wrong one.
    """
    values = [
        # a plus alone is a template whose variable was empty: `phone=+${phone}`
        (name, value)
        for name in PARAMETERS
        for value in fields.get(name, ())
        if value.replace("+", " ").strip()
    ]
    if not values:
        return NOTHING
    text = _showable(values[0][1])
    if len(values) > _MOST_VALUES:
        return Given(error=contradiction(), text=text)
    try:
        addresses = [_read(name, value, optout_list) for name, value in values]
    except AddressError as error:
        return Given(error=error, text=text)
    if len({address.key for address in addresses}) > 1:
        return Given(error=contradiction(), text=text)
    return Given(address=addresses[0], text=text)


def _read(name: str, value: str, optout_list: ListSnapshot) -> Address:
    if name == "email":
        return parse_email(value)
    if name == "phone":
        return parse_phone(value, optout_list.region)
    return parse_address(value, cast("Accepts", optout_list.accepts), optout_list.region)


def contradiction() -> AddressError:
    """What is wrong with an address that was given more than once, differently."""
    return AddressError("repeated", _("The link names more than one address. Enter yours."))


def _showable(text: str) -> str:
    """What a text field can show: no control, bidi or surrogate characters, and not 64 KiB of it."""
    kept = (
        character
        for character in text[: 4 * _KEPT]
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn"}
    )
    return "".join(kept).strip()[:_KEPT]
