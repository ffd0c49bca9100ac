import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from standardwebhooks import Webhook

from lists.models import List, Realm
from lists.sealed import new_salt
from optout.choices import Channel
from reporting.models import WebhookFormat
from reporting.webhooks.payloads import (
    goes_alone,
    goes_out,
    render,
    request_headers,
    sample_change,
)
from reporting.webhooks.signing import secret_of
from tests import make
from tests.reporting.rest.programs import Program

STANDARD, SMS_JSON, SMS_FORM = WebhookFormat.values
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EMAIL = {
    "id": 7,
    "type": "opt_out",
    "list": 1,
    "address": "jane@example.com",
    "digest": "0123456789abcdef0123456789abcdef",
    "medium": "email",
    "channel": "one_click",
    "reason": "unsubscribed",
    "origin": "recipient",
    "is_new": True,
    "suppressed": True,
    "recorded_at": "2026-03-04T11:59:58Z",
}
PHONE = {**EMAIL, "address": "+14155550123", "medium": "sms", "channel": "page"}
TEXTED = {**PHONE, "channel": "inbound_sms", "source": "+18005550199"}
LIFT = {"type": "lift", "is_new": True, "suppressed": False}
HASHED = {"address": None}


def said(message_format: str, *changes: dict[str, Any], is_test: bool = False) -> Any:
    """What a message in JSON says."""
    payload = render(message_format, changes, is_test=is_test, now=NOW)
    assert payload.content_type == "application/json"
    return json.loads(payload.body)


class TestStandard:
    def test_an_opt_out(self):
        assert said(STANDARD, EMAIL) == {
            "type": "opt_out.recorded",
            "timestamp": "2026-03-04T11:59:58Z",
            "data": EMAIL,
        }

    def test_the_very_octets(self):
        assert render(STANDARD, [EMAIL], is_test=False, now=NOW).body == (
            b'{"type":"opt_out.recorded","timestamp":"2026-03-04T11:59:58Z","data":{"id":7,"type":"opt_out","list":1,'
            b'"address":"jane@example.com","digest":"0123456789abcdef0123456789abcdef","medium":"email",'
            b'"channel":"one_click","reason":"unsubscribed","origin":"recipient","is_new":true,"suppressed":true,'
            b'"recorded_at":"2026-03-04T11:59:58Z"}}'
        )

    def test_a_lift(self):
        assert said(STANDARD, {**EMAIL, **LIFT}) == {
            "type": "suppression.lifted",
            "timestamp": "2026-03-04T11:59:58Z",
            "data": {**EMAIL, **LIFT},
        }

    def test_a_phone_without_the_source_that_others_get(self):
        assert said(STANDARD, TEXTED)["data"] == {**PHONE, "channel": "inbound_sms"}

    def test_what_is_known_by_its_hash_alone(self):
        assert said(STANDARD, {**EMAIL, **HASHED})["data"]["address"] is None

    def test_several_carry_the_time_of_the_newest(self):
        later = {**EMAIL, "id": 8, "recorded_at": "2026-03-04T12:00:00Z", **LIFT}
        assert said(STANDARD, later, TEXTED, EMAIL) == {
            "type": "changes.batch",
            "timestamp": "2026-03-04T12:00:00Z",
            "data": {"changes": [later, {**PHONE, "channel": "inbound_sms"}, EMAIL]},
        }

    def test_a_test(self):
        assert said(STANDARD, sample_change(STANDARD, NOW), is_test=True) == {
            "type": "webhook.test",
            "timestamp": "2026-03-04T12:00:00Z",
            "data": {
                **EMAIL,
                "id": 0,
                "list": 0,
                "address": "test@example.com",
                "digest": "0" * 32,
                "channel": "page",
                "is_new": False,
                "suppressed": False,
                "recorded_at": "2026-03-04T12:00:00Z",
            },
        }

    @pytest.mark.parametrize(
        "address", ["jürgen@bücher.example", "用户@例え.jp", "a\"b'c@example.com"]
    )
    def test_letters_of_all_kinds_are_sent_as_utf_8_and_verify(self, address):
        salt = new_salt()
        payload = render(STANDARD, [{**EMAIL, "address": address}], is_test=False, now=NOW)
        headers = request_headers(payload, "msg_1", [salt], datetime.now(UTC))
        assert Webhook(secret_of(salt)).verify(payload.body, headers)["data"]["address"] == address
        assert b"\\u" not in payload.body


