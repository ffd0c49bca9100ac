"""A list's name, description and frequency in its default language are columns; in other languages they are JSON (S0.8).

So another default language moves them: each reader goes on reading what they read, and what is edited next is what is read.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lists.choices import TextKind
from lists.models import List, Realm

COLUMNS = (TextKind.NAME, TextKind.DESCRIPTION, TextKind.FREQUENCY)
_AT_ONCE = 500  # lists


def moved_texts(
    optout_list: List, values: Mapping[str, Any], before: str, after: str
) -> dict[str, Any]:
    """`values` with the list's columns in the language `after`, as far as they are written in it.

    What stood in the columns stays what readers of `before` read. Fields that `values` does not name are the list's.
    """
    moved = dict(values)
    if before == after:
        return moved
    own_texts = deepcopy(values.get("own_texts", optout_list.own_texts))
    for kind in COLUMNS:
        texts = own_texts.setdefault(kind, {})
        column = values.get(kind, getattr(optout_list, kind))
        if column and not (optout_list.is_global and kind == TextKind.NAME):
            texts[before] = column
        else:
            texts.pop(before, None)
        moved[kind] = texts.pop(after, "") or column
    moved["own_texts"] = {kind: texts for kind, texts in own_texts.items() if texts}
    return moved


def move_texts_of_lists(realm: Realm, language: str) -> None:
    """Move the texts of the realm's lists without a default language of their own: it will be this one.

    In the caller's transaction, before the realm is saved. The realm's row is locked, then the lists'.
    """
    before = Realm.objects.select_for_update(no_key=True).get(pk=realm.pk).default_language
    if before == language:
        return
    lists = list(
        List.objects.filter(realm=realm, default_language="")
        .select_for_update(no_key=True)
        .order_by("pk")
    )
    for each in lists:
        for name, value in moved_texts(each, {}, before, language).items():
            setattr(each, name, value)
    List.objects.bulk_update(lists, (*COLUMNS, "own_texts"), batch_size=_AT_ONCE)
