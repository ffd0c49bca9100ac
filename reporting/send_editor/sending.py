"""Handing messages over to the gateway: by the worker, one recipient after the other, to nobody twice (S3.6, S3.7).

Whoever is next is claimed first: in one statement `after` moves on to them and their row is written. Only then the gateway is
asked. A worker that is killed in between leaves that row; nobody knows whether the message went out, so it is not sent again.
Right before the claim it is asked once more whether the number may be written to, and whether whoever answers with STOP is out: a
list takes hours, and people opt out, and owners change what STOP ends, meanwhile.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from lists import sms
from lists.audit import record_audit
from lists.lookup import ListSnapshot, get_list_by_id
from lists.prepared import fetch_prepared
from lists.sms import SmsError, SmsRefusedError
from optout.addresses import Address, digest_of
from optout.choices import Medium
from optout.queries import find_scope
from optout.short_links import short_url
from reporting.models.messages import RecipientState, TextMessage, TextRecipient, TextState
from reporting.patience import Patience, in_turn
from reporting.send_editor.messages import is_in_do_not_mail
from reporting.send_editor.recipients import Recipient, read_recipients
from reporting.send_editor.senders import ends_with_stop
from reporting.send_editor.texts import fill

BATCH = (
    100  # places on the list that are read together; each is asked about anew when its turn comes
)
LONGEST_RUN = 55  # seconds: the next run begins with the next minute
TURN = 5  # seconds: then another message goes on, so that a short one does not wait for a long one
# After the gateway failed at a message it rests, twice as long each time it fails again. What may have been taken is lost to its
# recipient, so a gateway that fails for an hour may cost a handful of them.
REST = timedelta(minutes=2)
LONGEST_REST = timedelta(minutes=30)
MOST_REFUSED = (
    50  # with nobody who got it: it is the message that the gateway does not take, not the numbers
)
MOST_UNKNOWN = 50  # in a row: whatever answers there, it is no gateway that takes messages
FORGOTTEN_AT_ONCE = 10_000  # rows, in a transaction
_LOCKS = 7_294_014  # ours among the advisory locks of this database

_CLAIM: Final = f"""
WITH moved AS (
    UPDATE reporting_textmessage SET after = %(digest)s
    WHERE id = %(message)s AND state = '{TextState.SENDING}' AND after < %(digest)s
    RETURNING id
)
INSERT INTO reporting_textrecipient (message_id, digest, number, state, at)
SELECT id, %(digest)s, %(number)s, {RecipientState.CLAIMED:d}, %(now)s FROM moved
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 -- made of constants
_RESTS: Final = """
failures = m.failures + 1, rests_until = %(began)s::timestamptz + GREATEST(
    %(asked)s::interval, LEAST(%(longest)s::interval, %(rest)s::interval * (1 << LEAST(m.failures, 9)))
)
"""
# What became of it. A row that is not claimed any more was told by another worker, which took this one for dead.
_SENT: Final = f"""
WITH mine AS (
    DELETE FROM reporting_textrecipient WHERE id = %(id)s AND state = {RecipientState.CLAIMED:d} RETURNING message_id
)
UPDATE reporting_textmessage m SET sent = m.sent + 1, rests_until = NULL, failures = 0, unknown_in_row = 0
FROM mine WHERE m.id = mine.message_id
"""  # noqa: S608 -- made of constants
_REFUSED: Final = f"""
WITH mine AS (
    UPDATE reporting_textrecipient SET state = {RecipientState.REFUSED:d}, at = %(now)s
    WHERE id = %(id)s AND state = {RecipientState.CLAIMED:d} RETURNING message_id
)
UPDATE reporting_textmessage m SET refused = m.refused + 1, rests_until = NULL, failures = 0
FROM mine WHERE m.id = mine.message_id
"""  # noqa: S608 -- made of constants
_UNKNOWN: Final = f"""
WITH mine AS (
    UPDATE reporting_textrecipient SET state = {RecipientState.UNKNOWN:d}, at = %(now)s
    WHERE id = %(id)s AND state = {RecipientState.CLAIMED:d} RETURNING message_id
)
UPDATE reporting_textmessage m SET unknown = m.unknown + 1, unknown_in_row = m.unknown_in_row + 1, {_RESTS}
FROM mine WHERE m.id = mine.message_id
"""  # noqa: S608 -- made of constants
# The gateway surely has not taken it: all stands as before, and the same recipient is the next one. Where another worker has
# gone on meanwhile the row stays, and nobody knows.
_PUT_BACK: Final = f"""
WITH back AS (
    UPDATE reporting_textmessage m SET after = %(before)s, {_RESTS}
    FROM reporting_textrecipient r
    WHERE r.id = %(id)s AND r.state = {RecipientState.CLAIMED:d} AND m.id = r.message_id AND m.after = r.digest
    RETURNING r.id
)
DELETE FROM reporting_textrecipient r USING back WHERE r.id = back.id
"""  # noqa: S608 -- made of constants
# Of a worker that died.
_RESOLVE: Final = f"""
WITH dead AS (
    UPDATE reporting_textrecipient SET state = {RecipientState.UNKNOWN:d}
    WHERE message_id = %(message)s AND state = {RecipientState.CLAIMED:d} RETURNING 1
)
UPDATE reporting_textmessage SET unknown = unknown + n, unknown_in_row = unknown_in_row + n
FROM (SELECT count(*) n FROM dead) d WHERE id = %(message)s AND n > 0
"""  # noqa: S608 -- made of constants
_FORGET: Final = """
DELETE FROM reporting_textrecipient WHERE id IN (
    SELECT r.id FROM reporting_textrecipient r JOIN reporting_textmessage m ON m.id = r.message_id
    WHERE m.finished_at < %s
    LIMIT %s
)
RETURNING id
"""


