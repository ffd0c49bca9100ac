"""Migrations of every app: what they may do to tables that are full, while a service goes on recording."""

from collections.abc import Iterator

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.migrations import AddField, AddIndex, CreateModel, Migration
from django.db.migrations.loader import MigrationLoader

OURS = {"lists", "optout", "reporting"}
AGREED = {"contact_by_address"}  # the migration says why


def ours() -> Iterator[Migration]:
    migrations = MigrationLoader(None).disk_migrations.values()
    yield from (each for each in migrations if each.app_label in OURS)


def locking(migration: Migration) -> Iterator[str]:
    """The indexes that it makes at one go, of tables that were there before: nobody can write to those meanwhile."""
    new = {each.name.lower() for each in migration.operations if isinstance(each, CreateModel)}
    for each in migration.operations:
        if isinstance(each, AddIndex) and not isinstance(each, AddIndexConcurrently):
            name = each.index.name
        elif isinstance(each, AddField) and isinstance(each.field, models.ForeignKey):
            is_indexed = each.field.db_index  # type: ignore[attr-defined]  # the stubs have only the parameter
            name = each.name if is_indexed else ""
        else:
            continue
        if name and each.model_name.lower() not in new:
            yield name


@pytest.mark.parametrize("migration", list(ours()), ids=str)
def test_an_index_of_a_full_table_is_made_while_it_is_written_to(migration: Migration) -> None:
    assert set(locking(migration)) <= AGREED
