"""What people type about webhooks: callback URLs, further endpoints, and what they do with one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.models import List
from optout.choices import Channel, Medium
from reporting.entries import CHANNEL_CHOICES
from reporting.forms_overlap import OldEndsField, RotateForm
from reporting.models import WebhookEndpoint, WebhookFormat
from reporting.webhooks.endpoints import LONGEST_LABEL, EndpointPlan, EndpointRefusedError
from reporting.webhooks.targets import UrlRefusedError, check_url

CALLBACK_FORMATS = (
    (WebhookFormat.SMS_JSON.value, "JSON"),
    (WebhookFormat.SMS_FORM.value, _("Form (application/x-www-form-urlencoded)")),
)
_FORMATS = (
    (WebhookFormat.STANDARD.value, _("Standard Webhooks, JSON")),
    (WebhookFormat.SMS_JSON.value, _("Opt-out callback: three fields as JSON")),
    (WebhookFormat.SMS_FORM.value, _("Opt-out callback: three fields as a form")),
)
_WHOLE, _SOME = "whole", "some"
_BOTH = ""
_SEND, _SKIP = "send", "skip"
_FORMAT_HELP = _(
    "The opt-out callback is for phone numbers: timestamp, unsubscribed_number and source. Emails go out in the standard "
    "format whichever you choose."
)
_CHANNELS_HELP = _("Tick none to be told of every one, later ones as well.")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2999, 12, 31, tzinfo=UTC)


class UrlField(forms.CharField):
    """An address that we may call. Valid ones come out as they are kept."""

    def __init__(self, **options: Any) -> None:
        attrs = {
            "inputmode": "url",
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        }
        super().__init__(max_length=2000, widget=forms.TextInput(attrs=attrs), **options)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text:
            return ""
        try:
            return check_url(text)
        except UrlRefusedError as error:
            raise ValidationError(str(error)) from error


def _format_field(choices: Iterable[tuple[str, Any]], **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Format"), choices=choices, widget=forms.RadioSelect, **options
    )


class CallbackForm(forms.Form):
    """The realm's “Default Optout Callback URL:”. An empty one is none."""

    url = UrlField(
        label=_("Default Optout Callback URL:"),
        required=False,
        help_text=_(
            "Empty: nothing is sent. A list with a callback URL of its own is told there instead."
        ),
    )
    format = _format_field(CALLBACK_FORMATS, initial=WebhookFormat.SMS_JSON)


class ChangeCallbackForm(forms.Form):
    """The callback URL of one list, which is there already."""

    url = UrlField(label=_("Callback URL"), error_messages={"required": _("Enter the URL.")})
    format = _format_field(CALLBACK_FORMATS, initial=WebhookFormat.SMS_JSON)


class ListCallbackForm(ChangeCallbackForm):
    """A list that gets a callback URL of its own."""

    optout_list = forms.ChoiceField(
        label=_("List"), error_messages={"required": _("Choose a list.")}
    )
    field_order = ("optout_list", "url", "format")

    def __init__(self, lists: Iterable[List], *args: Any, **kwargs: Any) -> None:
        """`lists`: those that have none yet, and that the person may edit."""
        super().__init__(*args, **kwargs)
        self._lists = {each.public_id: each for each in lists}
        field = cast("forms.ChoiceField", self.fields["optout_list"])
        field.choices = [
            ("", gettext("Choose…")),
            *((key, f"{each.number} – {each.name}") for key, each in self._lists.items()),
        ]

    @property
    def chosen(self) -> List:
        """The list of a valid form."""
        return self._lists[self.cleaned_data["optout_list"]]


