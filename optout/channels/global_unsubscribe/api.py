"""The API: no form, acts at once, and answers with one character (S1.5–S1.7)."""

from datetime import timedelta

from django.http import HttpResponse

from optout import replies
from optout.actions import record_optouts
from optout.callers import is_ahead
from optout.channels.global_unsubscribe.asked import Asked
from optout.choices import Assurance, Channel, Traffic
from optout.guard import Tap, admit
from optout.limits import Admission

DONE, DENIED = "1", "0"


def answer(asked: Asked) -> HttpResponse:
    """`1` for what was recorded, `0` for what was denied or kept for the owner to decide."""
    visit = asked.visit
    if visit.request.method == "HEAD" or is_ahead(visit.request.META):
        return _say(DENIED)
    if asked.is_contradictory or not asked.has_address:
        return _say(DENIED, optout_status=replies.REJECTED)
    assurance = Assurance.WHITELISTED_IP if visit.is_whitelisted else Assurance.PREFILLED
    intents = asked.intents(Channel.GLOBAL_API, assurance)
    judgement = admit(visit, Traffic.DIRECT, intents, Tap.IMPOSSIBLE)
    if judgement.admission is Admission.REFUSE:
        return _say_kept(judgement.wait)
    record_optouts(intents)
    return _say(DONE, optout_status=replies.RECORDED)


def deny(status: int) -> HttpResponse:
    """No such door or one that is off (404), a body that cannot be read (400, 413), or an outage (503)."""
    return _say(DENIED, status, replies.REJECTED)


def _say_kept(wait: timedelta) -> HttpResponse:
    kept = _say(DENIED, 429, replies.QUARANTINED)
    return replies.retry_after(kept, wait) if wait else kept


def _say(word: str, status: int = 200, optout_status: str = "") -> HttpResponse:
    response = replies.text(word, status, optout_status)
    response.headers["Access-Control-Allow-Origin"] = "*"  # for the script of any website to read
    return response
