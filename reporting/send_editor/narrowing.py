"""When STOP to a number may end one list alone: not while people still answer other lists' messages from it (S3.4, S3.7).

Whoever answers a message with STOP must be out of what they got. A message is checked when it is made and while it is sent
(senders.py); its answers come later, and are read by the set-up of then.
"""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lists.choices import SmsStopScope
from lists.models import List, Realm, SmsNumber
from reporting.models.messages import TextMessage
from reporting.send_editor.senders import spellings_of

ANSWERED = timedelta(days=30)  # after its last recipient a message may still be answered


def why_not_give(
    realm: Realm,
    number: str,
    optout_list: List | None,
    now: datetime,
    stored: SmsNumber | None = None,
) -> str:
    """Why that number may not be given to the list, in a sentence; empty where it may.

    `number`: in E.164, or a short code; `stored`: what it is now, where it is among the numbers. Nothing is narrower where the
    list leaves it to STOP to end everything, or has that very number already.
    """
    if optout_list is None or optout_list.sms_stop_scope != SmsStopScope.LIST:
        return ""
    if stored is not None and (stored.number, stored.optout_list_id) == (number, optout_list.pk):
        return ""
    return _say(realm, [number], optout_list, now)


def why_not_narrow(optout_list: List, now: datetime) -> str:
    """Why STOP to the list's numbers may not be made to end that list alone, in a sentence; empty where it may."""
    numbers = list(optout_list.sms_numbers.values_list("number", flat=True))
    return _say(optout_list.realm, numbers, optout_list, now)


def _say(realm: Realm, numbers: list[str], optout_list: List, now: datetime) -> str:
    by_default = spellings_of(realm, "").intersection(numbers)
    senders = {*numbers, ""} if by_default else set(numbers)
    of_others = TextMessage.objects.filter(realm=realm, sender__in=senders)
    of_others = of_others.exclude(optout_list=None).exclude(optout_list=optout_list.pk)
    is_late = Q(finished_at=None) | Q(finished_at__gte=now - ANSWERED)
    last = of_others.filter(is_late).order_by("-finished_at").first()  # without an end: first
    if last is None:
        return ""
    number = last.sender or min(by_default)
    if last.finished_at is None:
        said = _(
            "A message to another list is being sent from %(number)s. Who answers it with STOP must be out of that list too."
        )
        return said % {"number": number}
    said = _(
        "A message to another list was sent from %(number)s on %(day)s. Who answers it with STOP must be out of that list too: "
        "STOP to this number has to end everything for %(days)d days after it."
    )
    day = date_format(last.finished_at, "j F Y")
    return said % {"number": number, "day": day, "days": ANSWERED.days}
