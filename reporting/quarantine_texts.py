"""Text messages that may mean STOP, as the owner of a list looks at them and decides each alone (S3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from lists.models import List
from optout.choices import RefusalCause, Verdict
from optout.models import QuarantinedOptOut

MOST_TEXTS = 100


@dataclass(frozen=True, slots=True)
class WaitingText:
    """What somebody texted that may mean STOP. `said` and `texted` are empty once their 90 days are over."""

    key: int
    number: str
    said: str
    texted: str
    requests: int
    first_at: datetime


def waiting_texts(optout_list: List) -> tuple[list[WaitingText], int]:
    """What waits, the latest first, at most MOST_TEXTS; and how many wait, shown or not."""
    waiting = QuarantinedOptOut.objects.filter(
        optout_list=optout_list, cause=RefusalCause.UNCLEAR_TEXT, verdict=Verdict.WAITING
    )
    rows = list(waiting.order_by("-refused_at", "-pk")[: MOST_TEXTS + 1])
    total = len(rows) if len(rows) <= MOST_TEXTS else waiting.count()
    return [_as_text(row) for row in rows[:MOST_TEXTS]], total


def chosen_texts(keys: Sequence[str]) -> Q:
    """Selects those that a form names. Raises ValueError for what is no key."""
    chosen = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19]
    if len(chosen) < len(keys):
        raise ValueError("No key.")
    return Q(pk__in=chosen, cause=RefusalCause.UNCLEAR_TEXT)


def _as_text(row: QuarantinedOptOut) -> WaitingText:
    said = row.evidence or {}
    return WaitingText(
        key=row.pk,
        number=row.address,
        said=str(said.get("said", "")),
        texted=str(said.get("texted", "")),
        requests=row.requests,
        first_at=row.refused_at,
    )
