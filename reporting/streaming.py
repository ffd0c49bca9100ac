"""The body of a download while it runs, and what became of it."""

import logging
import socket
import zlib
from collections.abc import Generator
from contextlib import closing

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from optout.long_answers import LongAnswer
from optout.slots import Slot
from reporting.models.downloads import Download, DownloadOutcome

_GZIP_LEVEL = 1  # hashes hardly shrink further, whatever it costs

logger = logging.getLogger(__name__)


class LoggedStream(LongAnswer):
    """The body of a download. Ends, whatever happens, with its outcome in the access log.

    Memory stays flat: one chunk. `client` is the client's socket where the server lends it.
    """

    def __init__(
        self,
        download: Download,
        chunks: Generator[bytes],
        slot: Slot,
        *,
        has_header: bool,
        gzip: bool,
        client: socket.socket | None,
    ) -> None:
        super().__init__(self._pack(chunks, gzip=gzip), slot, client)
        self._download = download
        self._has_header = has_header
        self._lines = 0
        self._is_closed = False

    def _pack(self, chunks: Generator[bytes], *, gzip: bool) -> Generator[bytes]:
        """The chunks, counted, and packed if so wished."""
        packer = zlib.compressobj(_GZIP_LEVEL, wbits=31) if gzip else None
        with closing(chunks):
            for chunk in chunks:
                self._lines += chunk.count(b"\n")
                packed = packer.compress(chunk) if packer else chunk
                if packed:
                    yield packed
        if packer:
            yield packer.flush()

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            super().close()
            self._write_down()
        except (DatabaseError, InterfaceError):
            # The answer is over; the entry stays "started", which is true as well.
            logger.exception("The outcome of a download could not be written down.")

    def _write_down(self) -> None:
        rows = max(self._lines - self._has_header, 0)
        outcome = DownloadOutcome.COMPLETE if self.is_complete else DownloadOutcome.BROKEN_OFF
        Download.objects.filter(pk=self._download.pk).update(
            outcome=outcome, rows=rows, finished_at=timezone.now()
        )
