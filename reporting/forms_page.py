"""The forms of the page editor: what is written in a language, and what holds for every language."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lists.choices import Language, TextKind
from lists.default_texts import COLUMNS
from lists.forms import MAX_THANKS, ask_kindly, keep_to_one_line
from lists.models import List, Realm
from lists.models.realms import validate_colour
from lists.pictures import MOST_UPLOADED, Picture, PictureError, read_picture
from lists.reserved_names import is_reserved_name
from optout.pages import brand_colours
from reporting.page_texts import (
    REASONS,
    THANKS,
    default_language,
    kinds_of,
    read_texts,
    split_reasons,
)

MOST_REASONS, LONGEST_REASON = 8, 80  # they are buttons below each other, on a phone too
_LONGEST = {  # characters; a page has 6 KB
    TextKind.NAME: 100,
    TextKind.DESCRIPTION: 300,
    TextKind.FREQUENCY: 60,
    TextKind.MESSAGE: 300,
    TextKind.CONSENT: 300,
    THANKS: MAX_THANKS,
    REASONS: MOST_REASONS * (LONGEST_REASON + 2),
}
_LABELS = {
    TextKind.NAME: gettext_lazy("Name"),
    TextKind.DESCRIPTION: gettext_lazy("Description"),
    TextKind.FREQUENCY: gettext_lazy("How often it comes"),
    TextKind.MESSAGE: gettext_lazy("Your message"),
    THANKS: gettext_lazy("Thank-you text"),
    TextKind.CONSENT: gettext_lazy("Consent"),
    REASONS: gettext_lazy("Reasons, one a line"),
}
_HELP = {
    TextKind.DESCRIPTION: gettext_lazy("What people get from this list, in a sentence."),
    TextKind.FREQUENCY: gettext_lazy("Such as “about once a week”."),
    TextKind.MESSAGE: gettext_lazy(
        "In your own words, plain text. People read it wherever they unsubscribe, sign up or choose what they get."
    ),
    THANKS: gettext_lazy("After somebody opted out. Links may stand in it: https://…"),
    TextKind.CONSENT: gettext_lazy("What people agree to when they sign up, beside a box to tick."),
    REASONS: gettext_lazy("What people who left can choose from. Empty: five reasons of ours."),
}
# Where a text is seen that most states do not show: the preview goes there while it is written.
_SHOWN_IN = {
    TextKind.FREQUENCY: "preferences",
    TextKind.CONSENT: "join",
    THANKS: "done",
    REASONS: "done",
}
_EMPTY = gettext_lazy("Empty: the realm's.")
_ONE_LINE = (TextKind.NAME, TextKind.FREQUENCY)


class TextsForm(forms.Form):
    """What is written for a list or realm in one language."""

    def __init__(
        self,
        subject: List | Realm,
        language: str,
        data: Mapping[str, Any] | None = None,
        initial: dict[str, str] | None = None,
    ) -> None:
        super().__init__(data, initial=initial, prefix="text")
        self.subject, self.language = subject, language
        for kind in kinds_of(subject):
            self.fields[kind] = self._field(kind)
        keep_to_one_line(self)
        ask_kindly(self)

    def _field(self, kind: str) -> forms.CharField:
        attrs = {"lang": self.language, "dir": "auto"}
        if kind in _SHOWN_IN:
            attrs["data-state"] = _SHOWN_IN[kind]
        is_needed = kind == TextKind.NAME and self.language == default_language(self.subject)
        return forms.CharField(
            label=_LABELS[kind],
            help_text=self._help(kind),
            required=is_needed,
            max_length=_LONGEST[kind],
            widget=forms.TextInput(attrs)
            if kind in _ONE_LINE
            else forms.Textarea({**attrs, "rows": 2 if kind in COLUMNS else 3}),
        )

    def _help(self, kind: str) -> str:
        """What is meant; and what is read instead of an empty text."""
        says = str(_HELP.get(kind, ""))
        default = default_language(self.subject)
        if kind in COLUMNS and self.language != default:
            instead = read_texts(self.subject, default)[kind]
            if instead:
                return f"{says} " + _("Empty: “%(text)s”.") % {"text": instead}
        elif self._realm_has(kind):
            return f"{says} {_EMPTY}"
        return says

    def _realm_has(self, kind: str) -> bool:
        if isinstance(self.subject, Realm):
            return False
        return bool(read_texts(self.subject.realm, self.language).get(kind))

    def clean_name(self) -> str:
        """Not the name of Do Not Mail, which has no field for its own (S2.4)."""
        name = str(self.cleaned_data["name"])
        if is_reserved_name(name):
            raise ValidationError(
                _("Only the list of those who want nothing at all is named Do Not Mail.")
            )
        return name

    def clean_reasons(self) -> str:
        """A few short lines."""
        reasons = split_reasons(self.cleaned_data["reasons"])
        if len(reasons) > MOST_REASONS:
            raise ValidationError(
                ngettext("At most %(most)d reason.", "At most %(most)d reasons.", MOST_REASONS)
                % {"most": MOST_REASONS}
            )
        if any(len(each) > LONGEST_REASON for each in reasons):
            raise ValidationError(
                _("A reason has at most %(most)d characters.") % {"most": LONGEST_REASON}
            )
        return "\n".join(reasons)

    def typed(self) -> dict[str, str]:
        """What was sent, right or wrong."""
        return {kind: str(self[kind].value() or "") for kind in self.fields}

    def written(self) -> dict[str, str]:
        """The texts of a valid form."""
        return {kind: self.cleaned_data[kind].replace("\r\n", "\n") for kind in self.fields}


class LogoField(forms.FileField):
    """A picture; its value is the Picture that is to be kept."""

    widget = forms.FileInput

    def clean(self, data: Any, initial: Any = None) -> Picture | None:
        """None where no file was chosen."""
        if not isinstance(data, UploadedFile):
            return None
        try:
            return read_picture(data.read(MOST_UPLOADED + 1))
        except PictureError as error:
            raise ValidationError(str(error)) from error


class BrandForm(forms.Form):
    """What holds for every language of a list, or of a realm's lists without their own."""

    sender_name = forms.CharField(label=gettext_lazy("Sender name"), required=False, max_length=100)
    colour = forms.CharField(
        label=gettext_lazy("Colour"),
        help_text=gettext_lazy("Of the button, such as #1d4ed8."),
        required=False,
        validators=[validate_colour],
        widget=forms.TextInput({"class": "short mono", "autocapitalize": "none"}),
    )
    logo = LogoField(
        label=gettext_lazy("Logo"),
        help_text=gettext_lazy(
            "PNG, JPEG, WebP or GIF, at most 1 MB. It is made to fit 480 × 120 pixels."
        ),
        required=False,
        widget=forms.FileInput({"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)
    contact = forms.CharField(
        label=gettext_lazy("Contact for questions"),
        help_text=gettext_lazy(
            "An email address, phone number or web address that recipients see."
        ),
        required=False,
        max_length=254,
    )
    privacy_url = forms.URLField(
        label=gettext_lazy("Link to the privacy policy"),
        required=False,
        assume_scheme="https",
        max_length=200,
        widget=forms.TextInput({"inputmode": "url", "autocapitalize": "none"}),
    )
    default_language = forms.ChoiceField(
        label=gettext_lazy("Default language"),
        help_text=gettext_lazy(
            "When the reader's browser asks for a language that Heed does not have."
        ),
        required=False,
    )
    locked_language = forms.ChoiceField(
        label=gettext_lazy("Always show this language"),
        help_text=gettext_lazy("Whatever the reader's browser asks for."),
        required=False,
    )
    asks_reason = forms.BooleanField(
        label=gettext_lazy("Ask for a reason afterwards"),
        help_text=gettext_lazy("On the page that says that it is done. Nobody has to answer."),
        required=False,
    )

    def __init__(
        self, subject: List | Realm, data: Any = None, files: Any = None, initial: Any = None
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.subject = subject
        if isinstance(subject, List):
            for name, of_realm in (
                ("sender_name", subject.realm.sender_name),
                ("colour", subject.realm.colour),
                ("contact", subject.realm.support_address),
                ("privacy_url", subject.realm.privacy_url),
            ):
                if of_realm:
                    instead = _("Empty: “%(text)s”, the realm’s.") % {"text": of_realm}
                    self.fields[name].help_text = f"{self.fields[name].help_text} {instead}"
            for name, none in (
                ("default_language", _("The realm's")),
                ("locked_language", _("No")),
            ):
                self.fields[name].choices = [("", none), *Language.choices]  # type: ignore[attr-defined]
        else:
            self.fields["contact"].label = _("Support address")
            for name in ("sender_name", "default_language", "locked_language", "asks_reason"):
                del self.fields[name]
        keep_to_one_line(self)

    def clean_privacy_url(self) -> str:
        """http and https only."""
        url = str(self.cleaned_data["privacy_url"])
        if url and not url.lower().startswith(("https://", "http://")):
            raise ValidationError(_("The address must begin with https:// or http://."))
        return url

    def typed(self) -> dict[str, Any]:
        """What was sent, right or wrong, but files."""
        return {name: self[name].value() for name in self.fields if name != "logo"}

    def values(self) -> dict[str, Any]:
        """{field of the list or realm: value}, of those that are right; the logo is a row of its own."""
        names = set(self.fields) - {"logo", "remove_logo"}
        found = {name: value for name, value in self.cleaned_data.items() if name in names}
        if isinstance(self.subject, Realm) and "contact" in found:
            found["support_address"] = found.pop("contact")
        return found


def brand_of(subject: List | Realm) -> dict[str, Any]:
    """What the brand form of a list or realm begins with."""
    if isinstance(subject, Realm):
        return {
            "colour": subject.colour,
            "contact": subject.support_address,
            "privacy_url": subject.privacy_url,
        }
    names = ("sender_name", "colour", "contact", "privacy_url", "default_language", "locked_language", "asks_reason")  # fmt: skip
    return {name: getattr(subject, name) for name in names}


def contrast_of(colour: str) -> tuple[str, float] | None:
    """(colour of the text on a button, contrast) for a colour like #1d4ed8 (WCAG 2.2); None for anything else."""
    found = brand_colours(colour)
    if found is None:
        return None
    red, green, blue = (_linear(each) for each in re.findall("[0-9a-fA-F]{2}", colour))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return found[1], max(1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05)


def _linear(channel: str) -> float:
    value = int(channel, 16) / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
