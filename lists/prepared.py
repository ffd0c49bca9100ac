"""Statements of the hot paths: prepared on the server, one round trip.

Django's cursor sends each statement as text, which PostgreSQL parses and plans anew: for the opt-out statement that is longer
than running it. This goes to the driver's own connection instead, and is still seen by Django's query counting.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection
from psycopg.rows import tuple_row


def fetch_prepared(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """Run one statement with `%s` or `%(name)s` parameters and give back its rows (none for a statement without a result).

    Outside a transaction it commits by itself. Errors are Django's `django.db` errors.
    """
    connection.ensure_connection()
    started = time.monotonic()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection, row_factory=tuple_row) as cursor,
    ):
        cursor.execute(statement, parameters, prepare=True)
        rows = cursor.fetchall() if cursor.description else []
    if connection.queries_logged:
        connection.queries_log.append(
            {"sql": statement, "time": f"{time.monotonic() - started:.3f}"}
        )
    return rows
