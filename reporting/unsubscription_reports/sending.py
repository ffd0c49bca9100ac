"""Sending the reports that are due: found in the state by the worker, as notices are. At least once, to each by itself.

A report's cursor moves when it was sent, so what could not be sent goes into the next try. A process that is killed between the
two sends the same again. Mails and text messages are sent in runs of their own: a gateway that hangs delays no mail.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, F, Q, When
from django.utils import translation

from lists import sms
from lists.access import Permission, Standing
from lists.choices import Role
from lists.mail import ENGLISH
from lists.models import Membership
from lists.sms import SmsRefusedError
from optout.choices import Kind, Medium
from reporting import feed
from reporting.changes import NotMendedError, find_end
from reporting.feed import Cursor
from reporting.models import UnsubscriptionReport
from reporting.models.reports import ReportKind, ReportRhythm
from reporting.patience import Patience
from reporting.unsubscription_reports.news import read_news
from reporting.unsubscription_reports.since_download import read_not_downloaded
from reporting.unsubscription_reports.timetable import next_due, next_try
from reporting.unsubscription_reports.writing import write_mail, write_sms, write_weekly

# Seconds of one run: then the next begins, with the immediate ones. At 07:00 many are due, and a mail server may be slow.
LONGEST_RUN = 45
_LOCKS = 7_294_013  # ours among the advisory locks of this database

# Most minutes bring something to one realm or another, and nothing to most people. Whose realm got nothing is moved on here, all
# of them at once. What could not be sent is left alone: from so far back nobody looks at the ledger each minute.
_PASS_OVER = f"""
WITH resting AS (
    SELECT id, realm_id, xid, last_id FROM reporting_unsubscriptionreport
    WHERE rhythm = '{ReportRhythm.IMMEDIATE}' AND kind = '{ReportKind.OPT_OUTS}' AND medium = %(medium)s
      AND failed_at IS NULL AND due_at <= %(now)s AND (xid, last_id) < (%(xid)s::text::xid8, %(id)s)
),
start AS (SELECT xid, last_id FROM resting ORDER BY xid, last_id LIMIT 1),
told AS (
    SELECT DISTINCT l.realm_id FROM optout_optout o JOIN lists_list l ON l.id = o.optout_list_id
    WHERE (o.xid, o.id) > ((SELECT xid FROM start), (SELECT last_id FROM start))
      AND (o.xid, o.id) <= (%(xid)s::text::xid8, %(id)s) AND o.kind = {Kind.OPT_OUT:d}
)
UPDATE reporting_unsubscriptionreport r SET xid = %(xid)s::text::xid8, last_id = %(id)s
FROM resting
WHERE r.id = resting.id AND (r.xid, r.last_id) = (resting.xid, resting.last_id)
  AND resting.realm_id NOT IN (SELECT realm_id FROM told)
"""  # noqa: S608 -- made of constants

logger = logging.getLogger(__name__)


def send_due(medium: Medium, now: datetime) -> dict[str, int]:
    """Send what is due by that medium; how many were sent, and how many could not be and are tried again. Run by the worker every
    minute.

    Where several in a row could not be sent, the rest waits for the next run: it begins with others.
    """
    feed.mend_feed()
    try:
        end = find_end()
    except NotMendedError:  # restored this very moment
        return {"sent": 0, "failed": 0}
    _pass_over(medium, end, now)
    idle = Q(rhythm=ReportRhythm.IMMEDIATE, xid=end.xid, last_id=end.last_id)
    due = UnsubscriptionReport.objects.filter(~idle, medium=medium, due_at__lte=now).order_by(
        Case(When(rhythm=ReportRhythm.IMMEDIATE, then=0), default=1), "due_at", "pk"
    )
    result = {"sent": 0, "failed": 0}
    patience = Patience(LONGEST_RUN)
    for key in list(due.values_list("pk", flat=True)):
        if patience.has_ended:
            break
        with _only_one(key) as is_ours:
            outcome = _send_one(key, end, now, patience) if is_ours else None
        if outcome is not None:
            result[outcome] += 1
    return result


def _pass_over(medium: Medium, end: Cursor, now: datetime) -> None:
    """Move the immediate ones on that have nothing to tell."""
    values: dict[str, Any] = {"medium": medium, "now": now, "xid": str(end.xid), "id": end.last_id}
    with connection.cursor() as cursor:
        cursor.execute(_PASS_OVER, values)


@contextmanager
def _only_one(key: int) -> Iterator[bool]:
    """Whether this process may send that report: no other one does until the block ends, or this process does.

    A lock of the session, and no locked row: a transaction that is open while a mail server thinks would hold up the feed, and
    with it every webhook.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCKS, key])
        (is_ours,) = cursor.fetchone() or (False,)
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCKS, key])


