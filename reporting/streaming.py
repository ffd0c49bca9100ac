"""The body of a download while it runs: its place, its deadline, and what became of it."""

import logging
import socket
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from time import monotonic

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from optout.places import DEADLINE, DeadlineError, Place
from reporting.models.downloads import Download, DownloadOutcome

_GZIP_LEVEL = 1  # hashes hardly shrink further, whatever it costs

logger = logging.getLogger(__name__)


class LoggedStream:
    """The body of a download. Ends, whatever happens, with its place given back and its outcome in the access log.

    Memory stays flat: one chunk. `close` is called by the server, also when the client went away before the first byte.
    `socket` is the client's where the server lends it: only there can a client be dropped that reads nothing at all.
    """

    def __init__(
        self,
        download: Download,
        chunks: Generator[bytes],
        place: Place,
        *,
        has_header: bool,
        gzip: bool,
        socket: socket.socket | None,
    ) -> None:
        self._download = download
        self._chunks = chunks
        self._place = place
        self._has_header = has_header
        self._packer = zlib.compressobj(_GZIP_LEVEL, wbits=31) if gzip else None
        self._socket = socket
        self._ends_at = monotonic() + DEADLINE.total_seconds()
        self._lines = 0
        self._is_complete = False
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        """The chunks. Raises DeadlineError."""
        for chunk in self._chunks:
            self._keep_deadline()
            self._lines += chunk.count(b"\n")
            packed = self._packer.compress(chunk) if self._packer else chunk
            if packed:
                yield packed
        self._keep_deadline()
        if self._packer:
            yield self._packer.flush()
        self._is_complete = True

    def _keep_deadline(self) -> None:
        """Let the client take what is sent next until the deadline; then the server's own write fails."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise DeadlineError
        if self._socket is not None:
            self._socket.settimeout(left)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._place.give_back()
        if self._socket is not None:
            with suppress(OSError):  # the client may be gone
                self._socket.settimeout(None)
        try:
            self._chunks.close()
            self._write_down()
        except (DatabaseError, InterfaceError):
            # The answer is over; the entry stays "started", which is true as well.
            logger.exception("The outcome of a download could not be written down.")

    def _write_down(self) -> None:
        rows = max(self._lines - self._has_header, 0)
        outcome = DownloadOutcome.COMPLETE if self._is_complete else DownloadOutcome.BROKEN_OFF
        Download.objects.filter(pk=self._download.pk).update(
            outcome=outcome, rows=rows, finished_at=timezone.now()
        )
