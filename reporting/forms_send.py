"""What people write in the Send editor."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.models import List, Realm, SmsNumber
from optout.addresses import AddressError, example_phone, parse_phone
from reporting.send_editor.drafts import Draft
from reporting.send_editor.messages import default_sender
from reporting.send_editor.senders import only_list_of
from reporting.send_editor.texts import (
    MOST_CHARACTERS,
    PLACEHOLDER,
    TextRefusedError,
    check_text,
    is_blank,
    plain_text,
)

TO_LIST, TO_NUMBER = "list", "number"
_MOST_KEPT = 2 * MOST_CHARACTERS  # of what is shown again: too long it is in any case
_NAME = re.compile(r"[0-9A-Za-z]{16}")
_FIELD_OF = {"text": "text", "list": "optout_list", "to": "number", "from": "sender"}


class SenderSelect(forms.Select):
    """The numbers that a message may come from. One whose STOP ends a single list is offered for that list alone; the page's
    script does the same when another one is selected."""

    def __init__(self, only: Mapping[str, str], chosen: str) -> None:
        """`only`: {number: public id of that list}; `chosen`: that of the list the message goes to, if any."""
        super().__init__()
        self._only, self._chosen = only, chosen

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        only = self._only.get(str(value))
        if only is not None:
            option["attrs"]["data-list"] = only
            if self._chosen not in {"", only} and not option["selected"]:
                option["attrs"] |= {"hidden": True, "disabled": True}
        return option


class SendForm(forms.Form):
    """A message, and whom it goes to. `draft()` is what stands there, right or not; of a valid one all of it can be sent."""

    kind = forms.ChoiceField(
        label=_("To"),
        choices=((TO_LIST, _("A list")), (TO_NUMBER, _("A single number"))),
        initial=TO_LIST,
        widget=forms.RadioSelect,
    )
    optout_list = forms.ChoiceField(label=_("Select List"), required=False)
    number = forms.CharField(
        label=_("Phone number"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    text = forms.CharField(
        label=_("Message"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off"}),
    )
    sender = forms.ChoiceField(label=_("From"), required=False)

    def __init__(
        self,
        realm: Realm,
        lists: Iterable[List],
        *args: Any,
        may_number: bool,
        needs_text: bool = True,
        **kwargs: Any,
    ) -> None:
        """`lists`: those that the person may send to; `may_number`: whether also to single numbers. `needs_text`: whether an
        empty message is an error."""
        super().__init__(*args, **kwargs)
        self._realm = realm
        self._needs_text = needs_text
        self._lists = {each.public_id: each for each in lists}
        field = cast("forms.ChoiceField", self.fields["optout_list"])
        field.choices = [
            ("", gettext("Select…")),
            *((key, f"{each.number} – {each.name}") for key, each in self._lists.items()),
        ]
        if not may_number:
            kind = cast("forms.ChoiceField", self.fields["kind"])
            kind.choices = [(TO_LIST, gettext("A list"))]
        self._offer_senders(list(realm.sms_numbers.select_related("optout_list")))

    @property
    def is_to_list(self) -> bool:
        """Whether a list is meant, and so the opt-out link can be inserted."""
        return self._given("kind") != TO_NUMBER

    def draft(self) -> Draft:
        """What stands there now."""
        text, found = _kindly(self._given("text")), self._chosen_list()
        sender = self._given("sender") if "sender" in self.fields else ""
        sender = sender or default_sender(self._realm, found)
        return Draft(self._realm, found, self._number(), text, self.is_to_list, sender)

    def _chosen_list(self) -> List | None:
        return self._lists.get(self._given("optout_list")) if self.is_to_list else None

    def with_link(self) -> dict[str, str]:
        """What stands there, with the opt-out link at the end of the message if it is nowhere in it."""
        given = self.given()
        text = given["text"].rstrip()
        if PLACEHOLDER not in text:
            given["text"] = f"{text} {PLACEHOLDER}".lstrip()
        return given

    def with_plain_characters(self) -> dict[str, str]:
        """What stands there, with the dashes and quotation marks that every phone knows."""
        given = self.given()
        return given | {"text": plain_text(given["text"])}

    def given(self) -> dict[str, str]:
        """What stands there, to be sent along by the next page."""
        return {name: self._given(name) for name in self.fields}

    def add_refusal(self, refusal: TextRefusedError) -> None:
        """Show it beside what is wrong."""
        name = _FIELD_OF[refusal.field]
        if name == "optout_list" and not self.is_to_list:
            name = "text"
        self.add_error(name if name in self.fields else None, str(refusal))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.is_to_list:
            if not values.get("optout_list") and "optout_list" not in self.errors:
                self.add_error("optout_list", gettext("Select a list."))
        elif not self._number():
            self._refuse_number(values.get("number", ""))
        text = values.get("text", "")
        if is_blank(text) and not self._needs_text:
            values["text"] = ""
        else:
            try:
                values["text"] = check_text(text, self.draft().list_id)
            except TextRefusedError as error:
                self.add_error("text", str(error))
        return values

    def _offer_senders(self, numbers: list[SmsNumber]) -> None:
        if not numbers:
            del self.fields["sender"]
            return
        field = cast("forms.ChoiceField", self.fields["sender"])
        only = {each.number: only_list_of(each) for each in numbers}
        chosen = self._chosen_list()
        field.widget = SenderSelect(
            {number: found.public_id for number, found in only.items() if found is not None},
            chosen.public_id if chosen else "",
        )
        field.choices = [
            ("", gettext("Default")),
            *((each.number, _named(each.number, each.label)) for each in numbers),
        ]

    def _given(self, name: str) -> str:
        """As it was sent, or as it stands there at first."""
        initial = self.get_initial_for_field(self.fields[name], name)
        value = self.data.get(name) if self.is_bound else initial
        return str(value or "")[:_MOST_KEPT]

    def _number(self) -> str:
        """The number in E.164; empty where it is none, or a list is meant."""
        if self.is_to_list:
            return ""
        try:
            address = parse_phone(self._given("number"), self._realm.default_region)
        except AddressError:
            return ""
        return address.key if len(address.key) <= 16 else ""

    def _refuse_number(self, text: str) -> None:
        try:
            parse_phone(text, self._realm.default_region)
        except AddressError as error:
            self.add_error("number", str(error))
        else:
            sentence = gettext("Enter a phone number, such as %(example)s.")
            example = example_phone(self._realm.default_region)
            self.add_error("number", sentence % {"example": example})


class SendNowForm(forms.Form):
    """The name that the page gave the message: whoever presses Send twice sends it once."""

    name = forms.CharField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not _NAME.fullmatch(name):
            raise ValidationError(gettext("Please press Send again."))
        return name


def _kindly(text: str) -> str:
    """As it will be kept, where it can be: how long it is counted is how long it is sent."""
    try:
        return check_text(text, 0)
    except TextRefusedError:
        return text


def _named(number: str, label: str) -> str:
    return f"{number} – {label}" if label else number
