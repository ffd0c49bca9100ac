"""The lists that the preference page offers an address, and what its Save changes (S2.2)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from lists.choices import Accepts
from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.actions import record_optouts
from optout.addresses import Address, stored_under
from optout.choices import Medium, Reason
from optout.consent_words import choice_words
from optout.contact_locks import seeing_others
from optout.holds import IS_BARRED
from optout.returning import Joined, Wanted, Yes, change_places, own_optout, write_consents
from optout.texts import cut_words, weight_of

MOST_SHOWN = 50  # lists; for those beyond them there is "Unsubscribe from everything"
_MOST_MENTIONED = 2 * MOST_SHOWN

_NUMBER = re.compile(r"[0-9]{1,9}")  # of a row of the lists; fits an int

_ACCEPTS = {Medium.EMAIL: Accepts.EMAIL, Medium.SMS: Accepts.PHONE}

# One row for each list, or one without a list. Those first that a form mentioned, then the link's own and those that the address
# is on. A contact of the realm is on the lists where it has a place; an address that is none may get any of them, and a list
# that has nobody is kept elsewhere by its owner: then whoever is not suppressed may get it. Who left a list as the only one
# there can be put on it again all the same. Where a legal reason holds the address it is not offered what only the sender can
# give.
#
# No EXISTS of what a list has: the planner may answer that for all lists at once, and reads every subscription there is. Nor a
# LIMIT without an order: while it takes a list for a big one, it looks for one of its rows from the table's beginning.
_FIND = f"""
WITH stopped AS MATERIALIZED (
    SELECT min(suppressed_at) AS at, coalesce(bool_or(reason = {Reason.LEGAL:d}), false) AS is_legal FROM optout_suppression
    WHERE optout_list_id = %(everything)s AND digest = ANY (%(keys)s::bytea[])
), known AS MATERIALIZED (
    SELECT
        stopped.at AS stopped_at, stopped.is_legal,
        EXISTS (SELECT FROM lists_contact WHERE realm_id = %(realm)s AND digest = %(digest)s) AS is_contact,
        ARRAY(
            SELECT unnest(left_lists) FROM optout_optout WHERE digest = %(digest)s AND left_lists IS NOT NULL
        ) AS left_lists,
        ARRAY(SELECT optout_list_id FROM optout_optout o WHERE digest = ANY (%(keys)s::bytea[]) AND {IS_BARRED}) AS barred
    FROM stopped
)
SELECT
    known.stopped_at, known.is_contact, l.id, l.name, l.description, l.frequency,
    l.is_offered AND NOT (
        known.stopped_at IS NOT NULL AND (known.is_legal OR %(everything)s = ANY (known.barred))
        OR l.held IS NOT NULL AND (l.held OR l.id = ANY (known.barred))
    ),
    l.has_contacts OR l.id = ANY (known.left_lists),
    known.stopped_at IS NULL AND l.held IS NULL
    AND (l.is_on OR NOT l.has_contacts OR NOT known.is_contact),
    known.stopped_at IS NOT NULL OR l.held IS NOT NULL
