"""The rows of mails that somebody asked for by typing an address into a form of ours (S2.2): kept at once, sent by the worker.

The request writes the same row for every address and looks nothing up, so that neither its answer nor its time tells whether
the address is known (AT-03). Whether and what is sent is decided when it is sent.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from lists.prepared import fetch_prepared
from optout.addresses import Address, digest_of
from optout.choices import MailKind, MailState, Reason
from optout.evidence import short_agent
from optout.models import RecipientMail
from optout.queries import find_suppressions
from optout.visits import Visit

KEPT = timedelta(days=7)  # and as long its link works
SEND_MAILS = "send_recipient_mails"  # the worker's task (reporting/tasks.py)
LONGEST_WORDING = 1_000  # characters

# How long a mail waits after each try that failed for a while; after the last one it is given up.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
CLAIMED_FOR = timedelta(minutes=10)

# To one mailbox, so that nobody is flooded by means of our forms.
MOST_OF_REALM = 3  # a day
MOST_OF_ALL = 6  # a day
DAY = timedelta(days=1)
REPEATED = timedelta(minutes=5)  # the same request again: a double click, or no patience

# Whoever complained, whose mailbox is gone, or who went to law, is mailed by their sender's own hand or not at all.
NEVER_INVITED = frozenset((Reason.COMPLAINED, Reason.BOUNCED, Reason.LEGAL))

type MailRequest = RecipientMail  # as channels call it, which know no tables

_KEEP = f"""
INSERT INTO optout_recipientmail (
    optout_list_id, kind, digest, mailbox, address, language, wording, asked_at, ip, agent, state, tries, due_at
)
VALUES (
    %(list)s, %(kind)s, %(digest)s, %(mailbox)s, %(address)s, %(language)s, %(wording)s, %(now)s, %(ip)s,
    %(agent)s, {MailState.WAITING:d}, 0, %(now)s
)
"""  # noqa: S608  constants only
# A try counts when it begins: a mail that takes its worker down with it is not tried for ever.
_CLAIM = f"""
UPDATE optout_recipientmail SET
    tries = tries + 1,
    due_at = %(now)s + %(claimed_for)s::interval,
    state = CASE WHEN tries > %(waits)s THEN {MailState.GIVEN_UP:d} ELSE state END
