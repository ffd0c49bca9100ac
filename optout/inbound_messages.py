"""The rows of text messages that came in: each once, however often its gateway sends it (S3.4).

What is done about a message stands in the same transaction as its row, so that it is done once, or not at all and then anew.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from lists.models import InboundEndpoint
from lists.prepared import fetch_prepared
from optout.choices import Confirmation, Meaning
from optout.keywords import name_form
from optout.models import InboundMessage

KEPT = timedelta(days=90)
LONGEST_ID = 40  # characters of a gateway's name for a message that are kept as they are
BATCH = 10_000
CONFIRM = "confirm_stops"  # the worker's task (reporting/tasks.py)

_KEEP = """
INSERT INTO optout_inboundmessage (
    endpoint_id, message_id, digest, sender, texted, meaning, optout_list_id, received_at
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (endpoint_id, message_id) WHERE message_id IS NOT NULL DO NOTHING
RETURNING id
"""
_FIND = """
SELECT meaning, optout_list_id FROM optout_inboundmessage WHERE endpoint_id = %s AND message_id = %s
"""
# What the worker has begun to send is on its way; but if the gateway does not take it, it does not wait for another try.
_CALL_OFF = f"""
UPDATE optout_inboundmessage SET confirmation = {Confirmation.NONE:d}
WHERE optout_list_id = ANY (%s::int[]) AND digest = %s
  AND confirmation IN ({Confirmation.WAITING:d}, {Confirmation.SENDING:d})
"""  # noqa: S608  constants only
_FORGET = f"""
DELETE FROM optout_inboundmessage WHERE id IN (
    SELECT id FROM optout_inboundmessage
    WHERE endpoint_id = %s AND received_at < %s AND (meaning <> {Meaning.START:d} OR message_id IS NULL)
    ORDER BY received_at LIMIT %s
)
RETURNING 1
"""  # noqa: S608  constants only
# Of a START its name stays, and no number: a gateway's signature has no time in all formats, and an old one, sent again, must
# not take back a STOP that came after it.
_EMPTY = f"""
UPDATE optout_inboundmessage SET sender = '', texted = '' WHERE id IN (
    SELECT id FROM optout_inboundmessage
    WHERE endpoint_id = %s AND received_at < %s AND meaning = {Meaning.START:d} AND message_id IS NOT NULL AND sender <> ''
    ORDER BY received_at LIMIT %s
)
RETURNING 1
"""  # noqa: S608  constants only

# The list of that number, and those whose name may have that word in it: an ASCII name has its letters, with punctuation between
# perhaps; of others only `name_form` can tell. 3 ms for ten thousand lists.
_PERHAPS_NAMED = """
SELECT id, number, name FROM lists_list
WHERE realm_id = %s AND number > 0 AND (
    number = %s OR octet_length(name) > char_length(name) OR name COLLATE "C" ~* %s
)
"""
# What `name_form` may write instead of what stands in the name.
_RESPELLED = frozenset(
    ("stop", "stopall", "unsubscribe", "opt", "out", "arret", "cancel", "please")
)
_form_of = lru_cache(10_000)(name_form)  # the same names each time


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that came in, as its row keeps it. `list_id`: the list that it concerns, None where it asks for nothing."""

    endpoint_id: int
    message_id: str | None
    digest: bytes
    sender: str
    texted: str
    meaning: Meaning
    list_id: int | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What was made of a message that came before: its meaning, and the list that it concerned."""

    meaning: Meaning
    list_id: int | None


def keep_message(arrived: Arrived) -> int | Known:
    """Write a message down; its row, or what was made of it when it came before. In a transaction.

    The same one at the same moment waits here until the first is done.
    """
    values = (
        arrived.endpoint_id,
        arrived.message_id,
        arrived.digest,
        arrived.sender,
        arrived.texted,
        int(arrived.meaning),
        arrived.list_id,
        arrived.received_at,
    )
    rows = fetch_prepared(_KEEP, values)
    if rows:
        return int(rows[0][0])
    ((meaning, list_id),) = fetch_prepared(_FIND, (arrived.endpoint_id, arrived.message_id))
    return Known(Meaning(meaning), list_id)


def name_of_message(given: str, *said: str) -> str | None:
    """The name by which a message is known: the gateway's `given` and a hash of what it says (`said`); None without a name.

    With the hash, a gateway that gives every message the same name loses none of them. Numbers in `said` are in one spelling: one
    that writes a number in another way the second time repeats it all the same.
    """
    given = given.strip()
    if not given:
        return None
    whole = "\0".join((given, *said)).encode("utf-8", "surrogatepass")
    shown = given[:LONGEST_ID] if given.isascii() and given.isprintable() else "?"
    return f"{shown} {hashlib.sha256(whole).hexdigest()[:32]}"


def note_lift(message: int, list_id: int) -> None:
    """Write down that a START ended a suppression, of that list for one."""
    InboundMessage.objects.filter(pk=message).update(optout_list=list_id)


def note_answer(message: int, text: str, now: datetime) -> None:
    """Write down that the answer to the gateway's call confirms the STOP."""
    InboundMessage.objects.filter(pk=message).update(
        confirmation=Confirmation.ANSWERED, confirmation_text=text, confirmed_at=now
    )


def ask_to_confirm(message: int, text: str) -> None:
    """Have the worker send that text, at once and only if the transaction commits. What it misses it finds within a minute."""
    InboundMessage.objects.filter(pk=message).update(
        confirmation=Confirmation.WAITING, confirmation_text=text
    )
    transaction.on_commit(_wake_worker, robust=True)


def call_off_confirmations(list_ids: Sequence[int], digest: bytes) -> None:
    """Send no confirmation of a STOP that has been taken back since, on those lists. In a transaction."""
    fetch_prepared(_CALL_OFF, (list_ids, digest))


def find_named_list(realm_id: int, name: str) -> int | None:
    """The one list of the realm that a text names, by its number or as `name_form` has its name; None for none, or several.

    Do Not Mail has no name that anybody would text.
    """
    if not name:
        return None
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0
    word = max((each for each in name.split() if each not in _RESPELLED), key=len, default="")
    rows = fetch_prepared(_PERHAPS_NAMED, (realm_id, number, "[^a-z0-9]*".join(word[:40])))
    named = {pk for pk, own, title in rows if own == number or _form_of(title) == name}
    return named.pop() if len(named) == 1 else None


def forget_messages(now: datetime) -> int:
    """Forget messages that came in more than 90 days ago, of a START with a name who texted which number; how many."""
    return sum(
        _forget_of(endpoint, statement, now - KEPT)
        for endpoint in InboundEndpoint.objects.values_list("pk", flat=True)
        for statement in (_FORGET, _EMPTY)
    )


def _forget_of(endpoint: int, statement: str, end: datetime) -> int:
    forgotten = 0
    while count := len(fetch_prepared(statement, (endpoint, end, BATCH))):
        forgotten += count
    return forgotten


def _wake_worker() -> None:
    """Put the task in the queue that sends confirmations. By its name: what it does is a report's business, not ours."""
    with suppress(AlreadyEnqueued):  # the one that waits has not looked yet, and will see ours
        task = app.configure_task(f"reporting.{CONFIRM}", lock=CONFIRM, queueing_lock=CONFIRM)
        task.defer(timestamp=0)
