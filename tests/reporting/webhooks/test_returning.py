"""Webhooks tell of the preference page: who left a list there, and who came back."""

import pytest

from lists.models import List, Realm
from optout.choices import Channel
from tests import make
from tests.receiver import Receiver
from tests.reporting.test_returning import come_back, leave
from tests.reporting.webhooks.test_sender import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


def test_an_endpoint_may_want_this_way_alone(
    realm: Realm, optout_list: List, receiver: Receiver
) -> None:
    channels = [int(Channel.PREFERENCES)]
    make.make_webhook_endpoint(realm, url=receiver.url(), channels=channels)
    make.make_optout(optout_list, "other@example.com")
    leave(optout_list)
    come_back(optout_list)
    drain()

    told = [each.json()["data"] for each in receiver.got()]
    assert [(each["type"], each["channel"], each["reason"]) for each in told] == [
        ("opt_out", "preferences", "unsubscribed"),
        ("lift", "preferences", "returned"),
    ]
