"""The first page after signing in: figures, what needs somebody, the chart, the lists."""

import csv
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from lists.access import Standing
from lists.choices import Role
from lists.views.context import current_standing
from reporting.figures import Figures, read_figures, read_given_lists
from reporting.models import Notice
from reporting.models.notices import NoticeKind

_SHOWN_NOTICES = 10

# What happened, what to do about it, and on which screen.
_WORDS = {
    NoticeKind.BLOCKED_IP: (
        "{subject} was blocked on {list}. It sent many different addresses; they wait in quarantine.",
        "Unblock or allow it",
        "list_quarantine",
    ),
    NoticeKind.UNLISTED_SERVER: (
        "{subject} called {list} like a server, but is not on its whitelist. What it sent waits in quarantine.",
        "Allow or refuse it",
        "list_quarantine",
    ),
    NoticeKind.PROTECTED_MODE: (
        "{list} is in protected mode: so many opt-outs came at once that unsigned links ask once more.",
        "Look at them",
        "list_quarantine",
    ),
    NoticeKind.PIXEL_IN_MAIL: (
        "The pixel of {list} was put inside a mail. It belongs on the thank-you page of a website.",
        "See how",
        "list_service",
    ),
}


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """A notice in words, with the way to where it is dealt with; none for somebody who may only look."""

    text: str
    action_url: str
    action_label: str


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """GET /manage/: how it stands with the lists that the person may see; a mailer sees their own downloads."""
    standing = current_standing(request)
    if standing.role == Role.MAILER:
        given = read_given_lists(standing)
        return render(request, "reporting/overview_mailer.html", {"given": given})
    figures = read_figures(standing, timezone.now())
    context = {
        "figures": figures,
        "chart": figures.chart(),
        "notices": _notices(standing, figures),
        "quarantine_url": _quarantine_url(standing, figures),
        "may_make_lists": standing.may_make_lists,
        "may_edit": _may_edit(standing),
        "first_list": next(
            (row.optout_list for row in figures.rows if row.optout_list.number), None
        ),
    }
    return render(request, "reporting/overview.html", context)


@require_safe
@login_required
def opt_outs_csv(request: HttpRequest) -> HttpResponse:
    """GET /manage/opt-outs-per-day.csv: the chart's figures, oldest day first. 404 for a mailer."""
    standing = current_standing(request)
    if standing.role == Role.MAILER:
        raise Http404
    chart = read_figures(standing, timezone.now()).chart()
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="opt-outs-per-day.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(["day", *(each.label for each in chart.series), "total"])
    for index, day in enumerate(chart.days):
        figures = [each.values[index] for each in chart.series]
        writer.writerow([day.isoformat(), *figures, sum(figures)])
    return response


def _may_edit(standing: Standing) -> bool:
    return standing.role in {Role.ADMIN, Role.OWNER}


def _notices(standing: Standing, figures: Figures) -> list[ShownNotice]:
    lists = {row.optout_list.pk: row.optout_list for row in figures.rows}
    open_ones = Notice.objects.filter(optout_list__in=lists, settled_at=None)
    shown = []
    for notice in open_ones.order_by("-raised_at")[:_SHOWN_NOTICES]:
        text, label, screen = _WORDS[NoticeKind(notice.kind)]
        optout_list = lists[notice.optout_list_id]
        subject = notice.subject.removesuffix("/32") or "A server"
        shown.append(
            ShownNotice(
                text.format(subject=subject, list=optout_list.name),
                reverse(screen, args=[optout_list.public_id]) if _may_edit(standing) else "",
                label,
            )
        )
    return shown


def _quarantine_url(standing: Standing, figures: Figures) -> str:
    """Where the figure of what waits leads: to the list on which most of it waits."""
    fullest = max(figures.rows, key=lambda row: row.waiting, default=None)
    if fullest is None or not fullest.waiting or not _may_edit(standing):
        return ""
    return reverse("list_quarantine", args=[fullest.optout_list.public_id])
