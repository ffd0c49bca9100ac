"""`sub`, `update` and `change`: how a mailer keeps its contacts here."""

from collections import Counter

from lists.choices import MessageFormat
from lists.contacts import known_fields
from optout.channels.api_web.command import Command
from optout.channels.api_web.data import email_value
from optout.channels.api_web.lines import (
    NO_CONTACT,
    NOT_YOUR_LIST,
    CommandError,
    counted,
    not_an_email,
    success,
)
from optout.channels.api_web.records import CUSTOMER_KEY, EMAIL, Record, read_records
from optout.choices import Assurance, Channel
from optout.contacts import (
    AddressTakenError,
    ContactRecord,
    NoContactError,
    Outcome,
    belong_together,
    change_address,
    subscribe_contacts,
    update_contacts,
)

_FORMAT = "format"
_FORMATS = {str(each.value): each.value for each in MessageFormat}


def subscribe(command: Command) -> str:
    """Put contacts on a list, unless they opted out; `force_sub=1` lifts that, and is audited (S4.6, S4.19)."""
    optout_list = command.optout_list()
    if optout_list.is_global:
        raise CommandError(NOT_YOUR_LIST)
    # Scripts leave it out, though the old service asked for it: then one that is there stays, and a new one is 99.
    wanted = command.text(_FORMAT)
    message_format = _message_format(wanted)
    if wanted and message_format is None:
        raise CommandError("The parameter format must be 1, 2 or 99")
    force = command.flag("force_sub")
    given = [_contact(record, message_format) for record in read_records(command)]

    outcomes = Counter(
        subscribe_contacts(
            optout_list,
            [contact for contact in given if contact is not None],
            force=force,
            channel=Channel.API_WEB,
            assurance=Assurance.API_CREDENTIAL,
            evidence=command.evidence(),
            now=command.now,
        )
    )
    added, updated = outcomes[Outcome.ADDED], outcomes[Outcome.UPDATED]
    ignored = outcomes[Outcome.OPTED_OUT]
    text = (
        f"Total Records Processed {len(given)}, Total Subscriptions {added + updated}, Records Added {added},"
        f" Records Updated {updated}, Records Ignored (Optout Error) {ignored},"
        f" Records Failed Other Error {len(given) - added - updated - ignored}"
    )
    return counted(done=added + updated, text=text)


def update(command: Command) -> str:
    """Change what is known of contacts, found by email; their lists stay as they are, whatever `list_id` says."""
    # Scripts say by which field a contact is found; nothing but the address names one here.
    if command.text("identity_field") not in {"", EMAIL}:
        raise CommandError("The parameter identity_field must be email")
    given = [_contact(record, None) for record in read_records(command)]
    done = sum(
        update_contacts(
            command.caller.realm_id,
            [contact for contact in given if contact is not None],
            now=command.now,
        )
    )
    text = (
        f"{len(given)} record(s) processed. {done} users updated,"
        f" Records Failed Other Error {len(given) - done}"
    )
    return counted(done=done, text=text)


def change(command: Command) -> str:
    """Give a contact a new address. What the old one opted out of, the new one is out of too (protocols.md)."""
    old_text, new_text = command.required("email"), command.required("email_new")
    old, new = email_value(old_text), email_value(new_text)
    if old is None or new is None:
        raise not_an_email(old_text if old is None else new_text)
    key = command.text(CUSTOMER_KEY)
    realm_id = command.caller.realm_id
    names_key = command.caller.uses_customer_key and key != ""
    if names_key and not all(belong_together(realm_id, [(old.digest, key)])):
        raise CommandError(NO_CONTACT)
    try:
        contact_id = change_address(
            realm_id,
            old,
            new,
            channel=Channel.API_WEB,
            assurance=Assurance.API_CREDENTIAL,
            evidence=command.evidence(),
            now=command.now,
        )
    except NoContactError:
        raise CommandError(NO_CONTACT) from None
    except AddressTakenError:
        raise CommandError(
            "a subscriber record with the new email address exists already"
        ) from None
    # The brackets are the old service's own.
    return success(f"{old.key} changed to {new.key} [subscriber ID {contact_id})")


def _contact(record: Record | None, message_format: int | None) -> ContactRecord | None:
    """What a record says of a contact; None when it says something that cannot be kept."""
    if record is None:
        return None
    values = record.values()
    fields = known_fields(values)
    own_format = values.get(_FORMAT, "")  # may stand among the fields, and then wins
    if own_format:
        message_format = _message_format(own_format)
    if fields is None or (own_format and message_format is None):
        return None
    return ContactRecord(record.address, fields, record.customer_key or None, message_format)


def _message_format(text: str) -> int | None:
    return _FORMATS.get(text)
