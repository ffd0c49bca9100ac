"""Coming back: a recipient's own confirmation ends their suppressions and puts them on a list again (S2.2).

By the button that the join form's mail leads to, and by the preference page.
"""

from datetime import datetime
from enum import Enum

from lists.lookup import ListSnapshot
from lists.networks import IpAddress
from optout.addresses import Address
from optout.choices import Channel
from optout.evidence import Evidence


class Joined(Enum):
    """What became of a confirmation."""

    JOINED = "joined"
    ALREADY = "already"  # on the list and not suppressed: nothing was to be done
    OPTED_OUT_SINCE = "opted out since"  # after it was asked for: nothing was done


def join_list(
    optout_list: ListSnapshot,
    address: Address,
    *,
    asked_at: datetime,
    channel: Channel,
    language: str,
    wording: str,
    asked_ip: IpAddress | str | None,
    evidence: Evidence,
    now: datetime,
) -> Joined:
    """Put an address on a list because its owner confirmed that they want it; what became of it."""
    raise NotImplementedError
