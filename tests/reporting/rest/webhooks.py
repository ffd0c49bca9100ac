"""The endpoint that the examples name, with a message that was given up."""

import uuid
from datetime import timedelta

from lists.models import List
from reporting.models import DeliveryState, Failure, WebhookDelivery, WebhookEndpoint
from reporting.rest.example_rows import OPTED_OUT
from reporting.rest.example_webhooks import DELIVERY_ID, MESSAGE, WEBHOOK_ID
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from tests import make


def make_example_webhook(optout_list: List) -> WebhookEndpoint:
    """An endpoint of that list alone."""
    plan = EndpointPlan("https://crm.example.com/heed", label="CRM", list_ids=[optout_list.pk])
    endpoint = make_endpoint(optout_list.realm, plan, actor=None, now=make.NOW)
    endpoint.public_id = WEBHOOK_ID
    endpoint.succeeded_at = endpoint.failed_at = make.NOW + timedelta(hours=1)
    endpoint.save(update_fields=("public_id", "succeeded_at", "failed_at"))
    WebhookDelivery.objects.create(
        id=DELIVERY_ID,
        endpoint=endpoint,
        message=uuid.UUID(MESSAGE),
        changes=[OPTED_OUT],
        recorded_at=make.NOW,
        created_at=make.NOW,
        due_at=make.NOW,
        state=DeliveryState.FAILED,
        step=10,
        tries=10,
        first_tried_at=make.NOW,
        tried_at=make.NOW + timedelta(hours=76),
        took_ms=204,
        status=503,
        failure=Failure.STATUS,
        answer="Maintenance",
    )
    return endpoint
