"""Contacts, as a program sees and changes them; DELETE puts one into Do Not Mail (S2.3)."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status

from lists.api_keys import KeyCaller
from lists.contacts import MAX_FIELD, MAX_FIELDS, known_fields
from lists.lookup import ListSnapshot, get_list_by_number
from lists.numbers import DO_NOT_MAIL_NUMBER, LARGEST_NUMBER
from optout.addresses import Address
from optout.channels.rest.addresses import read_address
from optout.channels.rest.bodies import Body
from optout.channels.rest.door import (
    evidence_of,
    find_list,
    reader_and_writer_of,
    reader_of,
    require_whole_realm,
    writer_of,
)
from optout.channels.rest.idempotency import DOCUMENTED, idempotent
from optout.channels.rest.paging import UpTo1000, make_cursor, read_cursor
from optout.channels.rest.problems import Kind, ProblemError
from optout.channels.rest.words import time_text, word
from optout.choices import Assurance, Channel, Medium
from optout.contact_cards import ContactCard, find_card, get_card, page_of_cards
from optout.contact_records import ContactRecord, Outcome
from optout.contact_resources import add_contact, meant_by, opt_out_resource, set_contact_lists
from optout.customer_keys import MAX_KEY, is_usable_key, uses_customer_keys
from optout.decoding import decode_address

MOST_LISTS = 1_000
_CURSOR = "contacts"
_GIVE_ONE = "Give one of address, email and phone."

router = Router(tags=["contacts"])

Numbers = Annotated[list[Annotated[int, Field(strict=True)]], Field(max_length=MOST_LISTS)]
Fields = Annotated[
    dict[str, str],
    Field(description="first, last, city … and custom_…; an empty text clears a field."),
]


class NewContact(Body):
    """A contact to add, or to put on lists beside those that it is on. Give its address by one of the three names."""

    address: str | None = None
    email: str | None = None
    phone: str | None = Field(
        None,
        description="A phone number, with its country code or as dialled in the realm’s country.",
    )
    lists: Numbers = []
    fields: Fields = {}
    customer_key: str | None = Field(None, description="Your own name for the person.")


class ContactLists(Body):
    """The lists that a contact is to be on, and no other; none: it is removed, and can be added again."""

    lists: Numbers
    fields: Fields = {}


class ContactOut(Schema):
    """A contact. `lists` are those that it may be mailed for; who is in Do Not Mail is on none."""

    id: str
    address: str
    medium: str = Field(description="email or sms.")
    lists: list[int]
    fields: dict[str, str]
    customer_key: str | None
    created_at: str = Field(description="RFC 3339, in UTC.")
    changed_at: str = Field(
        description="When a field, the key, the address or a place on a list last changed; opt-outs are in the change feed."
    )
    do_not_mail: bool


class ContactsOut(Schema):
    """A page of contacts; `next` is the cursor of the page after it, null at the end."""

    contacts: list[ContactOut]
    next: str | None


@router.get("/contacts", response=ContactsOut)
def read_contacts(
    request: HttpRequest,
    *,
    email: str | None = None,
    address: str | None = None,
    phone: str | None = None,
    cursor: str | None = None,
    limit: UpTo1000 = 100,
) -> ContactsOut:
    """The contacts of the realm, in no order that means anything; with `address`, `email` or `phone` the one that has it, or
    none.

    A `+` in the address stays a plus.
    """
    caller, do_not_mail = _of_realm(reader_of(request))
    given = _given(address, email, phone)
    if len(given) > 1:
        raise _invalid("address", _GIVE_ONE)
    for name, text in given.items():
        wanted = _read(name, _address_in(request, name, text), caller.region, name)
        card = find_card(do_not_mail, wanted.digest)
        return ContactsOut(contacts=[_shown(card)] if card else [], next=None)
    after = b"" if cursor is None else read_cursor(_CURSOR, cursor, bytes)[0]
    cards = page_of_cards(do_not_mail, after, limit + 1)
    more = len(cards) > limit
    return ContactsOut(
        contacts=[_shown(each) for each in cards[:limit]],
        next=make_cursor(_CURSOR, cards[limit - 1].digest) if more else None,
    )


@router.get("/contacts/{contact_id}", response=ContactOut)
def read_contact(request: HttpRequest, contact_id: str) -> ContactOut:
    """One contact, by its id or by the digest of its address."""
    _caller, do_not_mail = _of_realm(reader_of(request))
    return _shown(_found(do_not_mail, contact_id))


@router.post("/contacts", response={200: ContactOut, 201: ContactOut}, openapi_extra=DOCUMENTED)
@idempotent
def write_contact(request: HttpRequest, sent: NewContact) -> Status[ContactOut]:
    """Add a contact (201), or change a known one (200) and put it on lists beside those that it is on.

    Who opted out of one of the lists, or of everything, is not added (409), and then nothing is done.
    """
    caller, do_not_mail = _of_realm(reader_and_writer_of(request))
    lists, fields = _lists(caller, sent.lists), _fields(sent.fields)
    address = _address(caller, sent)
    record = ContactRecord(address, fields, _customer_key(caller, sent.customer_key))
    with transaction.atomic():  # until it is read, nobody deletes it
        outcome = add_contact(do_not_mail, record, lists, now=timezone.now())
        if outcome is Outcome.REFUSED:
            raise _invalid(
                "#/customer_key", "This key is another contact's, or the contact has another one."
            )
        if outcome is Outcome.OPTED_OUT:
            raise _opted_out()
        card = _found(do_not_mail, address.digest.hex())
    return Status(201 if outcome is Outcome.ADDED else 200, _shown(card))


@router.put("/contacts/{contact_id}", response=ContactOut)
def set_contact(request: HttpRequest, contact_id: str, sent: ContactLists) -> ContactOut:
    """Have a contact on exactly these lists, without an opt-out; fields that are given change, others stay.

    With no list it is removed: it can be added again. Who opted out of one of the lists, or of everything, is put on none (409).
    """
    caller, do_not_mail = _of_realm(reader_and_writer_of(request))
    lists, fields = _lists(caller, sent.lists), _fields(sent.fields)
    outcome = set_contact_lists(do_not_mail, contact_id, lists, fields=fields, now=timezone.now())
    if outcome is None:
        raise _no_contact()
    if outcome is Outcome.OPTED_OUT:
        raise _opted_out()
    return _shown(_found(do_not_mail, contact_id))


@router.delete("/contacts/{contact_id}", response={204: None})
def delete_contact(request: HttpRequest, contact_id: str) -> Status[None]:
    """Put a contact into Do Not Mail, and so off all lists: it cannot be added again. Repeating is harmless.

    What is known of the contact stays. An address of Do Not Mail that is no contact has its digest as id.
    """
    caller, do_not_mail = _of_realm(writer_of(request))
    is_known = opt_out_resource(
        do_not_mail,
        contact_id,
        channel=Channel.REST,
        assurance=Assurance.API_CREDENTIAL,
        evidence=evidence_of(request, caller),
        now=timezone.now(),
    )
    if not is_known:
        raise _no_contact()
    return Status(204, None)


def _of_realm(caller: KeyCaller) -> tuple[KeyCaller, ListSnapshot]:
    """The caller, whose key is for the whole realm, and the realm's Do Not Mail. Raises ProblemError."""
    require_whole_realm(caller)
    return caller, find_list(caller, DO_NOT_MAIL_NUMBER)


