"""The figures and the chart of the Global Unsubscribe report: requests, not lines, by day and channel (S1.21)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from optout.choices import Channel
from reporting.charts import BarChart, Series, bar_chart
from reporting.figures import SHOWN, WEEK, change_of_week
from reporting.global_report.counts import GlobalDayCount, global_requests_per_day
from reporting.global_report.report import GlobalFilters, GlobalReport

MOST_DAYS = 92  # of the chart: a quarter of a year

# Beside each other, in colours that are told apart; nothing else stands in this chart.
_WAYS = ((1, Channel.GLOBAL_FORM, gettext_lazy("Form")), (2, Channel.GLOBAL_API, "API"))


@dataclass(frozen=True, slots=True)
class Days:
    """The days of the chart (UTC), both ends included. `is_cut`: more were asked for than it can show."""

    first: date
    last: date
    is_cut: bool = False

    @property
    def all(self) -> list[date]:
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    def __str__(self) -> str:
        first, last = date_format(self.first, "j M Y"), date_format(self.last, "j M Y")
        return first if first == last else f"{first} – {last}"


def days_of(filters: GlobalFilters, today: date) -> Days:
    """The days that were filtered by, at most the last MOST_DAYS of them; without any the last 30."""
    last = filters.until or today
    if last > today:  # nothing has come yet on those
        last = max(today, filters.since or today)
    first = filters.since or _back(last, SHOWN - 1)
    earliest = _back(last, MOST_DAYS - 1)
    return Days(max(first, earliest), last, is_cut=first < earliest)


def _back(day: date, days: int) -> date:
    """So many days before, or the first day that there is."""
    return date.fromordinal(max(day.toordinal() - days, 1))


@dataclass(frozen=True, slots=True)
class GlobalFigures:
    """Requests of the products that are meant, repeats included; days are UTC."""

    counts: Sequence[GlobalDayCount]
    days: Days
    today: date

    @property
    def on_today(self) -> int:
        return self._between(self.today, self.today)

    @property
    def last_week(self) -> int:
        return self._between(self.today - timedelta(days=WEEK - 1), self.today)

    @property
    def change_of_week(self) -> str:
        """The last 7 days against the 7 before, in words."""
        last = self.today - timedelta(days=WEEK)
        return change_of_week(self.last_week, self._between(last - timedelta(days=WEEK - 1), last))

    @property
    def in_days(self) -> int:
        """In the days of the chart."""
        return self._between(self.days.first, self.days.last)

    @property
    def days_label(self) -> str:
        """What those days are called."""
        are_usual = self.days == days_of(GlobalFilters(), self.today)
        return _("Last %(days)d days") % {"days": SHOWN} if are_usual else str(self.days)

    @property
    def total(self) -> int:
        """Since the first one."""
        return sum(each.requests for each in self.counts)

    @property
    def series(self) -> list[Series]:
        """Requests per day, by form and by API."""
        found = {(each.channel, each.day): each.requests for each in self.counts}
        return [
            Series(number, str(label), [found.get((channel, day), 0) for day in self.days.all])
            for number, channel, label in _WAYS
        ]

    def chart(self) -> BarChart:
        return bar_chart(_("Requests per day"), self.days.all, self.series)

    def _between(self, first: date, last: date) -> int:
        return sum(each.requests for each in self.counts if first <= each.day <= last)


def say_what_follows(report: GlobalReport, figures: GlobalFigures) -> list[str]:
    """What figures and chart know of the filters, and what not, where somebody could think otherwise."""
    filters, said = report.filters, []
    if filters.product is not None:
        names = {0: _("none")} | {each.number: each.name for each in report.reader.products}
        name = names.get(filters.product, "")
        product = f"{filters.product}, {name}" if name else str(filters.product)
        sentence = _("Figures and chart count the requests for product %(product)s.")
        said.append(sentence % {"product": product})
    if filters.since or filters.until:
        said.append(
            _(
                "The chart and its figure follow your days, and count each request on the day it came. The other figures do not."
            )
        )
    if figures.days.is_cut:
        said.append(_("The chart shows the last %(days)d of your days.") % {"days": MOST_DAYS})
    elif filters.until and not filters.since:
        said.append(_("Without a first day the chart shows %(days)d days.") % {"days": SHOWN})
    if filters.has_texts:
        said.append(_("Website, publisher, email and phone filter the lines below alone."))
    return said


def read_global_figures(report: GlobalReport, now: datetime) -> GlobalFigures:
    """The figures of the report's products; of its other filters they know the days alone. One query."""
    today = now.date()
    counts = global_requests_per_day(report.reader.realm.pk, report.product_numbers)
    return GlobalFigures(counts, days_of(report.filters, today), today)
