"""All Reports: what there is to read, in groups."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lists.choices import Role
from lists.models import List
from lists.views.context import current_standing
from reporting.global_report.report import has_global_report


@dataclass(frozen=True, slots=True)
class Report:
    """One that can be opened. `is_own_text`: the name is somebody's own words, in whatever script."""

    name: str
    href: str
    about: str
    is_own_text: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Reports of one kind."""

    name: str
    about: str
    reports: list[Report]


@require_safe
@login_required
def reports(request: HttpRequest) -> HttpResponse:
    """GET /manage/reports/: every report that the person may open. 404 for a mailer, who sees their own downloads alone."""
    standing = current_standing(request)
    if standing.role == Role.MAILER:
        raise Http404
    lists = list(standing.lists())
    groups = [_opt_outs(), _entries(lists), _reasons(lists)]
    if has_global_report(standing):
        groups.append(_extras())
    context = {"groups": [each for each in groups if each.reports]}
    return render(request, "reporting/reports.html", context)


def _opt_outs() -> Group:
    per_day = Report(
        _("Opt-outs per day"),
        reverse("overview"),
        _("The last 30 days by the way they came, and how many addresses are suppressed."),
    )
    return Group(_("Opt-outs"), _("All your lists together."), [per_day])


def _entries(lists: list[List]) -> Group:
    text = _("Every single opt-out of a list: when it came, how, and for whom.")
    return Group(_("Entries"), text, _of_each(lists, "list_entries"))


def _reasons(lists: list[List]) -> Group:
    text = _("Why people left a list, as they chose to say afterwards.")
    return Group(_("Reasons"), text, _of_each(lists, "list_reasons"))


def _of_each(lists: list[List], screen: str) -> list[Report]:
    """That screen of each list."""
    return [
        Report(
            each.name,
            reverse(screen, args=[each.public_id]),
            _("No. %(number)s") % {"number": each.number},
            is_own_text=True,
        )
        for each in lists
    ]


def _extras() -> Group:
    report = Report(
        _("Global Unsubscribe"),
        reverse("global_unsubscribe_report"),
        _(
            "Requests by email or phone that websites send, by form and API: who, from which website, for which product, how "
            "often."
        ),
    )
    return Group(_("Extras"), "", [report])
