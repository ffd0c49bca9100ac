"""Where an endpoint begins to read the ledger, so that nothing falls between a default callback and that of a list (S3.11).

Each has its own cursor, and the sender leaves out of the default's rows those of lists that have a callback of their own. So
the one that comes goes on where the other one stood. What lies between may be told to both, never to none.

Whoever calls this holds the lock of both rows (locks.py); the sender locks the default one before it looks which lists have
their own.
"""

from datetime import datetime

from django.db.models import Q

from lists.prepared import fetch
from optout.choices import Channel, Medium
from reporting.changes import end_of_feed
from reporting.feed import Cursor
from reporting.models import DeliveryState, WebhookEndpoint, WebhookFormat
from reporting.webhooks.locks import lock_rows


def find_start(endpoint: WebhookEndpoint) -> Cursor:
    """Where a new endpoint begins: at the end of the ledger; a list's callback where the default one stands."""
    if endpoint.is_callback and endpoint.list_ids is not None:
        default = lock_rows(default_of(endpoint.realm_id)).first()
        if default is not None:
            return cursor_of(default)
    return end_of_feed()


def lock_with_default(
    endpoint: WebhookEndpoint,
) -> tuple[WebhookEndpoint | None, WebhookEndpoint | None]:
    """The endpoint's row, None if it was removed meanwhile, and its realm's default callback, for us alone."""
    own = default = None
    for row in lock_rows(default_of(endpoint.realm_id) | Q(pk=endpoint.pk, removed_at=None)):
        if row.is_callback and row.list_ids is None:
            default = row
        if row.pk == endpoint.pk:
            own = row
    return own, default


def give_back(callback: WebhookEndpoint, default: WebhookEndpoint, now: datetime) -> None:
    """Let the realm's default callback tell of a list again, whose own callback is being removed. Both rows are locked.

    What was made into deliveries and has not arrived becomes the default one's, under the same webhook-ids: what waits is sent
    there, in its order; what failed for good can be sent again there. And the default one goes back to what the other one had
    not read; of what came since, it repeats what it told of other lists.
    """
    fetch(
        _HAND_OVER,
        {
            "callback": callback.pk,
            "default": default.pk,
            "now": now,
            "medium": None if default.medium is None else Medium(default.medium).name.lower(),
            "channels": _words(default.channels),
            "lifts": default.gets_lifts,
            "is_sms": default.format != WebhookFormat.STANDARD,
        },
    )
    there = min(cursor_of(callback), cursor_of(default))
    # Another revision: the sender takes up what was handed over before it reads on.
    default.xid, default.last_id, default.revision = there.xid, there.last_id, default.revision + 1
    default.save(update_fields=("xid", "last_id", "revision"))


def default_of(realm_id: int) -> Q:
    """Which row is the default callback of that realm."""
    return Q(realm=realm_id, is_callback=True, list_ids=None, removed_at=None)


def cursor_of(endpoint: WebhookEndpoint) -> Cursor:
    """How far it has read."""
    return Cursor(endpoint.xid, endpoint.last_id)


# Without what the default one does not hear of (claims.is_told, payloads.goes_out). A try that is under way counts when it
# arrives; whatever else comes of it is of an endpoint that was changed.
_HAND_OVER = f"""
WITH left_over AS (
    SELECT d.id, jsonb_agg(c.entry ORDER BY c.place) AS changes
    FROM reporting_webhookdelivery d
    CROSS JOIN LATERAL jsonb_array_elements(d.changes) WITH ORDINALITY c (entry, place)
    WHERE d.endpoint_id = %(callback)s AND d.state <> {DeliveryState.DELIVERED:d} AND NOT d.is_test
        AND (%(medium)s::text IS NULL OR c.entry->>'medium' = %(medium)s)
        AND (%(channels)s::text[] IS NULL OR c.entry->>'channel' = ANY (%(channels)s))
        AND (%(lifts)s OR c.entry->>'type' <> 'lift')
        AND (
            NOT %(is_sms)s OR c.entry->>'medium' <> 'sms'
            OR (c.entry->>'type' = 'opt_out' AND c.entry->>'address' IS NOT NULL)
        )
    GROUP BY d.id
)
UPDATE reporting_webhookdelivery d SET
    endpoint_id = %(default)s,
    changes = l.changes,
    state = CASE d.state WHEN {DeliveryState.FAILED:d} THEN d.state ELSE {DeliveryState.QUEUED:d} END,
    step = CASE d.state WHEN {DeliveryState.FAILED:d} THEN d.step ELSE 0 END,
    due_at = CASE d.state WHEN {DeliveryState.FAILED:d} THEN d.due_at ELSE %(now)s END
FROM left_over l
WHERE d.id = l.id
"""  # noqa: S608 -- made of constants


def _words(channels: list[int] | None) -> list[str] | None:
    """As entries of changes call them."""
    if channels is None:
        return None
    return [Channel(code).name.lower() for code in channels if Channel.find(code)]
