"""How many long answers this process gives at once.

Recipients and mailers share a process's threads: a mailer who reads slowly holds one of them.
"""

import threading

from django.conf import settings


class Slot:
    """One long answer's share of this process; given back once, however often that is said."""

    def __init__(self, slots: "Slots", holder: str) -> None:
        self._slots = slots
        self._holder = holder
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._slots.forget(self._holder)


class Slots:
    """Whom this process gives a long answer now: at most as many as a setting says, so that recipients never wait for mailers,
    and each holder (a key, a person in the portal, a realm's scripts) once, so that one slow mailer does not stop the others."""

    def __init__(self, setting: str) -> None:
        self._setting = setting
        self._lock = threading.Lock()
        self._holders: set[str] = set()

    def take(self, holder: str) -> Slot | None:
        """A slot, to be given back; None when there is none for this holder now."""
        with self._lock:
            if holder in self._holders or len(self._holders) >= getattr(settings, self._setting):
                return None
            self._holders.add(holder)
        return Slot(self, holder)

    def forget(self, holder: str) -> None:
        """For Slot."""
        with self._lock:
            self._holders.discard(holder)


slots = Slots("DOWNLOADS_AT_ONCE")
