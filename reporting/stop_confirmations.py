"""Sending the one message that confirms a STOP: within five minutes, and never a second one (S3.4).

Found in the state by the worker. A message is claimed before it is sent, in a transaction of its own: a worker that is killed in
between leaves it so, and nobody tries it again, for it may have been sent. Only where the gateway surely did not take it is it
tried again, while there is time; not before a minute has gone by, however often the worker is woken meanwhile.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from lists import sms
from lists.sms import SmsError, SmsRefusedError
from lists.sms_setup import find_number
from optout.choices import Confirmation
from optout.models import InboundMessage, Suppression
from reporting.patience import Patience

WITHIN = timedelta(minutes=5)
CLAIMED_WITHIN = WITHIN - timedelta(seconds=sms.WHOLE)  # so long the gateway may take
REST = timedelta(minutes=1)  # after a try that failed; longer where the gateway asks for it
LONGEST_RUN = 45  # seconds: the worker comes again each minute

logger = logging.getLogger(__name__)


def send_confirmations(now: datetime) -> dict[str, int]:
    """Send the confirmations that wait, the oldest first; how many were sent, could not be, or were too late. Run by the worker,
    as soon as there is one and every minute.

    What the gateway did not take this time is tried in a later run.
    """
    result = {"sent": 0, "failed": 0, "too_late": 0}
    patience, started = Patience(LONGEST_RUN), time.monotonic()
    last = 0
    while not patience.has_ended:
        at = now + timedelta(seconds=time.monotonic() - started)
        claimed = _claim(last, at)
        if claimed is None:
            break
        last = claimed.pk
        if claimed.confirmation == Confirmation.TOO_LATE:
            result["too_late"] += 1
            continue
        outcome, error = _send(claimed)
        patience.note(error)
        result["sent" if outcome == Confirmation.SENT else "failed"] += 1
        _write_down(claimed.pk, outcome, error, at)
    return result


@transaction.atomic
def _claim(after: int, now: datetime) -> InboundMessage | None:
    """The next one that waits, marked as ours; or as too late."""
    is_rested = Q(confirmed_at=None) | Q(confirmed_at__lte=now - REST)
    is_over = Q(received_at__lt=now - CLAIMED_WITHIN)
    waiting = InboundMessage.objects.filter(
        is_rested | is_over, confirmation=Confirmation.WAITING, pk__gt=after
    )
    waiting = waiting.select_related("endpoint").order_by("pk")
    claimed = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if claimed is not None:
        is_late = claimed.received_at < now - CLAIMED_WITHIN
        claimed.confirmation = Confirmation.TOO_LATE if is_late else Confirmation.SENDING
        claimed.confirmed_at = None
        claimed.save(update_fields=("confirmation", "confirmed_at"))
    return claimed


def _write_down(key: int, outcome: Confirmation, error: SmsError | None, now: datetime) -> None:
    """What became of a try. One that was not taken waits for the next only if it is still ours (START calls it off), and
    the suppression that it tells of is still there."""
    rows = InboundMessage.objects.filter(pk=key)
    if outcome == Confirmation.SENT:
        rows.update(confirmation=outcome, confirmed_at=now)
        return
    rows = rows.filter(confirmation=Confirmation.SENDING)
    if outcome == Confirmation.FAILED:
        rows.update(confirmation=outcome)
        return
    same = Suppression.objects.filter(
        optout_list=OuterRef("optout_list"), digest=OuterRef("digest")
    )
    if not rows.filter(Exists(same)).update(confirmation=outcome, confirmed_at=_tried(error, now)):
        rows.update(confirmation=Confirmation.NONE)


def _tried(error: SmsError | None, now: datetime) -> datetime:
    """The time of a try, put off so that its REST ends when the gateway says."""
    asked = error.retry_after if error is not None else None
    return now + max((asked or REST) - REST, timedelta(0))


def _sender_of(message: InboundMessage) -> str | None:
    """Who it comes from: the number that was texted, where it is one of the realm's own. A gateway's caller may write there what
    they like."""
    is_own = find_number(message.endpoint.realm_id, message.texted) is not None
    return message.texted if is_own else None


def _send(message: InboundMessage) -> tuple[Confirmation, SmsError | None]:
    """What came of it: sent, failed for good, or waiting for another try; and the error, if there was one."""
    try:
        sms.send(message.sender, message.confirmation_text, _sender_of(message))
    except SmsError as error:
        logger.warning("The confirmation of %s could not be sent: %s", message, error)
        may_try_again = error.was_answered and not isinstance(error, SmsRefusedError)
        return (Confirmation.WAITING if may_try_again else Confirmation.FAILED), error
    return Confirmation.SENT, None
