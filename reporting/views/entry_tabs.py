"""The two looks at who left a list: one by one, and why."""

from django.urls import reverse
from django.utils.translation import gettext as _

from lists.access import OpenedList
from lists.views.context import Tab


def entry_tabs(opened: OpenedList, current: str) -> list[Tab]:
    """The tabs below Entries; `current` is the url name of the one that is open."""
    named = ((_("Every opt-out"), "list_entries"), (_("Reasons"), "list_reasons"))
    public_id = opened.optout_list.public_id
    return [Tab(label, reverse(name, args=[public_id]), name == current) for label, name in named]
