"""One mail to each of several people, of whom one at least has to be reached."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lists.mail import Mail, make_mail
from lists.models import User
from reporting.patience import Patience

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """What people are mailed: its subject, and the templates `emails/<template>.txt` and `.html` with what stands in them.

    `off_url` is where a mail that comes again and again is switched off; empty for one that has to be read.
    """

    subject: str
    template: str
    context: Mapping[str, Any]
    off_url: str = ""

    def to(self, user: User) -> Mail:
        """The mail for one of them."""
        return make_mail(
            f"emails/{self.template}",
            self.context,
            to=user.email,
            subject=self.subject,
            unsubscribe_url=self.off_url,
        )


def mail_each(users: Iterable[User], letter: Letter, patience: Patience, *, what: str) -> None:
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
            letter.to(user).send()
            patience.note(None)
            sent += 1
        except OSError as error:
            logger.warning("%s could not be mailed to %s: %s", what, user, type(error).__name__)
            patience.note(error)
            failure = error
    if failure is not None and not sent:
        raise failure