def _found(do_not_mail: ListSnapshot, contact_id: str) -> ContactCard:
    meant, card = meant_by(contact_id), None
    if isinstance(meant, int):
        card = get_card(do_not_mail, meant)
    elif meant is not None:
        card = find_card(do_not_mail, meant)
    if card is None:
        raise _no_contact()
    return card


def _address_in(request: HttpRequest, name: str, text: str) -> str:
    """As it stands in the query string, where `+` is no space."""
    parts = request.META["QUERY_STRING"].split("&")
    raw = next((each for each in parts if each.startswith(f"{name}=")), None)
    return text if raw is None else decode_address(raw.partition("=")[2])


def _address(caller: KeyCaller, sent: NewContact) -> Address:
    given = _given(sent.address, sent.email, sent.phone)
    if len(given) != 1:
        raise _invalid("#/address", _GIVE_ONE)
    ((name, text),) = given.items()
    return _read(name, text, caller.region, f"#/{name}")


def _given(address: str | None, email: str | None, phone: str | None) -> dict[str, str]:
    """Those of the names of an address that were given, with what was."""
    names = {"address": address, "email": email, "phone": phone}
    return {name: text for name, text in names.items() if text is not None}


def _read(name: str, text: str, region: str, pointer: str) -> Address:
    """What was given by one of the names. Raises ProblemError 422, also where `phone` is an email address."""
    if name == "phone":
        return read_address(text, region, pointer, accepts="phone")
    return read_address(text, region, pointer)


def _lists(caller: KeyCaller, numbers: Sequence[int]) -> list[ListSnapshot]:
    """The lists of these numbers, each once. Raises ProblemError 422."""
    lists: dict[int, ListSnapshot] = {}
    for place, number in enumerate(numbers):
        if number == DO_NOT_MAIL_NUMBER:
            detail = "Nobody is put into Do Not Mail as onto a list: send DELETE."
            raise _invalid(f"#/lists/{place}", detail)
        known = 0 < number <= LARGEST_NUMBER and get_list_by_number(caller.realm_id, number)
        if not known:
            raise _invalid(f"#/lists/{place}", "There is no list of this number.")
        lists[number] = known
    return list(lists.values())


def _fields(sent: Mapping[str, str]) -> dict[str, str]:
    """Raises ProblemError 422, which repeats no name: an address may stand there by mistake."""
    known = known_fields(sent)
    if known is None:
        detail = f"At most {MAX_FIELDS} fields of {MAX_FIELD:,} characters each."
        raise _invalid("#/fields", detail)
    if len(known) < len(sent):
        raise _invalid(
            "#/fields", "There is a field that contacts do not have; your own begin with custom_."
        )
    return known


def _customer_key(caller: KeyCaller, key: str | None) -> str | None:
    """Raises ProblemError 422. A realm that names its contacts so must name each one (S4.13)."""
    if key is None:
        if uses_customer_keys(caller.realm_id):
            raise _invalid("#/customer_key", "This realm names each contact by a customer key.")
    elif not is_usable_key(key):
        detail = f"A customer key has 1 to {MAX_KEY} characters, and no control characters."
        raise _invalid("#/customer_key", detail)
    return key


def _shown(card: ContactCard) -> ContactOut:
    return ContactOut(
        id=str(card.id),
        address=card.address,
        medium=word(Medium, card.medium),
        lists=list(card.numbers),
        fields=dict(card.fields),
        customer_key=card.customer_key,
        created_at=time_text(card.created_at),
        changed_at=time_text(card.changed_at),
        do_not_mail=card.is_out,
    )


def _invalid(pointer: str, detail: str) -> ProblemError:
    return ProblemError(Kind.INVALID, detail, errors=[{"pointer": pointer, "detail": detail}])


def _opted_out() -> ProblemError:
    return ProblemError(
        Kind.OPTED_OUT,
        "This address has opted out of one of these lists, or of everything. Nothing was done.",
    )


def _no_contact() -> ProblemError:
    return ProblemError(Kind.NOT_FOUND, "There is no such contact.")
