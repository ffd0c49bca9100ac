"""`find`, `findinlist`, `detail` and the `show_…` commands: what scripts look up. They change nothing."""

import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from functools import partial

from lists.bounded import TookTooLongError, at_most
from lists.contacts import (
    CUSTOM_PREFIX,
    MAX_FOUND,
    STANDARD_FIELDS,
    ContactDetail,
    ContactPlace,
    FoundContact,
    find_contacts,
    get_contact,
)
from lists.lookup import ListSnapshot, get_list_by_number
from lists.numbered import numbered_lists
from lists.numbers import DO_NOT_MAIL_NUMBER
from optout.channels.api_web.command import Answer, Command
from optout.channels.api_web.data import email_value
from optout.channels.api_web.lines import NOT_YOUR_LIST, CommandError, not_an_email
from optout.channels.api_web.long_answers import answer_lines
from optout.channels.api_web.records import CUSTOMER_KEY
from optout.channels.api_web.tables import (
    DELIMITERS,
    Layout,
    Table,
    element,
    read_wanted,
    stream_lines,
    stream_xml,
    write_table,
)
from optout.shown import Shown, stream_shown

SEARCH_SECONDS = 5

_FOUND = ("subscriber_id", "email", "first", "last", "lists")
_NO_FOLDER = "0"  # there are no folders; scripts still read the column
_NUMBER = {digits: re.compile(f"[0-9]{{1,{digits}}}") for digits in (5, 9, 18)}


def find(command: Command) -> Answer:
    """The realm's contacts with an address (`exact=0`: a part of it), a first or a last name."""
    return _find(command, None)


def find_in_list(command: Command) -> Answer:
    """The same among those on one list."""
    return _find(command, command.optout_list().id)


def detail(command: Command) -> Answer:
    """All that is known of one contact; nothing when there is none with that id."""
    wanted = read_wanted(command, Layout.CSV)
    command.required("subscriber_id")
    contact = get_contact(command.caller.realm_id, _number(command, "subscriber_id", 18))
    if contact is None:
        return ""
    custom = sorted(name for name in contact.fields if name.startswith(CUSTOM_PREFIX))
    names = (*STANDARD_FIELDS, *custom)
    table = Table(
        columns=("subscriber_id", "email", *names, "lists", *_key_column(command)),
        rows=[
            (
                str(contact.id),
                _email(contact),
                *(_field(contact, name) for name in names),
                _numbers(contact.numbers),
                *_key_cell(command, contact.customer_key),
            )
        ],
        plain=4,  # id, address and the two names
        details=[_subscription_details(contact)],
    )
    return write_table(table, wanted)


def show_lists(command: Command) -> Answer:
    """The realm's lists, and their numbers."""
    table = Table(
        columns=("List Number", "List Name", "List Description", "Folder ID"),
        rows=[
            (str(each.number), each.name, each.description, _NO_FOLDER)
            for each in numbered_lists(command.caller.realm_id)
        ],
        plain=2,
        element="list",
    )
    return write_table(table, read_wanted(command, Layout.CSV))


def show_optouts(command: Command) -> Answer:
    """Who opted out of one list; of all of them with `list_id=0`."""
    return _show(command, command.optout_list())


def show_global_optouts(command: Command) -> Answer:
    """Who opted out of all of the realm's lists."""
    do_not_mail = get_list_by_number(command.caller.realm_id, DO_NOT_MAIL_NUMBER)
    if do_not_mail is None:
        raise CommandError(NOT_YOUR_LIST)
    return _show(command, do_not_mail)


