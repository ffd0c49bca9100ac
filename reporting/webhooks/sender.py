"""The sender: tells endpoints of what the ledger gets (`manage.py send_webhooks`; architecture.md, "Webhooks").

One event loop that posts, one thread that speaks with the database (session.py). In turns: write down what came of tries, look
which endpoints there are, make the ledger's news into deliveries, start tries. Whatever a sender has in memory stands in the
database as well, so it may end at any moment; the next one goes on.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from reporting.changes import NotMendedError, find_end, has_news
from reporting.feed import mend_feed
from reporting.webhooks.claims import claim, keep_cursors
from reporting.webhooks.holding import give_pulse, look_around, read_texts
from reporting.webhooks.locks import lock_endpoints
from reporting.webhooks.outcomes import switch_off, write_health, write_outcomes
from reporting.webhooks.posting import Poster
from reporting.webhooks.serving import Serving, Summary
from reporting.webhooks.session import Session, SessionLostError

logger = logging.getLogger(__name__)

POLL = 0.1  # seconds between two looks into the ledger
LOOK_EVERY = 0.4  # seconds between two looks which endpoints there are, and what was asked for
PULSE_EVERY = 2.0  # seconds between two signs of life
STOP_SECONDS = 10.0  # for tries that are under way; those of receivers that hang are made again by the next sender
RETRY_SECONDS = (1.0, 15.0)  # before it begins anew; doubled up to the second


class Sender:
    """`clock` and `dice` (0 to 1, for the jitter) are there for tests. Belongs to one event loop."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = timezone.now,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.summary = Summary()
        self._clock, self._dice = clock, dice
        self._wake = asyncio.Event()
        self._is_stopping = False

    def stop(self) -> None:
        """Start nothing more, let what is under way end, and return from `run`."""
        self._is_stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Serve until `stop`. Whatever goes wrong, begin anew: without a database as soon as there is one."""
        pause = RETRY_SECONDS[0]
        while not self._is_stopping:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve(until_idle=False)
            except (SessionLostError, DatabaseError, InterfaceError) as error:
                logger.warning("The sender has no database (%s).", type(error).__name__)
            except Exception:  # opt-outs must go out, whatever it is
                logger.exception("The sender begins anew.")
            if asyncio.get_running_loop().time() - began > RETRY_SECONDS[1]:
                pause = RETRY_SECONDS[0]
            if not self._is_stopping:
                await self._sleep(pause)
            pause = min(2 * pause, RETRY_SECONDS[1])

    async def drain(self) -> Summary:
        """Do what is due now, and return: what is due later stays. Raises SessionLostError, DatabaseError, InterfaceError."""
        await self._serve(until_idle=True)
        return self.summary

    async def _serve(self, *, until_idle: bool) -> None:
        """For as long as the session lasts."""
        async with Session() as session, Poster() as poster:
            serving = Serving(poster, self.summary, self._clock, self._dice, self._wake.set)
            turns = _Turns(session, serving, self._clock)
            try:
                while not self._is_stopping:
                    self._wake.clear()
                    has_more = await turns.take()
                    if not has_more and until_idle and serving.is_idle():
                        break
                    await self._sleep(0 if has_more else POLL)
                await turns.end()
                self.summary.waiting = sum(len(served.line) for served in serving.all())
            finally:
                serving.is_ending = True
                for task in serving.tries:
                    task.cancel()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


@dataclass(slots=True)
class _Turns:
    """What the sender does again and again in one session, and when it did what last (seconds of the event loop)."""

    session: Session
    serving: Serving
    clock: Callable[[], datetime]
    looked_at: float = float("-inf")
    pulse_at: float = float("-inf")

    async def take(self) -> bool:
        """One turn; whether the next one has something to do at once."""
        try:
            await self._write_outcomes()
            await self._look()
            has_more = await self._claim()
            await self._give_pulse()
        except NotMendedError:
            logger.warning("The ledger was restored from another server.")
            await self.session.run(mend_feed)
            self.serving.leave_all()
            self.looked_at = float("-inf")
            return True
        self.serving.start()
        await self._fetch_texts()
        return has_more

    async def end(self) -> None:
        """Let what is under way end, and write down what came of it."""
        self.serving.is_ending = True
        if self.serving.tries:
            await asyncio.wait(self.serving.tries, timeout=STOP_SECONDS)
        await self._write_outcomes()
        await self._write_state()

    async def _write_outcomes(self) -> None:
        serving, now = self.serving, self.clock()
        outcomes, serving.outcomes = serving.outcomes, []
        offs, serving.offs = serving.offs, []
        if not outcomes:
            return

        def write() -> None:
            write_outcomes([(served.taker.endpoint, outcome) for served, outcome in outcomes])
            for endpoint, cause in offs:
                switch_off(endpoint, cause, now)

        await self.session.run(write)

    async def _look(self) -> None:
        if _seconds() - self.looked_at < LOOK_EVERY:
            return
        self.looked_at = _seconds()
        done = self.serving.let_go()
        held = {served.pk: served.line for served in self.serving.all()}
        sight = await self.session.run(look_around, held, done)
        self.serving.take_in(sight)
        if self.serving.may_be_let_go():
            self.looked_at = float("-inf")

    async def _claim(self) -> bool:
        """Make the next window of each place at which endpoints stand into deliveries; whether there is more for somebody who has
        room for it."""
        groups = self.serving.groups()
        has_more = False
        for place, (cursor, group) in enumerate(groups):
            is_last = place == len(groups) - 1
            if is_last and not await self.session.run(has_news, cursor):
                continue
            for served in group:
                served.taker.untried = served.line.untried
            takers = [served.taker for served in group]
            # Those that are behind go as far as the next ones stand, and on together with them.
            until = None if is_last else groups[place + 1][0]
            claimed = await self.session.run(claim, takers, until, self.clock())
            self.serving.add(group, claimed)
            if claimed.stale:
                self.looked_at = float("-inf")
            has_more |= claimed.has_more or bool(claimed.stale) or not is_last
        return has_more

    async def _fetch_texts(self) -> None:
        """Of deliveries that were taken up after a start, or are tried again."""
        serving = self.serving
        lacking, serving.without_text = serving.without_text, []
        if lacking:
            ids = [waiting.id for _served, waiting in lacking]
            serving.start_with(lacking, await self.session.run(read_texts, ids))

    async def _give_pulse(self) -> None:
        if _seconds() - self.pulse_at < PULSE_EVERY:
            return
        self.pulse_at = _seconds()
        await self._write_state()
        if not any(served.is_on for served in self.serving.all()):
            self.serving.head = await self.session.run(find_end)
        await self.session.run(give_pulse, self.serving.head, self.clock())
        for served in self.serving.all():
            served.line.forget_old_texts(self.clock())

    async def _write_state(self) -> None:
        """How endpoints do, and how far they have read where nothing was for them."""
        every = self.serving.all()
        dirty = [served for served in every if served.is_dirty]
        behind = [
            served for served in every if served.is_on and served.taker.kept != served.taker.cursor
        ]
        for served in dirty:
            served.is_dirty = False

        def write() -> set[int]:
            lock_endpoints(served.pk for served in (*dirty, *behind))
            write_health([(served.taker.endpoint, served.line) for served in dirty])
            return keep_cursors([served.taker for served in behind])

        if dirty or behind:
            moved = await self.session.run(write)
            for served in behind:
                served.taker.kept = served.taker.cursor
                served.is_leaving |= served.pk not in moved


def _seconds() -> float:
    return asyncio.get_running_loop().time()
