"""What a sender has in memory while its database session lasts: the endpoints that are its own, their lines, tries under way, and
what came of them and is not written down yet. Nothing here speaks with the database.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lists.sealed import salts_in_force
from reporting.feed import START, Cursor
from reporting.models import DeliveryState, Failure, OffCause, WebhookEndpoint
from reporting.webhooks.claims import Claim, Taker, taker_of
from reporting.webhooks.holding import Sight
from reporting.webhooks.lines import Line, Waiting
from reporting.webhooks.outcomes import Outcome, judge, off_cause, settle
from reporting.webhooks.payloads import render, request_headers
from reporting.webhooks.posting import Poster, Try
from reporting.webhooks.slots import Slots
from reporting.webhooks.windows import WINDOW

logger = logging.getLogger(__name__)

MOST_TEXT = 8_000_000  # characters, kept until they are sent; what is beyond is read again
WRITTEN_AT = 200  # outcomes that are not left to wait for the next turn


@dataclass(slots=True)
class Summary:
    """What a sender did: tries by what came of them, endpoints that it switched off, and deliveries that are left to endpoints
    that are on."""

    delivered: int = 0
    failed_tries: int = 0
    given_up: int = 0
    switched_off: int = 0
    waiting: int = 0


@dataclass(slots=True, eq=False)
class Served:
    """An endpoint whose lock is ours.

    One that `is_leaving` starts nothing more, and is given back when its tries have ended. `is_dirty`: how it does has changed
    since it was written down. `is_behind`: the ledger has more for it than there was room for. `has_queued`: more was asked for
    than there was room for; `has_missed`: some of that is what it missed, which comes before the ledger.
    """

    taker: Taker
    line: Line
    is_leaving: bool = False
    is_dirty: bool = False
    is_behind: bool = False
    has_missed: bool = False
    has_queued: bool = False

    @property
    def pk(self) -> int:
        """The endpoint's."""
        return self.taker.endpoint.pk

    @property
    def realm_id(self) -> int:
        """The realm that its tries count for."""
        return self.taker.endpoint.realm_id

    @property
    def is_on(self) -> bool:
        """Whether it is told of changes; else it is here for a test."""
        return self.taker.endpoint.is_on and not self.is_leaving

    @property
    def takes_more(self) -> bool:
        """Whether there is room for what the ledger has."""
        return self.is_on and not self.has_missed and self.line.has_room(WINDOW)


