"""Why somebody opted out, as they may say afterwards, of the owner's list of reasons or of ours (pages.md, the done page)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zlib import crc32

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lists.lookup import ListSnapshot
from lists.prepared import fetch_prepared
from optout.statements import IS_UNDONE

# By the keys that are stored. A key is never given another meaning; what is no longer offered stays readable.
BUILT_IN: dict[str, Promise | str] = {
    "too_many": _("I get too many messages"),
    "not_expected": _("The messages are not what I expected"),
    "never_signed_up": _("I never signed up"),
    "only_once": _("I only wanted this once"),
    "other": _("Another reason"),
}

_LONGEST = 100  # characters, as the column
_MOST = 10  # reasons that a page has room for

# One statement: of a request that was taken back there is nothing to explain. Who presses another button has thought again.
_STATE = f"""
INSERT INTO optout_statedreason (optout_list_id, optout_id, digest, reason, stated_at)
SELECT o.optout_list_id, o.id, o.digest, %(reason)s, %(now)s
FROM optout_optout o
WHERE o.digest = %(digest)s AND o.id = %(optout)s AND o.optout_list_id = %(list)s AND o.kind = 1 AND NOT {IS_UNDONE}
ON CONFLICT (optout_id, digest) DO UPDATE SET reason = excluded.reason, stated_at = excluded.stated_at
"""  # noqa: S608  a constant of ours

_FORGET = "DELETE FROM optout_statedreason WHERE optout_id = ANY (%s::bigint[]) AND digest = %s"


_LOCKS = 7_294_015  # ours among the advisory locks of this database
_LOCK = "SELECT pg_advisory_xact_lock(%s, (id %% 2147483648)::int) FROM unnest(%s::bigint[]) id"


def reasons_for(optout_list: ListSnapshot, language: str) -> list[tuple[str, Promise | str]]:
    """(what is stored, what is read) of the reasons that a reader of that language can choose from, if any are asked for.

    The owner's are read in that language, else in the list's default one, and stored in the default one: so that a report counts
    together what was read in two languages. The lines of two languages belong together by their order.
    """
    if not optout_list.asks_reason:
        return []
    own = {code: _usable(texts) for code, texts in optout_list.reasons.items()}
    known_as = own.get(optout_list.default_language) or []
    shown = own.get(language) or known_as
    if not shown:
        return list(BUILT_IN.items())
    return [
        (known_as[n] if n < len(known_as) else text, text) for n, text in enumerate(shown[:_MOST])
    ]


def offered(optout_list: ListSnapshot, language: str) -> list[tuple[str, Promise | str]]:
    """The same for the buttons of a page: (what a button sends, what it says). Short, for a page has 6 KB."""
    return [(_short(value), text) for value, text in reasons_for(optout_list, language)]


def find_reason(sent: str, optout_list: ListSnapshot, language: str) -> str | None:
    """What is stored for the button that was pressed; None for a button that this list does not have."""
    stored = (value for value, _text in reasons_for(optout_list, language))
    return next((value for value in stored if _short(value) == sent), None)


def state_reason(
    list_id: int, optout_id: int, digest: bytes, reason: str, *, now: datetime
) -> None:
    """Keep why this one request was made: the last that was said. Nothing where there is no such request, or it was undone."""
    values = {
        "list": list_id,
        "optout": optout_id,
        "digest": digest,
        "reason": reason[:_LONGEST],
        "now": now,
    }
    with transaction.atomic():
        _lock([optout_id])
        fetch_prepared(_STATE, values)


def forget_reasons(optout_ids: Sequence[int], digest: bytes) -> None:
    """Drop what was said about requests, before they are taken back in the same transaction: nothing is said until it ends."""
    _lock(optout_ids)
    fetch_prepared(_FORGET, (list(optout_ids), digest))


def _lock(optout_ids: Sequence[int]) -> None:
    """One after the other: what is said in the moment of an Undo waits for it, and then finds nothing to explain."""
    fetch_prepared(_LOCK, (_LOCKS, sorted(optout_ids)))


def _short(value: str) -> str:
    # by the words, not by their place: the owner may put another one before it while the page is open
    return f"{crc32(value.encode()):x}"


def _usable(texts: Iterable[str]) -> list[str]:
    return [text[:_LONGEST].strip() for text in texts if text.strip()]
