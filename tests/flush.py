"""Emptying the database after a test with real transactions: a few milliseconds instead of Django's flush, which takes fifty.

That truncates each table, whether or not it has rows, and then makes all content types and permissions anew.
"""

from functools import cache
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import TransactionTestCase

# Made by migrations from the models; no test writes them.
_KEPT = {"django_content_type", "auth_permission"}
# The worker's queue, of which Django knows only how to read it. What goes in order: the first names the second.
_QUEUE = ("procrastinate_periodic_defers", "procrastinate_jobs")
# Bytes of a table. What a bigger one leaves behind when its rows are deleted would slow the tests after it down.
_SMALL = 500_000


def flush_cheaply(self: TransactionTestCase, **_: Any) -> None:
    """Instead of TransactionTestCase._fixture_teardown."""
    with connection.cursor() as cursor:
        cursor.execute(_question())
        found = dict(cursor.fetchall())
    if any(size > _SMALL for size in found.values()):
        call_command("flush", verbosity=0, interactive=False)
        found = {table: 0 for table in _QUEUE if table in found}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in found:  # in any order: our foreign keys are checked at the end
            cursor.execute(f'DELETE FROM "{table}"')


def vacuum_now_and_then(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Between two files: remove the rows that tests took back.

    The server does not do it by itself: it would disturb those who count its transactions. After some thousand tests a table
    without a row is megabytes, and each question that reads it whole takes ten times as long.
    """
    is_between = nextitem is None or nextitem.path != item.path
    if not is_between or connection.connection is None or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND pg_relation_size(oid) > 100000"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'VACUUM "{table}"')


@cache
def _question() -> str:
    """Which tables have rows, and how big those are."""
    tables = set(connection.introspection.django_table_names(include_views=False)) - _KEPT
    return " UNION ALL ".join(
        f"SELECT '{table}', pg_table_size('\"{table}\"') WHERE EXISTS (SELECT FROM \"{table}\")"
        for table in (*_QUEUE, *sorted(tables))
    )
