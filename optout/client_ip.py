"""Whose IP a request comes from: one function used by everything (security.md §2).

We decide whom to trust; of ipware only the reading of single entries is used, because its own choice of address takes
the left-most entry, which any client can forge, and never looks at the peer.
"""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from python_ipware.modern.parsers import parse_ip

from lists.networks import IpAddress, Networks, compile_networks, unwrapped

UNIX_PEER = "unix"  # the entry of TRUSTED_PROXIES that trusts whoever can open our socket

_MAX_HOPS = 20
_MAX_ENTRY = 100  # characters; the longest IPv6 address with zone and port is shorter


def client_ip(request: HttpRequest) -> IpAddress | None:
    """The address that opened the connection to us, or to the outermost proxy we trust; None if it cannot be known.

    The forwarded header counts only if the TCP peer is in `settings.TRUSTED_PROXIES`. None is never whitelisted, and
    all of them share one limit bucket. Works on `request.META` alone; touches no database.
    """
    peer = request.META.get("REMOTE_ADDR") or ""
    trusted_proxies: tuple[str, ...] = tuple(settings.TRUSTED_PROXIES)
    if not trusted_proxies:
        return _address(peer)
    if not peer:
        if UNIX_PEER not in trusted_proxies:
            return None
    else:
        address = _address(peer)
        if address is None or address not in _trusted(trusted_proxies):
            return address
    chain = request.META.get(_meta_key(settings.CLIENT_IP_HEADER)) or ""
    return _walk(chain, _trusted(trusted_proxies))


def _walk(chain: str, trusted: Networks) -> IpAddress | None:
    """The right-most entry that is not one of our proxies.

    What stands left of it was written by the client and is not read, so garbage there neither hides nor changes who it
    is. No entry, an unreadable one on the way, or nothing but proxies: unknown. (Falling back to a proxy's own address
    would put everyone on the whitelist that the proxy is on.)
    """
    rest = chain
    for _hop in range(_MAX_HOPS):
        rest, comma, entry = rest.rpartition(",")
        address = _address(entry)
        if address is None or address not in trusted:
            return address
        if not comma:
            return None
    return None


@lru_cache(maxsize=4096)
def _address(text: str) -> IpAddress | None:
    """One entry, also with a port (`192.0.2.1:5678`, `[2001:db8::1]:443`); IPv4-mapped IPv6 as IPv4; None if it is no
    address."""
    if len(text) > _MAX_ENTRY:
        return None
    address = parse_ip(text)
    return None if address is None else unwrapped(address)


@lru_cache(maxsize=32)
def _trusted(entries: tuple[str, ...]) -> Networks:
    return compile_networks(entry for entry in entries if entry != UNIX_PEER)


@lru_cache(maxsize=8)
def _meta_key(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")
