"""The worker's jobs that are put in the queue by name: done here without a worker, in the test's own transaction."""

from typing import Any

from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob


def waiting_jobs(name: str) -> list[ProcrastinateJob]:
    """Those of that task that wait, the first one first."""
    return list(
        ProcrastinateJob.objects.filter(task_name=f"reporting.{name}", status="todo").order_by("pk")
    )


def do_jobs(name: str) -> list[Any]:
    """Do those of that task that wait; what each gave back. They stay in the queue, which is not ours to write."""
    return [app.tasks[each.task_name].func(**each.args) for each in waiting_jobs(name)]
