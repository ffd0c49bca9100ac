"""A question that a person in the portal or a script asks may not keep the database busy for long."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class TookTooLongError(Exception):
    """The database was stopped before it had the answer: there is no answer, not an empty one."""


@contextmanager
def at_most(seconds: float, *, may_be_within: bool = False) -> Iterator[None]:
    """Let each statement within run for that long; then raise TookTooLongError. One query more.

    `may_be_within`: whether it may be asked in the middle of a transaction. That one then goes on, with the limit that it had,
    also after a statement that was stopped: for three queries more.
    """
    is_within = may_be_within and connection.in_atomic_block
    limit = str(max(1, int(seconds * 1000)))  # 0 would be none at all
    try:
        with transaction.atomic(savepoint=is_within):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)",
                    [limit],
                )
                before, _limit = cursor.fetchone()
            yield
            if is_within:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLongError from error
        raise
