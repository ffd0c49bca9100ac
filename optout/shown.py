"""The suppressions of a list as its owner's scripts read them: email addresses, streamed."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime

from lists.copying import copy_out
from lists.prepared import fetch_prepared
from optout.choices import Medium

_COPY = """
COPY (
    SELECT {columns} FROM optout_suppression s {contact}
    WHERE s.optout_list_id = %(list)s AND s.medium = %(medium)s AND s.address IS NOT NULL {since}
    LIMIT %(most)s
) TO STDOUT {options}
"""
_SINCE = "AND s.suppressed_at >= %(since)s"
# The same rows, found by what the ledger has since then: each suppression was made by a row of that very time. For the beginning
# of an answer, where few are new and the list may be long; to read most of a list, its own table is far quicker.
_SINCE_BY_LEDGER = """AND s.suppressed_at >= %(since)s AND s.digest IN (
    SELECT o.digest FROM optout_optout o
    WHERE o.optout_list_id = %(list)s AND o.recorded_at >= %(since)s AND o.kind = 1 AND o.is_new
)"""
_OF_CONTACT = "LEFT JOIN lists_contact c ON c.realm_id = %(realm)s AND c.digest = s.digest"
# A null would stand there without quotes, and a line end within a value is two lines to old scripts.
_KEY = "regexp_replace(coalesce(c.customer_key, ''), '[[:cntrl:]]', ' ', 'g')"
_QUOTED = "(FORMAT csv, FORCE_QUOTE *, DELIMITER %(delimiter)s)"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which suppressions: of this list alone, made at or after `since` (aware).

    `key_of_realm`: beside each address the customer key that the realm's contact has, or an empty text.
    """

    list_id: int
    since: datetime | None = None
    key_of_realm: int | None = None


def stream_shown(shown: Shown, delimiter: str = "", most: int | None = None) -> Generator[bytes]:
    """The email addresses that are kept in clear, as pieces of whole lines, about 256 kB each; in no order, at most `most`.

    Bare addresses; with a delimiter a csv, every value in double quotes, and only there the customer key. The connection is
    busy from the first piece to the last, or until the iterator is closed, which ends the statement; there is no transaction.
    Errors are raised, also in the middle: whoever sends the pieces on must then break off, so that nobody takes them for all.
    """
    has_key = bool(delimiter) and shown.key_of_realm is not None
    since = _SINCE if most is None else _SINCE_BY_LEDGER
    statement = _COPY.format(
        columns=f"s.address, {_KEY}" if has_key else "s.address",
        contact=_OF_CONTACT if has_key else "",
        since="" if shown.since is None else since,
        options=_QUOTED if delimiter else "",
    )
    values = {
        "list": shown.list_id,
        "medium": int(Medium.EMAIL),
        "realm": shown.key_of_realm,
        "since": shown.since,
        "delimiter": delimiter,
        "most": most,
    }
    fetch_prepared("SELECT 1")  # a connection that died while nobody used it is replaced here
    yield from copy_out(statement, values)
