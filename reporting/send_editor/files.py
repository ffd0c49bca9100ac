"""The recipients' file: each number with its own opt-out link, and the text as it gets it, as csv (S3.6).

Read batch by batch, so memory stays flat; whoever opts out while the file is written is left out of what is still to come.
"""

import csv
import io
import logging
import re
import socket
from collections.abc import Generator
from contextlib import closing

from django.db import DatabaseError, InterfaceError

from lists.audit import record_audit
from lists.lookup import ListSnapshot, snapshot
from lists.models import List, User
from optout.long_answers import LongAnswer
from optout.short_links import short_urls
from optout.slots import Slot
from reporting.send_editor.recipients import read_recipients
from reporting.send_editor.texts import fill

BATCH = 2_000  # places on the list that are looked at together

# As exports.spreadsheet_safe has it: what a spreadsheet would run or swallow. The other columns are ours.
_UNSAFE = re.compile("[-=+@'＝＋－＠\t\r\n]")
_LINK = "\x00"  # in its place while a line is made: no text has it

logger = logging.getLogger(__name__)


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


class RecipientsFile(LongAnswer):
    """The body of such a file while it runs. Ends, whatever happens, with how many rows went out in the audit log."""

    def __init__(
        self,
        optout_list: List,
        text: str,
        slot: Slot,
        client: socket.socket | None,
        *,
        actor: User | None,
        key_id: int | None = None,
    ) -> None:
        super().__init__(
            self._counted(stream_recipients(snapshot(optout_list), text)), slot, client
        )
        self._optout_list = optout_list
        self._actor = actor
        self._by = {} if key_id is None else {"key": key_id}
        self._lines_each = 1 + text.count("\n")
        self._lines = 0
        self._is_closed = False

    def _counted(self, pieces: Generator[bytes]) -> Generator[bytes]:
        with closing(pieces):
            for piece in pieces:
                self._lines += piece.count(b"\n")
                yield piece

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        super().close()
        try:
            record_audit(
                "finish_recipients_download",
                actor=self._actor,
                realm=self._optout_list.realm,
                optout_list=self._optout_list,
                rows=max(0, self._lines - 1) // self._lines_each,
                complete=self.is_complete,
                **self._by,
            )
        except (DatabaseError, InterfaceError):
            # The answer is over; that it began stands there already.
            logger.exception("The end of a download could not be written down.")
