"""What we know about one address in a realm: is it suppressed, since when, by what (check an address)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db.models import QuerySet

from lists.access import Standing
from lists.choices import ListKind
from lists.models import List
from optout.choices import Channel, Reason
from optout.models import OptOut, Suppression
from reporting.subjects import Subject

LONGEST_TIMELINE = 200


class Answer(Enum):
    """Whether a list's messages may go to an address. UNKNOWN is for hashes: not finding one proves nothing."""

    SUPPRESSED = "suppressed"
    MAY_BE_CONTACTED = "clear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """What holds for one list; `since` and the labels are of its own suppression, or of Do Not Mail's if only that holds."""

    optout_list: List
    answer: Answer
    by_do_not_mail: bool = False
    since: datetime | None = None
    channel: str = ""
    reason: str = ""

    @property
    def is_suppressed(self) -> bool:
        return self.answer is Answer.SUPPRESSED


def lists_to_check(standing: Standing) -> list[List]:
    """The lists they may ask about; the realm's Do Not Mail comes first, since it holds for all of them."""
    lists = list(standing.lists())
    if not any(each.is_global for each in lists):
        lists.insert(0, List.objects.get(realm=standing.realm, kind=ListKind.GLOBAL))
    return lists


def check_lists(lists: Sequence[List], subject: Subject) -> list[ListAnswer]:
    """Whether the subject is suppressed, list by list; `lists` holds the realm's Do Not Mail. One query.

    An error is raised, never answered as "may be contacted" (security.md §7.8).
    """
    found: dict[int, Suppression] = {}
    rows = Suppression.objects.filter(optout_list__in=lists, digest__in=subject.keys)
    for row in rows.order_by("-suppressed_at"):  # the earliest wins
        found[row.optout_list_id] = row
    everywhere = next(
        (found[each.pk] for each in lists if each.is_global and each.pk in found), None
    )
    return [_answer(each, found.get(each.pk), everywhere, subject) for each in lists]


def _answer(
    optout_list: List, own: Suppression | None, everywhere: Suppression | None, subject: Subject
) -> ListAnswer:
    holds = own or everywhere
    if holds is None:
        nothing = Answer.MAY_BE_CONTACTED if subject.is_certain else Answer.UNKNOWN
        return ListAnswer(optout_list, nothing)
    return ListAnswer(
        optout_list,
        Answer.SUPPRESSED,
        by_do_not_mail=own is None,
        since=holds.suppressed_at,
        channel=str(Channel(holds.channel).label),
        reason=str(Reason(holds.reason).label),
    )


def timeline(lists: Sequence[List], subject: Subject) -> QuerySet[OptOut, OptOut]:
    """The ledger rows of the subject on these lists, newest first, at most LONGEST_TIMELINE."""
    rows = OptOut.objects.filter(digest__in=subject.keys, optout_list__in=lists)
    return rows.order_by("-recorded_at", "-id")[:LONGEST_TIMELINE]
