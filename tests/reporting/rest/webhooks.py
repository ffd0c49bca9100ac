"""A program that calls the operations about endpoints, and the endpoint that the examples name."""

import json
import uuid
from datetime import timedelta
from typing import Any

from django.test import Client

from lists.models import List, Realm
from reporting.models import DeliveryState, Failure, WebhookDelivery, WebhookEndpoint
from reporting.rest.example_rows import OPTED_OUT
from reporting.rest.example_webhooks import DELIVERY_ID, MESSAGE, WEBHOOK_ID
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from tests import make

URL = "https://crm.example.com/heed"


class Program:
    """Calls with a key of the realm, for these lists (none: for all)."""

    def __init__(self, realm: Realm, *lists: List, **fields: Any) -> None:
        key = make.make_api_key(realm, *lists, **fields)
        self.client = Client(headers={"authorization": f"Bearer {key}"})

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to a call below /api/v1/webhooks."""
        return self.client.generic(
            method,
            f"/api/v1/webhooks{path}",
            data=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )

    def make(self, **body: Any) -> Any:
        """An endpoint, as the answer tells it."""
        answer = self("POST", "", {"url": URL, **body})
        assert answer.status_code == 201, answer.content
        return answer.json()

    def read(self, path: str = "") -> Any:
        """What a GET says."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()


def make_example_webhook(optout_list: List) -> WebhookEndpoint:
    """An endpoint of that list alone."""
    plan = EndpointPlan(URL, label="CRM", list_ids=[optout_list.pk])
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


def make_delivery(
    endpoint: WebhookEndpoint, state: DeliveryState, **fields: Any
) -> WebhookDelivery:
    """A delivery of an endpoint, as far as it has come."""
    values: dict[str, Any] = {
        "endpoint": endpoint,
        "message": uuid.uuid4(),
        "changes": [OPTED_OUT],
        "recorded_at": make.NOW,
        "created_at": make.NOW,
        "due_at": make.NOW,
        "state": state,
    }
    return WebhookDelivery.objects.create(**values | fields)


def refused(answer: Any, pointer: str, status: int = 422) -> str:
    """The sentence with which a field was refused."""
    assert answer.status_code == status, answer.content
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    detail: str = error["detail"]
    return detail
