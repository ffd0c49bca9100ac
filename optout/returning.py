"""Coming back: a recipient's own confirmation ends their suppressions and puts them on a list again (S2.2).

By the button that the join form's mail leads to, and by the preference page. The opt-out stays in the ledger beside its end.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from django.db import transaction

from lists.lookup import ListSnapshot
from lists.networks import IpAddress
from lists.prepared import fetch
from optout.actions import LiftIntent, lift_suppressions, record_optouts
from optout.addresses import Address, stored_under
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contact_locks import lock_contacts, seeing_others
from optout.contact_records import ContactRecord
from optout.contact_statements import LEAVE_SUPPRESSED, SET_LISTS
from optout.contacts import write_contacts
from optout.evidence import Evidence
from optout.holds import KEPT_OUT, Held, Holds, find_holds, lock_holds
from optout.intents import OptOutIntent
from optout.quarantine import lock_waiting, reject_waiting


class Joined(Enum):
    """What became of a confirmation."""

    JOINED = "joined"
    ALREADY = "already"  # on the list and not suppressed: nothing was to be done
    OPTED_OUT_SINCE = "opted out since"  # after it was asked for: nothing was done
    BARRED = "barred"  # out for a legal reason, which is the sender's to end: nothing was done

    @property
    def is_on(self) -> bool:
        """Whether the address is on the list now."""
        return self in (Joined.JOINED, Joined.ALREADY)


@dataclass(frozen=True, slots=True)
class Yes:
    """Somebody's own confirmation: how it reached us, in which language, when and from where it was asked for and given."""

    channel: Channel
    language: str
    asked_at: datetime
    asked_ip: IpAddress | str | None
    evidence: Evidence
    now: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """A list that somebody wants, and the words that they said yes to.

    `keeps_contacts`: False where the owner keeps none of the list in Heed. Then its suppressions end, and nobody is put on it:
    the first one there would look as if all others were not.
    """

    list_id: int
    wording: str = ""
    keeps_contacts: bool = True


_SUBSCRIBED = """
SELECT optout_list_id FROM lists_subscription
WHERE optout_list_id = ANY (%(lists)s::int[]) AND digest = %(digest)s
"""

_OTHER_LISTS = """
SELECT id FROM lists_list WHERE realm_id = %(realm)s AND kind = 'standard' AND id <> ALL (%(lists)s::int[]) ORDER BY id
"""

# One for each request: whoever presses the button twice has agreed once.
_CONSENT = """
INSERT INTO optout_consent (
    optout_list_id, digest, channel, language, wording, asked_at, asked_ip, confirmed_at, confirmed_ip, confirmed_agent
)
SELECT
    given.list_id, %(digest)s, %(channel)s, %(language)s, given.wording, %(asked_at)s, %(asked_ip)s::inet,
    %(now)s, %(ip)s::inet, %(agent)s
FROM unnest(%(lists)s::int[], %(wordings)s::text[]) AS given (list_id, wording)
WHERE NOT EXISTS (
    SELECT FROM optout_consent
    WHERE optout_list_id = given.list_id AND digest = %(digest)s AND asked_at = %(asked_at)s AND channel = %(channel)s
)
"""


@seeing_others
def join_list(
    optout_list: ListSnapshot,
    address: Address,
    *,
    asked_at: datetime,
    channel: Channel,
    language: str,
    wording: str,
    asked_ip: IpAddress | str | None,
    evidence: Evidence,
    now: datetime,
) -> Joined:
    """Put an address on a list, not Do Not Mail, because its owner confirmed that they want it; what became of it.

    Its suppressions there and in Do Not Mail end, under whatever hash they are kept; on every other list of the realm Do Not
    Mail is replaced by the list's own suppression. An opt-out of either that was requested after `asked_at` wins, and one for a
    legal reason always: then nothing is written. Asked for once more it does nothing. One transaction.
    """
    yes = Yes(channel, language, asked_at, asked_ip, evidence, now)
    wanted = Wanted(optout_list.id, wording)
    with transaction.atomic():
        joined = change_places(optout_list, address, [wanted], yes)[wanted.list_id]
        if joined.is_on:
            # Whoever was put on it by the owner has now agreed, too.
            write_consents([wanted], address, yes)
    return joined


def foresee(optout_list: ListSnapshot, address: Address, asked_at: datetime) -> Joined:
    """What `join_list` would say now, as far as it is about opt-outs: JOINED where none stands against it. Changes nothing."""
    wanted = Wanted(optout_list.id)
    return _becomes(wanted, find_holds(optout_list, address, [wanted.list_id], asked_at), ())


