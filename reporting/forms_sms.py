"""What people type about text messages: numbers, and what STOP means (S3.4). Who passes messages on: forms_sms_endpoints.py."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.choices import Language
from lists.forms import ask_kindly, validate_one_line
from lists.models import List, Realm, SmsNumber
from lists.models.sms import MOST_KEYWORDS
from lists.segments import Measure, measure
from lists.sms_actions import SENDER, SmsSetupError, require_confirmation
from lists.sms_setup import SmsRules
from optout.addresses import AddressError
from optout.choices import Meaning
from optout.keywords import BUILT_IN, FIRST_SEVEN, normal_form, read_meaning
from optout.sms_numbers import read_number
from reporting.send_editor.narrowing import why_not_give

LONGEST_KEYWORD = 40  # characters of its normal form
DROPPABLE = tuple(sorted(BUILT_IN - FIRST_SEVEN))
_KNOWN = BUILT_IN | {"arret", "optout"}  # the same words, spelled in another way
_SEPARATORS = re.compile(r"[\n,;]+")
_DEFAULTS = SmsRules()


class KeywordError(ValueError):
    """A word cannot stand for STOP; `str(error)` says which one and why."""


class SmsNumberForm(forms.Form):
    """A number that people text. `values()` of a valid one goes to the action."""

    number = forms.CharField(
        label=_("Number"),
        max_length=40,
        help_text=_(
            "With its country code, such as +1 800 555 0199, or a short code, such as 12345."
        ),
        error_messages={"required": _("Enter the number.")},
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=100,
        validators=[validate_one_line],
        help_text=_("What it is for, such as “Delivery texts”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    optout_list = forms.ChoiceField(
        label=_("List whose messages come from it"),
        required=False,
        help_text=_(
            "STOP to this number then reaches as far as that list says under Edit. Without a list it ends everything "
            "of this realm."
        ),
    )

    def __init__(
        self,
        *args: Any,
        realm: Realm,
        stored: SmsNumber | None = None,
        **kwargs: Any,
    ) -> None:
        """`realm`: whose number it is; its region reads numbers without a country code."""
        if stored is not None:
            kwargs["initial"] = {
                "number": stored.number,
                "label": stored.label,
                "optout_list": stored.optout_list.public_id if stored.optout_list else "",
            }
        super().__init__(*args, **kwargs)
        self._realm, self._stored = realm, stored
        lists = List.objects.filter(realm=realm).order_by("number")
        self._lists = {each.public_id: each for each in lists if not each.is_global}
        field = cast("forms.ChoiceField", self.fields["optout_list"])
        field.choices = [
            ("", gettext("None: the whole realm")),
            *((key, f"{each.number} – {each.name}") for key, each in self._lists.items()),
        ]

    def clean_number(self) -> str:
        try:
            return read_number(self.cleaned_data["number"], self._realm.default_region)
        except AddressError:
            sentence = gettext(
                "Write the number with its country code, like +18005550199, or a short code."
            )
            raise ValidationError(sentence) from None

    def clean(self) -> dict[str, Any]:
        """A list whose STOP ends it alone gets no number that others' messages came from lately."""
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = self._lists.get(cleaned.get("optout_list", ""))
        if "number" in cleaned:
            refusal = why_not_give(
                self._realm, cleaned["number"], chosen, timezone.now(), self._stored
            )
            if refusal:
                self.add_error("optout_list", refusal)
        return cleaned

    def values(self) -> dict[str, Any]:
        """{field of the number: value}."""
        chosen = self._lists.get(self.cleaned_data["optout_list"])
        return {
            "number": self.cleaned_data["number"],
            "label": self.cleaned_data["label"],
            "optout_list": chosen,
        }


@dataclass(frozen=True, slots=True)
class ConfirmationField:
    """The field of one language's text, the default in its place where it is empty, and how many messages that makes."""

    language: str
    field: forms.BoundField
    default: str
    measure: Measure


