"""The report of reasons: why people left a list, as they chose to say afterwards (pages.md, "Charts")."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.utils.formats import date_format

from lists.lookup import ListSnapshot, snapshot
from lists.models import List
from lists.prepared import fetch
from optout.reasons import BUILT_IN, reasons_for
from reporting.counters import opt_outs_per_day
from reporting.figures import SHOWN

# By the index stated_reason_of_list.
_COUNT = """
SELECT reason, count(*)
FROM optout_statedreason
WHERE optout_list_id = %(list)s AND stated_at >= %(begin)s AND stated_at < %(end)s
GROUP BY reason
ORDER BY count(*) DESC, reason
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Days (UTC), both included."""

    first: date
    last: date

    @classmethod
    def of(cls, since: date | None, until: date | None, today: date) -> "Period":
        """What was asked for. Without a first day the SHOWN days up to the last one, without a last one up to today."""
        last = until or max(today, since or today)
        return cls(since or date.fromordinal(max(last.toordinal() - SHOWN + 1, 1)), last)

    def __str__(self) -> str:
        first, last = date_format(self.first, "j M Y"), date_format(self.last, "j M Y")
        return first if first == last else f"{first} – {last}"


@dataclass(frozen=True, slots=True)
class StatedCount:
    """How often a reason was given. `share` is of all that were given, in percent.

    `is_own`: the owner's words, in whatever language. `is_gone`: nobody can choose it any more.
    """

    text: str
    count: int
    share: float
    is_own: bool = True
    is_gone: bool = False

    @property
    def percent(self) -> str:
        """The share as people read it: a reason that was given has never 0 %."""
        if 0 < self.share < 1:
            return "<1 %"
        return f"{self.share:.0f} %"

    @property
    def width(self) -> str:
        """Of its bar, of 100 units: pages are short of bytes."""
        return f"{self.share:.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class ReasonsReport:
    """The reasons in the order in which people are offered them, then those that are offered no more, the most frequent first.

    `requests`: all opt-outs of those days, repeats included; most come from mail programs and servers, which are not asked.
    """

    period: Period
    counts: Sequence[StatedCount]
    requests: int

    @property
    def total(self) -> int:
        return sum(each.count for each in self.counts)


def read_reasons(optout_list: List, period: Period) -> ReasonsReport:
    """What people said in those days. Three queries at most, whatever was said."""
    values = {
        "list": optout_list.pk,
        "begin": datetime.combine(period.first, time(), UTC),
        "end": datetime.combine(period.last, time(), UTC) + timedelta(days=1),
    }
    given = {str(reason): int(count) for reason, count in fetch(_COUNT, values)}
    total = sum(given.values())
    offered = _offered(snapshot(optout_list))
    order = [*offered, *(reason for reason in given if reason not in offered)]
    counts = [
        StatedCount(
            text=str(BUILT_IN.get(reason, reason)),
            count=given.get(reason, 0),
            share=given.get(reason, 0) * 100 / total if total else 0,
            is_own=reason not in BUILT_IN,
            is_gone=reason not in offered,
        )
        for reason in order
    ]
    per_day = opt_outs_per_day([optout_list.pk], period.first, period.last)
    return ReasonsReport(period, counts, sum(each.requests for each in per_day))


def _offered(optout_list: ListSnapshot) -> list[str]:
    """What is stored of the reasons that people can choose from in any language, or could while the list asked."""
    asking = replace(optout_list, asks_reason=True)
    languages = (asking.default_language, *asking.reasons)
    stored = (value for code in languages for value, _text in reasons_for(asking, code))
    return list(dict.fromkeys(stored))
