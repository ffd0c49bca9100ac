"""How many tries run at once, and whose: so that receivers that are slow or hang delay nobody else's messages.

- An endpoint always gets one try, as long as there is room in all. What it gets further comes out of its realm's share.
- Of both, the whole and the share, endpoints that are not known to be quick get half at most.
- What there is goes to the realm with the fewest tries under way; in it to a quick endpoint, and to the one with the fewest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Protocol

from reporting.webhooks.lines import Line

MOST_AT_ONCE = 1_000  # tries in all
MOST_FURTHER = 100  # of one realm, beside one of each endpoint


class Candidate(Protocol):
    """An endpoint that is served."""

    is_leaving: bool

    @property
    def realm_id(self) -> int: ...

    @property
    def line(self) -> Line: ...

    @property
    def is_on(self) -> bool: ...


@dataclass(slots=True)
class _Pot:
    """Tries under way, and how many may be: all of them, and those of endpoints that are not quick."""

    most: int
    tries: int = 0
    slow_tries: int = 0

    def count(self, tries: int, *, is_quick: bool) -> None:
        self.tries += tries
        self.slow_tries += 0 if is_quick else tries

    def has_room(self, *, is_quick: bool) -> bool:
        return self.tries < self.most and (is_quick or self.slow_tries < self.most // 2)


@dataclass(slots=True)
class _Realm[C: Candidate]:
    """Its tries under way, and who may have another one: quick ones first, then by tries, then whoever waits longest."""

    place: int
    further: _Pot = field(default_factory=lambda: _Pot(MOST_FURTHER))
    tries: int = 0
    queue: list[tuple[bool, int, int, C]] = field(default_factory=list)


class Slots[C: Candidate]:
    """`every`: those that are served, whoever waits longest first.

    Iterate: whoever is given has something to be tried, and must begin with it before the next one is asked for.
    """

    def __init__(self, every: Sequence[C], now: datetime) -> None:
        self.is_short = False  # whether somebody must wait for room
        self._now = now
        self._all = _Pot(MOST_AT_ONCE)
        self._realms: dict[int, _Realm[C]] = {}
        for place, each in enumerate(every):
            realm = self._realms.setdefault(each.realm_id, _Realm(place))
            running, is_quick = each.line.running, each.line.is_quick(now)
            realm.tries += running
            realm.further.count(max(0, running - 1), is_quick=is_quick)
            self._all.count(running, is_quick=is_quick)
            if not each.is_leaving and each.line.can_take(now, is_on=each.is_on):
                heappush(realm.queue, (not is_quick, running, place, each))

    def __iter__(self) -> Iterator[C]:
        realms = [(realm.tries, realm.place, realm) for realm in self._realms.values()]
        heapify(realms)
        while realms:
            _tries, place, realm = heappop(realms)
            if not realm.queue:
                continue
            is_slow, running, its_place, each = heappop(realm.queue)
            if self._has_room(realm, running, is_quick=not is_slow):
                yield each
                realm.tries += 1
                realm.further.count(running > 0, is_quick=not is_slow)
                self._all.count(1, is_quick=not is_slow)
                if each.line.can_take(self._now, is_on=each.is_on):
                    heappush(realm.queue, (is_slow, running + 1, its_place, each))
            else:
                self.is_short = True
            heappush(realms, (realm.tries, place, realm))

    def _has_room(self, realm: _Realm[C], running: int, *, is_quick: bool) -> bool:
        if not self._all.has_room(is_quick=is_quick):
            return False
        return running == 0 or realm.further.has_room(is_quick=is_quick)
