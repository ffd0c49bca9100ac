"""The suppressions that hold for a list, as one statement and a stream of large chunks (architecture.md, "Bulk")."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lists.copying import PIECE, copy_out
from lists.prepared import fetch, fetch_prepared
from optout.choices import HashKind, Medium, Reason
from reporting.models.downloads import DownloadFormat

CHUNK = PIECE

_NO_HASH_KIND = 0
# Which hash-only rows a format can show.
_SHOWN_KIND = {
    DownloadFormat.MD5: int(HashKind.MD5),
    DownloadFormat.SHA256: int(HashKind.SHA256),
    DownloadFormat.TXT: _NO_HASH_KIND,
    DownloadFormat.CSV: _NO_HASH_KIND,
}
_ITEM = {
    DownloadFormat.MD5: "CASE WHEN s.address IS NULL THEN encode(s.full_hash, 'hex') ELSE md5(s.address) END",
    DownloadFormat.SHA256: (
        "encode(CASE WHEN s.address IS NULL THEN s.full_hash ELSE sha256(convert_to(s.address, 'UTF8')) END, 'hex')"
    ),
    DownloadFormat.TXT: "s.address",
    DownloadFormat.CSV: "s.address",
}


def spreadsheet_safe(column: str) -> str:
    """SQL for a text column as a spreadsheet may read it (AT-23).

    What a spreadsheet would run or swallow gets an apostrophe before it, and so does an apostrophe itself: whoever takes one
    leading apostrophe away has the text back. A phone number, which rightly begins with a plus, is left alone.
    """
    return rf"""