FROM known LEFT JOIN LATERAL (
    SELECT
        id, number,
        coalesce(nullif(btrim(own_texts #>> ARRAY['name', %(language)s]), ''), name) AS name,
        coalesce(nullif(btrim(own_texts #>> ARRAY['description', %(language)s]), ''), description) AS description,
        coalesce(nullif(btrim(own_texts #>> ARRAY['frequency', %(language)s]), ''), frequency) AS frequency,
        closed_at IS NULL AND (id = %(own)s OR shown_in_preferences AND accepts IN ('either', %(accepts)s)) AS is_offered,
        (
            SELECT true FROM lists_subscription WHERE optout_list_id = lists_list.id ORDER BY digest LIMIT 1
        ) IS NOT NULL AS has_contacts,
        (
            SELECT true FROM lists_subscription WHERE optout_list_id = lists_list.id AND digest = %(digest)s LIMIT 1
        ) IS NOT NULL AS is_on,
        (
            SELECT bool_or(reason = {Reason.LEGAL:d}) FROM optout_suppression
            WHERE optout_list_id = lists_list.id AND digest = ANY (%(keys)s::bytea[])
        ) AS held
    FROM lists_list
    WHERE realm_id = %(realm)s AND kind = 'standard' AND (
        id = ANY (%(mentioned)s::int[])
        OR closed_at IS NULL AND (id = %(own)s OR shown_in_preferences AND accepts IN ('either', %(accepts)s))
    )
    ORDER BY id = ANY (%(mentioned)s::int[]) DESC, id = %(own)s DESC, is_on DESC, number
    LIMIT %(most)s
) l ON true
ORDER BY l.id = %(own)s DESC, l.number
"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True)
class Choice:
    """A list as its box says it, in the reader's language.

    `is_on`: whether the address gets it, as far as we know. `is_ticked` is the box. `is_offered`: False for one that a form
    mentions and that is no longer shown; it can still be left. `keeps_contacts`: whether the owner does, as in `Wanted`.
    `is_out`: whether the list or Do Not Mail suppresses the address.
    """

    list_id: int
    name: str
    description: str
    frequency: str
    is_offered: bool
    keeps_contacts: bool
    is_on: bool
    is_out: bool
    is_ticked: bool = False

    def as_in(self, shown: ListSnapshot) -> "Choice":
        """With that list's texts, if it is that list."""
        if shown.id != self.list_id:
            return self
        return replace(
            self, name=shown.name, description=shown.description, frequency=shown.frequency
        )

    def words(self, language: str) -> str:
        """What whoever ticks it says yes to."""
        return choice_words(self.name, self.description, self.frequency, language=language)

    @property
    def weight(self) -> int:
        """The bytes of what can be cut."""
        return weight_of(self.description)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page shows of one address: its boxes, and since when it is out of everything, or None.

    `is_contact`: whether the address is one of the realm's, so that Heed knows what it gets.
    """

    every: tuple[Choice, ...]
    stopped_at: datetime | None = None
    is_contact: bool = True

    @property
    def boxes(self) -> list[Choice]:
        """The lists that are shown."""
        return [each for each in self.every if each.is_offered][:MOST_SHOWN]

    @property
    def was(self) -> str:
        """What the form carries of the lists that the address is on, so that Save changes nothing else."""
        return " ".join(str(each.list_id) for each in self.boxes if each.is_on)

    def ticking(self, list_ids: Collection[int]) -> "Choices":
        """With these boxes ticked and no others."""
        every = (replace(each, is_ticked=each.list_id in list_ids) for each in self.every)
        return replace(self, every=tuple(every))

    def changed_by(self, asked: "Asked") -> "Choices":
        """With the boxes that the reader ticked and unticked in a form that was refused; the others as it is now."""
        on = {each.list_id for each in self.every if each.is_on}
        return self.ticking(on - (asked.was - asked.ticked) | (asked.ticked - asked.was))

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
                else replace(each, description=cut_words(each.description, most))
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
    every = tuple(Choice(*row[2:]) for row in rows if row[2] is not None)
    found = Choices(every, stopped_at=rows[0][0], is_contact=rows[0][1])
    return found.ticking({each.list_id for each in every if each.is_on})


@seeing_others
def save_choices(
    optout_list: ListSnapshot, address: Address, choices: Choices, asked: Asked, yes: Yes
) -> bool:
    """Opt the address out of what was on and is no longer ticked, and put it back on what is ticked anew; nothing else.
    An address that is no contact stays none: what it gets is kept elsewhere, and one place on a list would make others look left.

    False where it was opted out of something ticked since the form was shown (`yes.asked_at`), which stays so. `choices` were
    found with what was asked. One transaction, or none.
    """
    leaving = [
        own_optout(optout_list, address, each.list_id, yes)
        for each in choices.every
        if each.list_id in asked.was - asked.ticked
    ]
    kept = [each for each in choices.every if each.list_id in asked.was & asked.ticked]
    is_current = not any(each.is_out for each in kept)
    wanted = [
        Wanted(each.list_id, each.words(yes.language), choices.is_contact and each.keeps_contacts)
        for each in choices.every
        if each.is_offered and each.list_id in asked.ticked - asked.was
    ]
    if not wanted:  # whoever only leaves waits for nobody
        record_optouts(leaving)
        return is_current
    with transaction.atomic():
        became = change_places(optout_list, address, wanted, yes, leaving=leaving)
        joined = [each for each in wanted if became[each.list_id] is Joined.JOINED]
        write_consents(joined, address, yes)
    return is_current and all(each.is_on for each in became.values())


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
