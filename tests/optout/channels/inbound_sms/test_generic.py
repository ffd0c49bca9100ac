"""The generic format: what a gateway may write, how it proves itself, and what is refused."""

import json
import time
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from lists.models import InboundEndpoint, InboundFormat, Realm
from lists.sealed import new_salt
from lists.sms_setup import secret_of
from optout.channels.inbound_sms.fields import MOST_BODY, MOST_FIELDS
from optout.models import InboundMessage, OptOut, Suppression
from tests import make
from tests.optout.channels.inbound_sms.calls import (
    GATEWAY,
    JANE,
    OURS,
    path_of,
    post_form,
    post_json,
    sign,
    text_us,
)
from tests.pages import URLENCODED, PublicClient

pytestmark = pytest.mark.django_db


def fields(endpoint: InboundEndpoint, **more: str) -> dict[str, str]:
    return {"from": JANE, "to": OURS, "text": "STOP", "secret": secret_of(endpoint), **more}


def assert_nothing_done() -> None:
    assert not OptOut.objects.exists() and not InboundMessage.objects.exists()


class TestFormats:
    def test_json(self, endpoint: InboundEndpoint) -> None:
        assert post_json(endpoint, fields(endpoint)).json() == {"status": "recorded"}

    def test_a_form(self, endpoint: InboundEndpoint) -> None:
        assert post_form(endpoint, fields(endpoint)).json() == {"status": "recorded"}

    def test_multipart(self, endpoint: InboundEndpoint) -> None:
        response = PublicClient(GATEWAY).post(path_of(endpoint), fields(endpoint))
        assert response.json() == {"status": "recorded"}

    def test_json_that_is_called_a_form(self, endpoint: InboundEndpoint) -> None:
        body = json.dumps(fields(endpoint))
        assert post_form(endpoint, body).json() == {"status": "recorded"}

    def test_a_form_without_a_type(self, endpoint: InboundEndpoint) -> None:
        secret = secret_of(endpoint).replace("+", "%2B")
        body = f"from=14155552671&text=STOP&secret={secret}"
        response = PublicClient(GATEWAY).post(path_of(endpoint), body, content_type="text/plain")
        assert response.json() == {"status": "recorded"}

    def test_with_a_slash_behind(self, endpoint: InboundEndpoint) -> None:
        response = PublicClient(GATEWAY).post(
            path_of(endpoint) + "/", fields(endpoint), content_type="application/json"
        )
        assert response.json() == {"status": "recorded"}

    @pytest.mark.parametrize("sender", ["sender", "MSISDN", "originator", "From"])
    @pytest.mark.parametrize("to", ["recipient", "Destination", "TO"])
    @pytest.mark.parametrize("text", ["message", "Body", "content", "TEXT"])
    def test_names_as_gateways_have_them(
        self, endpoint: InboundEndpoint, sender: str, to: str, text: str
    ) -> None:
        sent = {sender: JANE, to: OURS, text: "STOP", "secret": secret_of(endpoint)}
        assert post_json(endpoint, sent).json() == {"status": "recorded"}
        assert InboundMessage.objects.get().texted == OURS

    def test_numbers_without_quotes(self, endpoint: InboundEndpoint) -> None:
        sent = {**fields(endpoint), "from": 14155552671, "to": 18005550199, "id": 7, "extra": [1]}
        assert post_json(endpoint, sent).json() == {"status": "recorded"}
        assert Suppression.objects.get().address == JANE

    def test_a_plus_that_nobody_encoded(self, endpoint: InboundEndpoint) -> None:
        secret = secret_of(endpoint).replace("+", "%2B")
        body = f"from=+14155552671&to=+18005550199&text=stop+please&secret={secret}"
        assert post_form(endpoint, body).json() == {"status": "recorded"}
        assert Suppression.objects.get().address == JANE
        assert InboundMessage.objects.get().texted == OURS

    @pytest.mark.parametrize("text", [b"arr%EAt", b"arr\xeat", b"arr%C3%AAt", b"arr\xc3\xaat"])
    def test_words_of_old_gateways(self, endpoint: InboundEndpoint, text: bytes) -> None:
        secret = secret_of(endpoint).replace("+", "%2B").encode()
        body = b"from=14155552671&to=18005550199&text=" + text + b"&secret=" + secret
        assert post_form(endpoint, body).json() == {"status": "recorded"}

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
    def test_json_after_a_byte_order_mark(
        self, endpoint: InboundEndpoint, content_type: str
    ) -> None:
        body = json.dumps(fields(endpoint)).encode("utf-8-sig")
        response = PublicClient(GATEWAY).post(path_of(endpoint), body, content_type=content_type)
        assert response.json() == {"status": "recorded"}

    def test_json_in_utf_16(self, endpoint: InboundEndpoint) -> None:
        body = json.dumps(fields(endpoint)).encode("utf-16")
        assert post_json(endpoint, body).json() == {"status": "recorded"}


