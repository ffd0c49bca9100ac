"""Entries › Reasons: why people left a list, as bars, as a table and as a file."""

import csv

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lists.access import Permission, open_list
from lists.views.context import list_context
from reporting.exports import spreadsheet_safe_text
from reporting.forms_reasons import PeriodForm
from reporting.stated_reasons import Period, read_reasons
from reporting.views.entry_tabs import entry_tabs


@login_required
@require_safe
@never_cache
def list_reasons(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the reasons that were given in the days of the URL (`since`, `until`), else in the last 30."""
    opened = open_list(request.user, public_id, Permission.ENTRIES)
    form = PeriodForm(request.GET)
    today = timezone.now().date()
    report = read_reasons(opened.optout_list, form.period(today)) if form.is_valid() else None
    file = reverse("list_reasons_csv", args=[public_id])
    asked = request.GET.urlencode()
    context = {
        **list_context(opened, "list_entries"),
        "entry_tabs": entry_tabs(opened, "list_reasons"),
        "form": form,
        "report": report,
        "is_usual": report is not None and report.period == Period.of(None, None, today),
        "columns": [_("Reason"), _("Given"), _("Share")],
        "rows": [[each.text, each.count, each.percent] for each in report.counts] if report else [],
        "csv_url": f"{file}?{asked}" if asked else file,
        "may_edit": opened.may(Permission.EDIT),
    }
    return render(request, "reporting/reasons.html", context)


@login_required
@require_safe
def list_reasons_csv(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the same figures as a file. Of days that are not understood there is none: back to the page, which says so."""
    opened = open_list(request.user, public_id, Permission.ENTRIES)
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('list_reasons', args=[public_id])}?{request.GET.urlencode()}")
    report = read_reasons(opened.optout_list, form.period(timezone.now().date()))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"reasons-{opened.optout_list.number}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(["reason", "given", "share_percent", "from", "to"])
    days = [report.period.first.isoformat(), report.period.last.isoformat()]
    for each in report.counts:
        reason = spreadsheet_safe_text(each.text)
        writer.writerow([reason, each.count, f"{each.share:.1f}", *days])
    return response
