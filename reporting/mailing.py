"""One mail to each of several people, of whom one at least has to be reached."""

import logging
from collections.abc import Iterable

from django.core.mail import EmailMessage

from lists.models import User
from reporting.patience import Patience

logger = logging.getLogger(__name__)


def mail_each(
    users: Iterable[User], subject: str, text: str, patience: Patience, *, what: str
) -> None:
    """One mail to each of them. Raises OSError when it reached nobody (smtplib's errors are OSErrors).

    `what`: the mail, as the log says it. Once somebody was reached, the others are tried whether patience has ended or not:
    nobody comes back for them.
    """
    failure: OSError | None = None
    sent = 0
    for user in users:
        if patience.has_ended and not sent:
            # Perhaps before the first one was tried: that is not done.
            failure = failure or TimeoutError("The mail server took too long.")
            break
        try:
            EmailMessage(subject, text, to=[user.email]).send()
            patience.note(None)
            sent += 1
        except OSError as error:
            logger.warning("%s could not be mailed to %s: %s", what, user, type(error).__name__)
            patience.note(error)
            failure = error
    if failure is not None and not sent:
        raise failure
