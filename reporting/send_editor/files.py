"""The recipients' file: each number with its own opt-out link, and the text as it gets it, as csv (S3.6).

Read batch by batch, so memory stays flat; whoever opts out while the file is written is left out of what is still to come.
"""

import csv
import io
import logging
import socket
from collections.abc import Generator
from contextlib import closing

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, StreamingHttpResponse

from lists.audit import record_audit
from lists.lookup import ListSnapshot, snapshot
from lists.models import List, User
from optout.long_answers import LongAnswer
from optout.short_links import short_urls
from optout.slots import Slot, slots
from reporting.exports import spreadsheet_safe_text
from reporting.send_editor.recipients import read_recipients
from reporting.send_editor.texts import fill

BATCH = 2_000  # places on the list that are looked at together

_LINK = "\x00"  # in its place while a line is made: no text has it

logger = logging.getLogger(__name__)


def stream_recipients(
    optout_list: ListSnapshot, text: str = "", *, is_raw: bool = False
) -> Generator[bytes]:
    """The file in pieces of whole lines: `phone,link`, and `text` where there is one (checked, with its placeholder).

    `is_raw`: with the text as it is, for a program; else so that a spreadsheet may open it (AT-23).
    """
    for piece, _rows in _pieces(optout_list, text, is_raw=is_raw):
        yield piece


class RecipientsFile:
    """One such file, from the entry in the audit log that it was begun to the one how many recipients it has."""

    def __init__(
        self,
        optout_list: List,
        text: str,
        *,
        is_raw: bool = False,
        actor: User | None,
        key_id: int | None = None,
    ) -> None:
        self.rows = 0
        self._optout_list, self._text, self._is_raw = optout_list, text, is_raw
        self._actor = actor
        self._by = {} if key_id is None else {"key": key_id}
        self._record("download_recipients")

    def pieces(self) -> Generator[bytes]:
        """It, in pieces of whole lines; `rows` counts along."""
        with closing(
            _pieces(snapshot(self._optout_list), self._text, is_raw=self._is_raw)
        ) as pieces:
            for piece, rows in pieces:
                self.rows += rows
                yield piece

    def finish(self, *, is_complete: bool) -> None:
        """Write down how it ended."""
        try:
            self._record("finish_recipients_download", rows=self.rows, complete=is_complete)
        except (DatabaseError, InterfaceError):
            # The file is over; that it was begun stands there already.
            logger.exception("The end of a download could not be written down.")

    def _record(self, action: str, **detail: int) -> None:
        record_audit(
            action,
            actor=self._actor,
            realm=self._optout_list.realm,
            optout_list=self._optout_list,
            **detail,
            **self._by,
        )


class RecipientsAnswer(LongAnswer):
    """The body of an answer with such a file. Ends, whatever happens, in the audit log."""

    def __init__(self, file: RecipientsFile, slot: Slot, client: socket.socket | None) -> None:
        super().__init__(file.pieces(), slot, client)
        self._file = file
        self._is_closed = False

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        super().close()
        self._file.finish(is_complete=self.is_complete)


def answer_with_recipients(
    request: HttpRequest,
    optout_list: List,
    text: str = "",
    *,
    is_raw: bool = False,
    actor: User | None = None,
    key_id: int | None = None,
) -> StreamingHttpResponse | None:
    """The file as an answer, one at a time for each person and each key; None where it has to wait for another one.

    HEAD gets the headers alone.
    """
    response: StreamingHttpResponse
    if request.method == "HEAD":  # a plain answer would claim the length 0
        response = StreamingHttpResponse(())
    else:
        slot = slots.take(f"API key {key_id}" if actor is None else f"user {actor.pk}")
        if slot is None:
            return None
        try:
            file = RecipientsFile(optout_list, text, is_raw=is_raw, actor=actor, key_id=key_id)
            client = request.META.get("gunicorn.socket")
            response = StreamingHttpResponse(RecipientsAnswer(file, slot, client))
        except BaseException:
            slot.give_back()
            raise
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    name = f"recipients-{optout_list.number}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(optout_list: ListSnapshot, text: str, *, is_raw: bool) -> Generator[tuple[bytes, int]]:
    """The pieces, each with how many recipients are in it."""
    rest = _rest_of_line(text, is_raw=is_raw)
    is_own = _LINK in rest  # else it is the same for everybody
    yield b"phone,link,text\n" if text else b"phone,link\n", 0
    after: bytes | None = b""
    while after is not None:
        batch, after = read_recipients(optout_list, after, BATCH)
        numbers = [each.number for each in batch]
        links = short_urls(optout_list.id, numbers)
        if numbers:
            piece = "".join(
                f"{number},{link}{rest.replace(_LINK, link) if is_own else rest}"
                for number, link in zip(numbers, links, strict=True)
            )
            yield piece.encode(), len(numbers)


def _rest_of_line(text: str, *, is_raw: bool) -> str:
    """What comes after number and link, with _LINK where the text has the link."""
    if not text:
        return "\n"
    cell = fill(text, _LINK)
    if not is_raw:  # the other columns are ours
        cell = spreadsheet_safe_text(cell)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow([cell])
    return f",{written.getvalue()}"