def change_places(
    of_realm: ListSnapshot,
    address: Address,
    wanted: Sequence[Wanted],
    yes: Yes,
    *,
    leaving: Sequence[OptOutIntent] = (),
) -> dict[int, Joined]:
    """Take an address off some lists of a realm and put it back on others, as `join_list` does; what became of each wanted one.

    `of_realm` is any list of the realm; `leaving` are opt-outs of lists that are not wanted. In a transaction of the
    caller's.
    """
    realm_id, everything = of_realm.realm_id, of_realm.do_not_mail_id
    wanted_ids = [each.list_id for each in wanted]
    # Before contacts and suppressions, as whoever accepts it locks them.
    waiting = lock_waiting([everything, *wanted_ids], stored_under(address))
    lock_contacts(realm_id, [address.digest])
    holds = lock_holds(of_realm, address, wanted_ids, yes.asked_at, is_leaving=bool(leaving))
    place = {"lists": wanted_ids, "digest": address.digest}
    subscribed = {list_id for (list_id,) in fetch(_SUBSCRIBED, place)}
    became = {each.list_id: _becomes(each, holds, subscribed) for each in wanted}
    joining = [each for each in wanted if became[each.list_id] is Joined.JOINED]
    joined_ids = {each.list_id for each in joining}
    ending = [each for each in holds.found if joining and each.list_id in {everything, *joined_ids}]
    of_everything = [each for each in ending if each.list_id == everything]
    decided = holds.out_of | joined_ids | {each.list_id for each in leaving}
    # Before the suppressions end, so that whoever reads the ledger in its order never finds the address free in between.
    kept_out = _kept_out(of_realm, address, of_everything, decided, yes)
    record_optouts([*leaving, *kept_out])
    lift_suppressions([_lift(each, address, yes) for each in ending])
    # What was refused before is taken back with the rest: accepted by itself a week later it would end what was said today.
    back = {each for each in wanted_ids if became[each].is_on}
    back |= {each.list_id for each in of_everything}
    reject_waiting([pk for pk, list_id in waiting if list_id in back], yes.now)
    put_on = [each.list_id for each in joining if each.keeps_contacts]
    _subscribe(realm_id, address, put_on, yes)
    return became


def own_optout(of_realm: ListSnapshot, address: Address, list_id: int, yes: Yes) -> OptOutIntent:
    """The opt-out of one list of the realm that comes with a confirmation: the same channel, moment and proof."""
    return OptOutIntent(
        list_id=list_id,
        realm_id=of_realm.realm_id,
        is_global=False,
        digest=address.digest,
        address=address.key,
        medium=address.medium,
        channel=yes.channel,
        assurance=Assurance.SIGNED,
        requested_at=yes.now,
        evidence=yes.evidence,
    )


def write_consents(wanted: Sequence[Wanted], address: Address, yes: Yes) -> None:
    """Keep what proves that they said yes to these lists. In the transaction of `change_places`."""
    if not wanted:
        return
    ip = yes.evidence.ip
    fetch(
        _CONSENT,
        {
            "digest": address.digest,
            "channel": int(yes.channel),
            "language": yes.language,
            "asked_at": yes.asked_at,
            "asked_ip": None if yes.asked_ip is None else str(yes.asked_ip),
            "now": yes.now,
            "ip": None if ip is None else str(ip),
            "agent": yes.evidence.agent,
            "lists": [each.list_id for each in wanted],
            "wordings": [each.wording for each in wanted],
        },
    )


def _becomes(wanted: Wanted, holds: Holds, subscribed: Collection[int]) -> Joined:
    places = {wanted.list_id, holds.everything}
    if holds.out_of.isdisjoint(places):
        is_on = wanted.list_id in subscribed or not wanted.keeps_contacts
        return Joined.ALREADY if is_on else Joined.JOINED
    if not holds.barred.isdisjoint(places):
        return Joined.BARRED
    # Also where another one holds it, as the opt-out of the list that took over when Do Not Mail ended.
    return Joined.JOINED if holds.since.isdisjoint(places) else Joined.OPTED_OUT_SINCE


def _kept_out(
    of_realm: ListSnapshot,
    address: Address,
    of_everything: Sequence[Held],
    decided: Collection[int],
    yes: Yes,
) -> list[OptOutIntent]:
    """The opt-outs that take over from Do Not Mail, for its reason, on every list of the realm but those decided."""
    if not of_everything:
        return []
    rows = fetch(_OTHER_LISTS, {"realm": of_realm.realm_id, "lists": list(decided)})
    kept_out = yes.evidence.adding(**{KEPT_OUT: True})
    reason = Reason(of_everything[0].reason)
    return [
        replace(own_optout(of_realm, address, list_id, yes), evidence=kept_out, reason=reason)
        for (list_id,) in rows
    ]


def _lift(held: Held, address: Address, yes: Yes) -> LiftIntent:
    return LiftIntent(
        list_id=held.list_id,
        digest=held.key,
        medium=address.medium,
        channel=yes.channel,
        assurance=Assurance.SIGNED,
        reason=Reason.RETURNED,
        origin=Origin.RECIPIENT,
        requested_at=yes.now,
        evidence=yes.evidence,
    )


def _subscribe(realm_id: int, address: Address, list_ids: Sequence[int], yes: Yes) -> None:
    """Put it on these lists, as a contact that is made if need be, unless it is opted out at this very moment."""
    if not list_ids:
        return
    write_contacts(realm_id, [ContactRecord(address, {})], added_at=yes.now, now=yes.now)
    fetch(
        SET_LISTS,
        {
            "realm": realm_id,
            "digest": address.digest,
            "lists": list(list_ids),
            "keeps_others": True,
            "now": yes.now,
        },
    )
    transaction.on_commit(lambda: _leave_suppressed(realm_id, address), robust=True)


def _leave_suppressed(realm_id: int, address: Address) -> None:
    """Take it off again where somebody opted out meanwhile: neither saw the other (optout/left_over.py)."""
    with transaction.atomic():
        lock_contacts(realm_id, [address.digest])
        place = {
            "realm": realm_id,
            "keys": list(stored_under(address)),
            "digest": address.digest,
        }
        fetch(LEAVE_SUPPRESSED, place)
