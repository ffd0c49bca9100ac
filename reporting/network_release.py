"""Letting a network in again: the owner's one click after a false alarm (S0.12)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from lists.audit import record_audit
from lists.choices import ListKind
from lists.global_actions import change_global_unsubscribe
from lists.lookup import forget_list
from lists.models import DownloadKey, GlobalUnsubscribe, List, Realm, User
from lists.networks import UNKNOWN_NETWORK, compile_networks, parse_networks
from optout.choices import Verdict
from optout.limits import unblock_network
from optout.models import QuarantinedOptOut
from optout.quarantine import accept_quarantined
from reporting.models.notices import NoticeKind
from reporting.notices import settle_notices
from reporting.quarantine_global import GLOBAL_CHANNELS
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


def allow_server(realm: Realm, network: str, *, actor: User, now: datetime) -> int:
    """Make a network one of the publishers' servers, end its block on Do Not Mail, and accept its global requests on whichever
    lists of the realm they wait; how many opt-outs that were.

    Raises `NetworksError` when the network is too wide or there are too many, `SetUpError` when the Global Unsubscribe was never
    on, ValueError when it is no network.
    """
    if network == UNKNOWN_NETWORK:
        raise ValueError("An unknown IP cannot be allowed.")
    waiting = from_network(network) & Q(channel__in=GLOBAL_CHANNELS)
    with transaction.atomic():
        _add_to_servers(realm, network, actor)
        do_not_mail = do_not_mail_of(realm)
        unblock_network(do_not_mail, network)
        settle_notices(do_not_mail, NoticeKind.BLOCKED_IP, network, now)
        record_audit(
            "allow_server", actor=actor, realm=realm, optout_list=do_not_mail, network=network
        )
    lists = List.objects.select_related("realm").filter(
        realm=realm,
        pk__in=QuarantinedOptOut.objects.filter(waiting, verdict=Verdict.WAITING).values(
            "optout_list"
        ),
    )
    return sum(accept_quarantined(each, waiting, actor=actor, now=now) for each in lists)


def do_not_mail_of(realm: Realm) -> List:
    """The list on which global requests are counted, and their networks blocked."""
    return List.objects.select_related("realm").get(realm=realm, kind=ListKind.GLOBAL)


def _add_to_servers(realm: Realm, network: str, actor: User) -> None:
    """Under the lock that every change of the set-up takes: two people may be doing it."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    door = GlobalUnsubscribe.objects.filter(realm=realm).first()
    servers = parse_networks(", ".join([*(door.server_ips if door else ()), network]))
    change_global_unsubscribe(realm, {"server_ips": servers}, actor=actor)


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
        return _("The whitelist is empty: downloads with a key work from anywhere again.")
    networks, more = ", ".join(after[:_NAMED]), len(after) - _NAMED
    if more > 0:
        said = _("Downloads with a key now work only from %(networks)s and %(more)d more.")
    else:
        said = _("Downloads with a key now work only from %(networks)s.")
    return said % {"networks": networks, "more": more}


def _has_keys(optout_list: List, now: datetime) -> bool:
    return DownloadKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), optout_list=optout_list, is_active=True
    ).exists()


def is_allowed(optout_list: List, ip: object) -> bool:
    """Whether an IP is on the list's whitelist."""
    return ip in compile_networks(optout_list.whitelist)
