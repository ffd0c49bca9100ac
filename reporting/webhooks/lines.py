"""Which of an endpoint's messages may be sent now: in memory, and nothing but a matter of order and time.

- A message waits while an earlier one tells of the same address, so that a receiver learns of each address in order.
- An endpoint has a few connections, and one while it fails: a receiver that hangs then costs next to nothing. How many it really
  gets depends on how quick it is, and on the others (slots.py).
- When it succeeds again, whatever waits for its next try is tried at once.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from uuid import UUID

from reporting.webhooks.timetable import rest_out_of_turn

CONNECTIONS = 8  # of one endpoint at once
FAILING_AFTER = 3  # failures running
DOWN_AFTER = timedelta(seconds=5)  # without a success since a failure: then a success is news
MOST_UNFINISHED = 1_000  # deliveries; what comes after them stays in the ledger
MOST_CHANGES = 2_000  # in them together, where they are batches
MOST_ASKED_FOR = (
    500  # and besides these so many that somebody asked for, with so many changes together
)
QUICK = timedelta(seconds=2)  # an answer within it, usually
FRESH_FOR = timedelta(seconds=10)  # how long a text that was read says what is suppressed now


@dataclass(slots=True, eq=False)
class Waiting:
    """A delivery that is not over, as the sender holds it. The first eight are as in WebhookDelivery.

    `digests`: whom it tells of; none for a test, which waits for nobody. `changes`: how many. `is_asked_for`: somebody wants it
    sent again. `text`: the changes as JSON, until it is sent, too old, or memory is short; `read_at`: when it was made of the
    ledger and the suppressions. `not_before`: how long the receiver asked us to wait.
    """

    id: int
    message: UUID
    is_test: bool
    due_at: datetime
    step: int = 0
    tries: int = 0
    first_tried_at: datetime | None = None
    tried_at: datetime | None = None
    digests: tuple[bytes, ...] = ()
    changes: int = 1
    is_asked_for: bool = False
    text: str | None = None
    read_at: datetime | None = None
    not_before: datetime | None = None
    was_woken: bool = False  # since its last try in turn
    ahead: int = 0  # unfinished ones before it, of the same addresses

    @property
    def webhook_id(self) -> str:
        """The header `webhook-id`."""
        return f"msg_{self.message.hex}"

    def is_in_turn(self, now: datetime) -> bool:
        """Whether a try now is one of the timetable's. The first is, whatever the clock says: it may have been set back."""
        return self.step == 0 or self.due_at <= now

    def is_fresh(self, now: datetime) -> bool:
        """Whether `text` can be sent as it is."""
        return self.text is not None and self.read_at is not None and now - self.read_at < FRESH_FOR

    def take_text(self, now: datetime) -> str | None:
        """The text for the try that begins, if it can be sent. It is the try's own from now on, and kept here no longer."""
        text = self.text if self.is_fresh(now) else None
        self.forget_text()
        return text

    def forget_text(self) -> None:
        """Read it anew before the next try."""
        self.text = self.read_at = None