class SmsRulesForm(forms.Form):
    """What STOP and START mean, and what confirms a STOP. `values()` of a valid one goes to the action."""

    kept_keywords = forms.MultipleChoiceField(
        label=_("Further words that stop"),
        help_text=_("Untick a word that people text you for something else."),
        required=False,
        choices=[(word, word) for word in DROPPABLE],
        widget=forms.CheckboxSelectMultiple,
    )
    own_keywords = forms.CharField(
        label=_("Your own words"),
        help_text=format_lazy(
            _("One a line, at most {most}. Capitals, accents and punctuation make no difference."),
            most=MOST_KEYWORDS,
        ),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "spellcheck": "false"}),
    )
    start_lifts = forms.BooleanField(
        label=_("START takes STOP back"),
        help_text=_(
            "It lifts only what STOP has set: who also unsubscribed by a link or on a page stays out."
        ),
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        rules: SmsRules,
        sender: str,
        defaults: dict[str, str],
        **kwargs: Any,
    ) -> None:
        """`sender`: whose name stands in the text; `defaults`: the text of each language where none is entered."""
        kwargs["initial"] = {
            "kept_keywords": [word for word in DROPPABLE if word not in rules.dropped_keywords],
            "own_keywords": "\n".join(sorted(rules.own_keywords)),
            "start_lifts": rules.start_lifts,
        }
        super().__init__(*args, **kwargs)
        self._sender, self._defaults = sender, defaults
        for code, name in Language.choices:
            self.fields[f"confirmation_{code}"] = forms.CharField(
                label=gettext("Text in %(language)s") % {"language": name},
                required=False,
                initial=rules.confirmation_texts.get(code, ""),
                widget=forms.Textarea(
                    attrs={
                        "rows": 2,
                        "dir": "auto",
                        "lang": code,
                    }
                ),
            )
        ask_kindly(self)

    def clean_own_keywords(self) -> list[str]:
        try:
            words = read_keywords(_SEPARATORS.split(self.cleaned_data["own_keywords"]))
        except KeywordError as error:
            raise ValidationError(str(error)) from None
        if len(words) > MOST_KEYWORDS:
            raise ValidationError(
                gettext("At most %(most)d words are allowed.") % {"most": MOST_KEYWORDS}
            )
        return words

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for code in Language.values:
            name = f"confirmation_{code}"
            if name in values:
                text = values[name].replace("\r\n", "\n").strip()
                try:
                    require_confirmation(code, text)
                except SmsSetupError as error:
                    self.add_error(name, str(error))
        return values

    def values(self) -> dict[str, Any]:
        """{field of the rules: value}."""
        kept = set(self.cleaned_data["kept_keywords"])
        texts = {code: self.cleaned_data[f"confirmation_{code}"] for code in Language.values}
        return {
            "own_keywords": self.cleaned_data["own_keywords"],
            "dropped_keywords": [word for word in DROPPABLE if word not in kept],
            "start_lifts": self.cleaned_data["start_lifts"],
            "confirmation_texts": texts,
        }

    @property
    def confirmations(self) -> list[ConfirmationField]:
        """The fields of the texts, each with what it makes; an empty one with what the default makes."""
        return [
            ConfirmationField(
                code,
                field,
                "" if field.value() else self._filled(code, field),
                measure(self._filled(code, field)),
            )
            for code, field in ((each, self[f"confirmation_{each}"]) for each in Language.values)
        ]

    def _filled(self, code: str, field: forms.BoundField) -> str:
        text = str(field.value() or "").replace("\r\n", "\n").strip()
        return (text or self._defaults.get(code, "")).replace(SENDER, self._sender)


def read_keywords(words: Iterable[str]) -> list[str]:
    """Words of an owner as they are kept: in normal form, each once, without empty lines and built-in ones.

    Raises KeywordError.
    """
    found: dict[str, None] = {}
    for word in words:
        if not word.strip():
            continue
        shown = word.strip()[:LONGEST_KEYWORD]
        normal = normal_form(word)
        if not normal:
            raise KeywordError(gettext("“%(word)s” has no letter and no digit.") % {"word": shown})
        if len(normal) > LONGEST_KEYWORD:
            raise KeywordError(
                gettext("“%(word)s…” is too long: at most %(most)d characters.")
                % {"word": shown, "most": LONGEST_KEYWORD}
            )
        meaning = read_meaning(normal, _DEFAULTS).meaning
        if meaning == Meaning.START:
            raise KeywordError(
                gettext("“%(word)s” asks to get messages again. It cannot stop them.")
                % {"word": shown}
            )
        if normal not in _KNOWN:
            found[normal] = None
    return list(found)
