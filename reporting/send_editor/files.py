"""The recipients' file: each number with its own opt-out link, and the text as it gets it, as csv (S3.6).

Read batch by batch, so memory stays flat; whoever opts out while the file is written is left out of what is still to come.
"""

import csv
import io
import re
from collections.abc import Generator

from lists.lookup import ListSnapshot
from optout.short_links import short_urls
from reporting.send_editor.recipients import read_recipients
from reporting.send_editor.texts import fill

BATCH = 5_000  # places on the list that are looked at together

# As exports.spreadsheet_safe has it: what a spreadsheet would run or swallow. The other columns are ours.
_UNSAFE = re.compile("[-=+@'＝＋－＠\t\r\n]")
_LINK = "\x00"  # in its place while a line is made: no text has it


def stream_recipients(optout_list: ListSnapshot, text: str = "") -> Generator[bytes]:
    """The file in pieces of whole lines: `phone,link`, and `text` where there is one (checked, with its placeholder)."""
    rest = _rest_of_line(text)
    is_own = _LINK in rest  # else it is the same for everybody
    yield b"phone,link,text\n" if text else b"phone,link\n"
    after: bytes | None = b""
    while after is not None:
        batch, after = read_recipients(optout_list, after, BATCH)
        numbers = [each.number for each in batch]
        links = short_urls(optout_list.id, numbers)
        if numbers:
            yield "".join(
                f"{number},{link}{rest.replace(_LINK, link) if is_own else rest}"
                for number, link in zip(numbers, links, strict=True)
            ).encode()


def _rest_of_line(text: str) -> str:
    """What comes after number and link, with _LINK where the text has the link."""
    if not text:
        return "\n"
    cell = fill(text, _LINK)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow([f"'{cell}" if _UNSAFE.match(cell) else cell])
    return f",{written.getvalue()}"
