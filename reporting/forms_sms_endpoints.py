"""What people type about who passes on text messages: inbound endpoints, their secrets, and Twilio's tokens (S3.4)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lists.forms import ask_kindly, validate_one_line
from lists.models import ConfirmsBy, InboundEndpoint, InboundFormat
from lists.sms_actions import InboundPlan
from reporting.forms_lists import WhitelistField
from reporting.forms_overlap import OldEndsField, RotateForm

_FORMATS = (
    (
        InboundFormat.GENERIC.value,
        _("JSON or form, with a secret: any gateway that can call a URL"),
    ),
    (InboundFormat.TWILIO.value, _("Twilio: its own format and signature")),
)
_CONFIRMS = (
    (ConfirmsBy.GATEWAY.value, _("By a message through the SMS gateway of this installation")),
    (ConfirmsBy.ANSWER.value, _("In the answer to the call: the gateway sends on what it is told")),
    (ConfirmsBy.NOBODY.value, _("Not by Heed: the gateway or the carrier does it")),
)
_ALLOW_HELP = _(
    "IP addresses and networks that may call, separated by comma, space or new line, such as 192.0.2.10, 198.51.100.0/24. "
    "Empty: from anywhere. The secret or the signature is asked for in any case."
)


class EndpointForm(forms.Form):
    """An inbound endpoint, new or changed."""

    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=100,
        validators=[validate_one_line],
        help_text=_("Which gateway it is."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=_FORMATS,
        initial=InboundFormat.GENERIC,
        widget=forms.RadioSelect,
    )
    confirms_by = forms.ChoiceField(
        label=_("STOP is confirmed"),
        help_text=_(
            "Once, within 5 minutes. What somebody texts a second time is not confirmed again."
        ),
        choices=_CONFIRMS,
        initial=ConfirmsBy.GATEWAY,
        widget=forms.RadioSelect,
    )
    allow_list = WhitelistField(
        label=_("IP allow-list"),
        help_text=_ALLOW_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, stored: InboundEndpoint | None = None, **kwargs: Any) -> None:
        """Of a stored one the format stays."""
        if stored is not None:
            kwargs["initial"] = {
                "label": stored.label,
                "confirms_by": stored.confirms_by,
                "allow_list": stored.allow_list,
            }
        super().__init__(*args, **kwargs)
        if stored is not None:
            del self.fields["format"]
        ask_kindly(self)

    def plan(self) -> InboundPlan:
        """What a new one shall be."""
        values = self.cleaned_data
        return InboundPlan(
            format=InboundFormat(values["format"]),
            label=values["label"],
            confirms_by=ConfirmsBy(values["confirms_by"]),
            allow_list=values["allow_list"],
        )

    def values(self) -> dict[str, Any]:
        """What a stored one shall be."""
        return {name: self.cleaned_data[name] for name in ("label", "confirms_by", "allow_list")}


class RotateInboundForm(RotateForm):
    """When the old secret no longer opens."""

    old_ends = OldEndsField(
        "7d",
        label=_("The old secret ends"),
        help_text=_("Until then both are taken. Put the new one into the gateway meanwhile."),
    )


class TokensForm(forms.Form):
    """Twilio's auth tokens. They are never shown again."""

    token = forms.CharField(
        label=_("Auth token"),
        max_length=100,
        help_text=_(
            "From the Twilio console: Account › API keys & tokens. Twilio signs each call with it."
        ),
        error_messages={"required": _("Enter the auth token.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "mono"}),
    )
    other_token = forms.CharField(
        label=_("Second auth token"),
        required=False,
        max_length=100,
        help_text=_(
            "While you change tokens at Twilio: the one that will sign, or has signed until now. Both are taken."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "mono"}),
    )

    def tokens(self) -> list[str]:
        """Those that were entered."""
        return [self.cleaned_data["token"], *filter(None, [self.cleaned_data["other_token"]])]
