"""A question that a person in the portal or a script asks may not keep the database busy for long."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class TookTooLongError(Exception):
    """The database was stopped before it had the answer: there is no answer, not an empty one."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let each statement within run for that long; then raise TookTooLongError. One query more."""
    try:
        with transaction.atomic(savepoint=False):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))]
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLongError from error
        raise
