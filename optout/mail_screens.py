"""The states of the join form and of the form that asks for a link, for their owner's preview (pages.md)."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from lists.lookup import ListSnapshot
from optout.addresses import mask
from optout.consent_words import consent_label
from optout.languages import Reading

STATES = ("join", "join-sent", "join-confirm", "joined", "ask", "ask-sent")


def samples(
    optout_list: ListSnapshot, reading: Reading, address: str
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each of STATES as its template and what it says of a sample address. Its links lead nowhere."""
    since = {"since": timezone.now() - timedelta(days=30), "all_stopped": optout_list.is_global}
    return {
        "join": ("join", {"token": "", "consent": consent_label(optout_list, reading)}),
        "join-sent": ("mail_sent", {}),
        "join-confirm": ("join_confirm", {"address": mask(address), "token": "", **since}),
        "joined": ("joined", {"address": mask(address), "preferences": "#"}),
        "ask": ("ask", {"token": ""}),
        "ask-sent": ("mail_sent", {}),
    }
