"""What a report says: as a mail, with each opt-out; as a text message, with numbers and no address.
In the language that is active: who sends it has English active.

Whoever asked for text messages typed the number themselves, and nobody has shown that it is theirs. So no address goes there: a
number with a wrong digit would give a stranger the addresses of everybody who opts out.
"""

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lists.access import Standing
from lists.models import List
from lists.sms import is_gsm
from reporting.mailing import Letter
from reporting.models.reports import ReportKind
from reporting.unsubscription_reports.news import ListCount, News
from reporting.unsubscription_reports.since_download import NotDownloaded
from reporting.unsubscription_reports.switching_off import off_url_of

ONE_MESSAGE = 160  # characters of the kind that `is_gsm` knows
MOST_LISTS_IN_MAIL = 100


def write_mail(standing: Standing, news: News) -> Letter:
    """The mail about opt-outs. `news` is not empty."""
    said = _opt_outs(news.total)
    off_url = off_url_of(standing, ReportKind.OPT_OUTS)
    return Letter(
        _("%(opt_outs)s: %(sender)s") % {"opt_outs": said, "sender": standing.realm.sender_name},
        "unsubscription_report",
        {
            "said": said,
            "sender": _one_line(standing.realm.sender_name),
            "new": news.new,
            "repeated": news.total - news.new,
            "lists": [_count_line(each) for each in news.counts[:MOST_LISTS_IN_MAIL]],
            "more_lists": max(0, len(news.counts) - MOST_LISTS_IN_MAIL),
            "lines": [
                {
                    "at": f"{each.recorded_at:%Y-%m-%d %H:%M}",
                    "address": each.address,
                    "list": _one_line(each.optout_list.name),
                    "channel": each.channel,
                    "state": _state(each.is_new, each.is_test),
                }
                for each in news.lines
            ],
            "unlisted": news.unlisted,
            "lists_url": _url("lists"),
            "settings_url": _url("notifications"),
            "off_url": off_url,
        },
        off_url,
    )


def write_sms(standing: Standing, news: News) -> str:
    """The text message about opt-outs: one message of GSM characters, unless the address of this installation is too long."""
    beginning = f"{standing.realm.name}: {_opt_outs(news.total)}."
    link = _url("overview")
    counts = [f"{_short_name(each.optout_list)}: {each.total}" for each in news.counts]
    for shown in range(len(counts), 0, -1):
        more = len(counts) - shown
        named = ", ".join(counts[:shown])
        if more:
            named += ngettext(", %(count)d more list", ", %(count)d more lists", more) % {
                "count": more
            }
        text = f"{beginning} {named}. {link}"
        if len(text) <= ONE_MESSAGE:
            return text
    return f"{beginning} {link}"


def write_weekly(standing: Standing, waiting: Sequence[NotDownloaded]) -> Letter:
    """The mail that tells a mailer what they have not downloaded. `waiting` is not empty."""
    total = sum(each.count for each in waiting)
    sender = _one_line(standing.realm.sender_name)
    off_url = off_url_of(standing, ReportKind.SINCE_DOWNLOAD)
    return Letter(
        _("%(count)s to download: %(sender)s") % {"count": f"{total:,}", "sender": sender},
        "not_downloaded",
        {
            "sender": sender,
            "lists": [
                {
                    "name": _one_line(each.optout_list.name),
                    "said": _not_downloaded(each),
                    "url": f"{_url('list_service', each.optout_list.public_id)}?tab=download",
                }
                for each in waiting
            ],
            "settings_url": _url("notifications"),
            "off_url": off_url,
        },
        off_url,
    )


def _not_downloaded(each: NotDownloaded) -> str:
    if each.downloaded_at is None:
        return _("You have not downloaded it yet: %(count)s") % {"count": f"{each.count:,}"}
    said = ngettext(
        "%(count)s new opt-out since your last download (%(since)s UTC)",
        "%(count)s new opt-outs since your last download (%(since)s UTC)",
        each.count,
    )
    since = f"{each.downloaded_at:%Y-%m-%d %H:%M}"
    return said % {"count": f"{each.count:,}", "since": since}


def _count_line(count: ListCount) -> dict[str, str]:
    repeated = count.total - count.new
    said = f"{count.total:,}"
    if repeated:
        words = {"total": said, "repeated": f"{repeated:,}"}
        said = _("%(total)s, %(repeated)s of them repeated") % words
    url = _url("list_entries", count.optout_list.public_id)
    return {"name": _one_line(count.optout_list.name), "said": said, "url": url}


def _opt_outs(total: int) -> str:
    said = ngettext("%(count)s opt-out", "%(count)s opt-outs", total)
    return said % {"count": f"{total:,}"}


def _state(is_new: bool, is_test: bool) -> str:
    if is_test:
        return (
            _("new, a test of the Service page")
            if is_new
            else _("repeated, a test of the Service page")
        )
    return _("new") if is_new else _("repeated")


def _short_name(optout_list: List) -> str:
    """Its name, if a text message holds it cheaply; else its number."""
    name = _one_line(optout_list.name)
    return (
        name
        if len(name) <= 20 and is_gsm(name)
        else _("List %(number)d") % {"number": optout_list.number}
    )


def _one_line(text: str) -> str:
    """Names are their owners' to write: in a header, a line end would begin another header."""
    return " ".join(text.split())


def _url(name: str, *arguments: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=arguments)}"
