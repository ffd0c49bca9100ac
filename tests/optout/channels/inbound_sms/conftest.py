import pytest

from lists.models import ConfirmsBy, InboundEndpoint, InboundFormat, Realm, SmsNumber
from lists.sealed import seal
from lists.sms_setup import TOKEN_PURPOSE
from tests import make
from tests.optout.channels.inbound_sms.calls import OURS, TOKEN


@pytest.fixture
def number(realm: Realm) -> SmsNumber:
    """A number of the whole realm."""
    return make.make_sms_number(realm, OURS)


@pytest.fixture
def endpoint(realm: Realm, number: SmsNumber) -> InboundEndpoint:
    """Of a gateway that sends what we ask it to."""
    return make.make_inbound_endpoint(realm)


@pytest.fixture
def answering(realm: Realm, number: SmsNumber) -> InboundEndpoint:
    """Of a gateway that sends back what our answer says."""
    return make.make_inbound_endpoint(realm, confirms_by=ConfirmsBy.ANSWER)


@pytest.fixture
def twilio(realm: Realm, number: SmsNumber) -> InboundEndpoint:
    return make.make_inbound_endpoint(
        realm,
        format=InboundFormat.TWILIO,
        confirms_by=ConfirmsBy.ANSWER,
        sealed_token=seal(TOKEN, TOKEN_PURPOSE),
    )
