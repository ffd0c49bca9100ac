"""What proves an opt-out: the caller's IP, its program in short, and the little else that is worth keeping.

A ledger row has a budget of 350 bytes (architecture.md, "Data") and is written for each request, so everything here is
short. IP and agent are kept for 90 days (AT-50).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lists.networks import IpAddress

MAX_AGENT = 120  # characters, all ASCII
MAX_EXTRA = 12  # entries; a global request that waited in quarantine has eleven
MAX_EXTRA_KEY = 40  # characters
MAX_EXTRA_VALUE = 320  # characters; an address with its display name fits

type ExtraValue = str | int | bool

_AGENT_READ = 1_000
_BOILERPLATE = re.compile(r"Mozilla/5\.0|AppleWebKit/[\d.]+|\(KHTML, like Gecko\)")
_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")
_SPACES = re.compile(r" {2,}")
_UNSTORABLE = re.compile(
    "[\x00-\x1f\x7f\ud800-\udfff]+"
)  # PostgreSQL refuses NUL and lone surrogates in JSON


def short_agent(user_agent: str | None) -> str:
    """A User-Agent without what every browser sends, as at most MAX_AGENT printable ASCII characters.

    An agent that is nothing but boilerplate stays as it is: a bare `Mozilla/5.0` is a caller of its own.
    """
    if not user_agent:
        return ""
    agent = _NOT_PRINTABLE_ASCII.sub(" ", user_agent[:_AGENT_READ])
    short = _SPACES.sub(" ", _BOILERPLATE.sub("", agent)).strip()
    return (short or _SPACES.sub(" ", agent).strip())[:MAX_AGENT].rstrip()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept to prove one request. `ip` is None where it is unknown; `extra` is a small JSON object."""

    ip: IpAddress | None = None
    agent: str = ""
    extra: Mapping[str, ExtraValue] = field(default_factory=dict)

    @classmethod
    def of(
        cls, ip: IpAddress | None, user_agent: str | None, **extra: ExtraValue | None
    ) -> "Evidence":
        """Evidence from a request: its `client_ip`, its User-Agent header, and whatever else the channel knows."""
        return cls(ip, short_agent(user_agent), bounded_extra(extra))

    def adding(self, **extra: ExtraValue | None) -> "Evidence":
        """This evidence with more entries in `extra`, within the same limits; the new ones win."""
        return Evidence(self.ip, self.agent, bounded_extra({**extra, **self.extra, **extra}))

    def without(self, name: str) -> "Evidence":
        """This evidence without that entry in `extra`."""
        kept = {key: value for key, value in self.extra.items() if key != name}
        return Evidence(self.ip, self.agent, kept)


def bounded_extra(extra: Mapping[str, ExtraValue | None]) -> dict[str, ExtraValue]:
    """`extra` as it may be stored: without empty values, control characters and lone surrogates, cut to the limits."""
    kept: dict[str, ExtraValue] = {}
    for key, given in extra.items():
        if len(kept) == MAX_EXTRA:
            break
        value = _storable(given, MAX_EXTRA_VALUE) if isinstance(given, str) else given
        if value is not None and value != "":
            kept[_storable(key, MAX_EXTRA_KEY)] = value
    return kept


def _storable(text: str, most: int) -> str:
    return _UNSTORABLE.sub(" ", text[:most]).strip()