class Outcome(Enum):
    """What became of a try."""

    SENT = auto()
    REFUSED = auto()
    UNKNOWN = auto()  # it may have been taken
    NOT_TAKEN = auto()  # it surely was not
    NOT_OURS = auto()  # stopped, or another worker has it


_WRITE_DOWN: Final = {Outcome.SENT: _SENT, Outcome.REFUSED: _REFUSED, Outcome.UNKNOWN: _UNKNOWN}


class Pace:
    """At most so many a second (0: as many as the gateway takes)."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second else 0
        self._next = time.monotonic()

    def wait(self) -> None:
        """Until the next one may go."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._gap


class Run:
    """One run of the worker: what came of it so far, and how much longer it goes on."""

    def __init__(self, now: datetime) -> None:
        self.began = now
        self._clock = time.monotonic()
        self.counts = {"sent": 0, "refused": 0, "unknown": 0}
        self.pace = Pace(settings.SMS_PER_SECOND)
        self._patience = Patience(LONGEST_RUN)

    @property
    def now(self) -> datetime:
        return self.began + timedelta(seconds=time.monotonic() - self._clock)

    @property
    def has_ended(self) -> bool:
        return self._patience.has_ended

    def has_time(self, until: float) -> bool:
        """Whether the same message may go on, until then by time.monotonic at the latest."""
        return not self.has_ended and time.monotonic() < until

    def note(self, outcome: Outcome, error: Exception | None) -> None:
        self._patience.note(error)
        name = outcome.name.lower()
        if name in self.counts:
            self.counts[name] += 1


def send_waiting(now: datetime) -> dict[str, int]:
    """Go on with every message that is being sent; how many were sent, refused, and may have been sent or not.

    Run by the worker every minute; ends after LONGEST_RUN, or when the gateway takes nothing.
    """
    run = Run(now)
    over: set[int] = set()  # for this run
    while not run.has_ended:
        waiting = [key for key in _due(now) if key not in over]  # with those made meanwhile
        if not waiting:
            break
        over.update(key for key in waiting if not _is_left(key, run))
    return run.counts


def forget_recipients(oldest: datetime) -> int:
    """Forget whom messages that ended before then did not reach, FORGOTTEN_AT_ONCE after the other; how many they were stays in
    the message."""
    forgotten = 0
    while count := len(fetch_prepared(_FORGET, (oldest, FORGOTTEN_AT_ONCE))):
        forgotten += count
    return forgotten


def _due(now: datetime) -> list[int]:
    """The messages to go on with, those to a single number first; and those that are over but for what a dead worker left."""
    is_due = Q(rests_until=None) | Q(rests_until__lte=now)
    sending = TextMessage.objects.filter(is_due, state=TextState.SENDING).order_by("pk")
    due = list(sending.values_list("pk", "number"))
    left = TextRecipient.objects.filter(state=RecipientState.CLAIMED)
    left = left.exclude(message__state=TextState.SENDING).order_by("message").distinct()
    return [
        *(key for key, number in due if number),
        *left.values_list("message", flat=True),
        *in_turn([key for key, number in due if not number], now),
    ]


def _is_left(key: int, run: Run) -> bool:
    """Go on with one message for TURN; whether it can go on in this run."""
    if run.has_ended:
        return False
    with _only_one(key) as is_ours:
        if not is_ours:
            return False
        fetch_prepared(_RESOLVE, {"message": key})
        message = TextMessage.objects.select_related("realm", "optout_list__realm").get(pk=key)
        if message.state != TextState.SENDING:
            return False
        if message.optout_list_id is None:
            _send_to_number(message, run)
            return False
        found = get_list_by_id(message.optout_list_id)
        if found is None or found.closed_at is not None or not _is_heard(message):
            _end(message, TextState.STOPPED, run)
            return False
        return _send_to_list(message, found, run)


def _is_heard(message: TextMessage) -> bool:
    """Whether STOP still ends the list: how far it reaches may have been changed since the message was made, and while it is
    being sent."""
    return message.optout_list is not None and ends_with_stop(message.optout_list, message.sender)


