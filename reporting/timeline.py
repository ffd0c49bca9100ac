"""What we know about one address in a realm: is it suppressed, since when, by what (check an address)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import QuerySet

from lists.access import Standing
from lists.choices import ListKind
from lists.models import List
from lists.prepared import fetch
from optout.addresses import digest_of
from optout.choices import Reason
from optout.models import OptOut, Suppression
from reporting.entries import Entry
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from reporting.subjects import Subject

LONGEST_TIMELINE = 200
# An opt-out has its time from the request and is seen when it is committed: a download this soon after it may have missed it.
_SEEN_AFTER = timedelta(seconds=10)

# For each list and time of an opt-out the first whole download that must have had it: one of all suppressions, or of those since
# an earlier time. By the index of the access log.
_FIRST_DOWNLOADS = f"""
SELECT w.list_id, d.started_at, d.format, coalesce(nullif(u.name, ''), u.email, k.label, a.label, '')
FROM unnest(%s::int[], %s::timestamptz[]) AS w (list_id, suppressed_at) CROSS JOIN LATERAL (
    SELECT started_at, format, user_id, key_id, api_key_id FROM reporting_download
    WHERE optout_list_id = w.list_id AND started_at >= w.suppressed_at + %s::interval
      AND (since IS NULL OR since <= w.suppressed_at) AND outcome = '{DownloadOutcome.COMPLETE}'
    ORDER BY started_at
    LIMIT 1
) d
LEFT JOIN lists_user u ON u.id = d.user_id LEFT JOIN lists_downloadkey k ON k.id = d.key_id
LEFT JOIN lists_apikey a ON a.id = d.api_key_id
"""  # noqa: S608 -- made of a constant

_CONTACT = """
SELECT c.created_at, s.optout_list_id, s.subscribed_at
FROM lists_contact c
LEFT JOIN lists_subscription s ON s.digest = c.digest AND s.optout_list_id = ANY (%(lists)s::int[])
WHERE c.realm_id = %(realm)s AND c.digest = %(digest)s
ORDER BY s.subscribed_at
"""


class Answer(Enum):
    """Whether a list's messages may go to an address. UNKNOWN is for hashes: not finding one proves nothing."""

    SUPPRESSED = "suppressed"
    MAY_BE_CONTACTED = "clear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FirstDownload:
    """When a list was first downloaded in whole after an opt-out, as what, and by whom: a person's name, or a key's label."""

    at: datetime
    format: str
    by: str


@dataclass(frozen=True, slots=True)
class Place:
    """A contact's place on a list."""

    list_name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class KnownContact:
    """That the address is a contact's, since when, and which of the lists that were asked about it is on."""

    since: datetime
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """What holds for one list; `since` and the labels are of its own suppression, or of Do Not Mail's if only that holds.

    `is_hash`: it came as a bare hash, which not every format of a download can show. `request_id` (the ledger row) and
    `first_download` are filled in by `with_proof`.
    """

    optout_list: List
    answer: Answer
    by_do_not_mail: bool = False
    since: datetime | None = None
    channel: str = ""
    reason: str = ""
    is_hash: bool = False
    request_id: int | None = None
    first_download: FirstDownload | None = None

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
        channel=holds.get_channel_display(),
        reason=str(Reason(holds.reason).label),
        is_hash=holds.address is None,
    )


def with_proof(
    answers: Sequence[ListAnswer], history: Iterable[tuple[Entry, List | None]]
) -> list[ListAnswer]:
    """The answers with the ledger row that each suppression is from, found in the subject's timeline (newest first), and the
    first download after it. One query, or none when nothing is suppressed."""
    everywhere = {answer.optout_list.pk for answer in answers if answer.optout_list.is_global}
    requests: dict[int, int] = {}
    for entry, _list in history:
        if entry.is_new and not entry.is_lift:
            requests.setdefault(entry.list_id, entry.id)
    downloads = _first_downloads(answers)
    return [
        replace(
            answer,
            request_id=_request_of(answer, requests, everywhere),
            first_download=downloads.get(answer.optout_list.pk),
        )
        if answer.is_suppressed
        else answer
        for answer in answers
    ]


def _request_of(
    answer: ListAnswer, requests: dict[int, int], everywhere: Iterable[int]
) -> int | None:
    holding = everywhere if answer.by_do_not_mail else [answer.optout_list.pk]
    return next((requests[each] for each in holding if each in requests), None)


def _first_downloads(answers: Sequence[ListAnswer]) -> dict[int, FirstDownload]:
    known = [each for each in answers if each.since is not None and not each.is_hash]
    if not known:
        return {}
    lists, since = [each.optout_list.pk for each in known], [each.since for each in known]
    return {
        list_id: FirstDownload(at, str(DownloadFormat(form).label), by)
        for list_id, at, form, by in fetch(_FIRST_DOWNLOADS, (lists, since, _SEEN_AFTER))
    }


def find_contact(standing: Standing, lists: Sequence[List], address: str) -> KnownContact | None:
    """The realm's contact with that address, on these lists. One query.

    Who does not know of all lists is told nothing of a contact that is on none of theirs.
    """
    names = {each.pk: each.name for each in lists}
    values = {
        "realm": standing.realm.pk,
        "lists": list(names),
        "digest": digest_of(address),
    }
    rows = fetch(_CONTACT, values)
    places = [Place(names[list_id], since) for _at, list_id, since in rows if list_id is not None]
    if not rows or not (places or standing.is_realm_admin):
        return None
    return KnownContact(rows[0][0], places)


def timeline(lists: Sequence[List], subject: Subject) -> QuerySet[OptOut, OptOut]:
    """The ledger rows of the subject on these lists, newest first, at most LONGEST_TIMELINE."""
    rows = OptOut.objects.filter(digest__in=subject.keys, optout_list__in=lists)
    return rows.order_by("-recorded_at", "-id")[:LONGEST_TIMELINE]
