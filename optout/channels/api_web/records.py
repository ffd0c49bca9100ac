"""The records of a command: who is meant by each line of `data`."""

from dataclasses import dataclass

from optout.addresses import Address
from optout.channels.api_web.command import Command
from optout.channels.api_web.data import email_value, read_data
from optout.channels.api_web.lines import CommandError

EMAIL = "email"
CUSTOMER_KEY = "customer_key"


@dataclass(frozen=True, slots=True)
class Record:
    """One usable record: whose it is, and the owner's key for them ("" where the realm has none)."""

    address: Address
    customer_key: str
    _fields: tuple[str, ...]
    _values: tuple[str, ...]

    def values(self) -> dict[str, str]:
        """All it said, by the names of the fields; what it left out is blank. Made when it is asked for: `unsub` has no use
        for it."""
        left_out = ("",) * (len(self._fields) - len(self._values))
        return dict(zip(self._fields, self._values + left_out, strict=True))


def read_records(command: Command) -> list[Record | None]:
    """The records in the order given; None for one that fails: malformed, or without what names a contact (S4.17).

    Raises CommandError when the data cannot be read, or lack the customer key in a realm that uses it (S4.13).
    """
    data = read_data(command.required("data"))
    if command.caller.uses_customer_key and CUSTOMER_KEY not in data.fields:
        raise CommandError("The field customer_key is required in data")
    email_at = data.fields.index(EMAIL)
    key_at = data.fields.index(CUSTOMER_KEY) if command.caller.uses_customer_key else None

    def as_record(values: tuple[str, ...] | None) -> Record | None:
        address = email_value(_value(values, email_at)) if values is not None else None
        key = _value(values, key_at)
        if values is None or address is None or (key_at is not None and not key):
            return None
        return Record(address, key, data.fields, values)

    return [as_record(values) for values in data.records]


def _value(values: tuple[str, ...] | None, at: int | None) -> str:
    return values[at] if values is not None and at is not None and at < len(values) else ""
