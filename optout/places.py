"""Long answers: how many this process gives at once, and for how long.

Recipients and mailers share a process's threads: a mailer who reads slowly holds one of them, for so long and no longer.
"""

import threading
from datetime import timedelta

from django.conf import settings

DEADLINE = timedelta(minutes=30)


class DeadlineError(Exception):
    """A long answer has run for DEADLINE. Raised into the server, which drops the connection: a file that just ended would look
    whole to the mailer."""


class Place:
    """One long answer's place in this process; given back once, however often that is said."""

    def __init__(self, places: "Places", holder: str) -> None:
        self._places = places
        self._holder = holder
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._places.forget(self._holder)


class Places:
    """Whom this process gives a long answer now: at most DOWNLOADS_AT_ONCE, so that recipients never wait for mailers, and each
    holder (a key, a person in the portal, a realm's scripts) once, so that one slow mailer does not stop the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: set[str] = set()

    def take(self, holder: str) -> Place | None:
        """A place, to be given back; None when there is none for this holder now."""
        with self._lock:
            if holder in self._holders or len(self._holders) >= settings.DOWNLOADS_AT_ONCE:
                return None
            self._holders.add(holder)
        return Place(self, holder)

    def forget(self, holder: str) -> None:
        """For Place."""
        with self._lock:
            self._holders.discard(holder)


places = Places()
