"""How many rows there are: a call that was refused must not have written any."""

from functools import cache

from django.apps import apps

from lists.prepared import fetch_prepared

# How often a key called is noted, whatever came of it.
NOTED = {"lists_callcount"}


def count_rows() -> dict[str, int]:
    """The rows of each of our tables, counted by one statement."""
    tables, statement = _question()
    (counts,) = fetch_prepared(statement)
    return dict(zip(tables, counts, strict=True))


@cache
def _question() -> tuple[list[str], str]:
    tables = sorted(
        {
            model._meta.db_table
            for model in apps.get_models()
            if model._meta.app_label in {"lists", "optout", "reporting"}
        }
        - NOTED
    )
    counts = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in tables)
    return tables, f"SELECT {counts}"
