"""Sending the mails that recipients asked for (S2.2): each once, by however many workers there are, and none for ever.

A mail is claimed before it is sent, in a transaction of its own, and marked after: no transaction is open while a mail server
thinks. A worker that is killed in between leaves it claimed for ten minutes; then it is sent again, for it may not have been.
"""

import logging
import time
from datetime import datetime, timedelta

from lists.mail import is_refused_for_good
from optout import mail_requests
from optout.models import RecipientMail
from optout.recipient_mails import compose
from reporting.patience import Patience

LONGEST_RUN = 45  # seconds: the worker comes again each minute
AT_ONCE = 10  # claimed together: with a slow server these take less time than they are claimed for

logger = logging.getLogger(__name__)


def send_due(now: datetime) -> dict[str, int]:
    """Send what is due, the longest due first; what became of it. Run by the worker, as soon as there is one and every minute.

    With a mail server that takes nothing, the rest waits for the next run, which begins with others: what was tried waits longer.
    """
    result = {"sent": 0, "left_out": 0, "failed": 0, "given_up": 0}
    patience, started = Patience(LONGEST_RUN), time.monotonic()

    def at() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    while not patience.has_ended:
        claimed = mail_requests.claim_due(at(), AT_ONCE)
        if not claimed:
            break
        waiting = list(reversed(claimed))
        while waiting and not patience.has_ended:
            result[_send(waiting.pop(), patience, at())] += 1
        mail_requests.put_back(waiting, at())
    return result


def _send(mail: RecipientMail, patience: Patience, now: datetime) -> str:
    """ "sent", "left_out", "failed" for now, or "given_up"; written down."""
    try:
        letter = compose(mail, now)
        if letter is None:
            mail_requests.mark_left_out(mail)
            return "left_out"
        letter.send()
    except Exception as error:  # whatever it is, it must not hold up the others
        unexpected = None if isinstance(error, OSError) else error
        logger.warning("%s could not be sent: %s", mail, type(error).__name__, exc_info=unexpected)
        patience.note(error)
        if is_refused_for_good(error):
            mail_requests.mark_given_up(mail)
            return "given_up"
        mail_requests.mark_failed(mail, now)
        return "failed"
    patience.note(None)
    mail_requests.mark_sent(mail, now)
    return "sent"
