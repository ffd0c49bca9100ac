"""Statements of the hot paths: prepared on the server, one round trip.

Django's cursor sends each statement as text, which PostgreSQL parses and plans anew: for the opt-out statement that is longer
than running it. This goes to the driver's own connection instead, and is still seen by Django's query counting.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection
from psycopg.rows import tuple_row

_OURS = "heed_cursor"

Parameters = Sequence[Any] | Mapping[str, Any]


def fetch_prepared(statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """Run one statement with `%s` or `%(name)s` parameters and give back its rows (none for a statement without a result).

    The plan is made once for a connection and kept: for statements whose best plan does not depend on the parameters. Outside a
    transaction it commits by itself. Errors are Django's `django.db` errors.
    """
    return _fetch(statement, parameters, prepare=True)


def fetch(statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """The same for a statement whose best plan depends on the parameters, such as how long an array is."""
    return _fetch(statement, parameters, prepare=False)


def _fetch(statement: str, parameters: Parameters, *, prepare: bool) -> list[tuple[Any, ...]]:
    """Once more when the connection turns out to be dead: after a restart of the server every thread holds such a one.

    Safe although the first try may have been carried out: what comes here is atomic by itself and may be repeated.
    """
    try:
        return _execute(statement, parameters, prepare=prepare)
    except (OperationalError, InterfaceError):
        driver = connection.connection
        if connection.in_atomic_block or not (driver is None or driver.closed):
            raise
        connection.close()
        return _execute(statement, parameters, prepare=prepare)


def _execute(statement: str, parameters: Parameters, *, prepare: bool) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    driver = connection.connection
    if driver.prepare_threshold is None:  # Django's way of saying "never"; now: only when asked to
        driver.prepare_threshold = sys.maxsize
    started = time.monotonic()
    with connection.wrap_database_errors:
        cursor = _cursor_of(driver) if prepare else psycopg.Cursor(driver, row_factory=tuple_row)
        cursor.execute(statement, parameters, prepare=prepare)
        rows = cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
    if connection.queries_logged:
        connection.queries_log.append(
            {"sql": statement, "time": f"{time.monotonic() - started:.3f}"}
        )
    return rows


def _cursor_of(driver: psycopg.Connection[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """The one cursor of a connection for what is prepared: a new one costs as much as all else the driver does for a short
    statement. It keeps the last result, so long ones have cursors of their own.
    """
    cursor: psycopg.Cursor[tuple[Any, ...]] | None = getattr(driver, _OURS, None)
    if cursor is None:
        cursor = psycopg.Cursor(driver, row_factory=tuple_row)
        setattr(driver, _OURS, cursor)
    return cursor
