"""Charts drawn on the server: shapes of an SVG, their words, and the same figures as a table (pages.md, "Charts").

Only geometry is worked out here; `templates/components/chart.html` draws it, with classes and attributes alone (CSP).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

BAR = 8  # of the 10 units that a day takes
DAY = 10
HEIGHT = 100  # units; the style sheet says how high that is on the screen


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: `number` (1-11) is its colour for good, `values` has a figure for each day."""

    number: int
    label: str
    values: Sequence[int]

    @property
    def total(self) -> int:
        """All its days together."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of a bar: place and size in units of the view box, and what it says when pointed at."""

    series: int
    x: int
    y: str
    width: int
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Stacked bars, one a day."""

    title: str
    marks: list[Mark]
    series: list[Series]
    ticks: list[int]  # the figures of the axis, from the top down
    days: list[date]
    total: int

    @property
    def view_box(self) -> str:
        return f"0 0 {len(self.days) * DAY} {HEIGHT}"

    @property
    def width(self) -> int:
        return len(self.days) * DAY

    @property
    def day_labels(self) -> list[str]:
        """The first, the middle and the last day, each once."""
        shown = (self.days[0], self.days[(len(self.days) - 1) // 2], self.days[-1])
        return [date_format(day, "j M") for day in dict.fromkeys(shown)]

    @property
    def columns(self) -> list[str]:
        """The headings of the table with the same figures."""
        return [_("Day (UTC)"), *(each.label for each in self.series), _("Total")]

    @property
    def rows(self) -> list[list[str | int]]:
        """The table with the same figures, newest day first."""
        rows: list[list[str | int]] = []
        for index, day in enumerate(self.days):
            figures = [each.values[index] for each in self.series]
            rows.append([date_format(day, "j M Y"), *figures, sum(figures)])
        return rows[::-1]


def bar_chart(title: str, days: Sequence[date], series: Sequence[Series]) -> BarChart:
    """Stack the series day by day, the first one at the bottom.

    Each series has a value for each day; one whose values are all 0 is left out.
    """
    shown = [each for each in series if each.total]
    totals = [sum(each.values[index] for each in shown) for index in range(len(days))]
    top = nice_top(max(totals, default=0))
    marks = []
    for index, day in enumerate(days):
        below = 0
        for each in shown:
            value = each.values[index]
            if not value:
                continue
            below += value
            marks.append(
                Mark(
                    series=each.number,
                    x=index * DAY + (DAY - BAR) // 2,
                    y=_units(HEIGHT - below * HEIGHT / top),
                    width=BAR,
                    height=_units(value * HEIGHT / top),
                    title=f"{date_format(day, 'j M Y')}, {each.label}: {value:,}",
                )
            )
    return BarChart(title, marks, shown, [top, top // 2, 0], list(days), sum(totals))


def nice_top(highest: int) -> int:
    """The end of the axis: the first round even number that is not below the highest bar; 2 when there is none."""
    scale = 1
    while True:
        for step in (2, 4, 6, 8, 10):
            if step * scale >= highest:
                return step * scale
        scale *= 10


def _units(value: float) -> str:
    """A length with at most two decimals: pages are short of bytes."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
