import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from lists.sealed import new_salt, salts_in_force
from reporting.models import WebhookEndpoint
from reporting.webhooks.payloads import Payload, request_headers
from reporting.webhooks.signing import secret_of, sign

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
BODY = '{"type":"webhook.test","data":{"address":"jürgen@example.com"}}'.encode()


@pytest.fixture
def salt() -> bytes:
    return new_salt()


def headers(salts: list[bytes], body: bytes = BODY) -> dict[str, str]:
    """Of a try that is made now: receivers refuse what is older than five minutes."""
    return request_headers(Payload(body, "application/json"), "msg_1", salts, datetime.now(UTC))


class TestSecret:
    def test_is_of_32_octets_and_prefixed(self, salt):
        secret = secret_of(salt)
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32

    def test_is_another_for_each_salt(self):
        assert secret_of(new_salt()) != secret_of(new_salt())

    def test_is_another_with_another_pepper(self, salt, settings):
        before = secret_of(salt)
        settings.SECRET_PEPPER = "of another installation"
        assert secret_of(salt) != before

    def test_does_not_hold_the_salt(self, salt):
        assert salt not in base64.b64decode(secret_of(salt).removeprefix("whsec_"))


class TestSignature:
    def test_is_verified_by_the_package_of_the_standard(self, salt):
        found = Webhook(secret_of(salt)).verify(BODY, headers([salt]))
        assert found["data"]["address"] == "jürgen@example.com"

    def test_while_a_secret_is_rotated_either_verifies(self, salt):
        old = new_salt()
        sent = headers([salt, old])
        assert sent["webhook-signature"].count(" ") == 1
        assert all(part.startswith("v1,") for part in sent["webhook-signature"].split(" "))
        Webhook(secret_of(salt)).verify(BODY, sent)
        Webhook(secret_of(old)).verify(BODY, sent)

    def test_another_secret_does_not_verify(self, salt):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret_of(new_salt())).verify(BODY, headers([salt]))

    @pytest.mark.parametrize("place", range(0, len(BODY), 7))
    def test_a_body_that_was_tampered_with_does_not_verify(self, salt, place):
        tampered = bytearray(BODY)
        tampered[place] ^= 1
        with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
            Webhook(secret_of(salt)).verify(bytes(tampered), headers([salt]))

    @pytest.mark.parametrize(
        ("name", "value"), [("webhook-id", "msg_2"), ("webhook-timestamp", "1")]
    )
    def test_neither_does_another_id_or_time(self, salt, name, value):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret_of(salt)).verify(BODY, {**headers([salt]), name: value})

    def test_is_what_openssl_makes_of_it(self, settings):
        """Pinned: with another secret or signature every receiver would refuse us."""
        settings.SECRET_PEPPER = "pepper"
        assert secret_of(b"salt") == "whsec_SI1xxaHMv7A+E+3HBJjZeDGcrhsEy/z7jxcOScPMbGM="
        assert (
            sign([b"salt"], "msg_1", 1_700_000_000, b"{}")
            == "v1,xGx5jw0PX5+Iq70yjj4XWQG9IBgHFXFDJKEGntsoWc8="
        )


class TestHeaders:
    def test_are_these(self, salt):
        payload = Payload(b"{}", "application/json")
        assert request_headers(payload, "msg_1", [salt], NOW) == {
            "content-type": "application/json",
            "user-agent": "Heed-Webhooks/1",
            "webhook-id": "msg_1",
            "webhook-timestamp": "1772625600",
            "webhook-signature": sign([salt], "msg_1", 1772625600, b"{}"),
        }


class TestRotation:
    def endpoint(self, until: datetime | None, old: bytes | None = b"old") -> WebhookEndpoint:
        return WebhookEndpoint(salt=memoryview(b"new"), old_salt=old, old_salt_until=until)

    def test_the_old_secret_signs_until_its_time_is_over(self):
        assert salts_in_force(self.endpoint(NOW), NOW - timedelta(seconds=1)) == [b"new", b"old"]
        assert salts_in_force(self.endpoint(NOW), NOW) == [b"new"]

    def test_without_one_the_secret_in_force_signs_alone(self):
        assert salts_in_force(self.endpoint(None, None), NOW) == [b"new"]