@contextmanager
def _only_one(key: int) -> Iterator[bool]:
    """Whether this process may go on with that message: no other one does until the block ends, or this process does."""
    ((is_ours,),) = fetch_prepared("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, key))
    try:
        yield is_ours
    finally:
        if is_ours:
            fetch_prepared("SELECT pg_advisory_unlock(%s, %s)", (_LOCKS, key))


def _send_to_number(message: TextMessage, run: Run) -> None:
    recipient = Recipient(digest_of(message.number), message.number)
    if not is_in_do_not_mail(message.realm, message.number):
        run.pace.wait()
        outcome = _hand_over(message, recipient, message.text, b"", run)
        if outcome is Outcome.NOT_TAKEN:  # it is tried again
            return
    _end(message, TextState.DONE, run)


def _send_to_list(message: TextMessage, optout_list: ListSnapshot, run: Run) -> bool:
    until = time.monotonic() + TURN
    read, before = bytes(message.after), bytes(message.after)
    if _is_given_up(message, run):
        return False
    while run.has_time(until):
        batch, following = read_recipients(optout_list, read, BATCH)
        for recipient in batch:
            if not run.has_time(until):
                return True
            run.pace.wait()
            number = Address(recipient.number, Medium.SMS, recipient.digest, recipient.number)
            if find_scope(optout_list, number) is not None:
                continue
            if not _is_heard(message):
                _end(message, TextState.STOPPED, run)
                return False
            text = fill(message.text, short_url(optout_list.id, recipient.number))
            outcome = _hand_over(message, recipient, text, before, run)
            if _ends_turn(outcome, message, run):
                return False
            before = recipient.digest
        if following is None:
            _end(message, TextState.DONE, run)
            return False
        if not _move_on(message, following):
            return False
        read = following
    return True


def _ends_turn(outcome: Outcome, message: TextMessage, run: Run) -> bool:
    """Whether the message goes on no further in this run, after that became of its last recipient."""
    if outcome in {Outcome.REFUSED, Outcome.UNKNOWN} and _is_given_up(message, run):
        return True
    return outcome in {Outcome.NOT_OURS, Outcome.NOT_TAKEN, Outcome.UNKNOWN}


def _hand_over(
    message: TextMessage, recipient: Recipient, text: str, before: bytes, run: Run
) -> Outcome:
    """Claim one recipient, send, and write down what became of it. `before`: where the message stood."""
    claimed = fetch_prepared(
        _CLAIM,
        {
            "message": message.pk,
            "digest": recipient.digest,
            "number": recipient.number,
            "now": run.now,
        },
    )
    if not claimed:
        return Outcome.NOT_OURS
    outcome, error = _send(recipient.number, text, message.sender)
    ((claim,),) = claimed
    fetch_prepared(
        _WRITE_DOWN.get(outcome, _PUT_BACK),
        {
            "id": claim,
            "now": run.now,
            "before": before,
            "began": run.began,
            "rest": REST,
            "longest": LONGEST_REST,
            "asked": _asked_for(error),
        },
    )
    run.note(outcome, error)
    return outcome


def _send(number: str, text: str, sender: str) -> tuple[Outcome, SmsError | None]:
    try:
        sms.send(number, text, sender or None)
    except SmsRefusedError as error:
        return Outcome.REFUSED, error
    except SmsError as error:
        return (Outcome.NOT_TAKEN if error.was_answered else Outcome.UNKNOWN), error
    return Outcome.SENT, None


def _asked_for(error: SmsError | None) -> timedelta:
    """How long the gateway asks to be left alone; no longer than it rests anyhow in the end."""
    asked = None if error is None else error.retry_after
    return min(asked or timedelta(0), LONGEST_REST)


def _is_given_up(message: TextMessage, run: Run) -> bool:
    """Whether the gateway has refused MOST_REFUSED and taken none, or has left MOST_UNKNOWN unclear since it took the last one:
    then the message is stopped."""
    message.refresh_from_db(fields=("sent", "refused", "unknown_in_row"))
    is_refused = not message.sent and message.refused >= MOST_REFUSED
    if not is_refused and message.unknown_in_row < MOST_UNKNOWN:
        return False
    _end(message, TextState.STOPPED, run)
    return True


def _move_on(message: TextMessage, following: bytes) -> bool:
    """Past those who are no recipients: the next run does not look at them again. False where the message was stopped, or
    another worker is further."""
    rows = TextMessage.objects.filter(pk=message.pk, state=TextState.SENDING, after__lte=following)
    return bool(rows.update(after=following))


def _end(message: TextMessage, state: TextState, run: Run) -> None:
    rows = TextMessage.objects.filter(pk=message.pk, state=TextState.SENDING)
    with transaction.atomic():
        is_ended = rows.update(state=state, finished_at=run.now, rests_until=None)
        if is_ended and state is TextState.STOPPED:
            record_audit(
                "stop_text_message",
                actor=None,
                realm=message.realm,
                optout_list=message.optout_list,
                message=message.pk,
            )
