"""All Reports › Extras › Global Unsubscribe: the report of global requests, and its files (S1.21)."""

import csv
from contextlib import suppress
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lists.audit import record_audit
from lists.bounded import TookTooLongError, at_most
from lists.views.context import current_standing
from lists.views.recent_sign_in import require_recent_sign_in
from optout.long_answers import LongAnswer
from optout.slots import slots
from reporting.asked import RefusedError, single_value
from reporting.downloads import RETRY_AFTER
from reporting.global_report.figures import read_global_figures, say_what_follows
from reporting.global_report.forms import WHOLE, GlobalReportForm, order_label
from reporting.global_report.lines import LinePage, read_page, stream_csv
from reporting.global_report.report import (
    GlobalFilters,
    GlobalReader,
    GlobalReport,
    Order,
    Sort,
    default_order,
    open_global_report,
)
from reporting.paging import page_url
from reporting.views.download import refuse

QUICK_SECONDS, FILTER_SECONDS = 0.3, 5
_NOTHING = LinePage([])
# Parameters that mean nothing to the file of the lines, and to the one of the chart: an address is not repeated for nothing.
_OF_A_PAGE = frozenset({"after", "before", "raw"})
_OF_LINES = _OF_A_PAGE | {"sort", "publisher", "website", "email", "phone"}
_PLACE = "#requests"  # where the table begins: whoever filters or turns a page does not start at the top again

