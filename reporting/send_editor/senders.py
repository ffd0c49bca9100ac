"""Which numbers a list's messages may come from: those to which a STOP ends that list (S3.4, S3.7)."""

from contextlib import suppress

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from lists.choices import SmsStopScope
from lists.models import List, Realm, SmsNumber
from optout.addresses import AddressError
from optout.sms_numbers import read_number
from reporting.send_editor.texts import TextRefusedError


def only_list_of(number: SmsNumber) -> List | None:
    """The one list that a STOP to this number ends; None where it ends everything, as for a number of the whole realm."""
    own = number.optout_list
    return own if own is not None and own.sms_stop_scope == SmsStopScope.LIST else None


def heard_number(realm: Realm, sender: str) -> SmsNumber | None:
    """The realm's number that a message from `sender` (empty: SMS_FROM) is answered at; None where it is none of them."""
    numbers = SmsNumber.objects.select_related("optout_list")
    return numbers.filter(realm=realm, number__in=spellings_of(realm, sender)).first()


def spellings_of(realm: Realm, sender: str) -> set[str]:
    """How the number that `sender` (empty: SMS_FROM) says may stand among the numbers; none where it says nothing."""
    sender = sender or settings.SMS_FROM
    spellings = {sender} if sender else set()
    with suppress(AddressError):  # it may be a name
        spellings.add(read_number(sender, realm.default_region))
    return spellings


def is_of_others(realm: Realm, sender: str) -> bool:
    """Whether only other realms have set that number up: a STOP that answers a message from there is theirs."""
    holders = SmsNumber.objects.filter(number__in=spellings_of(realm, sender))
    realms = set(holders.values_list("realm", flat=True))
    return bool(realms) and realm.pk not in realms


def ends_with_stop(optout_list: List, sender: str) -> bool:
    """Whether a STOP that answers a message from there ends this list. What comes from nobody's number is answered with a STOP of
    everything, where anybody passes it on at all; what comes from another realm's, with a STOP there."""
    heard = heard_number(optout_list.realm, sender)
    if heard is None:
        return not is_of_others(optout_list.realm, sender)
    only = only_list_of(heard)
    return only is None or only.pk == optout_list.pk


def check_sender(optout_list: List | None, sender: str) -> None:
    """Whether a message may come from there: whoever answers it with STOP must be out of what they got. To a single number any
    will do: it is of no list.

    Raises TextRefusedError.
    """
    if optout_list is None or ends_with_stop(optout_list, sender):
        return
    if is_of_others(optout_list.realm, sender):
        raise TextRefusedError(
            _(
                "STOP, texted to that number, ends nothing in this account. Choose a number of this list, or one where STOP "
                "ends everything."
            ),
            "from",
        )
    raise TextRefusedError(
        _(
            "STOP, texted to that number, ends the messages of another list alone. Choose a number of this list, or one "
            "where STOP ends everything."
        ),
        "from",
    )
