"""Endpoints as the webhook screens show them: in words, with how they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from lists.models import List
from optout.choices import Channel, Medium
from reporting import snippets_rest
from reporting.models import OffCause, WebhookEndpoint, WebhookFormat
from reporting.views.webhook_access import OpenedHooks
from reporting.webhooks.health import MOST_COUNTED, EndpointState, Health, health_of

_SHOWN_LISTS = 3
_SHOWN_PATH = 40  # characters
_SHORT_FORMATS = {
    WebhookFormat.STANDARD: _("Standard"),
    WebhookFormat.SMS_JSON: _("Callback, JSON"),
    WebhookFormat.SMS_FORM: _("Callback, form"),
}
_STATES = {
    EndpointState.DELIVERING: (_("Delivering"), "success"),
    EndpointState.NEW: (_("Nothing sent yet"), "accent"),
    EndpointState.FAILING: (_("Failing"), "danger"),
    EndpointState.OFF: (_("Switched off"), "warning"),
}
_TESTED = _("Tested, nothing to send yet")
_WHY_OFF = {
    OffCause.OWNER: _("by hand"),
    OffCause.GONE: _("the receiver answered 410 Gone"),
    OffCause.FAILING: _("nothing could be delivered for 75 hours"),
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400  # seconds


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """An endpoint with its health, and its lists by name (None: the whole realm)."""

    row: WebhookEndpoint
    health: Health
    lists: list[List] | None

    @property
    def host(self) -> str:
        return urlsplit(self.row.url).netloc

    @property
    def place(self) -> str:
        """Where on its host it is: two of one host look alike otherwise."""
        path = urlsplit(self.row.url).path
        return path if len(path) <= _SHOWN_PATH else f"{path[:_SHOWN_PATH]}…"

    @property
    def name(self) -> str:
        """What tells it from the others."""
        if self.row.is_callback:
            return (
                gettext("Callback of %(lists)s") % {"lists": self.list_names}
                if self.row.list_ids
                else gettext("Default callback")
            )
        return self.row.label or self.host

    @property
    def list_names(self) -> str:
        """The lists that it is for."""
        if self.lists is None:
            return gettext("Whole realm")
        names = [each.name for each in self.lists[:_SHOWN_LISTS]]
        more = len(self.lists) - len(names)
        listed = ", ".join(names)
        if not more:
            return listed
        return gettext("%(names)s and %(more)d more") % {"names": listed, "more": more}

    @property
    def reach(self) -> str:
        """What it is told of: of its lists, and of Do Not Mail, which holds for them."""
        has_all = self.lists is None or any(each.is_global for each in self.lists)
        if has_all:
            return self.list_names
        return gettext("%(lists)s, and Do Not Mail") % {"lists": self.list_names}

    @property
    def media(self) -> str:
        if self.row.medium is None:
            return gettext("Emails and phone numbers")
        return (
            gettext("Emails only")
            if self.row.medium == Medium.EMAIL
            else gettext("Phone numbers only")
        )

    @property
    def channels(self) -> str:
        """The ways in that it is told of."""
        if self.row.channels is None:
            return gettext("Any way")
        found = [Channel.find(code) for code in self.row.channels]
        return ", ".join(str(each.label) if each else gettext("Other") for each in found)

    @property
    def filters(self) -> str:
        """What it is told of only, for the table."""
        row = self.row
        some = (
            "" if row.medium is None else self.media,
            "" if row.channels is None else self.channels,
            "" if row.gets_lifts else gettext("no lifts"),
        )
        return "; ".join(filter(None, some))

    @property
    def short_format(self) -> str:
        return str(_SHORT_FORMATS[WebhookFormat(self.row.format)])

    @property
    def state_word(self) -> str:
        if self.health.state is not EndpointState.NEW:
            return str(_STATES[self.health.state][0])
        if self.row.failed_at is not None or self.health.failed:
            return gettext("Nothing delivered yet")
        if self.health.is_tested:
            return gettext("Tested, nothing sent yet") if self.health.waiting else str(_TESTED)
        return str(_STATES[EndpointState.NEW][0])

    @property
    def tone(self) -> str:
        """The colour of its state, a class of portal.css."""
        return _STATES[self.health.state][1]

    @property
    def since(self) -> datetime | None:
        return self.health.since

    @property
    def why(self) -> str:
        """Why it is off, beside its state."""
        cause = self.row.off_cause
        return str(_WHY_OFF[OffCause(cause)]) if cause else ""

    @property
    def waiting(self) -> str:
        return self.health.waiting_in_words

    @property
    def loss(self) -> str:
        """What removing it would lose; nothing where nothing waits."""
        health = self.health
        if not health.waiting:
            if not health.waiting_is_more:
                return ""
            return gettext("What it may have missed will never arrive there.")
        sentence = ngettext(
            "%(count)s that waits will never arrive there.",
            "%(count)s that wait will never arrive there.",
            health.waiting + health.waiting_is_more,
        )
        return sentence % {"count": self.waiting}

    @property
    def failed(self) -> str:
        return _counted(self.health.failed)

    @property
    def delay(self) -> str:
        """The age of the oldest change that has not arrived; nothing where all have."""
        if self.health.delay is None:
            return gettext("not known")
        return in_words(self.health.delay) if self.health.delay else ""

    @property
    def succeeded_ago(self) -> str:
        return ago(self.row.succeeded_at)

    @property
    def made_by(self) -> str:
        """What follows the time at which it was made."""
        if self.row.made_by is not None:
            return gettext("by %(name)s") % {"name": self.row.made_by.get_full_name()}
        if self.row.made_by_key is not None:
            return gettext("with the API key “%(label)s”") % {"label": self.row.made_by_key.label}
        return gettext("by an operator’s command")


def show_all(
    opened: OpenedHooks, endpoints: Sequence[WebhookEndpoint], now: datetime
) -> list[ShownEndpoint]:
    """These endpoints with how they do, in their order."""
    return [
        ShownEndpoint(each.endpoint, each, opened.lists_of(each.endpoint))
        for each in health_of(endpoints, now)
    ]


def show_one(opened: OpenedHooks, endpoint: WebhookEndpoint, now: datetime) -> ShownEndpoint:
    """This endpoint with how it does."""
    (shown,) = show_all(opened, [endpoint], now)
    return shown


def docs_url(part: str) -> str:
    """Where it is described how `messages` look, or what is to be done for `verifying` that they are ours."""
    return f"{snippets_rest.webhooks_url()}#{part}"


def in_words(span: timedelta) -> str:
    """How long that is, in at most two units: "3 s", "2 h 5 min"."""
    seconds = int(span.total_seconds())
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        minutes = seconds % _HOUR // _MINUTE
        return f"{seconds // _HOUR} h" + (f" {minutes} min" if minutes else "")
    days = seconds // _DAY
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def ago(moment: datetime | None) -> str:
    """Roughly how long ago that was, in one unit: "5 h ago"."""
    if moment is None:
        return ""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < _MINUTE:
        return gettext("just now")
    if seconds < _HOUR:
        return gettext("%(minutes)d min ago") % {"minutes": seconds // _MINUTE}
    if seconds < 2 * _DAY:
        return gettext("%(hours)d h ago") % {"hours": seconds // _HOUR}
    days = seconds // _DAY
    return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}


def _counted(number: int) -> str:
    return f"{number:,}" + ("+" if number >= MOST_COUNTED else "")
