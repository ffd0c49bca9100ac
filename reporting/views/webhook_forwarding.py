"""Where a list's opt-outs are forwarded to, in a line for its settings."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from lists.access import OpenedList
from reporting.models import WebhookEndpoint
from reporting.webhooks.reach import endpoints_of, is_within, reach_of

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The hosts that the person may know of, each once, and whether there are others that the realm's admins set up."""

    hosts: list[str]
    has_others: bool

    @property
    def words(self) -> str:
        """What follows "Its opt-outs are forwarded to"; nothing where they are not."""
        parts = self.hosts[:_SHOWN]
        if len(self.hosts) > _SHOWN:
            parts.append(_("%(count)d more") % {"count": len(self.hosts) - _SHOWN})
        if self.has_others:
            parts.append(
                _("elsewhere in the realm") if parts else _("where the realm’s admins chose")
            )
        if len(parts) < 2:
            return "".join(parts)
        return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def forwarding_of(opened: OpenedList) -> Forwarding:
    """Where the list's opt-outs go, switched-off endpoints left out: what a list's own callback gets, the default does not."""
    optout_list, reach = opened.optout_list, reach_of(opened.standing)
    endpoints = list(endpoints_of(opened.standing.realm, None))
    has_own = any(each.is_callback and each.list_ids == [optout_list.pk] for each in endpoints)

    def is_told(each: WebhookEndpoint) -> bool:
        if not each.is_on or (has_own and each.is_callback and each.list_ids is None):
            return False
        return optout_list.is_global or each.list_ids is None or optout_list.pk in each.list_ids

    told = [each for each in endpoints if is_told(each)]
    known = [each for each in told if is_within(each.list_ids, reach)]
    hosts = dict.fromkeys(urlsplit(each.url).netloc for each in known)
    return Forwarding(list(hosts), len(known) < len(told))
