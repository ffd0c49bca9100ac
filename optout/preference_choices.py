"""The lists that the preference page offers an address, and what its Save changes (S2.2)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.html import escape

from lists.choices import Accepts
from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.actions import record_optouts
from optout.addresses import Address, stored_under
from optout.choices import Assurance, Medium
from optout.contact_locks import seeing_others
from optout.intents import OptOutIntent
from optout.returning import Joined, Wanted, Yes, change_places, write_consents

MOST_SHOWN = 50  # lists; for those beyond them there is "Unsubscribe from everything"
_MOST_MENTIONED = 2 * MOST_SHOWN

_NUMBER = re.compile(r"[0-9]{1,9}")  # of a row of the lists; fits an int

_ACCEPTS = {Medium.EMAIL: Accepts.EMAIL, Medium.SMS: Accepts.PHONE}

# One row for each list, or one without a list. Those first that a form mentioned, then the link's own and those that the address
# is on. A contact of the realm is on the lists where it has a place; of an address that is none, and of a list that has nobody,
# the owner keeps elsewhere who is on it: then whoever is not suppressed may get it. Who left a list as the only one there
# can be put on it again all the same.
_FIND = """
WITH known AS MATERIALIZED (
    SELECT
        (
            SELECT min(suppressed_at) FROM optout_suppression
            WHERE optout_list_id = %(everything)s AND digest = ANY (%(keys)s::bytea[])
        ) AS stopped_at,
        EXISTS (SELECT FROM lists_contact WHERE realm_id = %(realm)s AND digest = %(digest)s) AS is_contact,
        ARRAY(
            SELECT unnest(left_lists) FROM optout_optout WHERE digest = %(digest)s AND left_lists IS NOT NULL
        ) AS left_lists
)
SELECT
    known.stopped_at, l.id, l.name, l.description, l.frequency, l.is_offered, l.has_contacts OR l.id = ANY (known.left_lists),
    known.stopped_at IS NULL AND NOT l.is_out
    AND (l.is_on OR NOT l.has_contacts OR l.id = %(own)s AND NOT known.is_contact)
