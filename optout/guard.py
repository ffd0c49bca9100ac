"""Who may act without a signature: the guard of the hosted form (AT-02, AT-17), and the limits (S0.12)."""

from dataclasses import dataclass
from datetime import timedelta

from optout.choices import Traffic
from optout.limits import RECORD, Judgement, judge_unsigned
from optout.tokens import make_form_token, read_form_token
from optout.visits import Visit

TOKEN_FIELD = "t"  # noqa: S105  the name of a field
HONEYPOT_FIELD = "website"
QUICK = timedelta(seconds=1)  # nobody types an address in less


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard saw: the status to refuse with, or 0; whether a robot filled it in; whether nobody types so fast."""

    refuse_status: int
    is_robot: bool = False
    is_quick: bool = False


def check_form(visit: Visit) -> Guarded:
    """Whether the form of this visit is ours. A refused one is shown again, and nothing typed is lost."""
    if visit.is_foreign:
        return Guarded(403)
    age = read_form_token(visit.field(TOKEN_FIELD), visit.optout_list.id, visit.now)
    if age is None:
        return Guarded(400)
    return Guarded(0, is_robot=bool(visit.field(HONEYPOT_FIELD).strip()), is_quick=age < QUICK)


def is_form(visit: Visit) -> bool:
    """Whether a POST is, or pretends to be, one of our form."""
    return TOKEN_FIELD in visit.form


def form_token(visit: Visit) -> str:
    """The token for the form that is about to be shown."""
    return make_form_token(visit.optout_list.id, visit.now)


def judge(visit: Visit, traffic: Traffic, digest: bytes) -> Judgement:
    """Count this unsigned request, and say what may be done with it. Whitelisted IPs are exempt (S0.12)."""
    if visit.is_whitelisted:
        return RECORD
    return judge_unsigned(visit.optout_list, traffic, visit.network, digest, visit.now)
