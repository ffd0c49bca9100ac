"""Deliveries as the delivery log shows them. Whatever came from outside is text here, and is escaped by the template.

Only who may edit an endpoint sees its log, so addresses are in clear: they were sent to that person's own system.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.views.context import Tab
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.log import Chosen, LogLine, show_request

PAGE_SIZE = 20
SHOWN_ANSWER = (
    500  # characters of the answer's beginning in the log: so twenty of them are no heavy page
)

_LABELS = {
    Chosen.ALL: _("All"),
    Chosen.WAITING: _("Waiting"),
    Chosen.FAILED: _("Failed"),
    Chosen.DELIVERED: _("Delivered"),
    Chosen.TESTS: _("Tests"),
}
_TONES = {
    DeliveryState.QUEUED: "accent",
    DeliveryState.WAITING: "warning",
    DeliveryState.DELIVERED: "success",
    DeliveryState.FAILED: "danger",
}
_PHRASES = {each.value: each.phrase for each in HTTPStatus}


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """One message: what it says, and what became of it."""

    row: WebhookDelivery
    what: str  # "Opt-out of", with the address after it, or "34 changes"
    address: str
    request: str  # first line, headers and body as it is sent; of several changes in one the headers alone
    is_long: bool  # whether the body above is left out
    is_sent: bool  # whether its endpoint is on
    answer: str  # status line and the beginning of the answer; empty where none came

    @property
    def state_word(self) -> str:
        return str(DeliveryState(self.row.state).label)

    @property
    def tone(self) -> str:
        """The colour of the state, a class of portal.css."""
        return _TONES[DeliveryState(self.row.state)]

    @property
    def is_pending(self) -> bool:
        """Whether somebody asked for it just now, and waits to see what becomes of it."""
        return self.row.state == DeliveryState.QUEUED or (
            self.row.is_test and self.row.state == DeliveryState.WAITING
        )

    @property
    def may_replay(self) -> bool:
        if self.row.is_test or self.row.state == DeliveryState.QUEUED:
            return False
        return self.row.state != DeliveryState.WAITING or self.row.tries > 0

    @property
    def replay_word(self) -> str:
        """What its button says."""
        return gettext("Try now") if self.row.state == DeliveryState.WAITING else gettext("Replay")

    @property
    def http(self) -> str:
        return str(self.row.status) if self.row.status else "–"

    @property
    def took(self) -> str:
        """How long the last try took."""
        took = self.row.took_ms
        if took is None:
            return "–"
        return f"{took:,} ms" if took < 10_000 else f"{took / 1000:.1f} s"

    @property
    def trouble(self) -> str:
        """Why the last try failed."""
        if self.row.state == DeliveryState.DELIVERED or not self.row.failure:
            return ""
        return str(self.row.get_failure_display())

    @property
    def why(self) -> str:
        """The same where no HTTP status says it, for the line itself."""
        return "" if self.row.status else self.trouble

    @property
    def next_try(self) -> datetime | None:
        is_due = self.is_sent and self.row.state == DeliveryState.WAITING
        return self.row.due_at if is_due else None

    @property
    def no_answer(self) -> str:
        """What stands where an answer would."""
        return gettext("Not tried yet.") if self.row.tried_at is None else gettext("None came.")


def as_lines(
    endpoint: WebhookEndpoint, lines: Sequence[LogLine], now: datetime
) -> list[ShownDelivery]:
    """Lines of the log. The body of a request that tells of many has a page of its own."""
    shown = []
    for line in lines:
        line.delivery.changes = [line.first]  # what was not read is not asked for
        shown.append(_shown(endpoint, line, now, answer=SHOWN_ANSWER))
    return shown


def as_whole(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> ShownDelivery:
    """A delivery with all that it says."""
    changes = delivery.changes
    return _shown(endpoint, LogLine(delivery, changes[0], len(changes)), now)


def filters_of(endpoint: WebhookEndpoint, chosen: Chosen) -> list[Tab]:
    """Which deliveries one can look at."""
    path = reverse("webhook_endpoint", args=[endpoint.public_id])
    return [
        Tab(
            str(label),
            f"{path}#log" if each is Chosen.ALL else f"{path}?show={each.value}#log",
            each is chosen,
        )
        for each, label in _LABELS.items()
    ]


def chosen_of(query: QueryDict) -> Chosen:
    """What the URL asks for; all of them when it asks for what there is not."""
    try:
        return Chosen(query.get("show", ""))
    except ValueError:
        return Chosen.ALL


def _shown(
    endpoint: WebhookEndpoint, line: LogLine, now: datetime, *, answer: int | None = None
) -> ShownDelivery:
    row = line.delivery
    is_long = line.size > len(row.changes)
    sent = show_request(endpoint, row, now)
    head = [f"POST {sent.url}", *(f"{name}: {value}" for name, value in sent.headers.items())]
    head.append("webhook-signature: v1,…")
    if row.tried_at is None:
        head = [each for each in head if not each.startswith("webhook-timestamp:")]
    body = "" if is_long else sent.body
    what, address = _what(line)
    return ShownDelivery(
        row=row,
        what=what,
        address=address,
        request="\n".join(head) + (f"\n\n{body}" if body else ""),
        is_long=is_long,
        is_sent=endpoint.is_on,
        answer=_answer(row, answer),
    )


def _what(line: LogLine) -> tuple[str, str]:
    if line.size != 1:
        return gettext("%(count)d changes in one") % {"count": line.size}, ""
    first = line.first
    what = gettext("Lift of") if first["type"] == "lift" else gettext("Opt-out of")
    return what, first["address"] or gettext("hash %(digest)s") % {"digest": first["digest"]}


def _answer(row: WebhookDelivery, most: int | None) -> str:
    if not row.status:
        return ""
    head = f"HTTP {row.status} {_PHRASES.get(row.status, '')}".rstrip()
    text = row.answer[:most]
    more = "…" if len(text) < len(row.answer) else ""
    return f"{head}\n\n{text}{more}" if text else f"{head}\n\n{gettext('(no body)')}"