class TestContradictions:
    """AT-35–43: repeated fields that differ change nothing."""

    @pytest.mark.parametrize(
        "more",
        [
            {"sender": "+442079460958"},
            {"message": "START"},
            {"recipient": "+18005550111"},
            {"messageId": "2", "id": "1"},
        ],
    )
    def test_two_that_differ_are_refused(
        self, endpoint: InboundEndpoint, more: dict[str, str]
    ) -> None:
        response = post_json(endpoint, fields(endpoint, **more))
        assert response.status_code == 422
        assert "differ" in response.json()["message"]
        assert_nothing_done()

    def test_two_that_say_the_same_are_one(self, endpoint: InboundEndpoint) -> None:
        more = {"msisdn": "1 415 555-2671", "recipient": "18005550199", "body": " STOP "}
        assert post_json(endpoint, fields(endpoint, **more)).json() == {"status": "recorded"}

    @pytest.mark.parametrize(
        "sender",
        [
            "＋1 415 555 2671",
            "0014155552671",
            "(415) 555-2671",
            "%2B14155552671",
            "\u202a+14155552671\u202c",
            "tel:+1-415-555-2671;ext=5",
        ],
    )
    def test_two_that_are_the_same_number_are_one(
        self, realm: Realm, endpoint: InboundEndpoint, sender: str
    ) -> None:
        Realm.objects.update(default_region="US")
        assert post_json(endpoint, fields(endpoint, sender=sender)).json() == {"status": "recorded"}
        assert Suppression.objects.get().address == JANE

    @pytest.mark.parametrize("name", ["from", "text", "to"])
    def test_one_that_is_there_twice(self, endpoint: InboundEndpoint, name: str) -> None:
        secret = secret_of(endpoint)
        body = f'{{"from":"{JANE}","to":"{OURS}","text":"STOP","secret":"{secret}","{name}":"x"}}'
        assert post_json(endpoint, body).status_code == 422
        assert_nothing_done()

    def test_a_secret_that_is_there_twice(self, endpoint: InboundEndpoint) -> None:
        secret = secret_of(endpoint)
        body = f'{{"from":"{JANE}","text":"STOP","secret":"{secret}","secret":"guess"}}'
        assert post_json(endpoint, body).status_code == 401
        assert_nothing_done()

    @pytest.mark.parametrize("name", ["from", "text"])
    @pytest.mark.parametrize("value", [[], {}, True, 1.5, ["STOP"]])
    def test_one_that_is_missing_or_no_text(
        self, endpoint: InboundEndpoint, name: str, value: Any
    ) -> None:
        sent: dict[str, Any] = {**fields(endpoint), name: value}
        assert post_json(endpoint, sent).status_code == 422
        del sent[name]
        assert post_json(endpoint, sent).status_code == 422
        assert_nothing_done()
        endpoint.refresh_from_db()
        assert endpoint.last_refusal == f"422: The field “{name}” is missing, or is no text."

    def test_who_is_null_is_nobody(self, endpoint: InboundEndpoint) -> None:
        sent: dict[str, Any] = {**fields(endpoint), "from": None}
        assert post_json(endpoint, sent).status_code == 422
        assert_nothing_done()

    @pytest.mark.parametrize("name", ["text", "body"])
    def test_a_picture_without_a_text_is_ignored(
        self, endpoint: InboundEndpoint, name: str
    ) -> None:
        sent: dict[str, Any] = {**fields(endpoint), "to": None, "id": None}
        del sent["text"]
        response = post_json(endpoint, {**sent, name: None})
        assert (response.status_code, response.json()) == (200, {"status": "ignored"})

    def test_a_null_beside_a_text_says_nothing(self, endpoint: InboundEndpoint) -> None:
        sent: dict[str, Any] = {**fields(endpoint), "body": None, "recipient": None}
        assert post_json(endpoint, sent).json() == {"status": "recorded"}
        assert InboundMessage.objects.get().texted == OURS


