"""What a process remembers of lists: at most so many bytes of memory, however much owners wrote in 13 languages.

A list is asked for by three keys. All of them lead to one snapshot, and the snapshots of a realm share what the realm says.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lists.lookup import ListSnapshot

type Key = str | int | tuple[int, int]

_OF_KEYS = 600  # bytes: what the three keys and their places take


@dataclass(slots=True, eq=False)
class RealmTexts:
    """What a realm says where its lists are silent. `users` and `size`: of the snapshots that share it, and its bytes."""

    thank_you_texts: dict[str, str]
    own_texts: dict[str, dict[str, str]]
    reasons: dict[str, list[str]]
    users: int = 0
    size: int = 0

    def says_the_same(self, other: "RealmTexts") -> bool:
        """Whether the texts are equal."""
        return (self.thank_you_texts, self.own_texts, self.reasons) == (
            other.thank_you_texts,
            other.own_texts,
            other.reasons,
        )


@dataclass(frozen=True, slots=True)
class _Held:
    snapshot: "ListSnapshot"
    texts: RealmTexts
    size: int


@dataclass(slots=True)
class KeptLists:
    """Snapshots by key, with the moment at which each was read. Read `by_key` as you like: that takes no lock."""

    most_lists: int
    most_bytes: int
    by_key: dict[Key, tuple[float, "ListSnapshot"]] = field(default_factory=dict)
    size: int = 0  # bytes, about
    _held: dict[int, _Held] = field(default_factory=dict)  # by id; first what was read longest ago
    _realms: dict[int, RealmTexts] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def shared(self, realm_id: int, texts: RealmTexts) -> RealmTexts:
        """These texts of a realm, as they are remembered already; else as they are."""
        known = self._realms.get(realm_id)
        return known if known is not None and known.says_the_same(texts) else texts

    def keep(
        self, key: Key, snapshot: "ListSnapshot", texts: RealmTexts, read_at: float
    ) -> "ListSnapshot":
        """Remember what was read by that key; the snapshot of it that is remembered. Others leave, if there is no room."""
        with self._lock:
            held = self._held.get(snapshot.id)
            if held is None or held.snapshot != snapshot:
                if held is not None:
                    self._drop(held)
                held = self._hold(snapshot, texts)
            self._held[snapshot.id] = self._held.pop(snapshot.id)  # the last to leave
            self.by_key[key] = (read_at, held.snapshot)
            while len(self._held) > 1 and self._is_full():
                self._drop(next(iter(self._held.values())))
            return held.snapshot

    def forget(self, list_id: int) -> None:
        """Remember nothing of that list."""
        with self._lock:
            if list_id in self._held:
                self._drop(self._held[list_id])

    def clear(self) -> None:
        """Remember nothing."""
        with self._lock:
            for held in list(self._held.values()):
                self._drop(held)
            self.by_key.clear()

    def _is_full(self) -> bool:
        return self.size > self.most_bytes or len(self._held) > self.most_lists

    def _hold(self, snapshot: "ListSnapshot", texts: RealmTexts) -> _Held:
        counted: set[int] = set()
        size_of_texts = _size_of(texts, counted)
        if not texts.users:
            texts.size = size_of_texts
            self._realms[snapshot.realm_id] = texts
            self.size += texts.size
        texts.users += 1
        held = _Held(snapshot, texts, _size_of(snapshot, counted) + _OF_KEYS)
        self._held[snapshot.id] = held
        self.size += held.size
        return held

    def _drop(self, held: _Held) -> None:
        snapshot = held.snapshot
        del self._held[snapshot.id]
        for key in (snapshot.public_id, snapshot.id, (snapshot.realm_id, snapshot.number)):
            read = self.by_key.get(key)
            if read is not None and read[1] is snapshot:  # the number can be another list's by now
                del self.by_key[key]
        self.size -= held.size
        held.texts.users -= 1
        if not held.texts.users:
            self.size -= held.texts.size
            if self._realms.get(snapshot.realm_id) is held.texts:
                del self._realms[snapshot.realm_id]


def _size_of(value: Any, counted: set[int]) -> int:
    """The bytes of a value and of all that it holds, but what is `counted` already (by id); it is from then on."""
    return sum(sys.getsizeof(part) for part in _walk(value, counted))


def _walk(value: Any, counted: set[int]) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if part is None or isinstance(part, int) or id(part) in counted:
            continue  # numbers are few and small
        counted.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            waiting += part
        elif hasattr(part, "__dataclass_fields__"):
            waiting += [getattr(part, each.name) for each in fields(part)]
