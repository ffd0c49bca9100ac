"""An inbound endpoint and what came in by it, as the screens show them."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.models import ConfirmsBy, InboundEndpoint, InboundFormat
from optout.choices import Confirmation, Meaning
from optout.links import inbound_sms_url
from optout.models import InboundMessage

LOG_SIZE = 20

_MEANT = {
    Meaning.STOP: ("STOP", "tag-success"),
    Meaning.START: ("START", ""),
    Meaning.UNCLEAR: (_("May mean STOP"), "tag-warning"),
}
_CONFIRMED = {
    Confirmation.WAITING: _("On its way"),
    Confirmation.SENDING: _("Handed over; what became of it is not known"),
    Confirmation.SENT: _("Sent"),
    Confirmation.FAILED: _("Could not be sent"),
    Confirmation.TOO_LATE: _("Not sent: too late"),
    Confirmation.ANSWERED: _("In the answer"),
}
_CONFIRMS = {
    ConfirmsBy.GATEWAY: _("By a message through the SMS gateway"),
    ConfirmsBy.ANSWER: _("In the answer to the call"),
    ConfirmsBy.NOBODY: _("Not by Heed"),
}


@dataclass(frozen=True, slots=True)
class ShownInbound:
    """An endpoint and what is said of it."""

    row: InboundEndpoint

    @property
    def name(self) -> str:
        return self.row.label or ("Twilio" if self.is_twilio else gettext("Gateway"))

    @property
    def url(self) -> str:
        return inbound_sms_url(self.row.public_id)

    @property
    def is_twilio(self) -> bool:
        return self.row.format == InboundFormat.TWILIO

    @property
    def lacks_token(self) -> bool:
        """Whether it lets nothing in, since nobody has entered what Twilio signs with."""
        return self.is_twilio and not (self.row.sealed_token or self.row.other_sealed_token)

    @property
    def token_count(self) -> int:
        return sum(bool(each) for each in (self.row.sealed_token, self.row.other_sealed_token))

    @property
    def format(self) -> str:
        return "Twilio" if self.is_twilio else gettext("JSON or form")

    @property
    def confirms(self) -> str:
        return str(_CONFIRMS[ConfirmsBy(self.row.confirms_by)])

    def old_until(self, now: datetime) -> datetime | None:
        """Until when the secret before this one opens as well; None where it does not."""
        until = self.row.old_salt_until
        return until if self.row.old_salt is not None and until and now < until else None


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A line of an endpoint's log: who, when, and what was made of it; its words are not kept."""

    row: InboundMessage

    @property
    def meant(self) -> str:
        found = _MEANT.get(Meaning(self.row.meaning))
        return str(found[0]) if found else gettext("Nothing for Heed")

    @property
    def tag(self) -> str:
        return _MEANT.get(Meaning(self.row.meaning), ("", ""))[1]

    @property
    def concerns(self) -> str:
        """What it was about: a list, or everything."""
        found = self.row.optout_list
        return "" if found is None else gettext("Everything") if found.is_global else found.name

    @property
    def confirmed(self) -> str:
        return str(_CONFIRMED.get(Confirmation(self.row.confirmation), ""))


def show_endpoint(row: InboundEndpoint) -> ShownInbound:
    return ShownInbound(row)


def read_messages(row: InboundEndpoint) -> list[ShownMessage]:
    """The last messages that came in by it, newest first."""
    found = InboundMessage.objects.filter(endpoint=row).select_related("optout_list")
    found = found.exclude(meaning=Meaning.START, sender="")  # forgotten but for its name
    return [ShownMessage(each) for each in found.order_by("-received_at", "-pk")[:LOG_SIZE]]