class TestTheSecret:
    def test_may_stand_in_the_header(self, endpoint: InboundEndpoint) -> None:
        sent = {"from": JANE, "text": "STOP"}
        secret = secret_of(endpoint)
        basic = b64encode(f"heed:{secret}".encode()).decode()
        for header in (f"Bearer {secret}", f"bearer  {secret}", f"Basic {basic}"):
            response = post_json(endpoint, sent, headers={"authorization": header})
            assert response.json() == {"status": "recorded"}

    def test_may_have_a_plus_that_nobody_encoded(self, endpoint: InboundEndpoint) -> None:
        while "+" not in secret_of(endpoint):
            endpoint.salt = new_salt()
        endpoint.save()
        secret, sent = secret_of(endpoint), f"from={JANE}&text=STOP"

        in_body = post_form(endpoint, f"{sent}&secret={secret}")
        path = f"{path_of(endpoint)}?secret={secret}"
        in_query = PublicClient(GATEWAY).post(path, sent, content_type=URLENCODED)
        assert [each.status_code for each in (in_body, in_query)] == [200, 200]
        assert Suppression.objects.get().address == JANE
        twice = post_form(endpoint, f"{sent}&secret={secret}&secret={secret.replace('+', '%2B')}")
        assert twice.status_code == 200
        assert post_form(endpoint, f"{sent}&secret={secret}+").status_code == 401

    def test_or_in_the_address(self, endpoint: InboundEndpoint) -> None:
        secret = secret_of(endpoint).replace("+", "%2B")
        client = PublicClient(GATEWAY)
        response = client.post(
            f"{path_of(endpoint)}?secret={secret}",
            {"from": JANE, "text": "STOP"},
            content_type="application/json",
        )
        assert response.json() == {"status": "recorded"}

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Bearer",
            "Bearer x",
            "Basic",
            "Basic x",
            "Basic \x80",
            "Basic Og==",
            "Digest x",
            "\xff",
        ],
    )
    @pytest.mark.parametrize("secret", [None, "", "x", "whsec_", "\ud800", "é" * 5_000])
    def test_without_it_nothing_is_done_and_nothing_told(
        self, endpoint: InboundEndpoint, header: str, secret: str | None
    ) -> None:
        sent = {"from": JANE, "text": "STOP", "secret": secret}
        response = post_json(endpoint, sent, headers={"authorization": header})

        assert response.status_code == 401
        assert response.json()["message"] == "The secret is missing or wrong."
        assert_nothing_done()

    def test_another_endpoints_is_wrong(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        other = make.make_inbound_endpoint(realm)
        assert text_us(endpoint, secret=secret_of(other)).status_code == 401
        assert_nothing_done()

    def test_while_it_is_rotated_both_open(self, endpoint: InboundEndpoint) -> None:
        old = secret_of(endpoint)
        endpoint.old_salt, endpoint.salt = endpoint.salt, new_salt()
        endpoint.old_salt_until = timezone.now() + timedelta(hours=1)
        endpoint.save()

        assert text_us(endpoint).status_code == 200
        assert text_us(endpoint, secret=old).status_code == 200
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
            assert text_us(endpoint, secret=old).status_code == 401
            assert text_us(endpoint).status_code == 200


class TestSignatures:
    BODY = b'{"from": "+14155552671", "to": "+18005550199", "text": "STOP"}'

    def call(self, endpoint: InboundEndpoint, headers: dict[str, str], body: bytes = BODY) -> Any:
        return post_json(endpoint, body, headers=headers)

    def signed(self, endpoint: InboundEndpoint, name: str = "m1", ago: int = 0) -> dict[str, str]:
        return sign(secret_of(endpoint), name, int(time.time()) - ago, self.BODY)

    def test_opens_instead_of_the_secret(self, endpoint: InboundEndpoint) -> None:
        response = self.call(endpoint, self.signed(endpoint))
        assert response.json() == {"status": "recorded"}

    def test_a_replay_does_nothing(self, endpoint: InboundEndpoint) -> None:
        headers = self.signed(endpoint)
        for _ in range(3):
            assert self.call(endpoint, headers).json() == {"status": "recorded"}
        assert OptOut.objects.count() == InboundMessage.objects.count() == 1

    @pytest.mark.parametrize("ago", [301, 3_600, -301])
    def test_a_stale_one_is_refused(self, endpoint: InboundEndpoint, ago: int) -> None:
        with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
            assert self.call(endpoint, self.signed(endpoint, ago=ago)).status_code == 401
        assert_nothing_done()

    def test_within_five_minutes_it_holds(self, endpoint: InboundEndpoint) -> None:
        with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
            for ago in (300, -300):
                assert self.call(endpoint, self.signed(endpoint, ago=ago)).status_code == 200

    def test_another_body_name_or_time_is_forged(self, endpoint: InboundEndpoint) -> None:
        right = self.signed(endpoint)
        later = str(int(right["webhook-timestamp"]) + 1)
        forged: list[tuple[dict[str, str], bytes]] = [
            (right, self.BODY.replace(b"2671", b"2672")),
            ({**right, "webhook-id": "m2"}, self.BODY),
            ({**right, "webhook-timestamp": later}, self.BODY),
            ({**right, "webhook-signature": "v1," + _flipped(right)}, self.BODY),
            (
                {**right, "webhook-signature": right["webhook-signature"].replace("v1", "v2")},
                self.BODY,
            ),
            ({**right, "webhook-signature": "v1,"}, self.BODY),
            ({**right, "webhook-signature": "\xff" * 9_000}, self.BODY),
            ({**right, "webhook-timestamp": "9" * 400}, self.BODY),
            ({**right, "webhook-timestamp": "٣"}, self.BODY),
            ({**right, "webhook-id": ""}, self.BODY),
        ]
        for headers, body in forged:
            assert self.call(endpoint, headers, body).status_code == 401
        assert_nothing_done()

    def test_one_of_several_is_enough(self, endpoint: InboundEndpoint) -> None:
        headers = self.signed(endpoint)
        headers["webhook-signature"] = f"v1,AAAA v1a,xx {headers['webhook-signature']}"
        assert self.call(endpoint, headers).status_code == 200


def _flipped(headers: dict[str, str]) -> str:
    """A signature with another first character."""
    right = headers["webhook-signature"].removeprefix("v1,")
    return ("B" if right[0] == "A" else "A") + right[1:]


class TestWhoMayCall:
    @pytest.mark.parametrize(
        ("allowed", "status"),
        [([], 200), (["192.0.2.7"], 200), (["192.0.2.0/24"], 200), (["203.0.113.5"], 403)],
    )
    def test_the_allow_list(self, realm: Realm, allowed: list[str], status: int) -> None:
        endpoint = make.make_inbound_endpoint(realm, allow_list=allowed)
        assert text_us(endpoint).status_code == status
        assert OptOut.objects.exists() is (status == 200)

    def test_an_unknown_ip_is_on_none(self, realm: Realm) -> None:
        endpoint = make.make_inbound_endpoint(realm, allow_list=["192.0.2.7"])
        response = PublicClient(GATEWAY, ip="").post(
            path_of(endpoint), fields(endpoint), content_type="application/json"
        )
        assert response.status_code == 403

    @pytest.mark.parametrize(
        "path", ["/sms/nosuchname000000", "/sms/x", "/sms/", "/sms/a/b", "/sms/%00"]
    )
    def test_an_unknown_name(self, endpoint: InboundEndpoint, path: str) -> None:
        response = PublicClient(GATEWAY).post(
            path, fields(endpoint), content_type="application/json"
        )
        assert response.status_code == 404
        assert response.json() == {"status": "refused", "message": "There is no such endpoint."}
        assert_nothing_done()

    def test_a_removed_one_is_unknown(self, endpoint: InboundEndpoint) -> None:
        InboundEndpoint.objects.update(removed_at=make.NOW)
        assert text_us(endpoint).status_code == 404
        assert_nothing_done()

    def test_an_unknown_one_takes_as_many_queries_as_a_wrong_secret(
        self, endpoint: InboundEndpoint, django_assert_num_queries: Any
    ) -> None:
        sent = {"from": JANE, "text": "STOP", "secret": "x"}
        with django_assert_num_queries(2):
            post_json(endpoint, sent)
        endpoint.public_id = "nosuchname000000"
        with django_assert_num_queries(2):
            post_json(endpoint, sent)

    def test_what_was_refused_last_is_written_down(self, endpoint: InboundEndpoint) -> None:
        text_us(endpoint, secret="guess")

        endpoint.refresh_from_db()
        assert endpoint.last_refusal == "401: The secret is missing or wrong."
        assert endpoint.last_refused_at is not None and endpoint.last_used_at is None

    def test_and_when_a_message_came_in(self, endpoint: InboundEndpoint) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            text_us(endpoint, "hello")
            clock.shift(timedelta(seconds=30))
            text_us(endpoint, "hello")
            endpoint.refresh_from_db()
            assert endpoint.last_used_at == make.NOW, "to the minute"
            clock.shift(timedelta(minutes=1))
            text_us(endpoint, "hello")
            endpoint.refresh_from_db()
        assert endpoint.last_used_at == make.NOW + timedelta(seconds=90)


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ("", 401),
            ("{", 400),
            ("[]", 400),
            ("null", 400),
            ('"STOP"', 400),
            ("NaN", 400),
            ('{"from": NaN}', 400),
            ("{" * 50_000, 400),
            ("[" * 60_000, 400),
            (b"\xff\xfe\x00", 400),
            ('{"from": ' + "1" * 5_000 + "}", 400),
            ("x" * (MOST_BODY + 1), 413),
        ],
    )
    def test_what_cannot_be_read(
        self, endpoint: InboundEndpoint, body: str | bytes, status: int
    ) -> None:
        assert post_json(endpoint, body).status_code == status
        assert_nothing_done()

    def test_too_many_fields(self, endpoint: InboundEndpoint) -> None:
        sent = "&".join(f"f{n}=x" for n in range(MOST_FIELDS + 1))
        assert post_form(endpoint, sent).status_code == 400
        many = {f"f{n}": "x" for n in range(MOST_FIELDS)} | fields(endpoint)
        assert post_json(endpoint, many).status_code == 400
        assert PublicClient(GATEWAY).post(path_of(endpoint), many).status_code == 400
        assert_nothing_done()

    def test_multipart_without_its_boundary(self, endpoint: InboundEndpoint) -> None:
        response = PublicClient(GATEWAY).post(
            path_of(endpoint), b"--b--", content_type="multipart/form-data"
        )
        assert response.status_code == 400
        assert "boundary" in response.json()["message"]

    def test_a_compressed_one(self, endpoint: InboundEndpoint) -> None:
        response = post_json(endpoint, fields(endpoint), headers={"content-encoding": "gzip"})
        assert response.status_code == 415

    def test_one_that_was_cut_off(self, endpoint: InboundEndpoint) -> None:
        from io import BytesIO

        body = b'{"from": "+1415555'
        cut: Any = {"CONTENT_LENGTH": "500", "wsgi.input": BytesIO(body)}
        response = PublicClient(GATEWAY).generic(
            "POST", path_of(endpoint), body, "application/json", **cut
        )
        assert response.status_code == 400

    def test_twilios_call_at_it_is_refused(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        response = post_form(endpoint, {"From": JANE, "To": OURS, "Body": "STOP"})
        assert response.status_code == 401
        assert endpoint.format == InboundFormat.GENERIC
