"""Text messages for the gateway: made, stopped, found again. The worker hands them over (sending.py)."""

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from lists import sms
from lists.audit import record_audit
from lists.choices import ListKind
from lists.lookup import get_list_by_id
from lists.models import ApiKey, List, Realm, SmsNumber, User
from lists.models.lists import new_public_id
from reporting.models.messages import TextMessage, TextState
from reporting.send_editor.recipients import is_left_alone
from reporting.send_editor.senders import check_sender
from reporting.send_editor.texts import NOBODY, TextRefusedError, check_text

TASK = "send_text_messages"  # the worker's, see reporting/tasks.py


def make_message(
    realm: Realm,
    *,
    optout_list: List | None,
    text: str,
    number: str = "",
    sender: str = "",
    actor: User | None,
    key: ApiKey | None = None,
    recipients: int | None = None,
    now: datetime,
    public_id: str = "",
) -> TextMessage:
    """Keep a message for the worker, which begins within a minute: to a list of the realm, or to a single number in E.164.

    `sender` is one of the realm's numbers; empty: the installation's own (SMS_FROM). `recipients`: how many of the list were
    counted, None where they were not; to nobody nothing is sent. `public_id`: a name chosen beforehand; a second message of the
    same name is the first one, so that a form that is sent twice sends nothing twice.
    Raises TextRefusedError, whose `field` names what is wrong: text, list, to or from.
    """
    text = check_text(text, None if optout_list is None else optout_list.pk)
    check_target(realm, optout_list, number)
    if sender and not SmsNumber.objects.filter(realm=realm, number=sender).exists():
        raise TextRefusedError(_("Choose a number of this account."), "from")
    check_sender(optout_list, sender)
    if not sms.can_send():
        raise TextRefusedError(
            _("This installation has no SMS gateway. Download the recipients instead."), "list"
        )
    if optout_list is not None and recipients == 0:
        raise TextRefusedError(NOBODY, "list")
    with transaction.atomic():
        made, is_new = TextMessage.objects.get_or_create(
            public_id=public_id or new_public_id(),
            defaults={
                "realm": realm,
                "optout_list": optout_list,
                "number": "" if optout_list is not None else number,
                "text": text,
                "sender": sender,
                "made_by": actor,
                "made_by_key": key,
                "recipient_count": recipients if optout_list is not None else 1,
                "created_at": now,
            },
        )
        if made.realm_id != realm.pk:
            raise TextRefusedError(_("Please open the Send editor again."))
        if is_new:
            record_audit(
                "send_text_message",
                actor=actor,
                realm=realm,
                optout_list=optout_list,
                message=made.pk,
                **({} if key is None else {"key": key.pk}),
            )
            transaction.on_commit(lambda: wake_worker(now))
    return made


def wake_worker(now: datetime) -> None:
    """Have the worker begin at once rather than with the next minute."""
    task = app.configure_task(f"reporting.{TASK}", lock=TASK, queueing_lock=TASK)
    with suppress(AlreadyEnqueued):
        task.defer(timestamp=int(now.timestamp()))


def check_target(realm: Realm, optout_list: List | None, number: str = "") -> None:
    """Whether a message may go there: to an open list of the realm, or to a number that nobody is to leave alone.

    Raises TextRefusedError.
    """
    if optout_list is not None:
        if optout_list.realm_id != realm.pk or optout_list.is_global:
            raise TextRefusedError(_("Select a list."), "list")
        if optout_list.closed_at is not None:
            raise TextRefusedError(_("This list is closed: nothing is sent to it."), "list")
        return
    if not number:
        raise TextRefusedError(_("Select a list, or enter a phone number."), "to")
    if is_in_do_not_mail(realm, number):
        raise TextRefusedError(
            _("This number is on Do Not Mail: no message may be sent to it."), "to"
        )


def is_in_do_not_mail(realm: Realm, number: str) -> bool:
    """Whether a number, in E.164, may not be written to by anybody of the realm."""
    do_not_mail = List.objects.only("pk").get(realm=realm, kind=ListKind.GLOBAL)
    found = get_list_by_id(do_not_mail.pk)
    return found is None or is_left_alone(found, number)


def default_sender(realm: Realm, optout_list: List | None) -> str:
    """The number that a list's messages come from, if there is exactly one: STOP, texted back to it, then reaches that list."""
    if optout_list is None:
        return ""
    own = SmsNumber.objects.filter(realm=realm, optout_list=optout_list)
    numbers = list(own.values_list("number", flat=True)[:2])
    return numbers[0] if len(numbers) == 1 else ""


def stop_message(
    message: TextMessage, *, actor: User | None, key: ApiKey | None = None, now: datetime
) -> bool:
    """Send nothing more of it; False when it was over already. What is being handed over this moment may still go out."""
    with transaction.atomic():
        stopped = TextMessage.objects.filter(pk=message.pk, state=TextState.SENDING)
        if not stopped.update(state=TextState.STOPPED, finished_at=now):
            return False
        record_audit(
            "stop_text_message",
            actor=actor,
            realm=message.realm,
            optout_list=message.optout_list,
            message=message.pk,
            **({} if key is None else {"key": key.pk}),
        )
    return True
