"""Rows that all tests of a module or class may read: made once, where making them takes longer than a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker


@contextmanager
def kept_rows(blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture of that scope, which also asks for `django_db_setup`: what is made within is there until its end.

    Each test takes back what it changed, and nothing is ever committed: no test beside these may need a real transaction.
    """
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
