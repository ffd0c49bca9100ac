"""What we know about one address in a realm: is it suppressed, since when, by what (check an address)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from lists.access import Standing
from lists.choices import ListKind
from lists.models import List
from lists.prepared import fetch
from optout.addresses import digest_of
from optout.choices import Channel, Reason
from optout.models import OptOut, StatedReason, Suppression
from optout.reasons import BUILT_IN
from reporting.entries import Entry
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from reporting.subjects import Subject

LONGEST_TIMELINE = 200  # and as many consents
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

# A contact and its places, and the consents of an address: of different shapes, but one question to the database.
_KNOWN = f"""
(
    SELECT c.created_at, s.optout_list_id, s.subscribed_at, NULL::int, '', '', NULL::timestamptz, NULL::inet, NULL::inet, ''
    FROM lists_contact c
    LEFT JOIN lists_subscription s ON s.digest = c.digest AND s.optout_list_id = ANY (%(lists)s::int[])
    WHERE c.realm_id = %(realm)s AND c.digest = %(contact)s
    ORDER BY s.subscribed_at
)
UNION ALL
(
    SELECT NULL, optout_list_id, confirmed_at, channel, language, wording, asked_at, asked_ip, confirmed_ip, confirmed_agent
    FROM optout_consent
    WHERE optout_list_id = ANY (%(lists)s::int[]) AND digest = ANY (%(digests)s)
    ORDER BY confirmed_at DESC, id DESC
    LIMIT {LONGEST_TIMELINE}
)
"""  # noqa: S608 -- made of a constant


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
class Agreement:
    """A consent as it is shown: what was agreed to, when, and from where for those who may see that."""

    channel: str
    wording: str
    language: str
    asked_at: datetime
    asked_ip: str | None
    confirmed_ip: str | None
    agent: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something in an address's history: an entry of the ledger, with the reason that was said afterwards; or a consent."""

    at: datetime
    optout_list: List | None
    entry: Entry | None = None
    stated_reason: str = ""
    agreement: Agreement | None = None


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


def find_known(
    standing: Standing, lists: Sequence[List], subject: Subject, *, clear: bool
) -> tuple[KnownContact | None, list[Happening]]:
    """The realm's contact with that address, on these lists; and the subject's consents to them, newest first. One query.

    Without `clear` no contact, and of consents neither IP nor program. Who does not know of all lists is told nothing of a
    contact that is on none of theirs.
    """
    named = {each.pk: each for each in lists}
    is_asked = clear and subject.address is not None
    values = {
        "realm": standing.realm.pk,
        "lists": list(named),
        "contact": digest_of(subject.address) if is_asked and subject.address else b"",
        "digests": list(subject.keys),
    }
    rows = fetch(_KNOWN, values)
    agreed = [
        Happening(
            confirmed_at,
            named[list_id],
            agreement=_as_agreement(consent, evidence=clear),
        )
        for _known, list_id, confirmed_at, *consent in rows
        if consent[0] is not None
    ]
    of_contact = [row[:3] for row in rows if row[3] is None]
    places = [
        Place(named[list_id].name, since)
        for _at, list_id, since in of_contact
        if list_id is not None
    ]
    if not of_contact or not (places or standing.is_realm_admin):
        return None, agreed
    return KnownContact(of_contact[0][0], places), agreed


def timeline(lists: Sequence[List], subject: Subject) -> list[OptOut]:
    """The ledger rows of the subject on these lists, newest first, at most LONGEST_TIMELINE; each with `stated_reason`, which
    is empty where nobody said why."""
    stated = StatedReason.objects.filter(optout_id=OuterRef("id"), digest=OuterRef("digest"))
    rows = OptOut.objects.filter(digest__in=subject.keys, optout_list__in=lists)
    rows = rows.annotate(stated_reason=Coalesce(Subquery(stated.values("reason")[:1]), Value("")))
    return list(rows.order_by("-recorded_at", "-id")[:LONGEST_TIMELINE])


def stated_reasons(rows: Iterable[OptOut]) -> dict[int, str]:
    """Why people said they left, by the ledger row of a timeline."""
    stated = ((row.id, getattr(row, "stated_reason", "")) for row in rows)
    return {request: str(BUILT_IN.get(reason, reason)) for request, reason in stated if reason}


def happenings(
    history: Iterable[tuple[Entry, List | None]],
    stated: Mapping[int, str],
    agreed: Iterable[Happening],
) -> list[Happening]:
    """A timeline of entries, each with the reason that was stated, and of consents; newest first."""
    found = [
        Happening(entry.recorded_at, its_list, entry=entry, stated_reason=stated.get(entry.id, ""))
        for entry, its_list in history
    ]
    # An entry and a consent of the same moment are one press: the consent is why, so it is the earlier one.
    return sorted(
        [*found, *agreed], key=lambda each: (each.at, each.agreement is None), reverse=True
    )


def _as_agreement(row: Sequence[Any], *, evidence: bool) -> Agreement:
    """Of the last columns of _KNOWN, from the channel on."""
    channel, language, wording, asked_at, asked_ip, confirmed_ip, agent = row
    known = Channel.find(channel)
    return Agreement(
        channel=str(known.label) if known else str(channel),
        wording=wording,
        language=language,
        asked_at=asked_at,
        asked_ip=str(asked_ip) if evidence and asked_ip else None,
        confirmed_ip=str(confirmed_ip) if evidence and confirmed_ip else None,
        agent=agent if evidence else "",
    )
