"""The one order in which rows of webhooks are locked, by the sender, the portal and the REST API alike: endpoints before their
deliveries; of the endpoints default callbacks first, then by primary key. Whoever keeps to it never waits in a circle.
"""

from collections.abc import Iterable

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from reporting.models import WebhookEndpoint

# Neither changes while an endpoint lives, so the order stays.
_IS_DEFAULT = ExpressionWrapper(Q(is_callback=True, list_ids=None), output_field=BooleanField())


def lock_rows(chosen: Q) -> QuerySet[WebhookEndpoint, WebhookEndpoint]:
    """These endpoints as they are now; nobody changes them, or reads on for them, until the transaction ends.

    NO KEY: deliveries can be made meanwhile.
    """
    found = WebhookEndpoint.objects.select_for_update(no_key=True).filter(chosen)
    return found.alias(is_default=_IS_DEFAULT).order_by("-is_default", "pk")


def lock_endpoints(endpoint_ids: Iterable[int]) -> dict[int, int]:
    """Lock them, and give back the revision of each that there is. One statement."""
    chosen = Q(pk__in=sorted(set(endpoint_ids)))
    return dict(lock_rows(chosen).values_list("pk", "revision"))