FROM known LEFT JOIN LATERAL (
    SELECT
        id, number,
        coalesce(nullif(btrim(own_texts #>> ARRAY['name', %(language)s]), ''), name) AS name,
        coalesce(nullif(btrim(own_texts #>> ARRAY['description', %(language)s]), ''), description) AS description,
        coalesce(nullif(btrim(own_texts #>> ARRAY['frequency', %(language)s]), ''), frequency) AS frequency,
        closed_at IS NULL AND (id = %(own)s OR shown_in_preferences AND accepts IN ('either', %(accepts)s)) AS is_offered,
        EXISTS (SELECT FROM lists_subscription WHERE optout_list_id = lists_list.id) AS has_contacts,
        EXISTS (
            SELECT FROM lists_subscription WHERE optout_list_id = lists_list.id AND digest = %(digest)s
        ) AS is_on,
        EXISTS (
            SELECT FROM optout_suppression WHERE optout_list_id = lists_list.id AND digest = ANY (%(keys)s::bytea[])
        ) AS is_out
    FROM lists_list
    WHERE realm_id = %(realm)s AND kind = 'standard' AND (
        id = ANY (%(mentioned)s::int[])
        OR closed_at IS NULL AND (id = %(own)s OR shown_in_preferences AND accepts IN ('either', %(accepts)s))
    )
    ORDER BY id = ANY (%(mentioned)s::int[]) DESC, id = %(own)s DESC, is_on DESC, number
    LIMIT %(most)s
) l ON true
ORDER BY l.id = %(own)s DESC, l.number
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A list as its box says it, in the reader's language.

    `is_on`: whether the address gets it, as far as we know. `is_ticked` is the box. `is_offered`: False for one that a form
    mentions and that is no longer shown; it can still be left. `keeps_contacts`: whether the owner does, as in `Wanted`.
    """

    list_id: int
    name: str
    description: str
    frequency: str
    is_offered: bool
    keeps_contacts: bool
    is_on: bool
    is_ticked: bool = False

    def as_in(self, shown: ListSnapshot) -> "Choice":
        """With that list's texts, if it is that list."""
        if shown.id != self.list_id:
            return self
        return replace(
            self, name=shown.name, description=shown.description, frequency=shown.frequency
        )

    @property
    def weight(self) -> int:
        """The bytes of what can be cut."""
        return _weight(self.description)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page shows of one address: its boxes, and since when it is out of everything, or None."""

    every: tuple[Choice, ...]
    stopped_at: datetime | None = None

    @property
    def boxes(self) -> list[Choice]:
        """The lists that are shown."""
        return [each for each in self.every if each.is_offered][:MOST_SHOWN]

    @property
    def was(self) -> str:
        """What the form carries of the lists that the address is on, so that Save changes nothing else."""
        return " ".join(str(each.list_id) for each in self.boxes if each.is_on)

    def ticking(self, list_ids: Collection[int]) -> "Choices":
        """With these boxes ticked and no others: as the reader left them in a form that was refused."""
        every = (replace(each, is_ticked=each.list_id in list_ids) for each in self.every)
        return replace(self, every=tuple(every))

    def shorter_by(self, excess: int) -> "Choices":
        """With descriptions that weigh so many bytes less, or with none: long ones are cut, to the same length, before short
        ones. Names always stay, and how often a list comes, too: what is left to cut beside them may be too little."""
        weights = [each.weight for each in self.every]
        most = _longest(weights, sum(weights) - excess)
        return replace(
            self,
            every=tuple(
                each
                if each.weight <= most
                else replace(each, description=_cut(each.description, most))
                for each in self.every
            ),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form says: the lists that were on when it was shown, and those whose boxes are ticked."""

    was: frozenset[int]
    ticked: frozenset[int]

    @classmethod
    def read(cls, was: str, ticked: Iterable[str]) -> "Asked":
        """From the fields; what is no number of a list is left out."""
        return cls(_numbers(was.split()), _numbers(ticked))

    @property
    def mentioned(self) -> list[int]:
        return sorted(self.was | self.ticked)[:_MOST_MENTIONED]


NOTHING_ASKED = Asked(frozenset(), frozenset())


def find_choices(
    optout_list: ListSnapshot, address: Address, language: str, asked: Asked = NOTHING_ASKED
) -> Choices:
    """What the address can choose from in the realm of this list, whose link was opened. One statement.

    Open lists that the owner shows there and that take such addresses; the link's own also where it is not shown.
    """
    rows = fetch(
        _FIND,
        {
            "realm": optout_list.realm_id,
            "own": optout_list.id,
            "everything": optout_list.do_not_mail_id,
            "digest": address.digest,
            "keys": list(stored_under(address)),
            "language": language,
            "accepts": _ACCEPTS[address.medium].value,
            "mentioned": asked.mentioned,
            "most": MOST_SHOWN + len(asked.mentioned),
        },
    )
    every = tuple(Choice(*row[1:]) for row in rows if row[1] is not None)
    return Choices(every, rows[0][0]).ticking({each.list_id for each in every if each.is_on})


@seeing_others
def save_choices(
    optout_list: ListSnapshot, address: Address, choices: Choices, asked: Asked, yes: Yes
) -> bool:
    """Opt the address out of what was on and is no longer ticked, and put it back on what is ticked anew; nothing else.

    False where an opt-out at this very moment won. `choices` were found with what was asked. One transaction, or none.
    """
    leaving = [
        _leaving(optout_list, address, each.list_id, yes)
        for each in choices.every
        if each.list_id in asked.was - asked.ticked
    ]
    wanted = [
        Wanted(each.list_id, each.name, each.keeps_contacts)
        for each in choices.every
        if each.is_offered and each.list_id in asked.ticked - asked.was
    ]
    if not wanted:  # whoever only leaves waits for nobody
        record_optouts(leaving)
        return True
    with transaction.atomic():
        became = change_places(optout_list, address, wanted, yes, leaving)
        joined = [each for each in wanted if became[each.list_id] is Joined.JOINED]
        write_consents(joined, address, yes)
    return Joined.OPTED_OUT_SINCE not in became.values()


def _leaving(optout_list: ListSnapshot, address: Address, list_id: int, yes: Yes) -> OptOutIntent:
    return OptOutIntent(
        list_id=list_id,
        realm_id=optout_list.realm_id,
        is_global=False,
        digest=address.digest,
        address=address.key,
        medium=address.medium,
        channel=yes.channel,
        assurance=Assurance.SIGNED,
        requested_at=yes.now,
        evidence=yes.evidence,
    )


def _numbers(texts: Iterable[str]) -> frozenset[int]:
    return frozenset(int(text) for text in texts if _NUMBER.fullmatch(text))


def _longest(weights: Sequence[int], room: int) -> int:
    """How long each may be so that all fit into the room: what short ones leave, long ones have."""
    left = len(weights)
    for weight in sorted(weights):
        if weight * left > room:
            return max(room, 0) // left
        room, left = room - weight, left - 1
    return max(weights, default=0)


def _cut(text: str, most: int) -> str:
    """Without its last words, or nothing at all."""
    words = text.split()
    while words and _weight(" ".join(words) + "…") > most:
        words.pop()
    return " ".join(words) + "…" if words else ""


def _weight(text: str) -> int:
    return len(escape(text).encode())
