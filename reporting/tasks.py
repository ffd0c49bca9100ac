"""The worker's timetable (`manage.py procrastinate worker`). The work itself is in upkeep.py; times are UTC.

Any number of workers may run: a moment of the timetable is put in the queue once, `queueing_lock` keeps a second one from
waiting behind it, and `lock` keeps two from running at once.
"""

from datetime import UTC, datetime
from typing import Any, cast

from procrastinate import JobContext, builtin_tasks
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from lists import invitations
from lists.invitations import MAIL_INVITATION, MAIL_PASSWORD_RESET
from lists.mail import is_refused_for_good
from optout.mail_requests import WAITS
from reporting import upkeep
from reporting.upkeep import Work

JOBS_KEPT = 72  # hours


def _schedule(cron: str, work: Work) -> Any:
    """Make `work` a task that runs by `cron`. What fails is done the next time."""
    name = work.__name__

    @app.periodic(cron=cron)
    @app.task(name=f"reporting.{name}", queueing_lock=name, lock=name)
    def task(timestamp: int) -> dict[str, int]:
        return work(datetime.now(UTC))

    return task


count_optouts = _schedule("* * * * *", upkeep.count_optouts)
tell_owners = _schedule("* * * * *", upkeep.tell_owners)
send_reports = _schedule("* * * * *", upkeep.send_reports)
send_sms_reports = _schedule("* * * * *", upkeep.send_sms_reports)
send_text_messages = _schedule("* * * * *", upkeep.send_text_messages)
# Also put in the queue as soon as there is one to send (optout/inbound_messages.py).
confirm_stops = _schedule("* * * * *", upkeep.confirm_stops)
# Also put in the queue as soon as somebody asks for one (optout/mail_requests.py).
send_recipient_mails = _schedule("* * * * *", upkeep.send_recipient_mails)
accept_quarantined = _schedule("7 * * * *", upkeep.accept_quarantined)
tend_limits = _schedule("11 * * * *", upkeep.tend_limits)
apply_retention = _schedule("23 2 * * *", upkeep.apply_retention)


class _Patient(BaseRetryStrategy):
    """Comes again as long as a recipient's mail would; not where the server will never take it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if is_refused_for_good(cast("Exception", exception)) or job.attempts >= len(WAITS):
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + WAITS[job.attempts])


@app.task(name=f"reporting.{MAIL_INVITATION}", retry=_Patient())
def mail_invitation(user_id: int, realm_id: int, invited_by_id: int) -> bool:
    return invitations.mail_invitation(user_id, realm_id, invited_by_id)


@app.task(name=f"reporting.{MAIL_PASSWORD_RESET}", retry=_Patient())
def mail_password_reset(user_id: int) -> bool:
    return invitations.mail_password_reset(user_id)


@app.periodic(cron="* * * * *")
@app.task(name="reporting.revive_jobs", queueing_lock="revive_jobs", pass_context=True)
async def revive_jobs(context: JobContext, timestamp: int) -> int:
    """Take up what a killed worker left: its job would hold its lock for ever."""
    manager = context.app.job_manager
    stalled = list(await manager.get_stalled_jobs())
    for job in stalled:
        try:
            await manager.retry_job(job)
        except UniqueViolation:  # the next one waits already
            await manager.finish_job(job, Status.FAILED, delete_job=False)
    return len(stalled)


@app.periodic(cron="41 * * * *")
@app.task(name="reporting.forget_jobs", queueing_lock="forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Remove the rows of jobs that are done."""
    await cast("Any", builtin_tasks.remove_old_jobs)(
        context, max_hours=JOBS_KEPT, remove_failed=True, remove_cancelled=True, remove_aborted=True
    )
