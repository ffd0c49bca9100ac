"""Forms of a list: its settings, and the three steps of a new one. Here and not in `lists`, since optout's rules decide."""

import copy
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lists.choices import SmsStopScope
from lists.forms import (
    add_thank_you_fields,
    ask_kindly,
    keep_to_one_line,
    thank_you_field,
    thank_you_names,
    thank_you_texts,
)
from lists.models import List
from lists.networks import NetworksError, parse_networks
from lists.reserved_names import is_reserved_name
from optout.redirects import RedirectError, validate_template
from reporting.list_numbers import ListNumberField
from reporting.list_words import (
    GLOBAL_WHITELIST_HELP,
    HELP,
    LABELS,
    NEW_NUMBER_HELP,
    REDIRECT_HELP,
    WHITELIST_HELP,
)
from reporting.page_texts import default_language, in_other_default
from reporting.send_editor.narrowing import why_not_narrow

_RESERVED_NAME = gettext_lazy(
    "Only the list of those who want nothing at all is named Do Not Mail. Take a name that nobody mixes up with it."
)
_LIMITS = ("limit_confirm", "limit_block", "limit_block_day", "limit_form", "limit_hour")
MAX_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together. A collapsed one is opened by its heading, or by an error in it."""

    title: str
    text: str
    fields: list[forms.BoundField]
    collapsed: bool = False

    @property
    def has_errors(self) -> bool:
        return any(field.errors for field in self.fields)


class WhitelistField(forms.CharField):
    """An allow-list, shown one entry a line; its value is the list of canonical entries (S0.14)."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return parse_networks(super().clean(value))
        except NetworksError as error:
            raise ValidationError(str(error)) from error


class RedirectField(forms.CharField):
    """A redirect template; its value is in the form that is stored (S0.9, S0.10)."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text:
            return ""
        try:
            return validate_template(text)
        except RedirectError as error:
            raise ValidationError(str(error), code=error.code) from error


def _number_help(number: int) -> str:
    """What becomes of the scripts that use a list's number, when it gets another one."""
    return _(
        "Scripts send it as list_id. If you change it, those that still send %(number)d are told that the list does not "
        "exist; once another list has the number %(number)d, they reach that one."
    ) % {"number": number}


def _redirect_field() -> RedirectField:
    return RedirectField(
        label=gettext_lazy("Redirect to URL"),
        help_text=REDIRECT_HELP,
        required=False,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocapitalize": "none", "class": "mono"}
        ),
    )


