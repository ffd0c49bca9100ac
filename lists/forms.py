"""Forms of the screens where a realm and its people are set up."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumbers import SUPPORTED_REGIONS

from lists.choices import Language, Role
from lists.models import List, Realm

MAX_THANKS = 600  # characters; the whole done page has 6 KB


def add_thank_you_fields(form: forms.BaseForm, texts: Mapping[str, str], language: str) -> None:
    """Give a form a field for the thank-you text in that language: plain text in any script, https links allowed (S0.8).

    The other languages have their place on the page editor. A program that still sends `thank_you_de` here gets its field too.
    """
    for code, label in Language.choices:
        if code == language or f"thank_you_{code}" in form.data:
            form.fields[f"thank_you_{code}"] = thank_you_field(
                gettext("Thank-you text in %(language)s") % {"language": label},
                code,
                texts.get(code, ""),
            )


def thank_you_field(label: str, language: str = "", initial: str = "") -> forms.CharField:
    """A field for a thank-you text."""
    return forms.CharField(
        label=label,
        required=False,
        max_length=MAX_THANKS,
        initial=initial,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "lang": language}),
    )


def thank_you_texts(form: forms.BaseForm, before: Mapping[str, str]) -> dict[str, str]:
    """{language: text} as it is to be kept: what a valid form says, and `before` in the languages of which it says nothing."""
    said = {
        code: form.cleaned_data[name].replace("\r\n", "\n")
        for code in Language.values
        if (name := f"thank_you_{code}") in form.cleaned_data
    }
    return {code: text for code, text in {**before, **said}.items() if text}


def thank_you_names(form: forms.BaseForm) -> list[str]:
    """The names of those fields that the form has."""
    return [name for code in Language.values if (name := f"thank_you_{code}") in form.fields]


def keep_to_one_line(form: forms.BaseForm) -> None:
    """Refuse line breaks and other control characters in a form's one-line texts: names end up in headers and titles."""
    for field in form.fields.values():
        if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.Textarea):
            field.validators.append(validate_one_line)


def validate_one_line(text: str) -> None:
    """A validator: ValidationError for control characters."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValidationError(_("Write this in one line, without control characters."))


def ask_kindly(form: forms.BaseForm) -> None:
    """Let an empty field say what to do, "Enter a name.", where it has no words of its own."""
    for field in form.fields.values():
        if field.error_messages.get("required") != forms.Field.default_error_messages["required"]:
            continue
        label = str(field.label or "value")
        if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
            field.error_messages["required"] = gettext("Choose one.")
        elif isinstance(field, forms.IntegerField):
            field.error_messages["required"] = gettext("Enter a number.")
        else:
            words = {"name": label[0].lower() + label[1:], "label": label}
            # Translators: the field, “name”, “email address”. %(label)s is the same with its capital letter.
            said = gettext("Enter a %(name)s.")
            if label[0].lower() in "aeiou":
                # Translators: English needs “an” before some letters; say it as above.
                said = gettext("Enter an %(name)s.")
            field.error_messages["required"] = said % words


class RealmForm(forms.ModelForm):  # type: ignore[type-arg]
    """What holds for every list of a realm unless the list says otherwise. `values()` of a valid one goes to change_realm."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_to_one_line(self)
        ask_kindly(self)
        add_thank_you_fields(self, self.instance.thank_you_texts, self.instance.default_language)

    # No maxlength: it would silently make "Ge" (Georgia) of "Germany".
    default_region = forms.CharField(
        label=_("Default country for phone numbers"),
        help_text=_("Two letters, such as US, GB or DE. Read when a number has no country code."),
        widget=forms.TextInput(attrs={"class": "short", "autocapitalize": "characters"}),
    )

    class Meta:
        model = Realm
        fields = ("sender_name", "support_address", "default_language", "default_region")
        labels = {"support_address": _("Support address")}
        help_texts = {
            "sender_name": _("Who sends: recipients see it on every page."),
            "support_address": _(
                "An email address, phone number or web address for recipients who need help."
            ),
            "default_language": _(
                "What recipients read when neither their browser nor the list says."
            ),
        }

    def clean_default_region(self) -> str:
        """ISO 3166: two letters, in upper case."""
        region = str(self.cleaned_data["default_region"]).strip().upper()
        if region not in SUPPORTED_REGIONS:
            raise ValidationError(
                _(
                    "Write the country as two letters: US for the United States, GB for Britain, DE for Germany."
                )
            )
        return region

    def values(self) -> dict[str, Any]:
        names = ("sender_name", "support_address", "default_language", "default_region")
        own = {name: self.cleaned_data[name] for name in names}
        return own | {"thank_you_texts": thank_you_texts(self, self.instance.thank_you_texts)}

    @property
    def thanks(self) -> list[forms.BoundField]:
        return [self[name] for name in thank_you_names(self)]


class ListsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Lists to tick, each with its number."""

    def label_from_instance(self, obj: List) -> str:
        return f"{obj.number} – {obj.name}"


class MemberForm(forms.Form):
    """A member's role and lists."""

    role = forms.ChoiceField(
        choices=Role.choices, initial=Role.MAILER, widget=forms.RadioSelect, label=_("Role")
    )
    lists = ListsField(
        queryset=List.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Lists"),
        help_text=_("For list owners and mailers. Realm admins and viewers see every list."),
    )

    def __init__(self, *args: Any, lists: QuerySet[List], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lists"].queryset = lists  # type: ignore[attr-defined]
        ask_kindly(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") in {Role.ADMIN, Role.VIEWER}:
            cleaned["lists"] = []  # they need none
        elif "lists" in cleaned and not cleaned["lists"] and cleaned.get("role") == Role.MAILER:
            self.add_error("lists", _("Choose the lists that this mailer sends to."))
        return cleaned


class InviteForm(MemberForm):
    """Somebody new."""

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("email", "role", "lists")
