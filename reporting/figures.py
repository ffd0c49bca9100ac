"""The figures of somebody's lists, as the overview and the list of lists show them: few queries, however many lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lists.access import Standing
from lists.choices import Role
from lists.models import List
from optout.choices import Channel, Kind, Verdict
from optout.models import OptOut, QuarantinedOptOut
from reporting.charts import BarChart, Series, bar_chart
from reporting.counters import DayCount, opt_outs_per_day, suppressed_totals
from reporting.models import Download

WEEK = 7  # days
SHOWN = 30  # days of the chart

# The colours of the chart: a channel keeps its own, the two ways into the Global Unsubscribe share one. What has none of its own
# yet is counted together.
_OWN_COLOURS = (
    Channel.PAGE,
    Channel.DIRECT_LINK,
    Channel.ONE_CLICK,
    Channel.S2S,
    Channel.PIXEL,
    Channel.SIGNED_LINK,
    Channel.API_WEB,
)
_GLOBAL, _OTHER = 8, 9
_LATER: dict[Channel | None, int] = {
    Channel.INBOUND_SMS: 10,
    Channel.SMS_LINK: 11,
    Channel.PREFERENCES: 12,
}
# From the bottom of a bar to its top.
_SERIES = (
    *((number, each.label) for number, each in enumerate(_OWN_COLOURS, start=1)),
    (_GLOBAL, gettext_lazy("Global Unsubscribe")),
    *((number, each.label) for each, number in _LATER.items() if each),
    (_OTHER, gettext_lazy("Other ways")),
)
_COLOURS: dict[Channel | None, int] = {
    **{channel: number for number, channel in enumerate(_OWN_COLOURS, start=1)},
    Channel.GLOBAL_FORM: _GLOBAL,
    Channel.GLOBAL_API: _GLOBAL,
    **_LATER,
}


def change_of_week(now: int, before: int) -> str:
    """The last 7 days against the 7 before, in words."""
    if not before:
        return _("none in the 7 days before")
    if now == before:
        return _("as many as in the 7 days before")
    percent = round(abs(now - before) * 100 / before)
    if now > before:
        return _("%(percent)d %% more than in the 7 days before") % {"percent": percent}
    return _("%(percent)d %% fewer than in the 7 days before") % {"percent": percent}


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list with its figures. `last_optout_at` is None when it had none."""

    optout_list: List
    suppressed: int
    last_week: int
    waiting: int
    last_optout_at: datetime | None

    @property
    def last_optout_ago(self) -> str:
        """Roughly how long ago that was: "5 hours ago"."""
        return _ago(self.last_optout_at)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the lists that somebody may see; days are UTC."""

    rows: list[ListRow]
    counts: Sequence[DayCount]
    today: date

    @property
    def opted_out_today(self) -> int:
        return self._between(0, 0)

    @property
    def opted_out_last_week(self) -> int:
        return self._between(0, WEEK - 1)

    @property
    def change_of_week(self) -> str:
        """The last 7 days against the 7 before, in words."""
        return change_of_week(self.opted_out_last_week, self._between(WEEK, 2 * WEEK - 1))

    @property
    def suppressed(self) -> int:
        return sum(row.suppressed for row in self.rows)

    @property
    def waiting(self) -> int:
        return sum(row.waiting for row in self.rows)

    def chart(self) -> BarChart:
        """Opt-outs per day by channel."""
        days = [self.today - timedelta(days=back) for back in reversed(range(SHOWN))]
        by_channel: dict[tuple[int, date], int] = {}
        for each in self.counts:
            colour = _COLOURS.get(each.channel, _OTHER)
            by_channel[colour, each.day] = by_channel.get((colour, each.day), 0) + each.requests
        series = [
            Series(number, str(label), [by_channel.get((number, day), 0) for day in days])
            for number, label in _SERIES
        ]
        return bar_chart(_("Opt-outs per day"), days, series)

    def _between(self, newest: int, oldest: int) -> int:
        """How many in the days from `oldest` to `newest` days ago, both included."""
        first, last = self.today - timedelta(days=oldest), self.today - timedelta(days=newest)
        return sum(each.requests for each in self.counts if first <= each.day <= last)


def read_figures(standing: Standing, now: datetime) -> Figures:
    """The figures of every list that the person knows of."""
    latest = OptOut.objects.filter(optout_list=OuterRef("pk"), kind=Kind.OPT_OUT)
    lists = list(
        standing.lists().annotate(
            last_optout_at=Subquery(latest.order_by("-recorded_at").values("recorded_at")[:1])
        )
    )
    keys = [each.pk for each in lists]
    today = now.date()
    counts = opt_outs_per_day(keys, today - timedelta(days=SHOWN - 1), today)
    week_began = today - timedelta(days=WEEK - 1)
    last_week: dict[int, int] = {}
    for each in counts:
        if each.day >= week_began:
            last_week[each.list_id] = last_week.get(each.list_id, 0) + each.requests
    totals = suppressed_totals(keys)
    waiting = _waiting(keys)
    rows = [
        ListRow(
            optout_list=each,
            suppressed=totals.get(each.pk, 0),
            last_week=last_week.get(each.pk, 0),
            waiting=waiting.get(each.pk, 0),
            last_optout_at=each.last_optout_at,
        )
        for each in lists
    ]
    return Figures(rows, counts, today)


@dataclass(frozen=True, slots=True)
class GivenList:
    """A list that a mailer was given, and when they last downloaded it."""

    optout_list: List
    downloaded_at: datetime | None

    @property
    def downloaded_ago(self) -> str:
        """Roughly how long ago that was: "5 hours ago"."""
        return _ago(self.downloaded_at)


def read_given_lists(standing: Standing) -> list[GivenList]:
    """What a mailer's overview shows: their lists and their own activity, nobody else's (pages.md, the table of roles)."""
    if standing.role != Role.MAILER or standing.membership is None:
        return []
    lists = list(standing.lists())
    own = Q(user=standing.user) | Q(key__membership=standing.membership)
    latest = (
        Download.objects.filter(own, optout_list__in=[each.pk for each in lists])
        .values("optout_list")
        .annotate(latest=Max("started_at"))
    )
    downloaded = {each["optout_list"]: each["latest"] for each in latest}
    return [GivenList(each, downloaded.get(each.pk)) for each in lists]


def _waiting(list_ids: Iterable[int]) -> dict[int, int]:
    counted = (
        QuarantinedOptOut.objects.filter(optout_list__in=list_ids, verdict=Verdict.WAITING)
        .values("optout_list")
        .annotate(waiting=Count("pk"))
    )
    return {each["optout_list"]: each["waiting"] for each in counted}


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return ""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}