class _ListFields(forms.ModelForm):  # type: ignore[type-arg]
    """Works on a copy: what is in the database is compared with it, and changed, by the action alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = self.instance
        self.instance = copy.copy(self.instance)
        keep_to_one_line(self)
        ask_kindly(self)
        for name in ("default_language", "locked_language"):
            if name in self.fields:
                empty = _("No") if name == "locked_language" else _("The realm's")
                choices = self.fields[name].choices  # type: ignore[attr-defined]
                self.fields[name].choices = [("", empty), *list(choices)[1:]]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """Not the name of Do Not Mail, which has no field for its own (S2.4)."""
        name = str(self.cleaned_data["name"])
        if is_reserved_name(name):
            raise ValidationError(_RESERVED_NAME)
        return name

    def values(self) -> dict[str, Any]:
        """{field of the list: value} of a valid form."""
        return {name: self.cleaned_data[name] for name in self.fields if name in _OF_LIST}


class BasicsForm(_ListFields):
    """Step 1 of a new list: what it is called, by people and, where they are there before it, by scripts."""

    number = ListNumberField(help_text=NEW_NUMBER_HELP, required=False)

    class Meta:
        model = List
        fields = ("name", "description", "number")
        labels, help_texts = LABELS, HELP


class WaysForm(_ListFields):
    """Step 2: how people opt out."""

    class Meta:
        model = List
        fields = ("accepts", "direct_link_mode", "default_language", "locked_language")
        labels, help_texts = LABELS, HELP
        widgets = {"accepts": forms.RadioSelect, "direct_link_mode": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["direct_link_mode"] = settings.DIRECT_LINK_DEFAULT


class AfterwardsForm(_ListFields):
    """Step 3: what they see then."""

    redirect_url = _redirect_field()

    class Meta:
        model = List
        fields = ("redirect_url",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["thank_you"] = thank_you_field(_("Thank-you text"))
        self.fields["thank_you"].help_text = _(
            "In the list's default language. The other languages come next, on the page “Hosted page”."
        )
        add_thank_you_fields(self, {}, "")  # of a program from before there was the one
        self.order_fields(["thank_you", "redirect_url"])

    def values_in(self, language: str) -> dict[str, Any]:
        """The values, the text being in that language."""
        texts = thank_you_texts(self, {})
        if text := self.cleaned_data["thank_you"]:
            texts[language] = text.replace("\r\n", "\n")
        return self.values() | {"thank_you_texts": texts}


class ListForm(_ListFields):
    """Everything an owner can set on a list."""

    number = ListNumberField(error_messages={"required": gettext_lazy("Enter the list's number.")})
    redirect_url = _redirect_field()
    whitelist = WhitelistField(
        label=gettext_lazy("IP whitelist"),
        help_text=WHITELIST_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )

    class Meta:
        model = List
        fields = (
            "name",
            "description",
            "accepts",
            "direct_link_mode",
            "sms_stop_scope",
            "redirect_url",
            "effect_hours",
            "whitelist",
            "number",
            "default_language",
            "locked_language",
            "sender_name",
            "colour",
            "contact",
            "privacy_url",
            "plain_download",
            "accepts_quarantined",
            *_LIMITS,
        )
        labels, help_texts = LABELS, HELP
        widgets = {
            "accepts": forms.RadioSelect,
            "direct_link_mode": forms.RadioSelect,
            "sms_stop_scope": forms.RadioSelect,
        }

    def __init__(self, *args: Any, your_ip: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_thank_you_fields(self, self.instance.thank_you_texts, default_language(self.instance))
        if self.instance.is_global:  # it is named exactly so (S2.4), and 0 (S4.6)
            del self.fields["name"], self.fields["number"], self.fields["sms_stop_scope"]
            help_text = self.fields["whitelist"].help_text
            self.fields["whitelist"].help_text = f"{help_text}{GLOBAL_WHITELIST_HELP}"
        else:
            self.fields["number"].help_text = _number_help(self.instance.number)
            # A program that sends this form from before there was the field leaves it as it is.
            self.fields["sms_stop_scope"].required = False
        if your_ip:
            says = _("Your IP as we see it: %(ip)s.") % {"ip": your_ip}
            self.fields["whitelist"].help_text = f"{self.fields['whitelist'].help_text} {says}"
        for name in _LIMITS:
            self.fields[name] = forms.IntegerField(
                label=LABELS[name], help_text=HELP[name], min_value=1, max_value=MAX_LIMIT
            )
        ask_kindly(self)

    def clean_sms_stop_scope(self) -> str:
        """As it was, where nothing is sent; no narrower while people may answer other lists' messages."""
        before = self.initial["sms_stop_scope"]
        scope = str(self.cleaned_data["sms_stop_scope"] or before)
        if scope == SmsStopScope.LIST and scope != before:
            refusal = why_not_narrow(self.instance, timezone.now())
            if refusal:
                raise ValidationError(refusal)
        return scope

    def clean_privacy_url(self) -> str:
        """http and https only."""
        url = str(self.cleaned_data["privacy_url"])
        if url and not url.lower().startswith(("https://", "http://")):
            raise ValidationError(_("The address must begin with https:// or http://."))
        return url

    def clean(self) -> dict[str, Any]:
        """The limits of one IP must not contradict each other."""
        cleaned = super().clean() or {}
        steps = [cleaned.get(name) for name in _LIMITS[:3]]
        if None not in steps and steps != sorted(steps):  # type: ignore[type-var]
            self.add_error(
                "limit_block",
                _("Blocking must not come before asking once more, nor the day's limit before it."),
            )
        return cleaned

    def values(self) -> dict[str, Any]:
        texts = thank_you_texts(self, self.before.thank_you_texts)
        values = super().values() | {"thank_you_texts": texts}
        return in_other_default(self.before, values, values["default_language"])

    @property
    def sections(self) -> list[Section]:
        """The fields as the screen shows them."""
        sections = [
            Section(
                _("Basics"),
                _("What recipients read above the button."),
                self._bound("name", "description"),
            ),
            Section(
                _("Opt-out"),
                _("How people opt out, and what they see then."),
                self._bound(
                    "accepts",
                    "direct_link_mode",
                    *thank_you_names(self),
                    "redirect_url",
                    "effect_hours",
                ),
            ),
            Section(
                _("Text messages"),
                _("Where this list is sent by SMS."),
                self._bound("sms_stop_scope"),
            ),
            Section(
                _("Servers"),
                _("Who may call from a server, and download."),
                self._bound("whitelist", "plain_download"),
            ),
            Section(
                _("Programs"),
                _("Scripts that speak api_web call a list by its number."),
                self._bound("number"),
            ),
            Section(
                _("Language"),
                _("What recipients read, where their browser does not decide."),
                self._bound("default_language", "locked_language"),
            ),
            Section(
                _("Brand"),
                _("So that people know whose page it is."),
                self._bound("sender_name", "colour", "contact", "privacy_url"),
            ),
            Section(
                _("Limits"),
                _(
                    "Against somebody who opts out other people. Signed links and whitelisted servers are never limited."
                ),
                self._bound("accepts_quarantined", *_LIMITS),
                collapsed=True,
            ),
        ]
        return [section for section in sections if section.fields]

    def _bound(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]


class CloseForm(forms.Form):
    """Closing a list asks for its name."""

    confirm_name = forms.CharField(
        label=gettext_lazy("Type the list's name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Type the list's name to close it.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, optout_list: List, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.optout_list = optout_list

    def clean_confirm_name(self) -> str:
        name = str(self.cleaned_data["confirm_name"])
        if name != self.optout_list.name.strip():
            raise ValidationError(
                _("This is not the list's name. Type: %(name)s") % {"name": self.optout_list.name}
            )
        return name


_OF_LIST = frozenset(ListForm.Meta.fields)
