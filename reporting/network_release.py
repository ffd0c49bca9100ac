"""Letting a network in again: the owner's one click after a false alarm (S0.12)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from lists.audit import record_audit
from lists.lookup import forget_list
from lists.models import DownloadKey, List, User
from lists.networks import UNKNOWN_NETWORK, compile_networks, parse_networks
from optout.limits import unblock_network
from optout.quarantine import accept_quarantined
from reporting.models.notices import NoticeKind
from reporting.notices import settle_notices
from reporting.quarantine_groups import from_network

_NAMED = 3  # entries of a whitelist that a message names
_SETTLED_BY_ALLOWING = (NoticeKind.BLOCKED_IP, NoticeKind.UNLISTED_SERVER)


def unblock(optout_list: List, network: str, *, actor: User, now: datetime) -> bool:
    """End the block of a network (CIDR), with its audit entry; whether it was blocked or counted."""
    with transaction.atomic():
        was_known = unblock_network(optout_list, network)
        settle_notices(optout_list, NoticeKind.BLOCKED_IP, network, now)
        record_audit(
            "unblock_network",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            network=network,
        )
    return was_known


def allow_network(optout_list: List, network: str, *, actor: User, now: datetime) -> int:
    """Put a network on the list's whitelist, end its block and accept what of it waits; how many opt-outs that were.

    Raises `NetworksError` when the network is too wide or the whitelist full, ValueError when it is no network.
    """
    if network == UNKNOWN_NETWORK:
        raise ValueError("An unknown IP cannot be allowed.")
    waiting = from_network(network)
    with transaction.atomic():
        _add_to_whitelist(optout_list, network)
        unblock_network(optout_list, network)
        for kind in _SETTLED_BY_ALLOWING:
            settle_notices(optout_list, kind, network, now)
        record_audit(
            "allow_network",
            actor=actor,
            realm=optout_list.realm,
            optout_list=optout_list,
            network=network,
        )
    forget_list(optout_list)
    return accept_quarantined(optout_list, waiting, actor=actor, now=now)


def _add_to_whitelist(optout_list: List, network: str) -> None:
    """Under a lock: two people may be doing it."""
    row = List.objects.select_for_update(of=("self",)).get(pk=optout_list.pk)
    if network.removesuffix("/32") in row.whitelist or network in row.whitelist:
        return
    row.whitelist = parse_networks(", ".join([*row.whitelist, network]))
    row.save(update_fields=["whitelist"])
    optout_list.whitelist = row.whitelist


def effect_on_downloads(optout_list: List, before: Sequence[str], now: datetime) -> str:
    """What it means for those with a download key that the whitelist, which was `before`, became what it is: a sentence, or
    nothing when it neither began nor ceased to bind somebody."""
    after = optout_list.whitelist
    if bool(before) == bool(after) or not _has_keys(optout_list, now):
        return ""
    if not after:
        return "The whitelist is empty: downloads with a key work from anywhere again."
    return f"Downloads with a key now work only from {', '.join(after[:_NAMED])}{_and_more(after)}."


def _has_keys(optout_list: List, now: datetime) -> bool:
    return DownloadKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), optout_list=optout_list, is_active=True
    ).exists()


def _and_more(whitelist: Sequence[str]) -> str:
    more = len(whitelist) - _NAMED
    return f" and {more} more" if more > 0 else ""


def is_allowed(optout_list: List, ip: object) -> bool:
    """Whether an IP is on the list's whitelist."""
    return ip in compile_networks(optout_list.whitelist)