class EndpointForm(forms.Form):
    """A further endpoint, new or changed. Of a valid one `plan()` goes to the action."""

    url = UrlField(
        label="URL",
        help_text=_(
            "Where opt-outs are sent by POST. Use https, so that nobody reads the addresses on the way."
        ),
        error_messages={"required": _("Enter the URL.")},
    )
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=LONGEST_LABEL,
        help_text=_("What is there, such as “CRM”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    format = _format_field(_FORMATS, initial=WebhookFormat.STANDARD, help_text=_FORMAT_HELP)
    reach = forms.ChoiceField(
        label=_("It is told of"),
        help_text=_("Opt-outs of Do Not Mail hold for every list, so they are always among them."),
        choices=(
            (_WHOLE, _("The whole realm, later lists as well")),
            (_SOME, _("These lists only:")),
        ),
        initial=_WHOLE,
        widget=forms.RadioSelect,
    )
    lists = forms.MultipleChoiceField(
        label=_("Lists"), required=False, widget=forms.CheckboxSelectMultiple
    )
    medium = forms.TypedChoiceField(
        label=_("Addresses"),
        coerce=int,
        empty_value=None,
        required=False,
        choices=(
            (_BOTH, _("Emails and phone numbers")),
            (Medium.EMAIL.value, _("Emails only")),
            (Medium.SMS.value, _("Phone numbers only")),
        ),
        initial=_BOTH,
        widget=forms.RadioSelect,
    )
    channels = forms.TypedMultipleChoiceField(
        label=_("Only what came in by"),
        coerce=int,
        required=False,
        help_text=_CHANNELS_HELP,
        widget=forms.CheckboxSelectMultiple,
    )
    gets_lifts = forms.BooleanField(
        label=_("Tell of lifts as well"),
        help_text=_("When a suppression ends, the receiver may contact that person again."),
        required=False,
        initial=True,
    )
    batches = forms.BooleanField(
        label=_("Several in one when many wait"),
        help_text=_(
            "Up to 100 changes in one request, after an import for instance. Standard format only."
        ),
        required=False,
        initial=True,
    )

    def __init__(
        self,
        lists: Iterable[List],
        *args: Any,
        may_whole: bool,
        stored: WebhookEndpoint | None = None,
        **kwargs: Any,
    ) -> None:
        """`lists`: those that the person may edit; `may_whole`: whether all of the realm may be chosen."""
        if stored is not None:
            kwargs["initial"] = _initial(stored)
        super().__init__(*args, **kwargs)
        self._lists = {str(each.pk): each for each in lists}
        self.has_filters = stored is not None and (
            stored.channels is not None or stored.medium is not None
        )
        field = cast("forms.MultipleChoiceField", self.fields["lists"])
        field.choices = [(pk, f"{each.number} – {each.name}") for pk, each in self._lists.items()]
        channels = cast("forms.MultipleChoiceField", self.fields["channels"])
        channels.choices = _channel_choices(stored)
        if not may_whole:
            del self.fields["reach"]
            field.help_text = gettext(
                "Opt-outs of Do Not Mail hold for every list, so they are always among them."
            )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        reach = values.get("reach", None if "reach" in self.fields else _SOME)
        if reach == _SOME and "lists" in values and not values["lists"]:
            self.add_error("lists", ValidationError(gettext("Tick one list at least.")))
        if reach == _WHOLE and values.get("lists"):
            text = gettext(
                "Some lists are ticked, and the whole realm is chosen. Choose one of the two."
            )
            self.add_error("reach", ValidationError(text))
        return values

    def plan(self) -> EndpointPlan:
        """What the endpoint shall be."""
        values = self.cleaned_data
        is_whole = values.get("reach") == _WHOLE
        return EndpointPlan(
            url=values["url"],
            format=WebhookFormat(values["format"]),
            label=values["label"],
            list_ids=None if is_whole else sorted(int(pk) for pk in values["lists"]),
            channels=[Channel(code) for code in values["channels"]] or None,
            medium=values["medium"] and Medium(values["medium"]),
            gets_lifts=values["gets_lifts"],
            batches=values["batches"],
        )


class RotateSecretForm(RotateForm):
    """When the old secret stops to sign."""

    old_ends = OldEndsField(
        "7d",
        label=_("The old secret stops"),
        help_text=_(
            "Until then each message is signed with both. Put the new one into the receiver meanwhile."
        ),
    )


class SwitchOnForm(forms.Form):
    """What becomes of what an endpoint missed while it was off."""

    missed = forms.ChoiceField(
        label=_("What it missed"),
        help_text=_(
            "What came in while it was off, and what failed for good since it last took anything."
        ),
        choices=((_SEND, _("Send what it missed")), (_SKIP, _("Start from now"))),
        initial=_SEND,
        widget=forms.RadioSelect,
    )

    @property
    def skips_missed(self) -> bool:
        return bool(self.cleaned_data["missed"] == _SKIP)


class ReplaySinceForm(forms.Form):
    """From when on failed deliveries are sent again."""

    since = forms.DateTimeField(
        label=_("Failed, recorded since (UTC)"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        validators=[
            MinValueValidator(_EARLIEST, _("Enter a later day.")),
            MaxValueValidator(_LATEST, _("Enter an earlier day.")),
        ],
        error_messages={"required": _("Enter a day and a time.")},
    )


def add_refusal(form: forms.Form, error: EndpointRefusedError) -> None:
    """Say in the form what an action had against a value."""
    field = {"list_ids": "lists"}.get(error.field, error.field)
    form.add_error(field if field in form.fields else None, str(error))


def _initial(stored: WebhookEndpoint) -> dict[str, Any]:
    return {
        "url": stored.url,
        "label": stored.label,
        "format": stored.format,
        "reach": _WHOLE if stored.list_ids is None else _SOME,
        "lists": [str(pk) for pk in stored.list_ids or ()],
        "medium": _BOTH if stored.medium is None else stored.medium,
        "channels": stored.channels or [],
        "gets_lifts": stored.gets_lifts,
        "batches": stored.batches,
    }


def _channel_choices(stored: WebhookEndpoint | None) -> list[tuple[Any, Any]]:
    """The ways in that there are, and those that the endpoint has from elsewhere."""
    known = [(code, label) for code, label in CHANNEL_CHOICES if code != ""]
    codes = {code for code, _label in known}
    others = [each for each in (stored and stored.channels) or () if each not in codes]
    return known + [(code, _label_of(code)) for code in others]


def _label_of(code: int) -> str:
    if code in Channel:
        return str(Channel(code).label)
    return gettext("Channel %(code)d") % {"code": code}