def _send_one(key: int, end: Cursor, now: datetime, patience: Patience) -> str | None:
    """ "sent", "failed", or None where there is nothing to send."""
    report = (
        UnsubscriptionReport.objects.select_related("user", "realm")
        .filter(pk=key, due_at__lte=now)
        .first()
    )
    if report is None:  # another one was quicker, or it was switched off
        return None
    standing = _standing(report)
    if standing is None:  # they left the realm; if they come back, they may ask for it again
        report.delete()
        return None
    try:
        is_sent = _tell(report, standing, end)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must not hold up the others
        _put_off(report, error, now)
        patience.note(error)
        return "failed"
    if is_sent:
        patience.note(None)
    _move_on(report, end, now, is_sent=is_sent)
    return "sent" if is_sent else None


def _standing(report: UnsubscriptionReport) -> Standing | None:
    """Their place in the realm now."""
    if report.user.is_superuser:
        return Standing(report.user, report.realm, None)
    membership = Membership.objects.filter(user=report.user, realm=report.realm).first()
    return None if membership is None else Standing(report.user, report.realm, membership)


def _tell(report: UnsubscriptionReport, standing: Standing, end: Cursor) -> bool:
    """Send it, if there is anything to tell that they may know now; whether there was. Raises OSError when it cannot be sent."""
    if not report.user.is_active:
        return False
    if report.kind == ReportKind.SINCE_DOWNLOAD:
        waiting = read_not_downloaded(standing)
        if waiting:
            with translation.override(ENGLISH):
                letter = write_weekly(standing, waiting)
            letter.to(report.user).send()
        return bool(waiting)
    if standing.role == Role.MAILER:
        return False
    lists = standing.open_lists(Permission.ENTRIES)
    with translation.override(ENGLISH):
        news = read_news(lists, Cursor(report.xid, report.last_id), end)
        if not news.total:
            return False
        by_sms = report.medium == Medium.SMS
        said = write_sms(standing, news) if by_sms else write_mail(standing, news)
    if isinstance(said, str):
        sms.send(report.phone, said)
    else:
        said.to(report.user).send()
    return True


def _move_on(report: UnsubscriptionReport, end: Cursor, now: datetime, *, is_sent: bool) -> None:
    """The next one begins where this one ended. What they changed on the screen meanwhile, and a cursor that was mended, stay."""
    due_at = next_due(ReportRhythm(report.rhythm), now)
    start = Cursor(report.xid, report.last_id)
    rows = UnsubscriptionReport.objects.filter(pk=report.pk)
    if end > start:
        rows.filter(xid=report.xid, last_id=report.last_id).update(xid=end.xid, last_id=end.last_id)
    told = {"sent_at": now} if is_sent else {}
    rows.update(
        due_at=Case(When(due_at=report.due_at, then=due_at), default=F("due_at")),
        failed_at=None,
        **told,
    )


def _put_off(report: UnsubscriptionReport, error: Exception, now: datetime) -> None:
    """Try again later, with what comes in until then."""
    unexpected = None if isinstance(error, OSError) else error
    logger.warning("%s could not be sent: %s", report, type(error).__name__, exc_info=unexpected)
    since = report.failed_at or now
    due_at = next_try(since, now, is_refused=isinstance(error, SmsRefusedError))
    UnsubscriptionReport.objects.filter(pk=report.pk, due_at=report.due_at).update(
        failed_at=since, due_at=due_at
    )
