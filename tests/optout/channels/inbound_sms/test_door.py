"""Whatever is sent there: an answer, never a 500; nothing in the logs; and once what comes several times at once."""

import logging
import time
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from lists.models import Contact, InboundEndpoint, Realm, SmsSetup
from lists.sms_setup import secret_of
from optout.channels.inbound_sms.fields import MOST_BODY
from optout.choices import Confirmation, Kind
from optout.models import InboundMessage, OptOut, Suppression
from tests import make
from tests.optout.channels.inbound_sms.calls import (
    GATEWAY,
    JANE,
    OURS,
    TOKEN,
    path_of,
    post_form,
    post_json,
    text_twilio,
    text_us,
)
from tests.optout.channels.test_hostile_input import METHODS, VALUES
from tests.pages import URLENCODED, PublicClient
from tests.threads import in_thread

PATHS = ("/sms/{}", "/sms/{}/", "/sms/nosuchname000000", "/sms/", "/sms/x/y")

TEXTS = [
    *VALUES,
    "\u0000STOP\u0000",
    "\ud800",
    "STOP\ud800",
    "\u202eSTOP",
    "s " * 32_768,
    "stop " * 13_000,
    "stop please " * 5_400,
    "\u0301" * 32_000,
    "ﷺ" * 20_000,
    "👨‍👩‍👧‍👦" * 2_500,
    "9" * 65_536,
]


@pytest.mark.django_db
class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    def test_nine_methods_on_every_url(
        self, endpoint: InboundEndpoint, twilio: InboundEndpoint, method: str
    ) -> None:
        for path in PATHS:
            for each in (endpoint, twilio):
                response = PublicClient(GATEWAY).generic(method, path.format(each.public_id))
                assert response.status_code < 500
                if method != "POST":
                    assert response.status_code == 405
                    assert response.headers["Allow"] == "POST"
        assert not InboundMessage.objects.exists()

    def test_a_browser_is_told_the_same(self, endpoint: InboundEndpoint) -> None:
        response = PublicClient().get(path_of(endpoint))
        assert response.status_code == 405


