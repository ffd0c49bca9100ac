"""When a message that was not taken is tried again: ten tries over 75 hours (protocols.md, "Webhooks")."""

from datetime import datetime, timedelta

# Between a try and the one before. The first is made at once.
GAPS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES = len(GAPS)
# A gap is longer by up to this share, so that what failed together is not tried together for ever.
JITTER = 0.1
# Out of turn, a message is not tried again sooner than after this share of its gap, nor than after a minute.
_OUT_OF_TURN_SHARE = 10
_OUT_OF_TURN_LEAST = timedelta(minutes=1)


def next_due(
    step: int, tried_at: datetime, dice: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When the next try is due; None after the last one.

    `step`: how many of the ten are over, that at `tried_at` among them. `dice`: 0 to 1, for the jitter. `retry_after`: how long
    the receiver asked us to wait; never sooner than the timetable.
    """
    if step >= TRIES:
        return None
    gap = GAPS[step] * (1 + JITTER * dice)
    return tried_at + max(gap, retry_after or timedelta(0))


def rest_out_of_turn(step: int) -> timedelta:
    """How long a message rests between two tries that its receiver's recovery gave rise to: such ones come again and again from
    a receiver that takes some messages and never others."""
    return max(_OUT_OF_TURN_LEAST, GAPS[min(step, TRIES - 1)] / _OUT_OF_TURN_SHARE)
