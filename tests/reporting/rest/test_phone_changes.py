"""The change feed tells of phones as of mailboxes, whatever way they took."""

import pytest

from lists.models import List, Realm
from optout.choices import Channel
from tests import make
from tests.optout.test_phones import BERLIN
from tests.reporting.rest.programs import Program

# What the test itself has not committed is not in the feed yet.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


@pytest.mark.parametrize(
    ("channel", "word"), [(Channel.INBOUND_SMS, "inbound_sms"), (Channel.SMS_LINK, "sms_link")]
)
def test_a_number_that_left_by_text_message(
    realm: Realm, optout_list: List, channel: Channel, word: str
) -> None:
    make.make_optout(make.do_not_mail(realm), BERLIN, channel=channel)

    (change,) = Program(realm, optout_list).read("/changes")["changes"]

    assert (change["address"], change["medium"], change["channel"]) == (BERLIN, "sms", word)
    assert (change["list"], change["suppressed"]) == (0, True)