def _find(command: Command, list_id: int | None) -> Answer:
    wanted = read_wanted(command)
    email, first, last = (command.text(name) for name in ("email", "first", "last"))
    if not (email or first or last):
        raise CommandError("One of the parameters email, first and last is required")
    is_part = command.text("exact") != "" and not command.flag("exact")
    address = email_value(email) if email and not is_part else None
    if email and not is_part and address is None:
        raise not_an_email(email)
    look = partial(
        find_contacts,
        command.caller.realm_id,
        digest=None if address is None else address.digest,
        # No address has a space in it: it was a plus that the script did not encode.
        email_part=email.replace(" ", "+") if is_part else "",
        first=first,
        last=last,
        list_id=list_id,
        limit=_limit(command),
    )
    found = _search(look) if address is None else look()
    table = Table(
        columns=(*_FOUND, *_key_column(command)),
        rows=[
            (
                str(each.id),
                _email(each),
                each.fields.get("first", ""),
                each.fields.get("last", ""),
                _numbers(each.numbers),
                *_key_cell(command, each.customer_key),
            )
            for each in found
        ],
        plain=2,
    )
    return write_table(table, wanted)


def _search(look: Callable[[], list[FoundContact]]) -> list[FoundContact]:
    """What may read every contact of the realm, for a few seconds at most. Raises CommandError."""
    try:
        with at_most(SEARCH_SECONDS):
            return look()
    except TookTooLongError:
        raise CommandError("This took too long, ask for less") from None


def _show(command: Command, optout_list: ListSnapshot) -> Answer:
    wanted = read_wanted(command)
    caller = command.caller
    has_key = caller.uses_customer_key and wanted.layout != Layout.PLAIN
    shown = Shown(optout_list.id, _since(command), caller.realm_id if has_key else None)
    is_xml = wanted.layout == Layout.XML
    delimiter = "," if is_xml else DELIMITERS.get(wanted.layout, "")

    def read(most: int | None) -> Generator[bytes]:
        return stream_shown(shown, delimiter, most)

    def write(pieces: Generator[bytes]) -> Generator[bytes]:
        if is_xml:
            return stream_xml(pieces, ("email", CUSTOMER_KEY) if has_key else ("email",))
        names = ('"Email"', f'"{CUSTOMER_KEY}"') if has_key else ('"Email"',)
        return stream_lines(pieces, delimiter.join(names) if wanted.headers else "")

    return answer_lines(read, write, caller.realm_id)


def _since(command: Command) -> datetime | None:
    """Since when, by `days`; None: ever."""
    if not command.text("days"):
        return None
    return command.now - timedelta(days=_number(command, "days", 5))


def _limit(command: Command) -> int:
    """How many to give back: never more than MAX_FOUND, whatever is asked for."""
    limit = _number(command, "limit", 9) if command.text("limit") else MAX_FOUND
    if limit == 0:
        raise CommandError("The parameter limit must be at least 1")
    return min(limit, MAX_FOUND)


def _number(command: Command, name: str, digits: int) -> int:
    """A parameter of ASCII digits, at most so many. Raises CommandError."""
    text = command.text(name)
    if not _NUMBER[digits].fullmatch(text):
        raise CommandError(f"The parameter {name} must be a number of at most {digits} digits")
    return int(text)


def _email(contact: FoundContact) -> str:
    """A contact's email address; nothing for one who is known by phone."""
    return contact.address if "@" in contact.address else ""


def _field(contact: FoundContact, name: str) -> str:
    known_by_phone = name == "phone" and not _email(contact)
    return contact.fields.get(name, contact.address if known_by_phone else "")


def _numbers(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _key_column(command: Command) -> tuple[str, ...]:
    return (CUSTOMER_KEY,) if command.caller.uses_customer_key else ()


def _key_cell(command: Command, customer_key: str | None) -> tuple[str, ...]:
    return (customer_key or "",) if command.caller.uses_customer_key else ()


def _subscription_details(contact: ContactDetail) -> str:
    """Each list a contact is on, as the old service's xml has it. We know of no last message: those elements stay empty."""
    return f"<subscription_details>{''.join(map(_place, contact.places))}</subscription_details>"


def _place(place: ContactPlace) -> str:
    name = f"list_{place.number}"
    created = f"{place.subscribed_at.astimezone(UTC):%d/%m/%y %I:%M %p}"
    return (
        f"<{name}>{element('created_date', created)}{element('last_sent', '')}{element('sent_flag', '')}"
        f"{element('format', str(place.message_format))}</{name}>"
    )
