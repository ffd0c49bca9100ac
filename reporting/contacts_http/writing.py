"""What both shapes do to a contact: opt it out, change it and its lists, add it. Each is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from lists.lookup import ListSnapshot, get_list_by_number
from lists.models import List
from optout.address_change import AddressTakenError, NoContactError, change_address
from optout.addresses import Address, AddressError, parse_email
from optout.channels.rest.problems import Kind, ProblemError
from optout.choices import Assurance, Channel, Medium
from optout.contact_records import ContactRecord, Outcome
from optout.contact_resources import (
    add_contact,
    opt_out_resource,
    set_contact_lists,
    take_contact_off,
)
from reporting.contacts_http.asked import find_list
from reporting.contacts_http.door import Call, find_only
from reporting.contacts_http.members import Member, Status

TAKEN = "Another contact has this email address."
OPTED_OUT = "This address has opted out. Only the person who has it can take that back."


@dataclass(frozen=True)
class Sent:
    """What a client sends of a contact. `email` is None where it says none; of the fields an empty one is cleared."""

    email: str | None
    list_ids: Sequence[str]
    fields: Mapping[str, str]


def opt_out(call: Call, contact_id: str) -> None:
    """Into Do Not Mail, off all lists; the owner cannot add the contact again. Raises ProblemError 404, as reading it does."""
    find_only(call.members.find(contact_id))
    is_known = opt_out_resource(
        _snapshot(call, 0),
        contact_id,
        channel=Channel.REST,
        assurance=Assurance.API_CREDENTIAL,
        evidence=call.evidence,
        now=call.now,
    )
    find_only(is_known or None)


def change(call: Call, contact_id: str, sent: Sent) -> Member:
    """Have a contact on exactly these lists; on none it is removed. Raises ProblemError 400, 404, 409."""
    member = find_only(call.members.find(contact_id))
    lists = _lists_of(call, sent, member)
    address = None if sent.email is None else read_email(sent.email)
    with transaction.atomic():
        if address is not None and address.key != member.address:
            _give_address(call, member, address)
        outcome = set_contact_lists(
            _snapshot(call, 0), member.id, lists, fields=sent.fields, now=call.now
        )
        if find_only(outcome) is not Outcome.UPDATED:
            raise ProblemError(Kind.OPTED_OUT, OPTED_OUT)
    return find_only(call.members.find(member.id))


def take_off(call: Call, contact_id: str, list_id: str | None = None) -> None:
    """Off one list, or off all of them, without an opt-out. Raises ProblemError 404, also if it is not on that list."""
    member = find_only(call.members.find(contact_id))
    if list_id is None:
        take_contact_off(_snapshot(call, 0), member.id, _snapshot(call, 0), now=call.now)
        return
    found = find_list(call.members, list_id)
    left = isinstance(found, List) and take_contact_off(
        _snapshot(call, 0), member.id, _snapshot(call, found.number), now=call.now
    )
    find_only(left or None)


def add(call: Call, sent: Sent) -> Member:
    """Add a contact, or put one that was removed on lists again. Raises ProblemError 400, 409."""
    if sent.email is None:
        raise ProblemError(Kind.INVALID, "A contact needs an email address.")
    address = read_email(sent.email)
    known = call.members.find_digest(address.digest)
    if known is not None and known.status is Status.ACTIVE:
        raise ProblemError(Kind.CONFLICT, "There is a contact with this email address.")
    if known is not None and known.status is Status.DO_NOT_MAIL:
        raise ProblemError(Kind.OPTED_OUT, OPTED_OUT)
    record = ContactRecord(address, sent.fields)
    lists = _lists_of(call, sent, known)
    if not lists:
        raise ProblemError(Kind.INVALID, "A contact is added to one list at least.")
    with transaction.atomic():  # until it is read, nobody deletes it
        outcome = add_contact(_snapshot(call, 0), record, lists, now=call.now)
        if outcome is Outcome.OPTED_OUT:
            raise ProblemError(Kind.OPTED_OUT, OPTED_OUT)
        return find_only(call.members.find_digest(address.digest))


def read_email(text: str) -> Address:
    """Raises ProblemError 400; the address is not repeated."""
    try:
        return parse_email(text)
    except AddressError:
        raise ProblemError(Kind.INVALID, "The email address cannot be read.") from None


def _give_address(call: Call, member: Member, address: Address) -> None:
    """What the old address opted out of, the new one is out of too."""
    if member.contact_id is None:
        raise ProblemError(Kind.OPTED_OUT, OPTED_OUT)
    try:
        change_address(
            call.caller.realm_id,
            Address(member.address, Medium.EMAIL, member.digest, member.address),
            address,
            channel=Channel.REST,
            assurance=Assurance.API_CREDENTIAL,
            evidence=call.evidence,
            now=call.now,
        )
    except AddressTakenError:
        raise ProblemError(Kind.CONFLICT, TAKEN) from None
    except NoContactError:
        find_only(None)


def _lists_of(call: Call, sent: Sent, member: Member | None) -> list[ListSnapshot]:
    """The lists that are named. Of the three special ones a client sends back what it was shown: nobody is put on those."""
    lists: dict[int, ListSnapshot] = {}
    for list_id in sent.list_ids:
        found = find_list(call.members, list_id)
        if found is None:
            raise ProblemError(Kind.INVALID, "One of the lists does not exist.")
        if isinstance(found, Status):
            is_out = member is not None and member.status is Status.DO_NOT_MAIL
            if found is Status.DO_NOT_MAIL and not is_out:
                detail = "Nobody is put into Do Not Mail as onto a list: send DELETE."
                raise ProblemError(Kind.INVALID, detail)
            continue
        lists[found.number] = _snapshot(call, found.number)
    return list(lists.values())


def _snapshot(call: Call, number: int) -> ListSnapshot:
    return find_only(get_list_by_number(call.caller.realm_id, number))
