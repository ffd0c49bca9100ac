"""Twilio's format. The signatures here are made by its documentation, not by our code."""

from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from pytest_django.fixtures import Settings

from lists.models import InboundEndpoint, Realm, SmsSetup
from lists.sealed import seal
from lists.sms_setup import TOKEN_PURPOSE, secret_of
from optout.choices import Confirmation, Meaning
from optout.models import InboundMessage, OptOut, Suppression
from tests.optout.channels.inbound_sms.calls import (
    GATEWAY,
    JANE,
    OURS,
    TOKEN,
    path_of,
    text_twilio,
    twilio_signature,
)
from tests.pages import URLENCODED, PublicClient

pytestmark = pytest.mark.django_db

EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


@pytest.fixture(autouse=True)
def _at_home(settings: Settings) -> None:
    settings.BASE_URL = "https://optout.example.com"
    settings.ALLOWED_HOSTS = ["testserver", "optout.example.com", "go.example.com"]


HOME = "https://optout.example.com"


def send_raw(
    endpoint: InboundEndpoint, body: str | bytes, signature: str, host: str = "testserver"
) -> Any:
    client = PublicClient({**GATEWAY, "x-twilio-signature": signature, "host": host})
    return client.post(path_of(endpoint), body, content_type=URLENCODED)


def message_of(response: Any) -> str | None:
    return ET.fromstring(response.content).findtext("Message")


