"""Deliveries for tests, as a sender makes them."""

import uuid
from typing import Any

from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.payloads import sample_change
from tests import make


def make_delivery(endpoint: WebhookEndpoint, **fields: Any) -> WebhookDelivery:
    """A delivery that waits for its first try, of one change, unless said otherwise."""
    values = {
        "message": uuid.uuid4(),
        "changes": [{**sample_change(endpoint.format, make.NOW), "address": "jane@example.com"}],
        "recorded_at": make.NOW,
        "created_at": make.NOW,
        "due_at": make.NOW,
        "state": DeliveryState.WAITING,
        **fields,
    }
    return WebhookDelivery.objects.create(endpoint=endpoint, **values)
