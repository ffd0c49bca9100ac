"""How many asked to join a list by its form, and how many confirmed: the figures of Contacts › Join My Mailing List (S2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lists.models import List
from lists.prepared import fetch
from optout.choices import Channel, MailKind, MailState
from optout.mail_requests import KEPT
from reporting.charts import BarChart, Series, bar_chart
from reporting.figures import SHOWN

# The rows of who asked are kept for so long and no longer; consents for good.
ASKED_DAYS = KEPT.days

# By mail_by_age: few rows, those of the last days alone.
_ASKED = f"""
SELECT (asked_at AT TIME ZONE 'UTC')::date, count(*), count(*) FILTER (WHERE state = {MailState.SENT:d}),
    count(*) FILTER (WHERE state = {MailState.LEFT_OUT:d}), count(*) FILTER (WHERE state = {MailState.GIVEN_UP:d})
FROM optout_recipientmail
WHERE optout_list_id = %(list)s AND kind = {MailKind.JOIN:d} AND asked_at >= %(begin)s
GROUP BY 1
"""  # noqa: S608 -- constants only
# By consent_of_list.
_CONFIRMED = f"""
SELECT (confirmed_at AT TIME ZONE 'UTC')::date, count(*)
FROM optout_consent
WHERE optout_list_id = %(list)s AND channel = {Channel.JOIN:d} AND confirmed_at >= %(begin)s
GROUP BY 1
"""  # noqa: S608 -- constants only


@dataclass(frozen=True, slots=True)
class JoinDay:
    """A day (UTC). What was asked is None where its rows are no longer kept.

    `left_out`: the address had had enough mails, or is not to be invited. `given_up`: no mail server took it.
    """

    day: date
    confirmed: int
    asked: int | None = None
    mailed: int | None = None
    left_out: int | None = None
    given_up: int | None = None

    @property
    def values(self) -> list[int | None]:
        return [self.asked, self.mailed, self.left_out, self.given_up, self.confirmed]


@dataclass(frozen=True, slots=True)
class JoinFigures:
    """The last SHOWN days, oldest first, today included."""

    days: Sequence[JoinDay]

    @property
    def asked(self) -> int:
        return sum(each.asked or 0 for each in self.days)

    @property
    def mailed(self) -> int:
        return sum(each.mailed or 0 for each in self.days)

    @property
    def left_out(self) -> int:
        return sum((each.left_out or 0) + (each.given_up or 0) for each in self.days)

    @property
    def confirmed(self) -> int:
        return sum(each.confirmed for each in self.days)

    @property
    def has_any(self) -> bool:
        return bool(self.asked or self.confirmed)

    @property
    def rows(self) -> list[list[str | int]]:
        """Those days of which everything is known, newest first, for a table."""
        known = [each for each in self.days if each.asked is not None]
        return [
            [date_format(each.day, "j M Y"), *(value or 0 for value in each.values)]
            for each in reversed(known)
        ]

    def chart(self) -> BarChart:
        """Who confirmed, by day."""
        confirmed = Series(1, _("Confirmed"), [each.confirmed for each in self.days])
        return bar_chart(_("Confirmed per day"), [each.day for each in self.days], [confirmed])


def read_join_figures(optout_list: List, now: datetime) -> JoinFigures:
    """Of the list's own join form. Two queries."""
    today = now.date()
    first, first_asked = (today - timedelta(days=ago - 1) for ago in (SHOWN, ASKED_DAYS))
    asked = {
        day: figures
        for day, *figures in fetch(_ASKED, {"list": optout_list.pk, "begin": _begin(first_asked)})
    }
    confirmed = dict(fetch(_CONFIRMED, {"list": optout_list.pk, "begin": _begin(first)}))
    none = [0, 0, 0, 0]
    return JoinFigures(
        [
            JoinDay(
                day, confirmed.get(day, 0), *(asked.get(day, none) if day >= first_asked else ())
            )
            for day in (first + timedelta(days=ahead) for ahead in range(SHOWN))
        ]
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
