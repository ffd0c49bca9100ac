"""`unsub` and `delete`: the commands by which a mailer passes on what recipients asked for (S4.1–S4.17)."""

from collections.abc import Sequence
from typing import Any

from lists.lookup import ListSnapshot, get_list_by_number
from lists.numbers import DO_NOT_MAIL_NUMBER
from optout.channels.api_web.command import Command
from optout.channels.api_web.lines import NOT_YOUR_LIST, CommandError, counted
from optout.channels.api_web.records import Record, read_records
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contacts import (
    belong_together,
    delete_contacts,
    end_subscriptions,
    opt_out_contacts,
)
from optout.intents import OptOutIntent, intent_for


def unsubscribe(command: Command) -> str:
    """Take contacts off one list; with `optout=1` for good, with `list_id=0` from every list (S4.6, S4.7)."""
    optout_list = command.optout_list()
    is_optout = command.flag("optout")
    if optout_list.is_global and not is_optout:
        raise CommandError("A global opt out (list_id=0) needs optout=1")
    given = read_records(command)
    usable = _of_their_key(command, [record for record in given if record is not None])

    if is_optout:
        opt_out_contacts(optout_list, _intents(command, optout_list, usable))
        done = [record.address.digest for record in usable]
    else:
        digests = [record.address.digest for record in usable]
        left = end_subscriptions(optout_list, digests, now=command.now)
        # Of an address that stands twice in one command both records succeed: what they ask for is done.
        done = [digest for digest in digests if digest in left]
    text = (
        f"{len(given)} record(s) processed. {len(done)} users unsubscribed from list(s) {optout_list.number}"
        f" ({len(set(done))} total contacts), Records Failed Other Error {len(given) - len(done)}"
    )
    return counted(done=len(done), text=text)


def delete(command: Command) -> str:
    """Forget contacts, take them off every list, and let them not be added again: a global opt-out, whatever `list_id` says."""
    do_not_mail = get_list_by_number(command.caller.realm_id, DO_NOT_MAIL_NUMBER)
    if do_not_mail is None:
        raise CommandError(NOT_YOUR_LIST)
    given = read_records(command)
    usable = _of_their_key(command, [record for record in given if record is not None])

    delete_contacts(
        _intents(command, do_not_mail, usable, origin=Origin.OWNER, reason=Reason.MANUAL)
    )
    # The old service's own spelling: scripts compare the line.
    text = f"{len(given)} record(s) procesed. {len(usable)} users deleted"
    return counted(done=len(usable), text=text)


def _intents(
    command: Command, optout_list: ListSnapshot, records: Sequence[Record], **more: Any
) -> list[OptOutIntent]:
    evidence = command.evidence()
    return [
        intent_for(
            optout_list,
            record.address,
            channel=Channel.API_WEB,
            assurance=Assurance.API_CREDENTIAL,
            requested_at=command.now,
            evidence=evidence,
            **more,
        )
        for record in records
    ]


def _of_their_key(command: Command, records: list[Record]) -> list[Record]:
    """Those whose email and customer key belong together, in a realm that uses keys (S4.13)."""
    if not command.caller.uses_customer_key or not records:
        return records
    pairs = [(record.address.digest, record.customer_key) for record in records]
    fits = belong_together(command.caller.realm_id, pairs)
    return [record for record, fit in zip(records, fits, strict=True) if fit]
