"""The `data` of a command: records between carets, values between commas, in quotes where they hold one (S4.5, S4.8, S4.11).

Total and linear: any text gives Data or a CommandError. A record that cannot be read is one failure of many; where it cannot be
told where the next one begins, the command fails as a whole, since the records in between would be lost in silence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from optout.addresses import MAX_TEXT, Address, AddressError, parse_email
from optout.channels.api_web.lines import CommandError
from optout.decoding import restore_plus

MAX_RECORDS = 10_000
MAX_FIELDS = 250

_TOO_MANY = f"The data holds more than {MAX_RECORDS} records"
_OPEN_QUOTE = "A quotation mark in the data is left open"
_CROSSED_QUOTES = "The quotation marks in the data do not match"

# One value: in quotes, with `\"` or `""` for one inside and whatever stands behind it by mistake; or bare. Possessive
# throughout: text that does not match is given up at once, not tried in every other way.
_BETWEEN_QUOTES = r'[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+'
_VALUE = rf'\s*+(?:"{_BETWEEN_QUOTES}"[^,^]*+|(?!")[^,^]*+)'
_RECORD = re.compile(rf"{_VALUE}(?:,{_VALUE})*+", re.DOTALL)
_PART = re.compile(rf'\s*+(?:"({_BETWEEN_QUOTES})"([^,^]*+)|(?!")([^,^]*+))(,?)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])|"(")')
_BLANK = " \t\r\n^"

# A file that begins with a byte order mark, and one that was taken for Windows-1252 on the way.
_BYTE_ORDER_MARKS = ("\ufeff", "ï»¿")

# One space between two letters or digits before the @: a plus that got lost. Elsewhere it is none, and to put one there would
# opt out a stranger: `Jane Doe jane@x.com`, `- jane@x.com`, `jane@x.com joe@x.com`.
_LOST_PLUS = re.compile(r"\s*[^\s@]*\w \w[^\s@]*@[^\s@]+\s*")


@dataclass(frozen=True, slots=True)
class Data:
    """What was sent: the names of the fields, and the values of each record; None for one that cannot be read. A record that
    has fewer values than there are names has none for the last ones."""

    fields: tuple[str, ...]
    records: list[tuple[str, ...] | None]


def read_data(text: str) -> Data:
    """Field names, then records. Raises CommandError when there is no `email` among the fields, no record, too many, or a
    quotation mark that leaves open where the records end."""
    for mark in _BYTE_ORDER_MARKS:
        text = text.removeprefix(mark)
    text = text.rstrip(_BLANK)  # records at the end that are blank are none
    records = _split_quoted(text) if '"' in text else _split_plain(text)
    fields = _read_fields(next(records))
    email_at = fields.index("email")
    read = [_read_record(record, len(fields), email_at) for record in records]
    if not read:
        raise CommandError("The data must be field names, a caret and at least one record")
    return Data(fields, read)


def email_value(text: str) -> Address | None:
    """The address that a value means, also when its plus arrived as a space (protocols.md); None when it is unusable."""
    if len(text) > MAX_TEXT:
        return None
    if " " in text and _LOST_PLUS.fullmatch(text):
        text = restore_plus(text)
    try:
        return parse_email(text)
    except AddressError:
        return None


def _split_plain(text: str) -> Iterator[str]:
    if text.count("^") > MAX_RECORDS:
        raise CommandError(_TOO_MANY)
    return iter(text.split("^"))


def _split_quoted(text: str) -> Iterator[str]:
    """The same where a caret within quotes is text."""
    position, count = 0, 0
    while True:
        match = _RECORD.match(text, position)
        if match is None or text[match.end() : match.end() + 1] not in {"", "^"}:
            raise CommandError(_OPEN_QUOTE)
        yield match[0]
        position = match.end() + 1
        if position > len(text):
            return
        count += 1
        if count > MAX_RECORDS:
            raise CommandError(_TOO_MANY)


def _read_fields(record: str) -> tuple[str, ...]:
    fields = _values(record, MAX_FIELDS, None)
    if fields is None:
        raise CommandError("The field names in the data cannot be read")
    named = [name for name in fields if name]
    if len(named) != len(set(named)):
        raise CommandError("A field is named twice in the data")
    if "email" not in named:
        raise CommandError("The data has no email field")
    return fields


def _read_record(record: str, length: int, email_at: int) -> tuple[str, ...] | None:
    values = _values(record, length, email_at)
    if values is None:
        # A caret in it stands within quotes, and the record is wrong besides: these quotes may well not be what they seem,
        # and what is between them be records.
        if "^" in record:
            raise CommandError(_CROSSED_QUOTES)
        return None
    if values == ("",):
        return None
    return values


def _values(record: str, most: int, email_at: int | None) -> tuple[str, ...] | None:
    """The values of a record; None when there are more than `most`, or text stands behind a closing quote."""
    if '"' in record:
        return _quoted_values(record, most, email_at)
    values = tuple(map(str.strip, record.split(",", most)))
    if len(values) > most:
        # A comma too many at the end is no value.
        return None if values[most].strip(" \t\r\n,") else values[:most]
    return values


def _quoted_values(record: str, most: int, email_at: int | None) -> tuple[str, ...] | None:
    values: list[str] = []
    position = 0
    while match := _PART.match(record, position):
        quoted, behind, bare, comma = match.groups()
        if len(values) == most:
            return None if record[position:].strip(" \t\r\n,") else tuple(values)
        if behind and not behind.isspace():
            return None
        # `"Foo^joe@example.com"` is no name, but hides Joe; in its own column it may be an address.
        is_address = len(values) == email_at and quoted is not None and quoted.count("@") == 1
        if quoted and "^" in quoted and "@" in quoted and not is_address:
            raise CommandError(_CROSSED_QUOTES)
        values.append((bare if quoted is None else _ESCAPED.sub(r"\1\2", quoted)).strip())
        if not comma:
            break
        position = match.end()
    return tuple(values)
