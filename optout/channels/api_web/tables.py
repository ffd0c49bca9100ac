"""Rows as scripts read them: plain lines, csv, or xml. No line end at the end, and nothing at all for no rows."""

import csv
import html
import io
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from optout.channels.api_web.command import Command
from optout.channels.api_web.lines import CommandError


class Layout(StrEnum):
    """The ways to write rows, by the names that `output_format` has for them."""

    PLAIN = "plain"
    CSV = "csv"
    CSV_TAB = "csv_tab"
    CSV_PIPE = "csv_pipe"
    XML = "xml"


DELIMITERS = {Layout.CSV: ",", Layout.CSV_TAB: "\t", Layout.CSV_PIPE: "|"}

# What would end a line, or what xml cannot hold.
_NOT_IN_CELL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Table:
    """What to write. Plain lines have the first `plain` columns alone; in xml each row is an `element`, in which `details`
    (ready xml, one for each row) follow the columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    plain: int
    element: str = "subscriber"
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a script wants rows: the layout, and whether the names of the columns come first."""

    layout: Layout
    headers: bool


def read_wanted(command: Command, default: Layout = Layout.PLAIN) -> Wanted:
    """From `output_format` (or the older `csv=1`) and `headers`. Raises CommandError."""
    text = command.text("output_format") or ("csv" if command.flag("csv") else default)
    try:
        layout = Layout(text)
    except ValueError:
        names = "plain, csv, csv_tab, csv_pipe or xml"
        raise CommandError(f"The parameter output_format must be {names}") from None
    return Wanted(layout, command.flag("headers"))


def write_table(table: Table, wanted: Wanted) -> str:
    """The rows in that layout."""
    if not table.rows:
        return ""
    if wanted.layout == Layout.XML:
        return f"<data>{_records(table)}</data>"
    head = [table.columns] if wanted.headers else []
    rows = [[clean(cell) for cell in row] for row in (*head, *table.rows)]
    if wanted.layout == Layout.PLAIN:
        return "\n".join(" ".join(filter(None, row[: table.plain])) for row in rows)
    written = io.StringIO()
    csv.writer(written, delimiter=DELIMITERS[wanted.layout], lineterminator="\n").writerows(rows)
    return written.getvalue().removesuffix("\n")


def stream_lines(pieces: Generator[bytes], header: str) -> Generator[bytes]:
    """Pieces of whole lines without the last line end, and with a header line before them, unless it is empty."""
    before = f"{header}\n".encode() if header else b""
    with closing(pieces):
        for piece in pieces:
            yield before + piece.removesuffix(b"\n")
            before = b"\n"


def stream_xml(pieces: Generator[bytes], columns: Sequence[str]) -> Generator[bytes]:
    """Pieces of a csv with these columns, as one xml document."""
    before = b"<data>"
    with closing(pieces):
        for piece in pieces:
            rows = list(csv.reader(io.StringIO(piece.decode(), newline="")))
            yield before + _records(Table(columns, rows, 0)).encode()
            before = b""
    if not before:
        yield b"</data>"


def element(name: str, text: str) -> str:
    """One xml element; a name that xml does not allow is made to fit."""
    name = _NOT_IN_NAME.sub("_", name)
    return f"<{name}>{html.escape(clean(text), quote=False)}</{name}>"


def clean(text: str) -> str:
    """`text` as it fits into a line: what would end it becomes a space."""
    return _NOT_IN_CELL.sub(" ", text)


def _records(table: Table) -> str:
    details = table.details or [""] * len(table.rows)
    records = []
    for row, detail in zip(table.rows, details, strict=True):
        cells = "".join(map(element, table.columns, row))
        records.append(f"<{table.element}>{cells}{detail}</{table.element}>")
    return "".join(records)
