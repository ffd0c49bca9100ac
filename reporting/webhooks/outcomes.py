"""What a try leads to: a value first, then one statement that writes down many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lists.audit import record_audit
from lists.prepared import fetch
from reporting.models import DeliveryState, OffCause, WebhookEndpoint
from reporting.webhooks.lines import Line, Waiting
from reporting.webhooks.locks import lock_endpoints
from reporting.webhooks.posting import Try
from reporting.webhooks.timetable import TRIES, next_due

GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """A delivery as it is after a try; the fields are those of WebhookDelivery."""

    id: int
    state: DeliveryState
    due_at: datetime
    step: int
    tries: int
    first_tried_at: datetime
    tried_at: datetime
    took_ms: int
    status: int | None
    failure: str
    answer: str

    @property
    def is_over(self) -> bool:
        """Whether there is no next try."""
        return self.state != DeliveryState.WAITING


def judge(waiting: Waiting, tried: Try, began_at: datetime, dice: float) -> Outcome:
    """What becomes of a delivery that was tried; `dice`: 0 to 1.

    A try out of turn leaves the timetable as it is. So does 410: the endpoint is switched off, and what waits for it goes on when
    it is on again. A test is tried once.
    """
    state, step, due_at = DeliveryState.WAITING, waiting.step, waiting.due_at
    in_turn = waiting.is_in_turn(began_at)
    if tried.is_delivered:
        state = DeliveryState.DELIVERED
        step = min(step + in_turn, TRIES)
    elif waiting.is_test:
        state = DeliveryState.FAILED
        step += 1
    elif tried.status == GONE:
        pass
    elif in_turn:
        step += 1
        due = next_due(step, began_at, dice, tried.retry_after)
        if due is None:
            state = DeliveryState.FAILED
        else:
            due_at = due
    elif tried.retry_after is not None:
        due_at = max(due_at, began_at + tried.retry_after)
    return Outcome(
        id=waiting.id,
        state=state,
        due_at=due_at,
        step=step,
        tries=waiting.tries + 1,
        first_tried_at=waiting.first_tried_at or began_at,
        tried_at=began_at,
        took_ms=tried.took_ms,
        status=tried.status,
        failure=str(tried.failure),
        answer=tried.answer,
    )


def settle(line: Line, waiting: Waiting, outcome: Outcome, tried: Try) -> None:
    """Bring a delivery in its line up to what became of it."""
    in_turn = waiting.is_in_turn(outcome.tried_at)
    waiting.due_at, waiting.step, waiting.tries = outcome.due_at, outcome.step, outcome.tries
    waiting.first_tried_at, waiting.tried_at = outcome.first_tried_at, outcome.tried_at
    if outcome.is_over:
        line.finish(waiting)
        return
    if in_turn:
        waiting.was_woken = False
    waiting.not_before = None if tried.retry_after is None else outcome.tried_at + tried.retry_after
    waiting.forget_text()
    line.keep(waiting)


def off_cause(line: Line, outcome: Outcome) -> OffCause | None:
    """Whether the endpoint is switched off: it says that it is gone, or took nothing between a message's first try and its last.

    Not asked of tests.
    """
    if outcome.status == GONE:
        return OffCause.GONE
    if outcome.state != DeliveryState.FAILED:
        return None
    if line.succeeded_at is not None and line.succeeded_at >= outcome.first_tried_at:
        return None
    return OffCause.FAILING


# What arrived has arrived. Anything else counts only where the endpoint is still the one that was tried, and not for what
# somebody gave up meanwhile.
_WRITE = f"""
UPDATE reporting_webhookdelivery d SET
    state = n.state, due_at = n.due_at, step = n.step, tries = n.tries, first_tried_at = n.first_tried_at,
    tried_at = n.tried_at, took_ms = n.took_ms, status = n.status, failure = n.failure, answer = n.answer
FROM unnest(
    %s::bigint[], %s::smallint[], %s::timestamptz[], %s::smallint[], %s::int[], %s::timestamptz[], %s::timestamptz[],
    %s::int[], %s::smallint[], %s::text[], %s::text[], %s::boolean[]
) n (id, state, due_at, step, tries, first_tried_at, tried_at, took_ms, status, failure, answer, is_current)
WHERE d.id = n.id
    AND (n.state = {DeliveryState.DELIVERED:d} OR (d.state = {DeliveryState.WAITING:d} AND n.is_current))
"""  # noqa: S608 -- made of constants


def write_outcomes(outcomes: Sequence[tuple[WebhookEndpoint, Outcome]]) -> None:
    """Keep them, the last one of each delivery. With each the endpoint as it was when the try began."""
    last = {outcome.id: (endpoint, outcome) for endpoint, outcome in outcomes}
    rows = [outcome for _endpoint, outcome in last.values()]
    if rows:
        revisions = lock_endpoints(endpoint.pk for endpoint, _outcome in outcomes)
        fetch(
            _WRITE,
            (
                [row.id for row in rows],
                [int(row.state) for row in rows],
                [row.due_at for row in rows],
                [row.step for row in rows],
                [row.tries for row in rows],
                [row.first_tried_at for row in rows],
                [row.tried_at for row in rows],
                [row.took_ms for row in rows],
                [row.status for row in rows],
                [row.failure for row in rows],
                [row.answer for row in rows],
                [revisions.get(tried.pk) == tried.revision for tried, _outcome in last.values()],
            ),
        )


# Of one that was changed meanwhile it says nothing: that one begins anew.
_WRITE_HEALTH = """
UPDATE reporting_webhookendpoint e SET succeeded_at = n.succeeded_at, failed_at = n.failed_at, failing_since = n.failing_since
FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    n (id, revision, succeeded_at, failed_at, failing_since)
WHERE e.id = n.id AND e.revision = n.revision
"""


def write_health(lines: Sequence[tuple[WebhookEndpoint, Line]]) -> None:
    """Keep when these endpoints succeeded and failed last. Of several, they are locked (locks.py)."""
    if lines:
        fetch(
            _WRITE_HEALTH,
            (
                [endpoint.pk for endpoint, _line in lines],
                [endpoint.revision for endpoint, _line in lines],
                [line.succeeded_at for _endpoint, line in lines],
                [line.failed_at for _endpoint, line in lines],
                [line.failing_since for _endpoint, line in lines],
            ),
        )


def switch_off(tried: WebhookEndpoint, cause: OffCause, now: datetime) -> None:
    """Switch an endpoint off that is on, and still the one that was tried; its owners are mailed by the worker."""
    found = WebhookEndpoint.objects.filter(
        pk=tried.pk, revision=tried.revision, off_at=None, removed_at=None
    )
    if found.update(off_at=now, off_cause=cause, off_told_at=None, failed_at=now):
        endpoint = WebhookEndpoint.objects.select_related("realm").get(pk=tried.pk)
        record_audit(
            "switch_off_webhook",
            actor=None,
            realm=endpoint.realm,
            webhook=endpoint.public_id,
            cause=cause,
        )