class Line:
    """The unfinished deliveries of one endpoint, and how its receiver does.

    `succeeded_at`, `failed_at`, `failing_since`: as in WebhookEndpoint; a test counts for none of them.
    """

    def __init__(
        self,
        *,
        succeeded_at: datetime | None = None,
        failed_at: datetime | None = None,
        failing_since: datetime | None = None,
    ) -> None:
        self.succeeded_at = succeeded_at
        self.failed_at = failed_at
        self.failing_since = failing_since
        # Running. One that failed when somebody else served it is still tried with one connection.
        self.failures = 0 if failing_since is None else FAILING_AFTER
        # How long answers take: a moving average, None before the first one.
        self.pace: timedelta | None = None
        self.untried = 0
        self.changes = 0  # in those that nobody asked for
        self.asked_for = 0
        self.asked_changes = 0
        self._waiting: dict[int, Waiting] = {}
        self._running: dict[int, datetime] = {}  # when the tries under way began, oldest first
        # Nearly always it is one; a list for each would take more memory than the delivery.
        self._of_digest: dict[bytes, Waiting | list[Waiting]] = {}
        # Whatever is neither under way nor behind another one is in one of these.
        self._tests: deque[Waiting] = deque()
        self._woken: deque[Waiting] = deque()
        self._first: list[tuple[datetime, int, Waiting]] = []  # due, whatever the clock says
        self._by_time: list[tuple[datetime, int, Waiting]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, delivery_id: int) -> bool:
        return delivery_id in self._waiting

    @property
    def running(self) -> int:
        """Tries under way."""
        return len(self._running)

    @property
    def is_failing(self) -> bool:
        """Whether it is tried with one connection only."""
        return self.failures >= FAILING_AFTER

    def is_quick(self, now: datetime) -> bool:
        """Whether it is known to answer, and soon. Of one that has not answered yet that is not known."""
        if self.is_failing or self.pace is None or self.pace > QUICK:
            return False
        return now - next(iter(self._running.values()), now) <= QUICK

    def has_room(self, changes: int) -> bool:
        """Whether so many more changes may be made into deliveries."""
        return (
            len(self._waiting) - self.asked_for + changes <= MOST_UNFINISHED
            and self.changes + changes <= MOST_CHANGES
        )

    def asked_room(self) -> tuple[int, int]:
        """How many deliveries more that were asked for, and with how many changes, may be taken up."""
        return MOST_ASKED_FOR - self.asked_for, MOST_ASKED_FOR - self.asked_changes

    def text_size(self) -> int:
        """Characters of all texts that are held here."""
        return sum(len(waiting.text) for waiting in self._waiting.values() if waiting.text)

    def add(self, waiting: Waiting) -> None:
        """Put it behind the others that tell of its addresses."""
        self._waiting[waiting.id] = waiting
        self._count(waiting, 1)
        self.untried += waiting.tries == 0
        waiting.ahead = 0
        for digest in set(waiting.digests):
            found = self._of_digest.get(digest)
            if found is None:
                self._of_digest[digest] = waiting
                continue
            waiting.ahead += 1
            if isinstance(found, list):
                found.append(waiting)
            else:
                self._of_digest[digest] = [found, waiting]
        if waiting.ahead == 0:
            self._offer(waiting)

    def can_take(self, now: datetime, *, is_on: bool = True) -> bool:
        """Whether something may be tried now, as far as it is this endpoint's affair."""
        if self._tests:
            return self.running < CONNECTIONS
        return (
            is_on
            and self.running < (1 if self.is_failing else CONNECTIONS)
            and bool(self._woken or self._first or _is_due(self._by_time, now))
        )

    def take(self, now: datetime, *, is_on: bool = True) -> Waiting | None:
        """What is to be tried now, of an endpoint that is off only a test. It must be given back by `finish` or `keep`."""
        if not self.can_take(now, is_on=is_on):
            return None
        if self._tests:
            taken = self._tests.popleft()
        elif self._woken:
            taken = self._woken.popleft()
        elif not self._first or (
            _is_due(self._by_time, now) and self._by_time[0][:2] < self._first[0][:2]
        ):
            taken = heappop(self._by_time)[2]
        else:
            taken = heappop(self._first)[2]
        self._running[taken.id] = now
        self.untried -= taken.tries == 0
        return taken

    def is_due(self, now: datetime, *, is_on: bool = True) -> bool:
        """Whether anything may be tried now, or is under way."""
        is_next = bool(self._woken or self._first or _is_due(self._by_time, now))
        return bool(self._running or self._tests) or (is_on and is_next)

    def finish(self, waiting: Waiting) -> None:
        """It is over: delivered or failed for good. Those behind it move up."""
        del self._running[waiting.id]
        del self._waiting[waiting.id]
        self._count(waiting, -1)
        for digest in set(waiting.digests):
            queue = self._of_digest[digest]
            if not isinstance(queue, list):
                del self._of_digest[digest]
                continue
            queue.pop(0)
            head = queue[0]
            if len(queue) == 1:
                self._of_digest[digest] = head
            head.ahead -= 1
            if head.ahead == 0:
                self._offer(head)

    def keep(self, waiting: Waiting) -> None:
        """It was tried, and waits for its next try, which its `due_at` and so on tell by now."""
        del self._running[waiting.id]
        self._offer(waiting)

    def note_pace(self, took: timedelta) -> None:
        """A try ended after that while, whatever came of it."""
        self.pace = took if self.pace is None else (3 * self.pace + took) / 4

    def note_success(self, now: datetime) -> bool:
        """The receiver took a message; whether that is news. Then all that waits is due (in due order)."""
        was_down = self.is_failing or (
            self.failing_since is not None and now - self.failing_since >= DOWN_AFTER
        )
        self.failures = 0
        self.failing_since = None
        self.succeeded_at = now
        if was_down:
            self._wake(now)
        return was_down

    def note_test(self, now: datetime) -> None:
        """The receiver took a test: then all that waits is tried, though nothing else is known of it."""
        self._wake(now)

    def note_failure(self, now: datetime) -> bool:
        """It did not; whether from now on it is tried with one connection."""
        self.failures += 1
        self.failed_at = now
        self.failing_since = self.failing_since or now
        if not self.is_failing:
            return False
        while self._woken:  # a test may have woken them
            self._offer(self._woken.popleft())
        if self.failures > FAILING_AFTER:
            return False
        for waiting in self._waiting.values():
            waiting.forget_text()
        return True

    def forget_old_texts(self, now: datetime) -> None:
        """Give the memory back of texts that must be read anew anyway."""
        for waiting in self._waiting.values():
            if waiting.text is not None and not waiting.is_fresh(now):
                waiting.forget_text()

    def _offer(self, waiting: Waiting) -> None:
        if waiting.is_test:
            self._tests.append(waiting)
        else:
            heap = self._first if waiting.step == 0 else self._by_time
            heappush(heap, (waiting.due_at, waiting.id, waiting))

    def _count(self, waiting: Waiting, sign: int) -> None:
        if waiting.is_asked_for:
            self.asked_for += sign
            self.asked_changes += sign * waiting.changes
        else:
            self.changes += sign * waiting.changes

    def _wake(self, now: datetime) -> None:
        """Let whatever waits for its next try be tried out of turn, unless the receiver asked us to wait.

        Without bound the first time after a try in turn, then at intervals: a receiver may take some messages and never others.
        """
        resting = []
        for each in self._by_time:
            if each[0] > now and _may_be_woken(each[2], now):
                each[2].was_woken = True
                self._woken.append(each[2])
            else:
                resting.append(each)
        self._by_time = resting
        heapify(self._by_time)
        self._woken = deque(sorted(self._woken, key=lambda waiting: waiting.id))


def _is_due(heap: Sequence[tuple[datetime, int, Waiting]], now: datetime) -> bool:
    return bool(heap) and heap[0][0] <= now


def _may_be_woken(waiting: Waiting, now: datetime) -> bool:
    if waiting.not_before is not None and waiting.not_before > now:
        return False
    if not waiting.was_woken or waiting.tried_at is None:
        return True
    return now - waiting.tried_at >= rest_out_of_turn(waiting.step)