class Serving:
    """`clock` and `dice` (0 to 1) as the sender has them; `wake` is called when a turn should not wait for its time."""

    def __init__(
        self,
        poster: Poster,
        summary: Summary,
        clock: Callable[[], datetime],
        dice: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.served: dict[int, Served] = {}
        self.tries: set[asyncio.Task[None]] = set()
        self.outcomes: list[tuple[Served, Outcome]] = []
        self.offs: list[tuple[WebhookEndpoint, OffCause]] = []
        self.without_text: list[tuple[Served, Waiting]] = []
        self._left: dict[int, tuple[str, Line]] = {}  # to be read anew: their URLs, how they did
        self.head: Cursor = START  # of those that have read farthest
        self.is_ending = False  # starts nothing more
        self._is_short = False  # somebody waits for room for a try
        self._poster, self._summary = poster, summary
        self._clock, self._dice, self._wake = clock, dice, wake

    def all(self) -> list[Served]:
        """Those that are served, whoever was longest without a try first."""
        return list(self.served.values())

    def is_idle(self) -> bool:
        """Whether nothing is under way or due, and no endpoint is to be read anew."""
        now = self._clock()
        return not (
            self.tries
            or self.outcomes
            or any(
                served.is_leaving
                or (served.has_queued and served.is_on)
                or served.line.is_due(now, is_on=served.is_on)
                for served in self.all()
            )
        )

    # ── Which endpoints there are ────────────────────────────────────────────────────────────────────────────────────────

    def let_go(self) -> set[int]:
        """Forget those that leave and have nothing under way or unwritten; which they are."""
        unwritten = {served.pk for served, _outcome in self.outcomes}
        done = {
            served.pk
            for served in self.all()
            if served.is_leaving and not served.line.running and served.pk not in unwritten
        }
        for pk in done:
            left = self.served.pop(pk)
            self._left[pk] = left.taker.endpoint.url, left.line
        return done

    def may_be_let_go(self) -> bool:
        """Whether one leaves that has nothing under way, so that it can be read anew at once."""
        return any(served.is_leaving and not served.line.running for served in self.all())

    def leave_all(self) -> None:
        """Let each be read anew."""
        for served in self.all():
            served.is_leaving = True

    def take_in(self, sight: Sight) -> None:
        """Serve those that are new, let those leave that are gone or that somebody changed so that they must be read anew."""
        for served in self.all():
            row = sight.endpoints.get(served.pk)
            if row is None or not _goes_on(served.taker, row):
                served.is_leaving = True
            else:
                served.taker.endpoint = row
        for pk in sight.taken:
            row = sight.endpoints[pk]
            line = Line(
                succeeded_at=row.succeeded_at,
                failed_at=row.failed_at,
                failing_since=row.failing_since,
            )
            url, left = self._left.get(pk, ("", line))
            if url == row.url:
                line.failures = max(line.failures, left.failures)
                line.pace = left.pace
            self.served[pk] = Served(taker_of(row), line)
        self._left.clear()
        for served in self.all():
            served.has_missed = served.pk in sight.missed
            served.has_queued = served.pk in sight.queued
        for pk, waiting in sight.waiting.items():
            line = self.served[pk].line
            for each in waiting:
                if each.id not in line:
                    line.add(each)

    # ── What is new ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def groups(self) -> list[tuple[Cursor, list[Served]]]:
        """Those that have room for more, by where they stand in the ledger, those that are behind first."""
        groups: dict[Cursor, list[Served]] = {}
        for served in self.all():
            if served.takes_more:
                groups.setdefault(served.taker.cursor, []).append(served)
        return sorted(groups.items(), key=lambda group: group[0])

    def add(self, group: Sequence[Served], claimed: Claim) -> None:
        """Take in what was made of the ledger for these."""
        room = MOST_TEXT - sum(served.line.text_size() for served in self.all())
        for served in group:
            if served.pk in claimed.stale:
                served.is_leaving = True
                continue
            served.is_behind = claimed.has_more
            served.taker.cursor = claimed.cursor
            if served.pk in claimed.moved:
                served.taker.kept = claimed.cursor
            for waiting in claimed.made.get(served.pk, ()):
                room -= len(waiting.text or "")
                if room < 0:
                    waiting.forget_text()
                served.line.add(waiting)
        self.head = max(self.head, claimed.cursor)

    # ── Tries ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start what may start; whoever got a turn comes last the next time."""
        if self.is_ending:
            return
        slots = Slots(self.all(), self._clock())
        for served in slots:
            self._start_one(served)
            self.served[served.pk] = self.served.pop(served.pk)
        self._is_short = slots.is_short

    def start_with(self, lacking: Sequence[tuple[Served, Waiting]], texts: dict[int, str]) -> None:
        """Start those whose texts had to be read, which were taken from `without_text`; others may stand there by now."""
        for served, waiting in lacking:
            text = texts.get(waiting.id)
            if text is None:  # somebody removed it
                served.line.finish(waiting)
            else:
                self._begin(served, waiting, text)

    def _start_one(self, served: Served) -> None:
        """Start what is the next of this endpoint, if anything is."""
        now = self._clock()
        waiting = served.line.take(now, is_on=served.is_on)
        if waiting is None:
            return
        text = waiting.take_text(now)
        if text is not None:
            self._begin(served, waiting, text)
        else:
            self.without_text.append((served, waiting))
            self._wake()

    def _begin(self, served: Served, waiting: Waiting, text: str) -> None:
        task = asyncio.create_task(self._try(served, waiting, text))
        self.tries.add(task)
        task.add_done_callback(self.tries.discard)

    async def _try(self, served: Served, waiting: Waiting, text: str) -> None:
        endpoint, began_at = served.taker.endpoint, self._clock()
        try:
            tried = await self._send(endpoint, waiting, text, began_at)
        except Exception:  # one that cannot be sent must not stop the others
            logger.exception("Delivery %d cannot be sent.", waiting.id)
            tried = Try(None, Failure.BROKEN, "", 0, None)
        self._note(served, waiting, tried, began_at)

    async def _send(
        self, endpoint: WebhookEndpoint, waiting: Waiting, text: str, now: datetime
    ) -> Try:
        payload = render(
            endpoint.format, json.loads(text), is_test=waiting.is_test, now=waiting.due_at
        )
        salts = salts_in_force(endpoint, now)
        headers = request_headers(payload, waiting.webhook_id, salts, now)
        return await self._poster.post(endpoint.url, payload, headers)

    def _note(self, served: Served, waiting: Waiting, tried: Try, began_at: datetime) -> None:
        """Take in what came of a try, and start the next: written down is it with others, in the order in which they ended."""
        outcome = judge(waiting, tried, began_at, self._dice())
        settle(served.line, waiting, outcome, tried)
        served.line.note_pace(timedelta(milliseconds=tried.took_ms))
        self.outcomes.append((served, outcome))
        self._count(outcome)
        if not waiting.is_test:
            self._note_health(served, outcome, tried)
        elif tried.is_delivered and served.is_on:
            served.line.note_test(self._clock())
        if not (self._is_short or self.is_ending or served.is_leaving):
            self._start_one(served)  # in its place, so there is room
        many = len(self.outcomes) >= WRITTEN_AT
        if self._is_short or many or (served.is_behind and served.takes_more):
            self._wake()

    def _count(self, outcome: Outcome) -> None:
        self._summary.delivered += outcome.state == DeliveryState.DELIVERED
        self._summary.failed_tries += outcome.state != DeliveryState.DELIVERED
        self._summary.given_up += outcome.state == DeliveryState.FAILED

    def _note_health(self, served: Served, outcome: Outcome, tried: Try) -> None:
        """Take in what a try says of its receiver. Log lines have no URL: its path and query may hold a secret."""
        now, name = self._clock(), served.taker.endpoint.public_id
        served.is_dirty = True
        if tried.is_delivered:
            if served.line.note_success(now):
                logger.info("Endpoint %s takes webhooks again.", name)
            return
        if served.line.note_failure(now):
            logger.warning(
                "Endpoint %s takes no webhooks (%s).", name, tried.status or tried.failure
            )
        cause = off_cause(served.line, outcome)
        if cause is not None and not served.is_leaving:
            logger.warning("Endpoint %s is switched off (%s).", name, cause)
            served.is_leaving = True
            self.offs.append((served.taker.endpoint, cause))
            self._summary.switched_off += 1


def _goes_on(taker: Taker, row: WebhookEndpoint) -> bool:
    """Whether what we hold of an endpoint is right for its row as it is now.

    Not if somebody changed it, or its cursor was moved: what waits may be due anew, or be no longer for it.
    """
    ours = taker.endpoint
    return (
        taker.kept == Cursor(row.xid, row.last_id)
        and ours.is_on == row.is_on
        and ours.revision == row.revision
    )
