"""What the nights remove."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lists.models import Realm
from reporting import upkeep
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks import clearing
from reporting.webhooks.clearing import clear_deliveries
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db


class TestClearing:
    def test_the_log_is_kept_for_a_while(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        now = timezone.now()

        def made(days: float, **fields: Any) -> int:
            at = now - timedelta(days=days)
            return make_delivery(endpoint, created_at=at, tried_at=at, **fields).pk

        made(8, state=DeliveryState.DELIVERED)
        made(8, state=DeliveryState.FAILED, is_test=True)
        made(91, state=DeliveryState.FAILED)
        kept = {
            made(6, state=DeliveryState.DELIVERED),
            made(89, state=DeliveryState.FAILED),
            made(200, state=DeliveryState.WAITING),
            made(200, state=DeliveryState.QUEUED),
        }
        result = upkeep.apply_retention(now)
        assert (result["webhook_deliveries"], result["webhook_endpoints"]) == (3, 0)
        assert set(WebhookDelivery.objects.values_list("pk", flat=True)) == kept

        WebhookEndpoint.objects.update(removed_at=now)
        result = upkeep.apply_retention(now)
        assert (result["webhook_deliveries"], result["webhook_endpoints"]) == (4, 1)

    def test_it_is_removed_in_parts_oldest_first(self, realm: Realm, monkeypatch: Any) -> None:
        """The feed waits for the oldest transaction, so none may take long."""
        monkeypatch.setattr(clearing, "_AT_ONCE", 2)
        endpoint = make.make_webhook_endpoint(realm)
        for n in range(7):
            state = DeliveryState.WAITING if n == 3 else DeliveryState.DELIVERED
            make_delivery(endpoint, state=state)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            result = clear_deliveries(make.NOW + timedelta(days=8))
        assert result == {"webhook_deliveries": 6, "webhook_endpoints": 0}
        deletes = [each["sql"] for each in queries if each["sql"].startswith("DELETE")]
        assert len(deletes) == 3
        assert WebhookDelivery.objects.get().state == DeliveryState.WAITING
