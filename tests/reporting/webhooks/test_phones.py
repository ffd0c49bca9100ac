"""What webhooks tell of phones, from the front door to the receiver's: standard messages, and the callback (S3.9, S3.10)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.utils import timezone

from lists.choices import Accepts
from lists.models import List, Realm
from optout.choices import Assurance, Channel, Medium, RefusalCause
from optout.evidence import Evidence
from optout.models import QuarantinedOptOut
from optout.quarantine import accept_overdue, quarantine_optout
from reporting.models import WebhookEndpoint, WebhookFormat
from reporting.webhooks.endpoints import set_callback_url
from tests import make
from tests.optout.channels.rest.calls import call
from tests.optout.channels.test_page import submit
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.receiver import Receiver
from tests.reporting.webhooks.test_sender import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

TEXTED = "+493023125001"
LINK = "Optout Link"  # S3.10, word for word
SAID = Evidence(extra={"texted": TEXTED, "said": "STOP"})


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    return make.make_list(realm, accepts=Accepts.PHONE)


@pytest.fixture
def callback(realm: Realm, receiver: Receiver) -> Callable[..., WebhookEndpoint]:
    """Sets the realm's “Default Optout Callback URL”."""

    def set_it(url: str = "/ok", **fields: Any) -> WebhookEndpoint:
        made = set_callback_url(
            realm, None, receiver.url(url), actor=None, now=timezone.now(), **fields
        )
        assert made is not None
        return made

    return set_it


def sent(receiver: Receiver) -> list[dict[str, str]]:
    drain()
    return [each.json() for each in receiver.got()]


def text(optout_list: List, **more: Any) -> None:
    """Record what an inbound text asks for."""
    values = {"channel": Channel.INBOUND_SMS, "assurance": Assurance.API_CREDENTIAL, **more}
    make.make_optout(optout_list, BERLIN, evidence=SAID, **values)


class TestCallback:
    @pytest.mark.parametrize("written", list(SPELLINGS.values())[:6], ids=list(SPELLINGS)[:6])
    def test_has_exactly_three_fields_and_the_number_as_e164(
        self, callback: Any, phones: List, receiver: Receiver, written: str
    ) -> None:
        callback()
        assert submit(phones, written).status_code == 303

        (got,) = sent(receiver)

        assert list(got) == ["timestamp", "unsubscribed_number", "source"]
        assert (got["unsubscribed_number"], got["source"]) == (BERLIN, LINK)
        assert got["timestamp"].endswith("Z")

    def test_source_of_a_stop_is_the_number_that_was_texted(
        self, callback: Any, phones: List, receiver: Receiver
    ) -> None:
        callback()
        text(phones)

        (got,) = sent(receiver)

        assert got == {
            "timestamp": "2026-03-04T12:00:00Z",
            "unsubscribed_number": BERLIN,
            "source": TEXTED,
        }

    @pytest.mark.parametrize("channel", [Channel.SMS_LINK, Channel.PAGE, Channel.SIGNED_LINK])
    def test_source_of_a_link_is_the_words(
        self, callback: Any, phones: List, receiver: Receiver, channel: Channel
    ) -> None:
        callback()
        make.make_optout(phones, BERLIN, channel=channel)

        assert [each["source"] for each in sent(receiver)] == [LINK]

    def test_as_a_form_the_plus_is_encoded(
        self, callback: Any, phones: List, receiver: Receiver
    ) -> None:
        callback(format=WebhookFormat.SMS_FORM)
        text(phones)
        drain()

        (got,) = receiver.got()

        assert got.headers["content-type"] == "application/x-www-form-urlencoded"
        assert b"unsubscribed_number=%2B493023125000&" in got.body
        assert dict(parse_qsl(got.body.decode())) == {
            "timestamp": "2026-03-04T12:00:00Z",
            "unsubscribed_number": BERLIN,
            "source": TEXTED,
        }

    def test_one_stop_of_everything_is_one_call(
        self, callback: Any, realm: Realm, phones: List, receiver: Receiver
    ) -> None:
        make.make_contact(realm, BERLIN, phones, make.make_list(realm, 2))
        callback()
        text(make.do_not_mail(realm))

        assert [each["source"] for each in sent(receiver)] == [TEXTED]

    def test_a_number_that_a_program_reports(
        self, callback: Any, realm: Realm, phones: List, receiver: Receiver
    ) -> None:
        callback()
        key = make.make_api_key(realm)
        call(key, "POST", "/lists/1/suppressions", {"addresses": ["0049 30 23125000"]})

        assert [each["unsubscribed_number"] for each in sent(receiver)] == [BERLIN]

    def test_an_email_never_stands_where_a_number_should(
        self, callback: Any, realm: Realm, receiver: Receiver
    ) -> None:
        callback()
        make.make_optout(make.make_list(realm), "jane@example.com")

        (got,) = sent(receiver)

        assert got["type"] == "opt_out.recorded"
        assert "unsubscribed_number" not in got

    def test_a_text_that_was_accepted_after_a_week_says_where_it_was_sent(
        self, callback: Any, phones: List, receiver: Receiver
    ) -> None:
        callback()
        intent = make.make_intent(
            phones,
            BERLIN,
            channel=Channel.INBOUND_SMS,
            assurance=Assurance.API_CREDENTIAL,
            evidence=SAID,
        )
        quarantine_optout(intent, RefusalCause.UNCLEAR_TEXT)
        QuarantinedOptOut.objects.update(refused_at=make.NOW)

        accept_overdue(timezone.now())

        assert [(e["unsubscribed_number"], e["source"]) for e in sent(receiver)] == [
            (BERLIN, TEXTED)
        ]


class TestStandard:
    @pytest.mark.parametrize(
        ("channel", "word"), [(Channel.INBOUND_SMS, "inbound_sms"), (Channel.SMS_LINK, "sms_link")]
    )
    def test_tells_medium_and_way_and_not_what_was_written(
        self, realm: Realm, phones: List, receiver: Receiver, channel: Channel, word: str
    ) -> None:
        make.make_webhook_endpoint(realm, url=receiver.url())
        text(phones, channel=channel)
        drain()

        (got,) = receiver.got()

        data = got.json()["data"]
        assert (data["address"], data["medium"], data["channel"]) == (BERLIN, "sms", word)
        assert b"STOP" not in got.body

    @pytest.mark.parametrize(("medium", "told"), [(Medium.SMS, [BERLIN]), (Medium.EMAIL, [])])
    def test_an_endpoint_may_want_one_medium(
        self, realm: Realm, phones: List, receiver: Receiver, medium: Medium, told: list[str]
    ) -> None:
        make.make_webhook_endpoint(realm, url=receiver.url(), medium=medium)
        text(phones)
        drain()

        assert [each.json()["data"]["address"] for each in receiver.got()] == told
