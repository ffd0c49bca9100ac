"""Whom a list's text message goes to: its contacts with a phone number, without those who may not be written to (S3.7).

A suppression wins whatever it is kept under: the number's own digest, or an MD5 or SHA-1 that an import brought without the
number. Those two are asked for where the list or its realm's Do Not Mail has such rows at all: few have.
"""

import time
from dataclasses import dataclass
from typing import Final, NamedTuple

from lists.bounded import TookTooLongError, at_most
from lists.lookup import ListSnapshot
from lists.prepared import fetch
from optout.addresses import Address
from optout.choices import HashKind, Medium
from optout.queries import find_scopes, find_suppressions

COUNT_SECONDS = 5  # a page that takes longer is one that nobody waits for
_COUNTED_AT_ONCE = 10_000

# Whether there are suppressions of this list that only a hash tells, and not the digest that a contact has.
_HAS_OTHER_HASHES: Final = f"""
EXISTS (
    SELECT FROM optout_suppression
    WHERE optout_list_id IN (%(list)s::int, %(everywhere)s::int) AND address IS NULL
      AND hash_kind IN ({HashKind.SHA1:d}, {HashKind.MD5:d})
)
"""
# E.164, as a link needs it. What is too short or too long was kept before that was asked for: nothing can be sent there.
_CAN_BE_DIALLED: Final = r"address ~ '^\+[0-9]{7,15}$'"
# All in one statement, so of one moment. `OFFSET 0`: each by its key, see optout/contact_statements.py.
_PAGE: Final = f"""
SELECT s.digest, c.address, c.address IS NOT NULL AND EXISTS (
    SELECT FROM optout_suppression x WHERE x.optout_list_id = %(list)s::int AND x.digest = s.digest OFFSET 0
) OR c.address IS NOT NULL AND EXISTS (
    SELECT FROM optout_suppression x WHERE x.optout_list_id = %(everywhere)s::int AND x.digest = s.digest OFFSET 0
), {_HAS_OTHER_HASHES}
FROM (
    SELECT digest FROM lists_subscription
    WHERE optout_list_id = %(list)s AND digest > %(after)s
    ORDER BY digest
    LIMIT %(limit)s
) s LEFT JOIN LATERAL (
    SELECT address FROM lists_contact
    WHERE realm_id = %(realm)s AND digest = s.digest AND medium = {Medium.SMS:d} AND {_CAN_BE_DIALLED} OFFSET 0
) c ON true
ORDER BY s.digest
"""  # noqa: S608 -- made of constants
_COUNT: Final = f"""
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM optout_suppression x
    WHERE x.optout_list_id IN (%(list)s::int, %(everywhere)s::int) AND x.digest = s.digest
)), {_HAS_OTHER_HASHES}
FROM lists_subscription s JOIN lists_contact c ON c.digest = s.digest
WHERE s.optout_list_id = %(list)s AND c.realm_id = %(realm)s AND c.medium = {Medium.SMS:d} AND {_CAN_BE_DIALLED}
"""  # noqa: S608 -- made of constants


class Recipient(NamedTuple):
    """Somebody the message goes to; `number` is in E.164."""

    digest: bytes
    number: str


@dataclass(frozen=True, slots=True)
class RecipientCount:
    """How many the message goes to, and how many of the list's phone contacts are left out as they have opted out."""

    recipients: int
    left_out: int


def read_recipients(
    optout_list: ListSnapshot, after: bytes, limit: int
) -> tuple[list[Recipient], bytes | None]:
    """Those of the next `limit` on the list, from the digest `after` (b"": the beginning) on, who may be written to now; and
    after which to go on, None at the end.

    A batch may be shorter than `limit`, even empty, before the end: a list has email addresses too.
    """
    found, following = _read(optout_list, after, limit)
    return [each for each, is_suppressed in found if not is_suppressed], following


def count_recipients(optout_list: ListSnapshot) -> RecipientCount | None:
    """How many there are now; None where counting them would take too long."""
    values = {
        "list": optout_list.id,
        "everywhere": optout_list.do_not_mail_id,
        "realm": optout_list.realm_id,
    }
    try:
        with at_most(COUNT_SECONDS, may_be_within=True):
            ((total, left_out, has_other_hashes),) = fetch(_COUNT, values)
            if has_other_hashes:  # PostgreSQL has no SHA-1
                total, left_out = _count_one_by_one(optout_list)
    except TookTooLongError:
        return None
    return RecipientCount(total - left_out, left_out)


def count_readers(optout_list: ListSnapshot) -> int | None:
    """For a message that is about to be made: how many it goes to; None where counting them would take too long.

    It may take seconds: it is asked before a transaction is opened.
    """
    count = count_recipients(optout_list)
    return None if count is None else count.recipients


def is_left_alone(optout_list: ListSnapshot, number: str) -> bool:
    """Whether a single number may not be written to: it is in this list's suppressions or its realm's Do Not Mail."""
    return bool(find_suppressions(optout_list.id, number))


def _count_one_by_one(optout_list: ListSnapshot) -> tuple[int, int]:
    until = time.monotonic() + COUNT_SECONDS
    total = left_out = 0
    after: bytes | None = b""
    while after is not None:
        if time.monotonic() > until:
            raise TookTooLongError
        found, after = _read(optout_list, after, _COUNTED_AT_ONCE)
        total += len(found)
        left_out += sum(is_suppressed for _recipient, is_suppressed in found)
    return total, left_out


def _read(
    optout_list: ListSnapshot, after: bytes, limit: int
) -> tuple[list[tuple[Recipient, bool]], bytes | None]:
    """The phone contacts among the next `limit` on the list, each with whether it is suppressed; and after which to go on."""
    values = {
        "list": optout_list.id,
        "everywhere": optout_list.do_not_mail_id,
        "realm": optout_list.realm_id,
        "after": after,
        "limit": limit,
    }
    rows = fetch(_PAGE, values)
    following = rows[-1][0] if len(rows) == limit else None
    found = [
        (Recipient(digest, number), is_suppressed)
        for digest, number, is_suppressed, _has_other in rows
        if number is not None
    ]
    if found and rows[0][3]:
        numbers = [Address(each.number, Medium.SMS, each.digest, each.number) for each, _ in found]
        scopes = find_scopes(optout_list, numbers)
        found = [(each, scope is not None) for (each, _), scope in zip(found, scopes, strict=True)]
    return found, following
