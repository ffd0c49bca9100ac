"""What waits in a list's quarantine, and which networks are blocked, as the owner's screen shows it (S0.12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from django.db.models import Q

from lists.models import List
from lists.networks import UNKNOWN_NETWORK
from lists.prepared import fetch_prepared
from optout.choices import RefusalCause, Verdict
from optout.models import QuarantinedOptOut
from optout.quarantine import ACCEPTED_AFTER, WAITS_FOR_OWNER

MOST_GROUPS = 100
SAMPLES = 5

# The same network as the limits count by: an IPv4 address, or the /64 of an IPv6 address.
# Text messages are looked at one by one (quarantine_texts.py): the network is their gateway's.
_GROUPS = f"""
SELECT
    coalesce(text(network(set_masklen(ip, CASE family(ip) WHEN 4 THEN 32 ELSE 64 END))), %(unknown)s) AS network,
    cause, count(*), sum(requests)::bigint, min(refused_at), max(refused_at), max(last_refused_at),
    (array_agg(address ORDER BY last_refused_at DESC))[:%(samples)s], (array_agg(agent))[1],
    -- as `has_come_back` selects them: they are not accepted by themselves
    count(*) FILTER (WHERE %(is_global)s AND EXISTS (
        SELECT FROM lists_list l JOIN optout_consent c ON c.optout_list_id = l.id
        WHERE l.realm_id = %(realm)s AND c.digest = q.digest AND c.confirmed_at > q.last_refused_at
    )),
    (sum(count(*)) OVER ())::bigint  -- of all groups, before the LIMIT
FROM optout_quarantinedoptout q
WHERE optout_list_id = %(list)s AND verdict = 1 AND cause <> {RefusalCause.UNCLEAR_TEXT:d}
GROUP BY 1, 2
ORDER BY max(last_refused_at) DESC, 1, 2
LIMIT %(most)s
"""  # noqa: S608  a constant of ours

_BLOCKED = """
SELECT network, max(blocked_until), max(blocked_at), max(strikes), sum(refused)::bigint
FROM optout_limitcounter
WHERE optout_list_id = %(list)s AND blocked_until > %(now)s
GROUP BY network
ORDER BY 2 DESC, 1
LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """Refused opt-outs from one network for one cause. `network` is CIDR; `samples` the last few addresses in clear.

    `newest_at` is when the newest address came, `last_at` when any of them was refused last.
    """

    network: str
    cause: RefusalCause
    addresses: int
    requests: int
    first_at: datetime
    newest_at: datetime
    last_at: datetime
    samples: Sequence[str]
    agent: str
    come_back: int = 0  # of them, those whose recipient has said yes to a list since

    @property
    def value(self) -> str:
        """What the group is called in a form: as it is shown now, without what comes later."""
        return f"{self.network}|{self.cause.value}|{self.newest_at.isoformat()}"

    @property
    def shown_network(self) -> str:
        return shown_network(self.network)

    @property
    def can_be_allowed(self) -> bool:
        """Whether its network can go on the whitelist."""
        return self.network != UNKNOWN_NETWORK

    @property
    def accepted_at(self) -> datetime | None:
        """When it begins to be accepted by itself; None if it waits for the owner."""
        return None if self.cause in WAITS_FOR_OWNER else self.first_at + ACCEPTED_AFTER


@dataclass(frozen=True, slots=True)
class ChosenGroup:
    """A group as somebody saw it and decides about it: `until` is when its newest address had come."""

    network: str
    cause: RefusalCause
    until: datetime


@dataclass(frozen=True, slots=True)
class BlockedNetwork:
    """A network whose unsigned opt-outs are refused until then."""

    network: str
    until: datetime
    since: datetime
    strikes: int
    refused: int

    @property
    def shown_network(self) -> str:
        return shown_network(self.network)

    @property
    def can_be_allowed(self) -> bool:
        return self.network != UNKNOWN_NETWORK


def waiting_groups(optout_list: List) -> tuple[list[WaitingGroup], int]:
    """What waits, by network and cause, the latest first, at most MOST_GROUPS; and how many addresses wait, shown or not. One
    query."""
    rows = fetch_prepared(
        _GROUPS,
        {
            "list": optout_list.pk,
            "realm": optout_list.realm_id,
            "is_global": optout_list.is_global,
            "unknown": UNKNOWN_NETWORK,
            "samples": SAMPLES,
            "most": MOST_GROUPS,
        },
    )
    groups = [
        WaitingGroup(network, known, *rest)
        for network, cause, *rest, _ in rows
        if (known := RefusalCause.find(cause))  # else it waits for the release that keeps such
    ]
    return groups, rows[0][-1] if rows else 0


def is_waiting(optout_list: List, group: ChosenGroup) -> bool:
    """Whether anything of that network and cause waits, also what came after it was chosen. One query."""
    return QuarantinedOptOut.objects.filter(
        from_network(group.network),
        optout_list=optout_list,
        cause=group.cause,
        verdict=Verdict.WAITING,
    ).exists()


def blocked_networks(optout_list: List, now: datetime) -> list[BlockedNetwork]:
    """The networks that are blocked now, the longest first. One query."""
    rows = fetch_prepared(_BLOCKED, {"list": optout_list.pk, "now": now, "most": MOST_GROUPS})
    return [BlockedNetwork(*row) for row in rows]


def shown_network(network: str) -> str:
    """A network as people read it: a single address without its prefix."""
    if network == UNKNOWN_NETWORK:
        return "Unknown IP"
    return network.removesuffix("/32") if ":" not in network else network.removesuffix("/128")


def from_network(network: str) -> Q:
    """Selects the quarantined opt-outs of a network (CIDR). Raises ValueError for anything else."""
    if network == UNKNOWN_NETWORK:
        return Q(ip=None)
    parsed = ip_network(network)
    return Q(ip__gte=str(parsed[0]), ip__lte=str(parsed[-1]))


def read_groups(values: Sequence[str]) -> list[ChosenGroup]:
    """The groups that a form names by `WaitingGroup.value`. Raises ValueError for one that it cannot read, or for none."""
    if not values:
        raise ValueError("No group.")
    return [_read_group(value) for value in values]


def _read_group(value: str) -> ChosenGroup:
    network, cause, moment = value.split("|")
    from_network(network)
    until = datetime.fromisoformat(moment)
    if until.tzinfo is None:
        raise ValueError("A time without its offset.")
    return ChosenGroup(network, RefusalCause(int(cause)), until)


def in_groups(groups: Sequence[ChosenGroup]) -> Q:
    """Selects the quarantined opt-outs of these groups, as far as they were shown: nobody decides about what they never saw."""
    chosen = Q(pk__in=())
    for group in groups:
        chosen |= from_network(group.network) & Q(cause=group.cause, refused_at__lte=group.until)
    return chosen