class TestSmsPayload:
    def test_has_exactly_three_keys(self):
        assert said(SMS_JSON, PHONE) == {
            "timestamp": "2026-03-04T11:59:58Z",
            "unsubscribed_number": "+14155550123",
            "source": "Optout Link",
        }

    def test_names_the_number_that_was_texted(self):
        assert said(SMS_JSON, TEXTED)["source"] == "+18005550199"

    def test_as_a_form(self):
        payload = render(SMS_FORM, [PHONE], is_test=False, now=NOW)
        assert payload.content_type == "application/x-www-form-urlencoded"
        assert payload.body == (
            b"timestamp=2026-03-04T11%3A59%3A58Z&unsubscribed_number=%2B14155550123&source=Optout+Link"
        )
        assert dict(parse_qsl(payload.body.decode())) == said(SMS_JSON, PHONE)

    def test_a_test_is_of_a_number_that_nobody_has(self):
        assert said(SMS_JSON, sample_change(SMS_JSON, NOW), is_test=True) == {
            "timestamp": "2026-03-04T12:00:00Z",
            "unsubscribed_number": "+12025550123",
            "source": "Optout Link",
        }
        form = render(SMS_FORM, [sample_change(SMS_FORM, NOW)], is_test=True, now=NOW)
        assert dict(parse_qsl(form.body.decode()))["unsubscribed_number"] == "+12025550123"

    @pytest.mark.parametrize("message_format", [SMS_JSON, SMS_FORM])
    def test_is_not_for_emails_which_go_out_in_our_own_format(self, message_format):
        assert said(message_format, EMAIL) == said(STANDARD, EMAIL)
        assert said(message_format, {**EMAIL, **LIFT}) == said(STANDARD, {**EMAIL, **LIFT})
        assert said(message_format, EMAIL, EMAIL)["type"] == "changes.batch"


class TestWhatGoesOut:
    @pytest.mark.parametrize(
        "change",
        [
            EMAIL,
            {**EMAIL, **LIFT},
            {**EMAIL, **HASHED},
            PHONE,
            {**PHONE, **LIFT},
            {**PHONE, **HASHED},
        ],
    )
    def test_everything_in_the_standard_format_and_together(self, change):
        assert goes_out(STANDARD, change) and not goes_alone(STANDARD, change)

    @pytest.mark.parametrize("message_format", [SMS_JSON, SMS_FORM])
    def test_numbers_alone_in_the_sms_payload(self, message_format):
        for change in (PHONE, TEXTED):
            assert goes_out(message_format, change) and goes_alone(message_format, change)

    @pytest.mark.parametrize("message_format", [SMS_JSON, SMS_FORM])
    def test_no_lift_of_a_number_and_no_unknown_one_in_the_sms_payload(self, message_format):
        for change in ({**PHONE, **LIFT}, {**PHONE, **HASHED}):
            assert not goes_out(message_format, change)

    @pytest.mark.parametrize("message_format", [SMS_JSON, SMS_FORM])
    def test_emails_beside_the_sms_payload(self, message_format):
        for change in (EMAIL, {**EMAIL, **LIFT}, {**EMAIL, **HASHED}):
            assert goes_out(message_format, change) and not goes_alone(message_format, change)


@pytest.mark.django_db(transaction=True)
@pytest.mark.alone
class TestTheChangeFeed:
    def test_tells_the_same_of_the_same_row(self, realm: Realm, optout_list: List):
        make.make_optout(optout_list, "jürgen@example.com", channel=Channel.ONE_CLICK)
        make.make_optout(optout_list, "jane@example.com")
        answer = Program(realm).get("/changes", {"limit": 10})
        for change in answer.json()["changes"]:
            kept = dict(sorted(change.items()))  # the database keeps an order of its own
            payload = render(STANDARD, [kept], is_test=False, now=NOW)
            data = payload.body.partition(b'"data":')[2].removesuffix(b"}")
            assert data in answer.content
            assert json.loads(data) == change
