"""The two sides of a list's contacts: who is on it, and how people put themselves there."""

from django.urls import reverse
from django.utils.translation import gettext as _

from lists.access import OpenedList
from lists.views.context import Tab


def contact_tabs(opened: OpenedList, current: str) -> list[Tab]:
    """The tabs below Contacts; `current` is the url name of the one that is open. Do Not Mail, where nobody is, has none."""
    if opened.optout_list.is_global:
        return []
    named = ((_("On this list"), "list_contacts"), (_("Join My Mailing List"), "list_join"))
    public_id = opened.optout_list.public_id
    return [Tab(label, reverse(name, args=[public_id]), name == current) for label, name in named]