CASE WHEN {column} ~ '^[-=+@''＝＋－＠\t\r\n]' AND {column} !~ '^\+[0-9]{{7,15}}$'
    THEN '''' || {column} ELSE {column} END
"""


_UNSAFE = re.compile("[-=+@'＝＋－＠\t\r\n]")


def spreadsheet_safe_text(text: str) -> str:
    """The same of a text that is no phone number."""
    return f"'{text}" if _UNSAFE.match(text) else text


def _words(choices: type[Medium | Reason]) -> str:
    """The code of a column as a word, such as `unsubscribed`; codes count from 1."""
    names = {int(choice): choice.name.lower() for choice in choices}
    return "ARRAY[" + ", ".join(f"'{names[code]}'" for code in range(1, len(names) + 1)) + "]"


_CSV_COLUMNS: Final = f"""
    %s AS address, ({_words(Medium)})[s.medium] AS medium,
    to_char(s.suppressed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS suppressed_at,
    ({_words(Reason)})[s.reason] AS reason
"""

_WHOLE = """
SELECT {columns} FROM optout_suppression s
WHERE s.optout_list_id = {own} AND {is_shown} {no_twin}
"""
# The index decides whether an address of Do Not Mail is on the list as well: then it has come already.
_APPENDED = """
UNION ALL
SELECT {columns} FROM optout_suppression s
WHERE s.optout_list_id = {do_not_mail} AND {is_shown} {no_twin} AND NOT EXISTS (
    SELECT FROM optout_suppression o
    WHERE o.optout_list_id = {own} AND o.digest = s.digest AND {other_is_shown}
)
"""
# An address that stands there a second time as the MD5 that an import brought. Asked only where there are such rows.
_NO_TWIN = """
AND NOT EXISTS (
    SELECT FROM optout_suppression h
    WHERE h.optout_list_id IN ({own}, {do_not_mail}) AND h.address IS NULL AND h.hash_kind = 3
      AND h.digest = decode(md5(s.address), 'hex')
)
"""
_SINCE = """
SELECT DISTINCT ON ({item}) {columns}
FROM optout_optout o
JOIN optout_suppression s ON s.optout_list_id = o.optout_list_id AND s.digest = o.digest
WHERE o.optout_list_id IN ({own}, {do_not_mail}) AND o.recorded_at >= {since} AND o.kind = 1 AND o.is_new AND {is_shown}
ORDER BY {item}, s.suppressed_at
"""

# What the format cannot show: addresses that neither the list nor Do Not Mail knows in a form that it can.
_LEFT_OUT = """
SELECT count(DISTINCT s.digest) FILTER (WHERE s.hash_kind <> {kind} AND NOT EXISTS (
    SELECT FROM optout_suppression o
    WHERE o.optout_list_id IN ({own}, {do_not_mail}) AND o.digest = s.digest AND {other_is_shown}
)), count(*) FILTER (WHERE s.hash_kind = 3)
FROM optout_suppression s
WHERE s.optout_list_id IN ({own}, {do_not_mail}) AND s.address IS NULL {asked}
"""
_ASKED = """
AND EXISTS (
    SELECT FROM optout_optout l
    WHERE l.digest = s.digest AND l.optout_list_id = s.optout_list_id AND l.recorded_at >= {since}
      AND l.kind = 1 AND l.is_new
)
"""


@dataclass(frozen=True, slots=True)
class Export:
    """What to write out: the suppressions of a list and of its realm's Do Not Mail (the same list for Do Not Mail itself).

    `since`: only what was suppressed at or after that time (aware) and still is. `is_raw`: a csv for programs, not for
    spreadsheets.
    """

    list_id: int
    do_not_mail_id: int
    format: DownloadFormat
    since: datetime | None = None
    is_raw: bool = False

    def fill(self, template: str, **more: str) -> str:
        """A template with this export's numbers; the time stays a parameter."""
        kind = _SHOWN_KIND[self.format]
        shown = (
            "({0}.address IS NOT NULL OR {0}.hash_kind = {1})"
            if kind
            else "{0}.address IS NOT NULL"
        )
        return template.format(
            own=int(self.list_id),
            do_not_mail=int(self.do_not_mail_id),
            kind=kind,
            is_shown=shown.format("s", kind),
            other_is_shown=shown.format("o", kind),
            since="%(since)s::timestamptz",
            item=_ITEM[self.format],
            **more,
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """What is known of an export before it begins: how many addresses its format cannot show, and whether it has MD5 twins."""

    left_out: int
    has_md5_only: bool


def measure_export(export: Export) -> Extent:
    """Count what the format has to leave out (sealed or hash-only rows); reads no row that has an address."""
    asked = "" if export.since is None else export.fill(_ASKED)
    parameters = {} if export.since is None else {"since": export.since}
    ((left_out, md5_only),) = fetch_prepared(export.fill(_LEFT_OUT, asked=asked), parameters)
    return Extent(left_out, md5_only > 0)


def copy_statement(export: Export, extent: Extent) -> str:
    """The COPY of an export; `%(since)s` is its only parameter."""
    options = "(FORMAT csv, HEADER)" if export.format == DownloadFormat.CSV else ""
    return f"COPY ({_query(export, extent)}) TO STDOUT {options}"


def count_export(export: Export) -> int:
    """How many rows the export has."""
    parameters = {} if export.since is None else {"since": export.since}
    query = _query(export, measure_export(export))
    ((rows,),) = fetch(f"SELECT count(*) FROM ({query}) q", parameters)  # noqa: S608 -- made of constants and numbers
    return int(rows)


def _query(export: Export, extent: Extent) -> str:
    columns = _ITEM[export.format]
    if export.format == DownloadFormat.CSV:
        columns = _CSV_COLUMNS % ("s.address" if export.is_raw else spreadsheet_safe("s.address"))
    if export.since is not None:
        return export.fill(_SINCE, columns=columns)
    needs_twin = export.format == DownloadFormat.MD5 and extent.has_md5_only
    no_twin = export.fill(_NO_TWIN) if needs_twin else ""
    query = export.fill(_WHOLE, columns=columns, no_twin=no_twin)
    if export.list_id != export.do_not_mail_id:
        query += export.fill(_APPENDED, columns=columns, no_twin=no_twin)
    return query


def stream_export(export: Export, extent: Extent) -> Generator[bytes]:
    """The export as chunks of whole lines, about CHUNK bytes each; for the rest see `copy_out`."""
    parameters: dict[str, Any] = {} if export.since is None else {"since": export.since}
    yield from copy_out(copy_statement(export, extent), parameters, CHUNK)
