"""Forms of the screen Notifications: what somebody wants to be told of, and how (S3.8)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.forms import ask_kindly
from optout.addresses import AddressError, parse_phone
from optout.choices import Medium
from reporting.models.reports import ReportRhythm
from reporting.unsubscription_reports.wishes import Wish

OFF, EMAIL, SMS, BOTH = "off", "email", "sms", "both"
_MEDIA = {
    OFF: frozenset[Medium](),
    EMAIL: frozenset({Medium.EMAIL}),
    SMS: frozenset({Medium.SMS}),
    BOTH: frozenset({Medium.EMAIL, Medium.SMS}),
}
_LABELS = ((OFF, _("Off")), (EMAIL, _("Email")), (SMS, "SMS"), (BOTH, _("Both")))
_RHYTHMS = (
    (
        ReportRhythm.IMMEDIATE,
        _("Immediate: within about a minute, what came in meanwhile together"),
    ),
    (ReportRhythm.DAILY, _("Daily: at 07:00 UTC")),
    (ReportRhythm.WEEKLY, _("Weekly: on Mondays at 07:00 UTC")),
)
NO_SMS = _(
    "SMS is not offered: this installation has no SMS gateway. Whoever runs it can set SMS_GATEWAY_URL."
)


class ReportsForm(forms.Form):
    """Reports of opt-outs. `wish()` of a valid one is what was chosen; `region` reads numbers without a country code."""

    reports = forms.ChoiceField(
        label=_("Receive Unsubscription Reports"), widget=forms.RadioSelect, choices=_LABELS
    )
    rhythm = forms.ChoiceField(
        label=_("How often"),
        help_text=_("Nothing is sent when nobody opted out."),
        widget=forms.RadioSelect,
        choices=_RHYTHMS,
    )
    phone = forms.CharField(
        label=_("Phone number for SMS"),
        help_text=_("With its country code, such as +1 202 555 0123."),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )

    def __init__(
        self, *args: Any, wish: Wish, region: str, offers_sms: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.region = region
        self.initial = {"reports": chosen(wish), "rhythm": wish.rhythm, "phone": wish.phone}
        ask_kindly(self)
        if not offers_sms:
            self.fields["reports"].choices = _LABELS[:2]  # type: ignore[attr-defined]
            self.fields["reports"].help_text = NO_SMS
            del self.fields["phone"]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("reports") in {SMS, BOTH} and "phone" in values:
            try:
                values["phone"] = _number(values["phone"], self.region)
            except ValidationError as error:
                self.add_error("phone", error)
        return values

    def wish(self) -> Wish:
        """What was chosen."""
        media = _MEDIA[self.cleaned_data["reports"]]
        phone = self.cleaned_data["phone"] if Medium.SMS in media else ""
        return Wish(media, ReportRhythm(self.cleaned_data["rhythm"]), phone)


class WeeklyForm(forms.Form):
    """A mailer's weekly mail. `wish()` of a valid one is what was chosen."""

    weekly = forms.ChoiceField(
        label=_("What is new since my last download"),
        help_text=_(
            "On Mondays at 07:00 UTC: for each list that you may download, how many opt-outs you have not got yet. "
            "Nothing is sent when there are none."
        ),
        widget=forms.RadioSelect,
        choices=((OFF, _("Off")), (EMAIL, _("Email, weekly"))),
    )

    def __init__(self, *args: Any, wish: Wish, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"weekly": chosen(wish)}
        ask_kindly(self)

    def wish(self) -> Wish:
        """What was chosen."""
        return Wish(_MEDIA[self.cleaned_data["weekly"]], ReportRhythm.WEEKLY)


def chosen(wish: Wish) -> str:
    """The radio button of a wish."""
    return next(name for name, media in _MEDIA.items() if media == frozenset(wish.media))


def _number(text: str, region: str) -> str:
    """E.164. Raises ValidationError."""
    if not text.strip():
        raise ValidationError(gettext("Enter a phone number, or choose another way."))
    try:
        address = parse_phone(text, region)
    except AddressError as error:
        raise ValidationError(str(error)) from error
    if address.flagged:  # an opt-out is kept under such a number; a message does not get there
        raise ValidationError(
            gettext("There is no such phone number. Look at its country code and its length.")
        )
    return address.key
