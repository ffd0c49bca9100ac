"""The first page after signing in: figures, what needs somebody, the chart, the lists."""

import csv
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from lists.access import Standing
from lists.choices import Role
from lists.views.context import current_standing
from reporting.figures import Figures, read_figures, read_given_lists
from reporting.models import Notice
from reporting.models.notices import NoticeKind
from reporting.quarantine_global import global_requests_wait

_SHOWN_NOTICES = 10


@dataclass(frozen=True, slots=True)
class _Words:
    """What happened, once or to several on one list; what to do about it, and on which screen."""

    one: str | Promise
    many: str | Promise
    action: str | Promise
    screen: str


# In the order in which they are shown: what may keep real opt-outs waiting comes first.
_WORDS = {
    NoticeKind.PROTECTED_MODE: _Words(
        _(
            "{list} is in protected mode: so many opt-outs came at once that unsigned links ask once more."
        ),
        _(
            "{list} is in protected mode: so many opt-outs came at once that unsigned links ask once more."
        ),
        _("Look at them"),
        "list_quarantine",
    ),
    NoticeKind.BLOCKED_IP: _Words(
        _(
            "{subject} was blocked on {list}. It sent many different addresses; they wait in quarantine."
        ),
        _(
            "{count} IPs were blocked on {list}. They sent many different addresses, which wait in quarantine."
        ),
        _("Unblock or allow"),
        "list_quarantine",
    ),
    NoticeKind.UNCLEAR_TEXT: _Words(
        _("People texted what may mean STOP of {list}. It waits for somebody to read it."),
        _("People texted what may mean STOP of {list}. It waits for somebody to read it."),
        _("Read it"),
        "list_quarantine",
    ),
    NoticeKind.PIXEL_IN_MAIL: _Words(
        _(
            "The pixel of {list} was put inside a mail. It belongs on the thank-you page of a website."
        ),
        _(
            "The pixel of {list} was put inside a mail. It belongs on the thank-you page of a website."
        ),
        _("See how"),
        "list_service",
    ),
    NoticeKind.UNLISTED_SERVER: _Words(
        _(
            "{subject} called {list} like a server, but is not on its whitelist. What it sent waits in quarantine."
        ),
        _(
            "{count} servers called {list} that are not on its whitelist. What they sent waits in quarantine."
        ),
        _("Allow or refuse"),
        "list_quarantine",
    ),
}
_URGENCY = list(_WORDS)
# Of a block on Do Not Mail, whose global requests wait elsewhere: on the lists that their products lead to.
_BLOCKED_WEBSITE = _Words(
    _(
        "{subject} was blocked on {list}. It sent global requests about many different addresses; they wait in quarantine, each "
        "on the list that it is about."
    ),
    _(
        "{count} IPs were blocked on {list}. They sent many different addresses; their global requests wait in quarantine, each "
        "on the list that it is about."
    ),
    _("Unblock or allow"),
    "list_quarantine",
)


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """What a list's notices of one kind say, with the way to where it is dealt with; none for somebody who may only look."""

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
    notices = _notices(standing, figures)
    context = {
        "figures": figures,
        "chart": figures.chart(),
        "notices": notices[:_SHOWN_NOTICES],
        "more_notices": len(notices[_SHOWN_NOTICES:]),
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
    with translation.override("en"):  # programs read these columns, too
        chart = read_figures(standing, timezone.now()).chart()
        names = [each.label for each in chart.series]
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="opt-outs-per-day.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(["day", *names, "total"])
    for index, day in enumerate(chart.days):
        figures = [each.values[index] for each in chart.series]
        writer.writerow([day.isoformat(), *figures, sum(figures)])
    return response


def _may_edit(standing: Standing) -> bool:
    return standing.role in {Role.ADMIN, Role.OWNER}


def _notices(standing: Standing, figures: Figures) -> list[ShownNotice]:
    """One for each list and kind, the most urgent kind first, then the latest. One query, and one more about a block on Do Not
    Mail."""
    lists = {row.optout_list.pk: row.optout_list for row in figures.rows}
    groups = (
        Notice.objects.filter(optout_list__in=lists, settled_at=None, kind__in=NoticeKind.values)
        .values("optout_list", "kind")
        .annotate(count=Count("pk"), subject=Min("subject"), latest=Max("raised_at"))
        .order_by("-latest")
    )
    shown = []
    for group in sorted(groups, key=lambda each: _URGENCY.index(NoticeKind(each["kind"]))):
        kind, optout_list = NoticeKind(group["kind"]), lists[group["optout_list"]]
        words, part = _WORDS[kind], ""
        if kind is NoticeKind.BLOCKED_IP and optout_list.is_global:
            network = group["subject"] if group["count"] == 1 else None
            if global_requests_wait(list(lists.values()), network):
                words, part = _BLOCKED_WEBSITE, "#global-requests"
        text = str(words.one if group["count"] == 1 else words.many).format(
            subject=group["subject"].removesuffix("/32") or gettext("A server"),
            count=group["count"],
            list=optout_list.name,
        )
        where = reverse(words.screen, args=[optout_list.public_id]) + part
        shown.append(ShownNotice(text, where if _may_edit(standing) else "", str(words.action)))
    return shown


def _quarantine_url(standing: Standing, figures: Figures) -> str:
    """Where the figure of what waits leads: to the one list on which it waits, or to the table that says on which."""
    waiting = [row.optout_list for row in figures.rows if row.waiting]
    if not waiting or not _may_edit(standing):
        return ""
    if len(waiting) == 1:
        return reverse("list_quarantine", args=[waiting[0].public_id])
    return "#lists"
