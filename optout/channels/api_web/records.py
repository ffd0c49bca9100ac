"""The records of a command: who is meant by each line of `data`."""

from collections.abc import Mapping
from dataclasses import dataclass

from optout.addresses import Address
from optout.channels.api_web.command import Command
from optout.channels.api_web.data import Data, email_value, read_data
from optout.channels.api_web.lines import CommandError

EMAIL = "email"
CUSTOMER_KEY = "customer_key"


@dataclass(frozen=True, slots=True)
class Record:
    """One usable record: whose it is, the owner's key for them ("" where the realm has none), and all it said."""

    address: Address
    customer_key: str
    values: Mapping[str, str]


def read_records(command: Command) -> list[Record | None]:
    """The records in the order given; None for one that fails: malformed, or without what names a contact (S4.17).

    Raises CommandError when the data cannot be read, or lack the customer key in a realm that uses it (S4.13).
    """
    data = read_data(command.required("data"))
    if command.caller.uses_customer_key and CUSTOMER_KEY not in data.fields:
        raise CommandError("The field customer_key is required in data")
    return [_as_record(command, data, record) for record in data.records]


def _as_record(command: Command, data: Data, values: tuple[str, ...] | None) -> Record | None:
    if values is None:
        return None
    named = dict(zip(data.fields, values, strict=True))
    key = named[CUSTOMER_KEY] if command.caller.uses_customer_key else ""
    address = email_value(named[EMAIL])
    if address is None or (command.caller.uses_customer_key and not key):
        return None
    return Record(address, key, named)