@pytest.mark.django_db
class TestHostileInput:
    """AT-35–43."""

    @pytest.mark.parametrize("value", TEXTS, ids=lambda each: f"{each[:12]!a}x{len(each)}")
    @pytest.mark.parametrize("name", ["from", "to", "text", "id", "secret", "{}"])
    def test_any_value_is_answered(self, endpoint: InboundEndpoint, name: str, value: str) -> None:
        sent = {"from": JANE, "to": OURS, "text": "STOP", "secret": secret_of(endpoint)}
        sent[name.replace("{}", value)] = value
        assert post_json(endpoint, sent).status_code < 500

    @pytest.mark.parametrize("value", VALUES, ids=lambda each: f"{each[:12]!a}x{len(each)}")
    def test_also_in_a_form_as_it_is(self, endpoint: InboundEndpoint, value: str) -> None:
        """The values are url-encoded already."""
        secret = secret_of(endpoint).replace("+", "%2B")
        for name in ("from", "to", "text", "id", value):
            body = f"secret={secret}&from={JANE}&text=STOP&{name}={value}"
            octets = body.encode("utf-8", "surrogatepass")
            assert post_form(endpoint, octets).status_code < 500

    @pytest.mark.parametrize("value", TEXTS, ids=lambda each: f"{each[:12]!a}x{len(each)}")
    def test_and_in_what_twilio_sends(self, twilio: InboundEndpoint, value: str) -> None:
        value = value.encode("utf-8", "replace").decode()
        for name in ("From", "To", "Body", "MessageSid", "OptOutType"):
            assert (
                text_twilio(twilio, **{"base": "http://testserver", name: value}).status_code < 500
            )

    def test_the_worst_64_kib_take_less_than_50_ms(self, endpoint: InboundEndpoint) -> None:
        for value in (each for each in TEXTS if len(each) > 10_000):
            for name in ("from", "to", "text", "id"):
                took = []
                for _ in range(5):  # the best of them: what else the machine does is not ours
                    started = time.process_time()
                    text_us(endpoint, **{{"from": "sender"}.get(name, name): value})
                    took.append(time.process_time() - started)
                    if took[-1] < 0.05:
                        break
                assert min(took) < 0.05, (name, value[:10])

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/html; charset=nonsense",
            "application/x-www-form-urlencoded; charset=utf-16",
            "application/json; charset=idna",
            "multipart/form-data",
            "multipart/form-data; boundary=b",
            "multipart/mixed; boundary=" + "x" * 500,
            "application/xml",
            "\x80\xff",
        ],
    )
    def test_any_content_type_is_answered(
        self, endpoint: InboundEndpoint, content_type: str
    ) -> None:
        for body in (b"", b"from=1&text=STOP", b'{"from": 1}', b"--b\r\n\r\n--b--", b"\x00\xff"):
            client = PublicClient(GATEWAY)
            for path in (path_of(endpoint), "/sms/nosuchname000000"):
                response = client.generic("POST", path, body, content_type)
                assert response.status_code in {400, 401, 404}

    @pytest.mark.parametrize(
        "headers",
        [
            {"host": "x" * 3_000},
            {"host": "[::1"},
            {"authorization": "Basic " + "A" * 60_000},
            {"x-forwarded-for": "not, an, address"},
            {"cookie": "csrftoken=short; sessionid=../../etc"},
            {"user-agent": "\x80" * 10_000},
            {"accept": "\x80\xff"},
        ],
    )
    def test_any_header_is_answered(
        self, endpoint: InboundEndpoint, twilio: InboundEndpoint, headers: dict[str, str]
    ) -> None:
        for each in (endpoint, twilio):
            assert post_form(each, "from=1&text=STOP", headers=headers).status_code < 500

    def test_one_that_is_too_big_is_refused_before_it_is_read(
        self, endpoint: InboundEndpoint, twilio: InboundEndpoint
    ) -> None:
        for each in (endpoint, twilio):
            for length in (MOST_BODY + 1, 3_000_000):
                assert post_form(each, "x" * length).status_code == 413


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestAnOutage:
    def test_is_a_503_so_that_the_gateway_tries_again(
        self, endpoint: InboundEndpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> Any:
            raise OperationalError

        for name in ("messages.keep_message", "messages.record_optout", "door.open_gate"):
            with monkeypatch.context() as patched:
                patched.setattr(f"optout.channels.inbound_sms.{name}", fail)
                response = Client().post(
                    path_of(endpoint),
                    {"from": JANE, "text": "STOP", "secret": secret_of(endpoint)},
                    content_type="application/json",
                )
            assert response.status_code == 503
            assert response.headers["Retry-After"]
        assert not InboundMessage.objects.exists() and not OptOut.objects.exists()
        assert text_us(endpoint).json() == {"status": "recorded"}


@pytest.mark.django_db
class TestLogs:
    """AT-26."""

    def test_no_number_text_or_secret_is_logged(
        self, endpoint: InboundEndpoint, twilio: InboundEndpoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret = secret_of(endpoint)
        with caplog.at_level(logging.DEBUG):
            for text in ("STOP", "canary when does it end", "START", "canary"):
                text_us(endpoint, text)
                text_us(endpoint, text, secret="canary")
                text_us(endpoint, text, sender="canary")
                text_twilio(twilio, text)
                post_form(twilio, {"From": JANE, "Body": text})
                path = f"{path_of(endpoint)}?secret=canary"
                PublicClient(GATEWAY).post(path, text, content_type=URLENCODED)
        said = caplog.text
        assert all(each not in said for each in (JANE[1:], OURS[1:], "canary", secret, TOKEN))
        for each in (endpoint, twilio):
            each.refresh_from_db()
            assert "canary" not in each.last_refusal and JANE not in each.last_refusal


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    TIMES = 12

    def all_at_once(self, *calls: Any) -> list[Any]:
        return [each.result(60) for each in [in_thread(call) for call in calls]]

    def test_the_same_message_is_done_once(self, answering: InboundEndpoint) -> None:
        responses = self.all_at_once(
            *[lambda: text_us(answering, id="m1").json() for _ in range(self.TIMES)]
        )

        assert {each["status"] for each in responses} == {"recorded"}
        assert sum("reply" in each for each in responses) == 1
        assert InboundMessage.objects.count() == OptOut.objects.count() == 1

    def test_of_several_stops_one_is_confirmed(self, endpoint: InboundEndpoint) -> None:
        responses = self.all_at_once(
            *[lambda: text_us(endpoint).status_code for _ in range(self.TIMES)]
        )

        assert responses == [200] * self.TIMES
        assert Suppression.objects.count() == Contact.objects.count() == 1
        assert OptOut.objects.count() == self.TIMES
        assert OptOut.objects.filter(is_new=True).count() == 1
        assert InboundMessage.objects.filter(confirmation=Confirmation.WAITING).count() == 1

    def test_stop_start_and_what_is_unclear(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        """In whatever order they are taken: no error, and a state that one of the orders leaves."""
        SmsSetup.objects.create(realm=realm, start_lifts=True)
        words = ["STOP", "START", "when does it end", "STOP 12345"] * 6

        responses = self.all_at_once(
            *[lambda text=text: text_us(endpoint, text).status_code for text in words]
        )

        assert responses == [200] * len(words)
        made = OptOut.objects.filter(kind=Kind.OPT_OUT, is_new=True).count()
        ended = OptOut.objects.filter(kind=Kind.LIFT, is_new=True).count()
        assert made - ended == Suppression.objects.count()

    def test_start_and_a_link_that_is_pressed(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        """Whichever comes first, the link's opt-out holds."""
        SmsSetup.objects.create(realm=realm, start_lifts=True)
        everything = make.do_not_mail(realm)
        for _ in range(8):
            text_us(endpoint)
            self.all_at_once(
                lambda: text_us(endpoint, "START").status_code,
                lambda: make.make_optout(everything, JANE),
            )
            assert Suppression.objects.count() == 1
            assert text_us(endpoint, "START").json() == {"status": "ignored", "suppressed": True}
            Suppression.objects.all().delete()
            OptOut.objects.all().delete()

    def test_a_hundred_people(self, endpoint: InboundEndpoint) -> None:
        def one(first: int) -> list[int]:
            numbers = [f"+1415555{n:04}" for n in range(2_000 + first, 2_100 + first, 4)]
            return [text_us(endpoint, sender=each).status_code for each in numbers]

        answers = self.all_at_once(*[lambda first=first: one(first) for first in range(4)])

        assert answers == [[200] * 25] * 4
        assert Suppression.objects.count() == Contact.objects.count() == 100