# The columns of the table: each shows what stands in one line of its cells.
_HEADINGS = (
    ((Sort.ID, "ID"),),
    ((Sort.LAST_SEEN, _("Last seen (UTC)")), (Sort.FIRST_SEEN, _("First seen (UTC)"))),
    ((Sort.EMAIL, _("Email")), (Sort.PHONE, _("Phone"))),
    ((None, _("Custom fields")),),
    ((Sort.WEBSITE, _("Website")), (Sort.PRODUCT, _("Product"))),
    ((Sort.PUBLISHER, _("Publisher")), (None, _("Form UUID"))),
    ((Sort.COUNT, _("Unsubscribe count")),),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a line of a column is called, and the link that orders by it; none where it cannot be ordered by."""

    label: str | Promise
    href: str = ""
    direction: str = ""  # `ascending` or `descending` for the one that the lines are ordered by


@dataclass(frozen=True, slots=True)
class Column:
    """The headings of one column; `direction` is that of the one which the lines are ordered by."""

    headings: list[Heading]

    @property
    def direction(self) -> str:
        return next((each.direction for each in self.headings if each.direction), "")


@login_required
@require_safe
@never_cache
def global_unsubscribe_report(request: HttpRequest) -> HttpResponse:
    """GET: figures, chart, and 50 lines; filters, order and the place are in the URL."""
    standing = current_standing(request)
    reader = open_global_report(standing)
    form = GlobalReportForm(request.GET, reader)
    is_valid = form.is_valid()
    report = form.report if is_valid else _unfiltered(reader)
    page, took_too_long = _find(request, report) if is_valid else (_NOTHING, False)
    figured = report if is_valid else form.figured
    figures = None if figured is None else read_global_figures(figured, timezone.now())
    context = {
        "form": form,
        "reader": reader,
        "figures": figures,
        "chart": figures and figures.chart(),
        "report": report,
        "order_label": order_label(report.order),
        "lines": page.lines,
        "columns": _columns(request, report),
        "took_too_long": took_too_long,
        "is_filtered": not is_valid or report.filters.used,
        "has_own_order": report.order != default_order(report.filters),
        "remarks": say_what_follows(figured, figures) if figured and figures else [],
        "whole_texts": WHOLE,
        "following_url": page_url(request.GET, "after", page.following),
        "preceding_url": page_url(request.GET, "before", page.preceding),
        "csv_url": _file_url(request, "global_unsubscribe_csv", _OF_A_PAGE),
        "raw_url": _file_url(request, "global_unsubscribe_csv", _OF_A_PAGE, raw="1"),
        "per_day_url": _file_url(request, "global_unsubscribe_per_day_csv", _OF_LINES),
        "settings_url": reverse("global_settings") if standing.is_realm_admin else "",
    }
    return render(request, "reporting/global_unsubscribe.html", context)


@login_required
@require_safe
def global_unsubscribe_csv(request: HttpRequest) -> HttpResponseBase:
    """GET: all lines that the page's filters find, in its order, streamed; `raw=1` for programs.

    It holds addresses: for people who may see them and signed in lately (security.md §5), one at a time, and audited. What the
    page would refuse is sent back to the page: a filter that is not understood must not become a file with everything.
    """
    standing = current_standing(request)
    reader = open_global_report(standing)
    if not reader.is_clear:
        raise Http404
    require_recent_sign_in(request)
    form = GlobalReportForm(request.GET, reader)
    if not form.is_valid():
        return _to_page(request)
    is_raw = single_value(request.GET, "raw").strip() == "1"
    response: HttpResponseBase
    if request.method == "HEAD":
        response = StreamingHttpResponse(())  # it must not claim the length 0
    else:
        slot = slots.take(f"user {standing.user.pk}")
        if slot is None:
            busy = gettext("Too many downloads at once. Please come back in %(seconds)d seconds.")
            return refuse(RefusedError(503, busy % {"seconds": RETRY_AFTER}))
        try:
            record_audit(
                "export_global_unsubscribe",
                actor=standing.user,
                realm=standing.realm,
                filters=form.report.filters.used,
                order=str(form.report.order),
                raw=is_raw,
            )
            lines = stream_csv(form.report, is_raw=is_raw)
            body = LongAnswer(lines, slot, request.META.get("gunicorn.socket"))
            response = StreamingHttpResponse(body)
        except BaseException:
            slot.give_back()
            raise
    return _as_file(response, "global-unsubscribe")


@login_required
@require_safe
def global_unsubscribe_per_day_csv(request: HttpRequest) -> HttpResponseBase:
    """GET: the figures of the chart, oldest day first. They are no addresses: for whoever may open the report.

    Of other days or another product than were meant there is no file either.
    """
    reader = open_global_report(current_standing(request))
    figured = GlobalReportForm(request.GET, reader).figured
    if figured is None:
        return _to_page(request)
    response = HttpResponse()
    writer = csv.writer(response)
    with translation.override("en"):  # programs read these columns, too
        figures = read_global_figures(figured, timezone.now())
        names = [str(each.label).lower() for each in figures.series]
    writer.writerow(["day", *names, "total"])
    for day, *values in zip(
        figures.days.all, *(each.values for each in figures.series), strict=True
    ):
        writer.writerow([day.isoformat(), *values, sum(values)])
    return _as_file(response, "global-unsubscribe-per-day")


def _unfiltered(reader: GlobalReader) -> GlobalReport:
    filters = GlobalFilters()
    return GlobalReport(reader, filters, default_order(filters))


def _find(request: HttpRequest, report: GlobalReport) -> tuple[LinePage, bool]:
    """The page of lines; and whether the search was stopped, which is not the same as finding nothing.

    Tried in the way that is mostly the quicker one, and soon in the one that never takes very long (see `read_page`).
    """
    is_part = bool(report.filters.used) or report.product_numbers is not None
    tries = (
        [(QUICK_SECONDS, False), (FILTER_SECONDS, True)] if is_part else [(FILTER_SECONDS, False)]
    )
    for seconds, collects in tries:
        with suppress(TookTooLongError), at_most(seconds):
            return read_page(report, request.GET, collects=collects), False
    return _NOTHING, True


def _to_page(request: HttpRequest) -> HttpResponse:
    """To the page with the same filters, which says what is wrong with them."""
    return redirect(f"{reverse('global_unsubscribe_report')}?{request.GET.urlencode()}")


def _columns(request: HttpRequest, report: GlobalReport) -> list[Column]:
    return [
        Column([_heading(request, report, sort, label) for sort, label in headings])
        for headings in _HEADINGS
    ]


def _heading(
    request: HttpRequest, report: GlobalReport, sort: Sort | None, label: str | Promise
) -> Heading:
    """Once more on the column that the lines are ordered by turns them round."""
    if sort is None or (sort.is_address and not report.reader.is_clear):
        return Heading(label)
    current = report.order if report.order.sort == sort else None
    order = current.reversed() if current else Order(sort, sort.begins_high)
    direction = ""
    if current:
        direction = "descending" if current.is_descending else "ascending"
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    query["sort"] = str(order)
    return Heading(label, f"?{query.urlencode()}{_PLACE}", direction)


def _file_url(request: HttpRequest, name: str, without: frozenset[str], **more: str) -> str:
    """A file of what the page shows."""
    query = request.GET.copy()
    for each in without:
        query.pop(each, None)
    for key, value in more.items():
        query[key] = value
    asked = query.urlencode()
    return reverse(name) + (f"?{asked}" if asked else "")


def _as_file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
