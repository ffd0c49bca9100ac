"""What is kept no longer: the log of deliveries, and endpoints that were removed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint

DELIVERED_KEPT = timedelta(days=7)  # tests as well
FAILED_KEPT = timedelta(days=90)


_AT_ONCE = 10_000  # deliveries in one transaction: the feed, and so every webhook, waits for the oldest that is open


def clear_deliveries(now: datetime) -> dict[str, int]:
    """Remove what was delivered 7 days ago and what failed 90 days ago, and endpoints that were removed; how many rows.

    A part at a time, oldest first: not to be called within a transaction.
    """
    over = WebhookDelivery.objects.annotate(over_at=Coalesce("tried_at", "created_at"))
    told = Q(state=DeliveryState.DELIVERED) | Q(state=DeliveryState.FAILED, is_test=True)
    old = over.filter(
        (told & Q(over_at__lt=now - DELIVERED_KEPT))
        | Q(state=DeliveryState.FAILED, over_at__lt=now - FAILED_KEPT)
    )
    removed = WebhookEndpoint.objects.exclude(removed_at=None)
    of_removed = WebhookDelivery.objects.filter(endpoint__in=removed)
    return {
        "webhook_deliveries": _clear(old) + _clear(of_removed),
        "webhook_endpoints": removed.delete()[0],
    }


def _clear(chosen: QuerySet[WebhookDelivery]) -> int:
    """Remove these in parts. Looking for them takes longer than removing them, and is a statement of its own: one that only
    reads holds nobody up. What somebody uses right now stays for the next time."""
    removed, last = 0, 0
    while ids := list(
        chosen.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]
    ):
        last = ids[-1]
        with transaction.atomic():
            still = chosen.filter(pk__in=ids).select_for_update(skip_locked=True).order_by("pk")
            removed += WebhookDelivery.objects.filter(
                pk__in=list(still.values_list("pk", flat=True))
            ).delete()[0]
    return removed
