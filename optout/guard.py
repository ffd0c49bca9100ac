"""Who may act without a signature: the guard of the hosted form (AT-02, AT-17), and the limits (S0.12)."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from django.db import transaction

from optout.actions import Recorded, record_optouts
from optout.choices import RefusalCause, Traffic
from optout.given import PARAMETERS
from optout.intents import OptOutIntent, each_alone
from optout.limits import RECORD, Admission, Judgement, judge_unsigned
from optout.quarantine import quarantine_optout, settle_quarantined
from optout.tokens import make_form_token, read_form_token
from optout.visits import Visit

TOKEN_FIELD = "t"  # noqa: S105  the name of a field
# A trap for robots, which fill in everything. Its name means nothing to browsers and password managers.
HONEYPOT_FIELD = "note"
TYPED_FIELD = "item"  # the hosted page that asks for the address has it; only there the trap is set
# Which form fell into the trap: in the page that asks for one more press, which has no trap.
AGAIN_FIELD = "again"
SCOPE_FIELD = "scope"  # whether more than this list shall stop, or less
QUICK = timedelta(seconds=1)  # nobody types an address in less

_OUR_FIELDS = (TOKEN_FIELD, HONEYPOT_FIELD, AGAIN_FIELD, SCOPE_FIELD, "lang")

type Record = Callable[[Sequence[OptOutIntent]], list[Recorded]]

_FORM_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard saw: the status to refuse with, or 0; whether a robot filled it in; whether nobody types so fast."""

    refuse_status: int
    is_robot: bool = False
    is_quick: bool = False


def check_form(visit: Visit, *, has_trap: bool = False) -> Guarded:
    """Whether the form of this visit is ours. A refused one is shown again, and nothing typed is lost.

    `has_trap` of a form whose trap is told from nothing else: every global one.
    """
    if visit.is_foreign:
        return Guarded(403)
    age = read_form_token(visit.field(TOKEN_FIELD), visit.optout_list.id, visit.now)
    if age is None or _is_contradictory(visit):
        return Guarded(400)
    has_trap = has_trap or TYPED_FIELD in visit.form
    is_robot = has_trap and bool(visit.field(HONEYPOT_FIELD).strip())
    return Guarded(0, is_robot=is_robot, is_quick=age < QUICK)


def _is_contradictory(visit: Visit) -> bool:
    """Whether a field comes twice and says two things (AT-35-43). Addresses are compared where they are read: there one may be
    written in two ways. A page that asks for none has none."""
    names = _OUR_FIELDS if visit.recipient is None else (*_OUR_FIELDS, *PARAMETERS)
    return any(len(set(visit.form.get(name, ()))) > 1 for name in names)


def is_form(visit: Visit) -> bool:
    """Whether a POST is, or pretends to be, one of our form."""
    return TOKEN_FIELD in visit.form


def form_token(visit: Visit) -> str:
    """The token for the form that is about to be shown."""
    return make_form_token(visit.optout_list.id, visit.now)


def form_id(visit: Visit) -> str:
    """What is kept of a form that was sent: sent twice by a double click it is one tap (optout/reverting.py)."""
    return hashlib.sha256(visit.field(TOKEN_FIELD).encode()).hexdigest()[:16]


def trapped_form(visit: Visit) -> str:
    """The form that fell into the trap, where this one came from the page after it; else nothing."""
    named = visit.field(AGAIN_FIELD)
    return named if _FORM_ID.fullmatch(named) else ""


def record_form(
    visit: Visit, intents: Sequence[OptOutIntent], *, record: Record = record_optouts
) -> list[Recorded]:
    """Record what a form of ours asks for. The press after the trap also settles what waits since the one before it."""
    trapped = trapped_form(visit)
    if not trapped:
        return record(intents)
    with transaction.atomic():
        # Before contacts and suppressions, as whoever accepts it locks them.
        settle_quarantined(intents, RefusalCause.HONEYPOT, form=trapped, now=visit.now)
        return record(intents)


class Tap(Enum):
    """The one more tap that a limit may ask for: whether this channel can ask for it."""

    POSSIBLE = "possible"  # it shows the confirm page
    MADE = "made"  # it is the confirm page's button, or the form's
    IMPOSSIBLE = "impossible"  # nobody looks at its answer


_STRICTNESS = (Admission.RECORD, Admission.CONFIRM, Admission.REFUSE)


def admit(visit: Visit, traffic: Traffic, intents: Sequence[OptOutIntent], tap: Tap) -> Judgement:
    """Count this unsigned request, and say what its channel does now; what is refused is in quarantine when this returns.

    `intents` are what the request asks for; each address among them counts, and the strictest judgement holds for all.
    RECORD: record them. CONFIRM, only where that tap is POSSIBLE: show the confirm page. REFUSE: say that they were kept, and
    after which `wait` to try again; without a wait trying again is of no use. Whitelisted IPs are exempt (S0.12).
    """
    if visit.is_whitelisted:
        return RECORD
    judgements = [
        judge_unsigned(visit.optout_list, traffic, visit.network, digest, visit.now)
        for digest in dict.fromkeys(intent.digest for intent in intents)
    ]
    judgement = max(judgements, key=lambda each: (_STRICTNESS.index(each.admission), each.wait))
    if judgement.admission is Admission.CONFIRM:
        # Below the block, only protected mode stops who cannot tap (S0.15).
        if tap is Tap.IMPOSSIBLE and judgement.cause is RefusalCause.PROTECTED_MODE:
            judgement = Judgement(Admission.REFUSE, judgement.cause)
        elif tap is not Tap.POSSIBLE:
            return RECORD
    if judgement.admission is Admission.REFUSE and judgement.cause is not None:
        quarantine(intents, judgement.cause)
    return judgement


def quarantine(intents: Sequence[OptOutIntent], cause: RefusalCause) -> None:
    """Keep all that a refused request asked for, address by address."""
    for intent in each_alone(intents):
        quarantine_optout(intent, cause)