def test_the_published_example() -> None:
    """From Twilio's page "Webhooks security": it says what the signature of this call is."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    assert twilio_signature("12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


class TestAMessage:
    def test_is_answered_in_twiml(self, twilio: InboundEndpoint) -> None:
        response = text_twilio(twilio, base=HOME)

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert response.headers["Optout-Status"] == "recorded"
        assert message_of(response) == (
            "You are unsubscribed from Acme Garden. You will get no more texts from us."
        )
        assert Suppression.objects.get().address == JANE

    def test_confirmed_once(self, twilio: InboundEndpoint) -> None:
        text_twilio(twilio, base=HOME)
        assert text_twilio(twilio, base=HOME).content == EMPTY, "the same message"
        assert text_twilio(twilio, base=HOME, MessageSid="SM2").content == EMPTY
        assert OptOut.objects.count() == 2

    @pytest.mark.parametrize("text", ["hello", "", "when does it end"])
    def test_anything_else_is_answered_with_nothing(
        self, twilio: InboundEndpoint, text: str
    ) -> None:
        assert text_twilio(twilio, text, base=HOME).content == EMPTY

    def test_a_name_with_markup_stays_text(self, realm: Realm, twilio: InboundEndpoint) -> None:
        SmsSetup.objects.create(realm=realm, confirmation_texts={"en": "Bye & <b>{sender}</b>"})
        assert message_of(text_twilio(twilio, base=HOME)) == "Bye & <b>Acme Garden</b>"

    @pytest.mark.parametrize("sender", ["whatsapp:+14155552671", "rcs:+14155552671", JANE])
    def test_who_texted_by_another_kind_of_message(
        self, twilio: InboundEndpoint, sender: str
    ) -> None:
        text_twilio(twilio, sender=sender, base=HOME, To=f"whatsapp:{OURS}")
        assert Suppression.objects.get().address == JANE
        assert InboundMessage.objects.get().texted == OURS

    def test_who_has_no_number(self, twilio: InboundEndpoint) -> None:
        assert text_twilio(twilio, sender="messenger:105551234567", base=HOME).status_code == 422
        assert text_twilio(twilio, sender="", base=HOME).status_code == 422


class TestItsOwnOptOut:
    def test_stop_counts_whatever_the_text_says_and_is_confirmed_by_twilio(
        self, twilio: InboundEndpoint
    ) -> None:
        response = text_twilio(twilio, "ALTO 5", base=HOME, OptOutType="STOP")

        assert response.content == EMPTY
        assert response.headers["Optout-Status"] == "recorded"
        assert Suppression.objects.get().address == JANE
        assert InboundMessage.objects.get().confirmation == Confirmation.NONE

    @pytest.mark.parametrize("kind", ["HELP", "START", "PAUSE"])
    def test_a_plain_stop_is_one_whatever_twilio_makes_of_it(
        self, realm: Realm, twilio: InboundEndpoint, kind: str
    ) -> None:
        SmsSetup.objects.create(realm=realm, start_lifts=True)
        response = text_twilio(twilio, "Stop!", base=HOME, OptOutType=kind)

        assert response.content == EMPTY, "Twilio has answered"
        assert response.headers["Optout-Status"] == "recorded"
        assert Suppression.objects.get().address == JANE
        assert InboundMessage.objects.get().confirmation == Confirmation.NONE

    @pytest.mark.parametrize("text", ["INFO", "does it end", "don't stop"])
    def test_help_is_no_stop(self, twilio: InboundEndpoint, text: str) -> None:
        text_twilio(twilio, text, base=HOME, OptOutType="HELP")
        assert InboundMessage.objects.get().meaning == Meaning.NOTHING
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize("allowed", [True, False])
    def test_start_lifts_where_the_owner_allows_it(
        self, realm: Realm, twilio: InboundEndpoint, *, allowed: bool
    ) -> None:
        SmsSetup.objects.create(realm=realm, start_lifts=allowed)
        text_twilio(twilio, base=HOME, OptOutType="STOP")
        text_twilio(twilio, "YES", base=HOME, MessageSid="SM2", OptOutType="start")
        assert Suppression.objects.exists() is not allowed

    def test_of_an_unknown_one_the_text_decides(self, twilio: InboundEndpoint) -> None:
        text_twilio(twilio, "when does it end", base=HOME, OptOutType="PAUSE")
        assert InboundMessage.objects.get().meaning == Meaning.UNCLEAR


class TestTheSignature:
    FIELDS = (("From", JANE), ("To", OURS), ("Body", "STOP"), ("MessageSid", "SM1"), ("Empty", ""))

    def body(self) -> str:
        return "&".join(f"{name}={quote(value)}" for name, value in self.FIELDS)

    def signature(self, url: str, token: str = TOKEN) -> str:
        return twilio_signature(token, url, list(self.FIELDS))

    @pytest.mark.parametrize(
        "base",
        [
            HOME,
            f"{HOME}:443",
            "https://testserver",
            "https://testserver:443",
        ],
    )
    def test_is_of_our_address_however_twilio_writes_it(
        self, twilio: InboundEndpoint, base: str
    ) -> None:
        signature = self.signature(base + path_of(twilio))
        assert send_raw(twilio, self.body(), signature).status_code == 200

    @pytest.mark.parametrize("base", ["https://optout.example.com", "http://optout.example.com:80"])
    def test_behind_a_proxy_that_ends_tls_for_us(
        self, twilio: InboundEndpoint, settings: Settings, base: str
    ) -> None:
        """Twilio calls https, whatever BASE_URL says."""
        settings.BASE_URL = "http://optout.example.com"
        signature = self.signature(base + path_of(twilio))
        assert send_raw(twilio, self.body(), signature).status_code == 200

    def test_with_its_query_as_it_was_sent(self, twilio: InboundEndpoint) -> None:
        for query in ("?a=%20b&z=+&a", "?x=%C3%A9"):
            assert text_twilio(twilio, base=HOME, query=query).status_code == 200
        assert text_twilio(twilio, base=HOME, query="?a=1").status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "x" * 3_000, "[::1"])
    def test_of_a_foreign_host_is_worth_nothing(self, twilio: InboundEndpoint, host: str) -> None:
        signature = self.signature(f"https://{host}{path_of(twilio)}")
        assert send_raw(twilio, self.body(), signature, host=host).status_code == 403
        assert not OptOut.objects.exists()

    def test_of_a_foreign_host_does_not_hinder_a_right_one(self, twilio: InboundEndpoint) -> None:
        signature = self.signature(HOME + path_of(twilio))
        assert send_raw(twilio, self.body(), signature, host="evil.example").status_code == 200

    @pytest.mark.parametrize("given", ["", "x", "\xff\xfe", "A" * 50_000])
    def test_a_wrong_one_is_refused(self, twilio: InboundEndpoint, given: str) -> None:
        response = send_raw(twilio, self.body(), given)
        assert response.status_code == 403
        assert response.content == b"The signature is missing or wrong."
        assert not InboundMessage.objects.exists()
        twilio.refresh_from_db()
        assert twilio.last_refusal == "403: The signature is missing or wrong."

    def test_anything_changed_is_forged(self, twilio: InboundEndpoint) -> None:
        signature = self.signature(HOME + path_of(twilio))
        for body in (
            self.body().replace("STOP", "START"),
            self.body() + "&OptOutType=STOP",
            self.body().replace("&Empty=", ""),
            self.body() + "&From=%2B442079460958",
        ):
            assert send_raw(twilio, body, signature).status_code == 403
        assert not InboundMessage.objects.exists()

    def test_another_token_is_wrong_and_the_second_one_right(self, twilio: InboundEndpoint) -> None:
        assert text_twilio(twilio, base=HOME, token="other-token").status_code == 403
        InboundEndpoint.objects.update(other_sealed_token=seal("other-token", TOKEN_PURPOSE))
        assert text_twilio(twilio, base=HOME, token="other-token").status_code == 200
        assert text_twilio(twilio, base=HOME).status_code == 200

    def test_without_a_token_nobody_is_let_in(self, twilio: InboundEndpoint) -> None:
        InboundEndpoint.objects.update(sealed_token=b"")
        for token in (TOKEN, ""):
            assert text_twilio(twilio, base=HOME, token=token).status_code == 403

    def test_the_endpoints_secret_does_not_open_it(self, twilio: InboundEndpoint) -> None:
        body = self.body() + f"&secret={quote(secret_of(twilio), safe='')}"
        assert send_raw(twilio, body, "").status_code == 403

    def test_of_a_name_with_several_values(self, twilio: InboundEndpoint) -> None:
        """As Twilio's own libraries do: each value once, sorted."""
        fields = [*self.FIELDS, ("MediaUrl", "b"), ("MediaUrl", "a")]
        signature = twilio_signature(TOKEN, HOME + path_of(twilio), fields)
        body = self.body() + "&MediaUrl=b&MediaUrl=a&MediaUrl=b"
        assert send_raw(twilio, body, signature).status_code == 200

    def test_two_senders_that_differ_are_refused(self, twilio: InboundEndpoint) -> None:
        fields = [*self.FIELDS, ("From", "+442079460958")]
        signature = twilio_signature(TOKEN, HOME + path_of(twilio), fields)
        response = send_raw(twilio, self.body() + "&From=%2B442079460958", signature)
        assert response.status_code == 422
        assert not OptOut.objects.exists()

    def test_of_words_in_any_script(self, twilio: InboundEndpoint) -> None:
        for n, text in enumerate(("arrêt 👋", "توقف", "é" * 1_500)):
            response = text_twilio(twilio, text, base=HOME, MessageSid=f"SM{n}")
            assert response.status_code == 200

    def test_too_many_fields(self, twilio: InboundEndpoint) -> None:
        assert send_raw(twilio, "&".join(["a=b"] * 1_001), "x").status_code == 400
