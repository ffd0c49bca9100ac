"""Where an endpoint begins to read the ledger, so that nothing falls between a default callback and that of a list (S3.11).

Each has its own cursor, and the sender leaves out of the default's rows those of lists that have a callback of their own. So
the one that comes goes on where the other one stood. What lies between may be told to both, never to none.

Whoever calls this holds the lock of both rows; the sender locks the default one before it looks which lists have their own.
"""

from django.db.models import Q

from lists.prepared import fetch
from reporting.changes import NotMendedError, find_end
from reporting.feed import Cursor, mend_feed
from reporting.models import DeliveryState, WebhookEndpoint
from reporting.webhooks.locks import lock_rows


def find_start(endpoint: WebhookEndpoint) -> Cursor:
    """Where a new endpoint begins: at the end of the ledger; a list's callback where the default one stands."""
    if endpoint.is_callback and endpoint.list_ids is not None:
        default = lock_rows(default_of(endpoint.realm_id)).first()
        if default is not None:
            return cursor_of(default)
    return end_of_feed()


def end_of_feed() -> Cursor:
    """The end of the ledger, which is put in order first where a dump was restored."""
    try:
        return find_end()
    except NotMendedError:
        mend_feed()
        return find_end()


def lock_with_default(
    endpoint: WebhookEndpoint,
) -> tuple[WebhookEndpoint | None, WebhookEndpoint | None]:
    """The endpoint's row, None if it was removed meanwhile, and its realm's default callback, for us alone."""
    rows = lock_rows(default_of(endpoint.realm_id) | Q(pk=endpoint.pk, removed_at=None))
    own = default = None
    for row in rows:
        if row.is_callback and row.list_ids is None:
            default = row
        if row.pk == endpoint.pk:
            own = row
    return own, default


def give_back(callback: WebhookEndpoint, default: WebhookEndpoint) -> None:
    """Let the realm's default callback tell of a list again, whose own callback is being removed. Both rows are locked.

    It goes back to what the other one had not delivered; of what came since, it repeats what it told of other lists. After a
    receiver that was dead for days that is a lot, but a lost opt-out is worse.
    """
    here = cursor_of(default)
    there = min(here, cursor_of(callback), _before_undelivered(callback) or here)
    if there < here:
        WebhookEndpoint.objects.filter(pk=default.pk).update(xid=there.xid, last_id=there.last_id)


def default_of(realm_id: int) -> Q:
    """Which row is the default callback of that realm."""
    return Q(realm=realm_id, is_callback=True, list_ids=None, removed_at=None)


def cursor_of(endpoint: WebhookEndpoint) -> Cursor:
    """How far it has read."""
    return Cursor(endpoint.xid, endpoint.last_id)


# The ledger is found by digest and id. A replay may be of long ago, and was told in its time.
_UNDELIVERED = f"""
SELECT o.xid::text::bigint, o.id
FROM reporting_webhookdelivery d
CROSS JOIN LATERAL jsonb_array_elements(d.changes) c
JOIN optout_optout o ON o.digest = decode(c->>'digest', 'hex') AND o.id = (c->>'id')::bigint
WHERE d.endpoint_id = %s AND d.state = {DeliveryState.WAITING:d} AND NOT d.is_test AND d.asked_by = ''
ORDER BY o.xid, o.id
LIMIT 1
"""  # noqa: S608 -- made of constants


def _before_undelivered(endpoint: WebhookEndpoint) -> Cursor | None:
    """The place before the first row of the ledger that was made into a delivery which has not arrived."""
    found = fetch(_UNDELIVERED, (endpoint.pk,))
    return Cursor(found[0][0], found[0][1] - 1) if found else None
