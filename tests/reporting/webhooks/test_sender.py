"""The sender in this process, against a real receiver; its clock is the test's."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from lists.models import List, Realm
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from reporting.webhooks.sender import Sender
from reporting.webhooks.serving import Summary
from tests import make
from tests.receiver import Receiver, start_receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


@pytest.fixture(scope="module")
def process() -> Iterator[Receiver]:
    with start_receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(process: Receiver, settings) -> Receiver:
    settings.WEBHOOK_ALLOW_CIDRS = ["127.0.0.1/32"]
    process.reset()
    return process


def drain(now: datetime | None = None) -> Summary:
    """Send what is due."""

    async def run() -> Summary:
        return await Sender(clock=(lambda: now) if now else timezone.now).drain()

    return asyncio.run(run())


class TestThinSlice:
    def test_an_optout_arrives(self, realm: Realm, optout_list: List, receiver: Receiver) -> None:
        make_endpoint(realm, EndpointPlan(receiver.url()), actor=None, now=timezone.now())
        make.make_optout(optout_list, "jane@example.com")
        summary = drain()
        assert summary.delivered == 1
        (got,) = receiver.got()
        assert got.json()["data"]["address"] == "jane@example.com"
