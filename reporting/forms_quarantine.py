"""What owners type when they deal with refused and malicious opt-outs."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.models import List
from lists.networks import NetworksError, parse_networks
from optout.choices import Channel
from optout.reverting import RevertFilter
from reporting.entries import CHANNEL_CHOICES


class _UtcDateTimeField(forms.DateTimeField):
    """`2026-03-04T12:30`, as browsers send it, in UTC."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(UTC):
            return super().to_python(value)


class RevertForm(forms.Form):
    """Which opt-outs of a list were not what they seemed."""

    channel = forms.TypedChoiceField(
        label=_("Channel"),
        choices=CHANNEL_CHOICES,
        coerce=lambda value: Channel(int(value)),
        empty_value=None,
        required=False,
    )
    network = forms.CharField(
        label=_("IP address or network"),
        help_text=_("Such as 203.0.113.5 or 2001:db8::/64. Leave it empty for any."),
        max_length=50,
        required=False,
    )
    since = _UtcDateTimeField(
        label=_("From (UTC)"), error_messages={"required": _("Enter when it began.")}
    )
    until = _UtcDateTimeField(
        label=_("To (UTC)"), error_messages={"required": _("Enter when it ended.")}
    )

    def clean_network(self) -> str | None:
        text = self.cleaned_data["network"].strip()
        if not text:
            return None
        try:
            networks = parse_networks(text)
        except NetworksError as error:
            raise ValidationError(str(error)) from error
        if len(networks) != 1:
            raise ValidationError(gettext("Enter one address or network."))
        return networks[0]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since >= until:
            self.add_error(
                "until", ValidationError(gettext("The end must be after the beginning."))
            )
        return values

    @property
    def chosen(self) -> RevertFilter:
        """The filter of a valid form."""
        values = self.cleaned_data
        return RevertFilter(
            since=values["since"],
            until=values["until"],
            channel=values["channel"],
            network=values["network"],
        )


class ConfirmNameForm(forms.Form):
    """The list's name, typed: for what cannot be taken back in one click."""

    name = forms.CharField(
        label=_("Type the name of the list to confirm"),
        max_length=100,
        error_messages={"required": _("Type the name of the list.")},
    )

    def __init__(self, optout_list: List, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.optout_list = optout_list
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if name != self.optout_list.name.strip():
            raise ValidationError(
                gettext("This is not the list’s name. Type: %(name)s")
                % {"name": self.optout_list.name}
            )
        return name
