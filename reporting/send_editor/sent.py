"""Messages that were handed over, or are: who may see which, and how far they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from lists.access import Permission, Standing
from lists.choices import Role
from lists.models import List
from reporting.models import RecipientState, TextMessage, TextRecipient, TextState
from reporting.send_editor.senders import ends_with_stop
from reporting.send_editor.sending import MOST_REFUSED, MOST_UNKNOWN

MOST_SHOWN = 20  # messages of the editor's page
MOST_MISSED = 100  # recipients that one message names

_TAGS = {
    TextState.SENDING: "tag-accent",
    TextState.DONE: "tag-success",
    TextState.STOPPED: "tag-warning",
}


def sendable_lists(standing: Standing) -> list[List]:
    """The lists whose messages are theirs: they may edit them and see their addresses. Nobody is on Do Not Mail."""
    if standing.role not in {Role.ADMIN, Role.OWNER}:
        return []
    opened = standing.open_lists(Permission.EDIT)
    return [
        each.optout_list
        for each in opened
        if each.may(Permission.CLEAR) and not each.optout_list.is_global
    ]


def messages_of(standing: Standing, lists: Iterable[List]) -> QuerySet[TextMessage]:
    """The messages that they may see, the newest first: all of the realm; or those of their lists, and their own."""
    messages = TextMessage.objects.filter(realm=standing.realm).order_by("-pk")
    if not standing.is_realm_admin:
        own = Q(optout_list=None, made_by=standing.user)
        messages = messages.filter(own | Q(optout_list__in=list(lists)))
    return messages.select_related("optout_list", "made_by", "made_by_key", "realm")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it is shown."""

    row: TextMessage

    @property
    def to(self) -> str:
        optout_list = self.row.optout_list
        return self.row.number if optout_list is None else optout_list.name

    @property
    def by(self) -> str:
        """Who made it."""
        if self.row.made_by is not None:
            return str(self.row.made_by)
        return _("a program") if self.row.made_by_key is not None else _("an operator")

    @property
    def is_sending(self) -> bool:
        return self.row.state == TextState.SENDING

    @property
    def state(self) -> str:
        if self.next_try:
            return _("Waiting for the gateway")
        return str(TextState(self.row.state).label)

    @property
    def tag(self) -> str:
        return "tag-warning" if self.next_try else _TAGS[TextState(self.row.state)]

    @property
    def handled(self) -> int:
        return self.row.sent + self.row.refused + self.row.unknown

    @property
    def missed(self) -> int:
        return self.row.refused + self.row.unknown

    @property
    def percent(self) -> int:
        """How far the list was read: its digests are spread evenly, so the place of the last one tells."""
        if self.row.state == TextState.DONE:
            return 100
        return min(99, self._reached * 100 >> 32)

    @property
    def left(self) -> int | None:
        """How many are still to come at most, of those who were counted when it was made; None where nobody was."""
        total = self.row.recipient_count
        if not self.is_sending or self.row.optout_list_id is None or total is None:
            return None
        return max(0, total - self.handled)

    @property
    def _reached(self) -> int:
        """The place of the last one, of 2³²."""
        return int.from_bytes(bytes(self.row.after)[:4].ljust(4, b"\0"))

    @property
    def next_try(self) -> datetime | None:
        """When a gateway that failed is asked again: the worker looks at the beginning of each minute."""
        if not self.is_sending or self.row.rests_until is None:
            return None
        rested = max(self.row.rests_until, timezone.now()) - timedelta(microseconds=1)
        return rested.replace(second=0, microsecond=0) + timedelta(minutes=1)

    @property
    def is_refused_by_all(self) -> bool:
        """Whether it was stopped as the gateway took it for nobody."""
        is_stopped = self.row.state == TextState.STOPPED
        return is_stopped and not self.row.sent and self.row.refused >= MOST_REFUSED

    @property
    def is_unknown_by_all(self) -> bool:
        """Whether it was stopped as the gateway left it unclear for so many in a row."""
        return self.row.state == TextState.STOPPED and self.row.unknown_in_row >= MOST_UNKNOWN

    @property
    def is_unheard(self) -> bool:
        """Whether it was stopped, and could not go on: STOP to the number that it comes from does not end its list."""
        optout_list = self.row.optout_list
        if self.row.state != TextState.STOPPED or optout_list is None:
            return False
        return not ends_with_stop(optout_list, self.row.sender)

    @property
    def was_left_alone(self) -> bool:
        """Whether the single number opted out before its turn came."""
        is_over = self.row.state == TextState.DONE
        return self.row.optout_list_id is None and is_over and not self.handled


def missed_of(message: TextMessage) -> list[TextRecipient]:
    """The first of those who did not get it, or perhaps did not."""
    missed = message.recipients.exclude(state=RecipientState.CLAIMED)
    return list(missed.order_by("state", "pk")[:MOST_MISSED])
