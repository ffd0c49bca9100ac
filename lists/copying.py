"""COPY out: one statement read as a stream of large pieces (architecture.md, "Bulk")."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import psycopg
from django.db import connection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

PIECE = 256 * 1024  # bytes; each row by itself costs seven times as much


def copy_out(
    statement: str, parameters: Mapping[str, Any] | None = None, size: int = PIECE
) -> Generator[bytes]:
    """The lines of a `COPY … TO STDOUT` as pieces of whole lines, about `size` bytes each; memory stays flat.

    One statement, so one snapshot of the data, and no transaction around it. The connection is busy until the iterator ends or
    is closed; closing it early cancels the statement. Errors are `django.db` errors.
    """
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        psycopg.ClientCursor(connection.connection) as cursor,
        cursor.copy(statement.encode(), parameters or None) as copy,
    ):
        yield from _coalesce(copy, cursor.connection.pgconn, size)


def _coalesce(copy: psycopg.Copy, server: PGconn, size: int) -> Iterator[bytes]:
    """Join the rows of a COPY to pieces.

    The driver's own loop takes three times as long as the server needs for a row. So it only waits for data; what has arrived is
    taken straight from libpq. (Collecting the rows in a list and joining them takes twice as long as this.)
    """
    take = server.get_copy_data
    buffer = bytearray()
    while row := copy.read():
        count = len(row)
        while count > 0:
            buffer += row
            if len(buffer) >= size:
                yield bytes(buffer)
                buffer.clear()
            count, row = take(1)
        if count < 0:
            _finish(server)
            break
    if buffer:
        yield bytes(buffer)


def _finish(server: PGconn) -> None:
    """Take the result of a COPY whose data has all been read; raises the error that ended it early.

    To the last one, so that the connection is free again.
    """
    failed: PGresult | None = None
    while (result := server.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            failed = failed or result
    if failed is not None:
        raise psycopg.errors.error_from_result(failed)
