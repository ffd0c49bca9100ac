"""What people and programs ask to be sent: a test, one delivery again, all that failed since.

A wish is a row in state QUEUED, or a try that is due earlier; the endpoint's sender takes it up within half a second, of an
endpoint that is off when it is on again (a test at once).
"""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from lists.models import User
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.auditing import record_webhook
from reporting.webhooks.locks import lock_endpoints, lock_rows
from reporting.webhooks.payloads import sample_change

LONGEST_ASKER = 60  # characters
REPLAYED_AT_ONCE = 5_000  # deliveries
_OVER = (DeliveryState.DELIVERED, DeliveryState.FAILED)


@transaction.atomic
def send_test(endpoint: WebhookEndpoint, *, asked_by: str, now: datetime) -> WebhookDelivery:
    """Ask for a test message: tried once, also to an endpoint that is off. While one is under way, that one."""
    list(lock_rows(Q(pk=endpoint.pk)))  # a double click asks for one
    under_way = WebhookDelivery.objects.filter(
        endpoint=endpoint, state__in=(DeliveryState.QUEUED, DeliveryState.WAITING), is_test=True
    ).first()
    if under_way is not None:
        return under_way
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        message=uuid.uuid4(),
        is_test=True,
        changes=[sample_change(endpoint.format, now)],
        recorded_at=now,
        created_at=now,
        due_at=now,
        state=DeliveryState.QUEUED,
        asked_by=asked_by[:LONGEST_ASKER],
    )


@transaction.atomic
def replay_one(
    endpoint: WebhookEndpoint,
    delivery_id: int,
    *,
    asked_by: str,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> int:
    """Send one delivery again, failed or delivered, with the same webhook-id and all its tries; one that waits for its next
    try at once.

    1; or 0 for one that was never tried or is queued, and is sent anyway. Raises WebhookDelivery.DoesNotExist, also for a test.
    """
    lock_endpoints([endpoint.pk])
    chosen = WebhookDelivery.objects.filter(endpoint=endpoint, pk=delivery_id, is_test=False)
    replayed = chosen.filter(state__in=_OVER).update(**_anew(asked_by, now))
    replayed += _try_now(endpoint, chosen, now)
    if replayed:
        detail = {"replayed": replayed, "delivery": delivery_id}
        record_webhook("replay_webhook", endpoint, actor, key_id, **detail)
    else:
        chosen.get()
    return replayed


def replay_failed(
    endpoint: WebhookEndpoint,
    since: datetime,
    *,
    asked_by: str,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> int:
    """Send all again that failed and tells of what was recorded since then; how many deliveries.

    What failed and waits for its next try is tried at once. Some at a time, each with an entry in the audit: while the
    endpoint's row is locked, the sender waits.
    """
    with transaction.atomic():
        lock_endpoints([endpoint.pk])
        tried = WebhookDelivery.objects.filter(
            endpoint=endpoint, recorded_at__gte=since, is_test=False
        )
        replayed = _try_now(endpoint, tried, now)
        if replayed:
            detail = {"replayed": replayed, "since": since.isoformat()}
            record_webhook("replay_webhook", endpoint, actor, key_id, **detail)
    last = 0
    while True:
        with transaction.atomic():
            lock_endpoints([endpoint.pk])
            failed = WebhookDelivery.objects.filter(
                endpoint=endpoint,
                pk__gt=last,
                state=DeliveryState.FAILED,
                recorded_at__gte=since,
                is_test=False,
            )
            found = list(failed.order_by("pk").values_list("pk", flat=True)[:REPLAYED_AT_ONCE])
            if found:
                WebhookDelivery.objects.filter(pk__in=found).update(**_anew(asked_by, now))
                detail = {"replayed": len(found), "since": since.isoformat()}
                record_webhook("replay_webhook", endpoint, actor, key_id, **detail)
        replayed += len(found)
        if len(found) < REPLAYED_AT_ONCE:
            return replayed
        last = found[-1]


def _try_now(
    endpoint: WebhookEndpoint,
    chosen: QuerySet[WebhookDelivery, WebhookDelivery],
    now: datetime,
) -> int:
    """Have those of them tried at once, with all their tries, that failed and wait for the next one; how many.

    The sender has them in memory: another revision makes it look again. They are no wish of somebody's in the log: what waits
    has yet to arrive.
    """
    waiting = chosen.filter(state=DeliveryState.WAITING, tries__gt=0)
    found = waiting.update(step=0, due_at=now)
    if found:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(revision=F("revision") + 1)
    return found


def _anew(asked_by: str, now: datetime) -> dict[str, object]:
    return {
        "state": DeliveryState.QUEUED,
        "step": 0,
        "due_at": now,
        "asked_by": asked_by[:LONGEST_ASKER],
    }
