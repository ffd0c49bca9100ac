"""What PostgreSQL has and Django's fields do not say."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Xid8Field(models.Field):  # type: ignore[type-arg]
    """`xid8`: the number of a transaction, never reused. Filled in by the database."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "xid8"

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else str(value)

    def from_db_value(self, value: Any, *_: Any) -> int | None:
        return None if value is None else int(value)


class NextVal(models.Func):
    """The next number of a sequence, as a column's default."""

    function = "nextval"
    template = "%(function)s('%(sequence)s')"
    arity = 0

    def __init__(self, sequence: str = "", **extra: Any) -> None:
        super().__init__(output_field=models.BigIntegerField(), sequence=sequence, **extra)


class CurrentXid(models.Func):
    """The number of the running transaction."""

    function = "pg_current_xact_id"
    arity = 0

    def __init__(self, **extra: Any) -> None:
        super().__init__(output_field=Xid8Field(), **extra)
