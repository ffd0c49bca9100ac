"""What a callback is told of who texted STOP (S3.10): `source` is the number that was texted."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from lists.models import Realm
from optout.quarantine import accept_overdue
from reporting.models import WebhookFormat
from reporting.webhooks.payloads import render
from tests import make
from tests.optout.channels.inbound_sms.calls import JANE, OURS, text_us
from tests.reporting.webhooks.test_claims import claim_for, endpoint_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


@pytest.mark.parametrize("text", ["STOP", "when does it end"])
def test_the_callback_names_the_number(realm: Realm, text: str) -> None:
    """Also when it was accepted after a look."""
    make.make_sms_number(realm, OURS)
    callback = endpoint_of(realm, format=WebhookFormat.SMS_JSON)
    text_us(make.make_inbound_endpoint(realm), text, to="18005550199")
    accept_overdue(timezone.now() + timedelta(days=8))

    claim_for(callback)

    delivery = callback.deliveries.get()
    payload = render(WebhookFormat.SMS_JSON, delivery.changes, is_test=False, now=timezone.now())
    content = json.loads(payload.body)
    assert set(content) == {"timestamp", "unsubscribed_number", "source"}
    assert (content["unsubscribed_number"], content["source"]) == (JANE, OURS)
