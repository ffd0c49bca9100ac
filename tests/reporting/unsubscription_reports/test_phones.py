"""Unsubscription reports about phones, and to phones (S3.8)."""

import pytest

from lists.models import List, Realm, User
from optout.choices import Channel
from reporting.models import UnsubscriptionReport
from tests import make
from tests.optout.test_phones import BERLIN
from tests.reporting.unsubscription_reports.test_sending import bodies, choose, messages, run

__all__ = ("messages",)  # a fixture

# What the test itself has not committed is not in the feed yet.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


@pytest.fixture
def realm(db: None) -> Realm:
    return make.make_realm(default_region="DE")


@pytest.mark.parametrize(
    ("channel", "word"),
    [(Channel.INBOUND_SMS, "Inbound SMS"), (Channel.SMS_LINK, "Link in a text message")],
)
def test_the_mail_lists_a_number_with_its_way(
    optout_list: List, alice: User, channel: Channel, word: str
) -> None:
    choose(alice)
    make.make_optout(optout_list, BERLIN, channel=channel)

    assert run() == {"sent": 1, "failed": 0}
    assert BERLIN in bodies()[0] and word in bodies()[0]


@pytest.mark.parametrize("written", ["030 23125000", "0049 30 23125000", "+49 (0)30 23125000"])
def test_the_text_message_goes_to_the_number_however_it_was_typed(
    optout_list: List,
    alice: User,
    messages: list[tuple[str, str]],
    written: str,
) -> None:
    choose(alice, "sms", phone=written)
    make.make_optout(optout_list, "+493023125999", channel=Channel.INBOUND_SMS)

    assert run() == {"sent": 1, "failed": 0}

    assert UnsubscriptionReport.objects.get().phone == BERLIN
    (to, text) = messages[-1]
    assert to == BERLIN
    assert "1 opt-out" in text and "+49" not in text  # nobody's number goes out by SMS
