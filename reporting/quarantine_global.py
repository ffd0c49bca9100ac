"""Global requests that wait: on the lists that their products lead to, while they are counted, and blocked, on Do Not Mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from lists.access import Standing
from lists.choices import ListKind
from lists.models import List
from lists.networks import UNKNOWN_NETWORK
from lists.prepared import fetch_prepared
from optout.choices import Channel, Verdict
from optout.models import QuarantinedOptOut
from reporting.quarantine_groups import MOST_GROUPS, from_network, shown_network

GLOBAL_CHANNELS = (Channel.GLOBAL_FORM, Channel.GLOBAL_API)

_WAITING = f"""
WITH waiting AS (
    SELECT
        coalesce(text(network(set_masklen(q.ip, CASE family(q.ip) WHEN 4 THEN 32 ELSE 64 END))), %(unknown)s) AS network,
        q.optout_list_id, count(*) AS addresses, max(q.last_refused_at) AS last_at
    FROM optout_quarantinedoptout q
    WHERE q.optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
      AND q.verdict = 1 AND q.channel IN ({Channel.GLOBAL_FORM:d}, {Channel.GLOBAL_API:d})
    GROUP BY 1, 2
), dated AS (
    SELECT *, max(last_at) OVER (PARTITION BY network) AS newest_at FROM waiting
    WHERE %(anywhere)s::bool OR network IN (SELECT network FROM waiting WHERE optout_list_id = %(list)s)
), placed AS (
    SELECT *, dense_rank() OVER (ORDER BY newest_at DESC, network) AS place FROM dated
)
SELECT network, optout_list_id, addresses, (
    SELECT max(c.blocked_until) FROM optout_limitcounter c
    WHERE c.optout_list_id = (SELECT id FROM lists_list WHERE realm_id = %(realm)s AND kind = '{ListKind.GLOBAL}')
      AND c.network = placed.network AND c.blocked_until > %(now)s
)
FROM placed WHERE place <= %(most)s
ORDER BY place, addresses DESC, optout_list_id
"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True)
class Place:
    """A list on which global requests of a network wait, and how many addresses."""

    optout_list: List
    addresses: int


@dataclass(frozen=True, slots=True)
class GlobalNetwork:
    """A network whose global requests wait; `places` are those lists that the reader may see.

    `blocked_until` is when its block on Do Not Mail ends; None where there is none.
    """

    network: str
    places: Sequence[Place]
    blocked_until: datetime | None

    @property
    def shown_network(self) -> str:
        return shown_network(self.network)

    @property
    def can_be_allowed(self) -> bool:
        return self.network != UNKNOWN_NETWORK


@dataclass(frozen=True, slots=True)
class GlobalWaiting:
    """What the quarantine page of a list says of global requests; `do_not_mail` is None for somebody who may not see it."""

    networks: Sequence[GlobalNetwork] = ()
    do_not_mail: List | None = None


def global_waiting(standing: Standing, optout_list: List, now: datetime) -> GlobalWaiting:
    """The networks whose global requests wait on a list, or for Do Not Mail on any list of the realm that the person sees; the
    latest first, at most MOST_GROUPS. Two queries, one where nothing waits."""
    rows = fetch_prepared(
        _WAITING,
        {
            "realm": optout_list.realm_id,
            "list": optout_list.pk,
            "anywhere": optout_list.is_global,
            "unknown": UNKNOWN_NETWORK,
            "now": now,
            "most": MOST_GROUPS,
        },
    )
    if not rows:
        return GlobalWaiting()
    named = Q(pk__in={row[1] for row in rows}) | Q(kind=ListKind.GLOBAL)
    seen = {each.pk: each for each in standing.lists().filter(named)}
    places: dict[str, list[Place]] = {}
    for network, list_id, addresses, _ in rows:
        if list_id in seen:
            places.setdefault(network, []).append(Place(seen[list_id], addresses))
    blocked = {network: until for network, _, _, until in rows}
    return GlobalWaiting(
        [GlobalNetwork(network, where, blocked[network]) for network, where in places.items()],
        next((each for each in seen.values() if each.is_global), None),
    )


def global_requests_wait(lists: Sequence[List], network: str | None) -> bool:
    """Whether global requests wait on one of these lists, from a network or from any. One query."""
    chosen = Q() if network is None else from_network(network)
    return QuarantinedOptOut.objects.filter(
        chosen, optout_list__in=lists, verdict=Verdict.WAITING, channel__in=GLOBAL_CHANNELS
    ).exists()
