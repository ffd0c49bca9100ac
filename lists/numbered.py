"""A realm's lists as its scripts know them: by number."""

from typing import NamedTuple

from lists.prepared import fetch_prepared

_FIND = """
SELECT number, name, description FROM lists_list WHERE realm_id = %s AND kind <> 'global' ORDER BY number
"""


class NumberedList(NamedTuple):
    """A list, and what its owner calls it."""

    number: int
    name: str
    description: str


def numbered_lists(realm_id: int) -> list[NumberedList]:
    """The realm's lists by number; closed ones too, whose opt-outs still hold; not Do Not Mail, which nobody sends to."""
    return [NumberedList(*row) for row in fetch_prepared(_FIND, (realm_id,))]
