"""The lists of a realm, each with its Service button (S0.1)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from lists.choices import Role
from lists.views.context import current_standing
from reporting.figures import read_figures, read_given_lists


@require_safe
@login_required
def lists(request: HttpRequest) -> HttpResponse:
    """GET /manage/lists/: the lists that the person knows of, Do Not Mail first, closed ones last.

    A mailer sees no figures but the time of their own last download.
    """
    standing = current_standing(request)
    if standing.role == Role.MAILER:
        given = read_given_lists(standing)
        return render(request, "reporting/lists_mailer.html", {"given": given})
    figures = read_figures(standing, timezone.now())
    rows = sorted(
        figures.rows,
        key=lambda row: (row.optout_list.closed_at is not None, row.optout_list.number),
    )
    context = {
        "rows": rows,
        "has_own_lists": any(not row.optout_list.is_global for row in rows),
        "may_make_lists": standing.may_make_lists,
        "may_edit": standing.role in {Role.ADMIN, Role.OWNER},
    }
    return render(request, "reporting/lists.html", context)
