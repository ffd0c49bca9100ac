"""One endpoint: how it does, and its delivery log."""

import csv
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reporting.charts import BarChart, Series, bar_chart
from reporting.forms_webhooks import (
    ReplaySinceForm,
    SwitchOnForm,
)
from reporting.models import WebhookEndpoint
from reporting.paging import HIGHEST_ID, page_url
from reporting.views.webhook_access import OpenedHooks, open_hook
from reporting.views.webhook_log import PAGE_SIZE, as_lines, as_whole, chosen_of, filters_of
from reporting.views.webhook_rows import ShownEndpoint, ago, in_words, show_one
from reporting.views.webhook_secret import old_until
from reporting.webhooks.health import EndpointState, is_sender_running
from reporting.webhooks.log import Chosen, Daily, count_daily, find_delivery, read_log

_LATE = 60  # seconds: from then on the delay is shown as something to look at
_COLOURS = (1, 8, 9)  # of the chart
_LABELS = (_("Delivered"), _("Failed"), _("Waiting"))
_COLUMNS = ("day", "delivered", "failed", "waiting")  # of the CSV: for programs, so in one language


@dataclass(frozen=True, slots=True)
class Numbers:
    """The figures at the head of the page."""

    shown: ShownEndpoint
    daily: Daily

    @property
    def delay(self) -> str:
        delay = self.shown.health.delay
        if delay is None:
            return gettext("Not known")
        return in_words(delay) if self.shown.health.behind_since else gettext("None")

    @property
    def delay_note(self) -> str:
        health = self.shown.health
        if health.behind_since:
            return gettext("of the oldest that has not arrived")
        if health.delay is None:
            return gettext("it is far behind")
        if health.waiting:
            return gettext("but for what is sent again")
        if health.failed:
            return gettext("but for what failed")
        return (
            gettext("all that was sent has arrived")
            if self.shown.row.succeeded_at
            else gettext("nothing waits")
        )

    @property
    def is_late(self) -> bool:
        return (self.shown.health.delay_seconds or 0) > _LATE

    @property
    def waiting_note(self) -> str:
        if not self.shown.row.is_on:
            return gettext("until it is switched on")
        return (
            gettext("for a try, or to be made into messages")
            if self.shown.health.is_unread
            else gettext("for a try")
        )

    @property
    def delivered(self) -> str:
        return self._counted(self.daily.delivered)

    @property
    def failed(self) -> str:
        return self._counted(self.daily.failed)

    @property
    def has_failed(self) -> bool:
        return bool(sum(self.daily.failed))

    @property
    def succeeded(self) -> str:
        moment = self.shown.row.succeeded_at
        return ago(moment) if moment else gettext("None yet")

    @property
    def succeeded_at(self) -> str:
        moment = self.shown.row.succeeded_at
        if moment is None:
            return gettext("but for the test") if self.shown.health.is_tested else ""
        return f"{date_format(moment, 'j M Y, H:i')} UTC"

    @property
    def chart(self) -> BarChart:
        """Deliveries by day and by what became of them."""
        daily = self.daily
        figures = (daily.delivered, daily.failed, daily.waiting)
        series = [
            Series(number, str(label), values)
            for number, label, values in zip(_COLOURS, _LABELS, figures, strict=True)
        ]
        return bar_chart(gettext("Deliveries of the last 7 days"), daily.days, series)

    def _counted(self, figures: list[int]) -> str:
        return f"{sum(figures):,}" + ("+" if self.daily.is_cut else "")


@login_required
@require_safe
@never_cache
def webhook_endpoint(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: how it does, and 20 deliveries of its log; `show` says which, `after` and `before` where in the log."""
    opened, endpoint = open_hook(request, public_id)
    return show_endpoint(request, opened, endpoint)


@login_required
@require_safe
@never_cache
def webhook_delivery(request: HttpRequest, public_id: str, delivery_id: int) -> HttpResponse:
    """GET: one delivery with all that it says."""
    opened, endpoint = open_hook(request, public_id)
    delivery = find_delivery(endpoint, delivery_id)
    if delivery is None:
        raise Http404
    now = timezone.now()
    context = {
        "standing": opened.standing,
        "shown": show_one(opened, endpoint, now),
        "each": as_whole(endpoint, delivery, now),
    }
    return render(request, "reporting/webhook_delivery.html", context)


@login_required
@require_safe
@never_cache
def webhook_csv(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the chart's figures, oldest day first."""
    _opened, endpoint = open_hook(request, public_id)
    daily = count_daily(endpoint, timezone.now())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="deliveries-per-day.csv"'
    writer = csv.writer(response)
    writer.writerow(_COLUMNS)
    figures = (daily.delivered, daily.failed, daily.waiting)
    for day, *counts in zip(daily.days, *figures, strict=True):
        writer.writerow([day.isoformat(), *counts])
    return response


def show_endpoint(
    request: HttpRequest,
    opened: OpenedHooks,
    endpoint: WebhookEndpoint,
    replay_form: ReplaySinceForm | None = None,
) -> HttpResponse:
    """The page of the endpoint; `replay_form`: one that was sent and is wrong."""
    now = timezone.now()
    shown = show_one(opened, endpoint, now)
    numbers = Numbers(shown, count_daily(endpoint, now))
    chosen = chosen_of(request.GET)
    log = read_log(
        endpoint,
        chosen,
        before=_place(request, "before"),
        after=_place(request, "after"),
        size=PAGE_SIZE,
    )
    path = reverse("webhook_endpoint", args=[endpoint.public_id])
    context = {
        "standing": opened.standing,
        "shown": shown,
        "numbers": numbers,
        "chart": numbers.chart,
        "csv_url": reverse("webhook_csv", args=[endpoint.public_id]),
        "log": as_lines(endpoint, log.lines, now),
        "filters": filters_of(endpoint, chosen),
        "is_filtered": chosen is not Chosen.ALL or {"after", "before"} & set(request.GET),
        "failed_url": f"{path}?show=failed#log" if numbers.has_failed else "",
        "reload_url": f"{path}?{request.GET.urlencode()}#log",
        "older_url": _in_log(page_url(request.GET, "after", log.older)),
        "newer_url": _in_log(page_url(request.GET, "before", log.newer)),
        "replay_form": replay_form or _replay_form(shown),
        "on_form": SwitchOnForm(),
        "may_hurry": shown.health.state is EndpointState.FAILING and shown.health.waiting,
        "old_until": old_until(endpoint, now),
        "is_standing_still": not is_sender_running(now),
    }
    status = 422 if replay_form else 200
    return render(request, "reporting/webhook_endpoint.html", context, status=status)


def _replay_form(shown: ShownEndpoint) -> ReplaySinceForm | None:
    """As it stands there it has all of them sent again, and tried at once what waits; none where nothing failed."""
    health = shown.health
    failed = [health.failed_since, health.behind_since if shown.row.failing_since else None]
    oldest = min((each for each in failed if each), default=None)
    return ReplaySinceForm(initial={"since": oldest}) if oldest else None


def _in_log(url: str) -> str:
    """The link, leading to the log rather than to the head of the page."""
    return f"{url}#log" if url else ""


def _place(request: HttpRequest, name: str) -> int | None:
    """The id in the log that a link carries, or None for anything else."""
    text = request.GET.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) < len(str(HIGHEST_ID))
    return int(text) if is_number else None
