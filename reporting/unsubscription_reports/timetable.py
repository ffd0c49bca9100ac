"""When a report is due. All times are UTC."""

from datetime import UTC, datetime, time, timedelta

from django.utils.translation import gettext_lazy as _

from reporting.models.reports import ReportRhythm

AT = time(7, tzinfo=UTC)  # of daily and weekly ones
MONDAY = 0

FIRST_RETRY = timedelta(minutes=5)
LAST_RETRY = timedelta(hours=6)  # the gaps double up to this one
REFUSED_RETRY = timedelta(days=1)  # of a number that the gateway refuses: each try may cost

IN_WORDS = {
    ReportRhythm.IMMEDIATE: _("within about a minute"),
    ReportRhythm.DAILY: _("daily at 07:00 UTC"),
    ReportRhythm.WEEKLY: _("weekly, on Mondays at 07:00 UTC"),
}


def next_due(rhythm: ReportRhythm, now: datetime) -> datetime:
    """When the next report of that rhythm is due after `now`; an immediate one always is."""
    if rhythm == ReportRhythm.IMMEDIATE:
        return now
    today = now.astimezone(UTC).date()
    days = (MONDAY - today.weekday()) % 7 if rhythm == ReportRhythm.WEEKLY else 0
    due = datetime.combine(today + timedelta(days=days), AT)
    if due <= now:
        due += timedelta(days=7 if rhythm == ReportRhythm.WEEKLY else 1)
    return due


def next_try(failing_since: datetime, now: datetime, *, is_refused: bool = False) -> datetime:
    """When a report that could not be sent is tried again: as long from now as it has been failing."""
    if is_refused:
        return now + REFUSED_RETRY
    return now + min(max(now - failing_since, FIRST_RETRY), LAST_RETRY)
