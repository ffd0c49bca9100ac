"""Which IP addresses a webhook may be sent to: those of the public internet, and what the operator allowed (AT-19).

A URL that somebody enters must not make our server call what only it can reach: itself, its neighbours, a cloud's metadata.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings

from lists.networks import IpAddress, compile_networks, unwrapped

# Only from here are addresses given to hosts of the internet. Everything else in IPv6 is special, or will be one day.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # but this is how a host without IPv4 reaches IPv4
# Special, though Python counts some of it as public.
_SPECIAL = (
    IPv4Network("192.0.0.0/24"),  # for protocols
    IPv4Network("192.88.99.0/24"),  # any 6to4 relay that is near
    IPv6Network("2001::/23"),  # for protocols; Teredo, which leads to an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, likewise
    IPv6Network("3fff::/20"),  # for documents
)


def is_allowed(ip: str | IpAddress) -> bool:
    """Whether a connection to this address may be made. What is no address is not allowed."""
    try:
        address = ip_address(ip) if isinstance(ip, str) else ip
    except ValueError:
        return False
    return _is_allowed(address, tuple(settings.WEBHOOK_ALLOW_CIDRS))


@lru_cache(maxsize=4096)
def _is_allowed(address: IpAddress, allowed: tuple[str, ...]) -> bool:
    address = unwrapped(address)
    return _is_public(address) or address in compile_networks(allowed)


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return _is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _SPECIAL)
    )
