"""Which of an endpoint's messages may be sent now: in memory, and nothing but a matter of order and time.

- A message waits while an earlier one tells of the same address, so that a receiver learns of each address in order.
- An endpoint has a few connections, and one while it fails: a receiver that hangs then costs next to nothing.
- When it succeeds again, whatever waits for its next try is tried at once.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from uuid import UUID

from reporting.webhooks.timetable import rest_out_of_turn

CONNECTIONS = 8  # of one endpoint at once
FAILING_AFTER = 3  # failures running
DOWN_AFTER = timedelta(seconds=5)  # without a success since a failure: then a success is news
MOST_UNFINISHED = 1_000  # deliveries; what comes after them stays in the ledger
MOST_CHANGES = 5_000  # in them together, where they are batches
FRESH_FOR = timedelta(seconds=10)  # how long a text that was read says what is suppressed now


@dataclass(slots=True, eq=False)
class Waiting:
    """A delivery that is not over, as the sender holds it. The first seven are as in WebhookDelivery.

    `digests`: whom it tells of; none for a test, which waits for nobody. `changes`: how many. `text`: these as JSON, until it is
    too old or memory is short; `read_at`: when it was made of the ledger and the suppressions. `not_before`: how long the
    receiver asked us to wait.
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
    text: str | None = None
    read_at: datetime | None = None
    not_before: datetime | None = None
    was_woken: bool = False  # since its last try in turn
    ahead: int = 0  # unfinished ones before it, of the same addresses

    @property
    def webhook_id(self) -> str:
        """The header `webhook-id`."""
        return f"msg_{self.message.hex}"

    def is_fresh(self, now: datetime) -> bool:
        """Whether `text` can be sent as it is."""
        return self.text is not None and self.read_at is not None and now - self.read_at < FRESH_FOR

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
        self.running = 0  # tries under way
        self.untried = 0
        self.changes = 0
        self._waiting: dict[int, Waiting] = {}
        # Lists: nearly all have one, and an empty deque takes as much memory as a delivery.
        self._of_digest: dict[bytes, list[Waiting]] = {}
        # Whatever is neither under way nor behind another one is in one of these.
        self._tests: deque[Waiting] = deque()
        self._woken: deque[Waiting] = deque()
        self._by_time: list[tuple[datetime, int, Waiting]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, delivery_id: int) -> bool:
        return delivery_id in self._waiting

    @property
    def is_failing(self) -> bool:
        """Whether it is tried with one connection only."""
        return self.failures >= FAILING_AFTER

    def has_room(self, changes: int) -> bool:
        """Whether so many more changes may be made into deliveries."""
        return (
            len(self._waiting) + changes <= MOST_UNFINISHED
            and self.changes + changes <= MOST_CHANGES
        )

    def add(self, waiting: Waiting) -> None:
        """Put it behind the others that tell of its addresses."""
        self._waiting[waiting.id] = waiting
        self.changes += waiting.changes
        self.untried += waiting.tries == 0
        waiting.ahead = 0
        for digest in set(waiting.digests):
            queue = self._of_digest.setdefault(digest, [])
            waiting.ahead += bool(queue)
            queue.append(waiting)
        if waiting.ahead == 0:
            self._offer(waiting)

    def take(self, now: datetime, most: int, *, is_on: bool = True) -> list[Waiting]:
        """Those to be tried now, at most so many, and of an endpoint that is off only tests. Each must be given back by `finish`
        or `keep`."""
        taken: list[Waiting] = []
        while self._tests and len(taken) < most:
            taken.append(self._tests.popleft())
        connections = (1 if self.is_failing else CONNECTIONS) if is_on else 0
        while self.running + len(taken) < connections and len(taken) < most:
            if self._woken:
                taken.append(self._woken.popleft())
            elif self._by_time and self._by_time[0][0] <= now:
                taken.append(heappop(self._by_time)[2])
            else:
                break
        self.running += len(taken)
        self.untried -= sum(waiting.tries == 0 for waiting in taken)
        return taken

    def is_due(self, now: datetime, *, is_on: bool = True) -> bool:
        """Whether anything may be tried now, or is under way."""
        is_next = bool(self._woken or (self._by_time and self._by_time[0][0] <= now))
        return bool(self.running or self._tests) or (is_on and is_next)

    def finish(self, waiting: Waiting) -> None:
        """It is over: delivered or failed for good. Those behind it move up."""
        self.running -= 1
        self.changes -= waiting.changes
        del self._waiting[waiting.id]
        for digest in set(waiting.digests):
            queue = self._of_digest[digest]
            queue.pop(0)
            if not queue:
                del self._of_digest[digest]
                continue
            queue[0].ahead -= 1
            if queue[0].ahead == 0:
                self._offer(queue[0])

    def keep(self, waiting: Waiting) -> None:
        """It was tried, and waits for its next try, which its `due_at` and so on tell by now."""
        self.running -= 1
        self._offer(waiting)

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
        if self.failures != FAILING_AFTER:
            return False
        while self._woken:
            self._offer(self._woken.popleft())
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
            heappush(self._by_time, (waiting.due_at, waiting.id, waiting))

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


def _may_be_woken(waiting: Waiting, now: datetime) -> bool:
    if waiting.not_before is not None and waiting.not_before > now:
        return False
    if not waiting.was_woken or waiting.tried_at is None:
        return True
    return now - waiting.tried_at >= rest_out_of_turn(waiting.step)
