"""IP networks: the allow-list field of a list or realm, and the network a limit counts by (security.md §2, §4)."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.utils.translation import gettext as _

type IpAddress = IPv4Address | IPv6Address
type IpNetwork = IPv4Network | IPv6Network

UNKNOWN_NETWORK = "0.0.0.0/0"  # the one limit bucket of all callers whose IP is unknown

MAX_ENTRIES = 200
MAX_TEXT = 20_000  # characters; 200 of the longest entries fit
WIDEST = {4: 8, 6: 32}  # shortest prefix allowed, by IP version

_SEPARATORS = re.compile(r"[\s,]+")
_ONLY_DOTS = re.compile(r"\.+")  # what is left of a sentence that was pasted with its addresses
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]+(?=\.|/|$)|/0[0-9]+$")
_PREFIX = re.compile(r"[0-9]{1,3}")
_SHOWN = 60  # characters of a bad entry that the message repeats


class NetworksError(ValueError):
    """The text of an allow-list cannot be used. `str(error)` is one message that names every bad entry.

    `bad`: entries that are no address or network; `zeros`: with leading zeros, which some read as octal; `wide`:
    wider than /8 or /32; `count`: number of entries when there are too many, else 0.
    """

    def __init__(
        self,
        bad: tuple[str, ...] = (),
        zeros: tuple[str, ...] = (),
        wide: tuple[str, ...] = (),
        count: int = 0,
    ) -> None:
        super().__init__(bad, zeros, wide, count)
        self.bad, self.zeros, self.wide, self.count = bad, zeros, wide, count

    def __str__(self) -> str:
        sentences = []
        if self.bad:
            sentences.append(
                _("Not an IP address or network: %(entries)s.") % {"entries": ", ".join(self.bad)}
            )
        if self.zeros:
            sentences.append(
                _("Write these without leading zeros: %(entries)s.")
                % {"entries": ", ".join(self.zeros)}
            )
        if self.wide:
            sentences.append(
                _("Too wide, at most /8 for IPv4 and /32 for IPv6: %(entries)s.")
                % {"entries": ", ".join(self.wide)}
            )
        if self.count:
            sentences.append(
                _("Too many entries: %(count)d. At most %(most)d are allowed.")
                % {"count": self.count, "most": MAX_ENTRIES}
            )
        return " ".join(sentences) or _("This is too long for a list of IP addresses.")


def parse_networks(text: str) -> list[str]:
    """The entries of an allow-list field in canonical form, in the order given, without repeats (S0.14).

    Separated by commas, spaces or newlines; blanks are ignored. A single address has no prefix; a network is written
    from its first address; IPv4-mapped IPv6 becomes IPv4. Raises NetworksError.
    """
    if len(text) > MAX_TEXT:
        raise NetworksError
    found: dict[str, None] = {}
    bad: list[str] = []
    zeros: list[str] = []
    wide: list[str] = []
    for entry in _SEPARATORS.split(text):
        if not entry or _ONLY_DOTS.fullmatch(entry):
            continue
        shown = entry if len(entry) <= _SHOWN else entry[:_SHOWN] + "…"
        try:
            network = _read(entry)
        except ValueError:
            (zeros if _LEADING_ZERO.search(entry) else bad).append(shown)
            continue
        if network.prefixlen < WIDEST[network.version]:
            wide.append(shown)
        else:
            found[_canonical(network)] = None
    count = len(found) if len(found) > MAX_ENTRIES else 0
    if bad or zeros or wide or count:
        raise NetworksError(tuple(bad), tuple(zeros), tuple(wide), count)
    return list(found)


def network_of(ip: IpAddress | None) -> str:
    """The network by which a caller is counted: an IPv4 address as /32, an IPv6 address by its /64 (one household or
    server), an unknown caller as UNKNOWN_NETWORK."""
    if ip is None:
        return UNKNOWN_NETWORK
    ip = unwrapped(ip)
    if isinstance(ip, IPv4Address):
        return f"{ip}/32"
    return f"{IPv6Address(int(ip) >> 64 << 64)}/64"


def unwrapped(ip: IpAddress) -> IpAddress:
    """`ip` as IPv4 where it is IPv4 written as IPv6 (::ffff:192.0.2.1), and without a zone."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip.scope_id is not None:
            return IPv6Address(int(ip))
    return ip


@dataclass(frozen=True, slots=True)
class Networks:
    """A precompiled allow-list: `ip in networks`. Anything that goes wrong while checking means *not allowed*.

    It is true if it has entries, readable or not: a list whose stored entries were all spoilt still binds.
    """

    entries: tuple[str, ...]
    # (version, bits to drop, what is left of the networks of that length)
    _groups: tuple[tuple[int, int, frozenset[int]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        groups: dict[tuple[int, int], set[int]] = {}
        for entry in self.entries:
            try:
                network = _read(entry)
            except ValueError:
                continue  # a spoilt entry allows nobody
            drop = network.max_prefixlen - network.prefixlen
            groups.setdefault((network.version, drop), set()).add(
                int(network.network_address) >> drop
            )
        compiled = tuple(
            (version, drop, frozenset(kept)) for (version, drop), kept in groups.items()
        )
        object.__setattr__(self, "_groups", compiled)

    def __contains__(self, ip: object) -> bool:
        """Whether `ip` (an address object or its text; None is nobody) is allowed. Never raises."""
        if ip is None or not self._groups:
            return False
        try:
            if isinstance(ip, str):
                ip = ipaddress.ip_address(ip)
            if not isinstance(ip, IPv4Address | IPv6Address):
                return False
            ip = unwrapped(ip)
            number, version = int(ip), ip.version
            return any(
                version == group_version and number >> drop in kept
                for group_version, drop, kept in self._groups
            )
        except (
            ValueError,
            TypeError,
            AttributeError,
        ):  # not an address: not allowed (security.md §2)
            return False

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)


@lru_cache(maxsize=2048)
def _compiled(entries: tuple[str, ...]) -> Networks:
    return Networks(entries)


def compile_networks(entries: Iterable[str]) -> Networks:
    """The matcher of stored entries; compiled once per process for the same entries."""
    return _compiled(tuple(entries))


def _read(entry: str) -> IpNetwork:
    """One address or CIDR network; host bits are cleared. Raises ValueError."""
    host, slash, prefix = entry.partition("/")
    if "%" in host or (slash and (not _PREFIX.fullmatch(prefix) or prefix != str(int(prefix)))):
        raise ValueError(entry)  # zones, netmasks and /08
    network = ipaddress.ip_network(entry, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        inner = network.network_address.ipv4_mapped
        if inner is not None:
            return IPv4Network((int(inner), network.prefixlen - 96))
    return network


def _canonical(network: IpNetwork) -> str:
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return str(network)