WHERE id IN (
    SELECT id FROM optout_recipientmail
    WHERE state = {MailState.WAITING:d} AND due_at <= %(now)s
    ORDER BY due_at, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING *
"""  # noqa: S608  constants only
# Those that were asked for before this one, and were sent within a day or will be: to the mailbox, and of them to the address.
_BEFORE = f"""
SELECT
    count(*) FILTER (WHERE b.realm_id = l.realm_id),
    count(*),
    count(*) FILTER (
        WHERE m.digest = %(digest)s AND m.optout_list_id = l.id AND m.kind = %(kind)s
          AND m.asked_at > %(asked)s - %(repeated)s::interval
    ),
    count(*) FILTER (WHERE m.digest = %(digest)s AND b.realm_id = l.realm_id AND m.kind = {MailKind.JOIN:d})
FROM optout_recipientmail m
JOIN lists_list b ON b.id = m.optout_list_id
JOIN lists_list l ON l.id = %(list)s
WHERE m.mailbox = %(mailbox)s AND m.id < %(mail)s AND coalesce(m.sent_at > %(now)s - %(day)s::interval, true)
  AND m.state IN ({MailState.WAITING:d}, {MailState.SENT:d})
"""  # noqa: S608  constants only


def ask_for_mail(visit: Visit, kind: MailKind, address: Address, wording: str = "") -> None:
    """Have the worker send a mail of that kind to an email address, at once; what it misses it finds within a minute.

    `wording` is what was agreed to, as it was read. Twice for one form is one mail (`has_had_enough`).
    """
    fetch_prepared(
        _KEEP,
        {
            "list": visit.optout_list.id,
            "kind": int(kind),
            "digest": address.digest,
            "mailbox": mailbox_digest(address.key),
            "address": address.key,
            "language": visit.reading.code,
            "wording": wording[:LONGEST_WORDING],
            "now": visit.now,
            "ip": visit.ip and str(visit.ip),
            "agent": short_agent(visit.request.META.get("HTTP_USER_AGENT")),
        },
    )
    transaction.on_commit(_wake_worker, robust=True)


def claim_due(now: datetime, limit: int) -> list[RecipientMail]:
    """The mails that are due, the longest due first, for this worker alone for ten minutes. Not in a transaction.

    Each counts as tried: whoever gets no round to it gives it back (`put_back`).
    """
    values = {"now": now, "claimed_for": CLAIMED_FOR, "waits": len(WAITS), "limit": limit}
    claimed = list(RecipientMail.objects.raw(_CLAIM, values))
    waiting = [mail for mail in claimed if mail.state == MailState.WAITING]
    return sorted(waiting, key=lambda mail: (mail.asked_at, mail.pk))


def put_back(mails: Iterable[RecipientMail], now: datetime) -> None:
    """Give back mails that were claimed and not tried: they are due again."""
    for mail in mails:
        _waiting(mail).update(tries=mail.tries - 1, due_at=now)


def mark_sent(mail: RecipientMail, now: datetime) -> None:
    """The server has taken it."""
    _waiting(mail).update(state=MailState.SENT, sent_at=now)


def mark_left_out(mail: RecipientMail) -> None:
    """It is not sent, because the address has had enough."""
    _waiting(mail).update(state=MailState.LEFT_OUT)


def mark_failed(mail: RecipientMail, now: datetime) -> None:
    """This try failed for a while: another one follows, or it is given up after the last."""
    if mail.tries > len(WAITS):
        mark_given_up(mail)
        return
    _waiting(mail).update(due_at=now + WAITS[mail.tries - 1])


def mark_given_up(mail: RecipientMail) -> None:
    """It will never be taken, as when the server does not know the recipient."""
    _waiting(mail).update(state=MailState.GIVEN_UP)


def has_had_enough(mail: RecipientMail, now: datetime) -> bool:
    """Whether the address gets this one not: its mailbox has had as many, or it has had the same one just now, or is not to be
    invited.

    Who opted out gets one invitation a day from a realm; of those that come after a complaint, a bounce or a legal request none.
    To be asked right before it is sent.
    """
    values = {
        "list": mail.optout_list_id,
        "kind": mail.kind,
        "digest": bytes(mail.digest),
        "mailbox": bytes(mail.mailbox),
        "asked": mail.asked_at,
        "mail": mail.pk,
        "now": now,
        "repeated": REPEATED,
        "day": DAY,
    }
    ((of_realm, of_all, repeated, invitations),) = fetch_prepared(_BEFORE, values)
    if of_realm >= MOST_OF_REALM or of_all >= MOST_OF_ALL or repeated:
        return True
    if mail.kind != MailKind.JOIN:
        return False
    found = find_suppressions(mail.optout_list_id, mail.address)
    return bool(found) and (invitations > 0 or any(each.reason in NEVER_INVITED for each in found))


def mailbox_digest(key: str) -> bytes:
    """What the mailbox of an email address is counted by: `jane+shop@` and `jane+news@` are read by one person."""
    local, at, domain = key.lower().rpartition("@")
    name, _plus, _tag = local.partition("+")
    return digest_of(f"{name or local}{at}{domain}")


def find_request(mail_id: int) -> RecipientMail | None:
    """The row of a mail that was asked for; None once it is forgotten."""
    return RecipientMail.objects.filter(pk=mail_id).first()


def _waiting(mail: RecipientMail) -> QuerySet[RecipientMail]:
    return RecipientMail.objects.filter(pk=mail.pk, state=MailState.WAITING)


def _wake_worker() -> None:
    """Put the task in the queue that sends mails. By its name: what it does is not the request's business."""
    with suppress(AlreadyEnqueued):  # the one that waits has not looked yet, and will see ours
        task = app.configure_task(
            f"reporting.{SEND_MAILS}", lock=SEND_MAILS, queueing_lock=SEND_MAILS
        )
        task.defer(timestamp=0)
