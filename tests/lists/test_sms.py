"""lists/sms.py: what goes to the operator's gateway, and what is made of its answer. The gateway is a real server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from socket import socket
from threading import Event
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from lists import sms
from tests.lists.gateways import Gateway, running_gateway

NUMBER = "+12025550123"
TEXT = "Heed: 3 opt-outs – schöne Grüße"


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    with running_gateway(settings) as told:
        yield told


class TestAMessage:
    def test_is_posted_as_json(self, gateway: Gateway) -> None:
        sms.send(NUMBER, TEXT)

        ((path, headers, body),) = gateway.requests
        assert path == "/messages?account=7"
        assert headers["Authorization"] == "Bearer s3cret"
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"to": NUMBER, "text": TEXT, "from": "Acme"}

    def test_or_as_a_form(self, gateway: Gateway, settings: Settings) -> None:
        settings.SMS_GATEWAY_FORMAT = "form"
        sms.send(NUMBER, TEXT, sender="Northmail")

        ((_path, headers, body),) = gateway.requests
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert parse_qs(body.decode()) == {"to": [NUMBER], "text": [TEXT], "from": ["Northmail"]}

    def test_without_token_and_sender_neither_is_sent(
        self, gateway: Gateway, settings: Settings
    ) -> None:
        settings.SMS_GATEWAY_TOKEN = settings.SMS_FROM = ""
        sms.send(NUMBER, TEXT)

        ((_path, headers, body),) = gateway.requests
        assert "Authorization" not in headers
        assert "from" not in json.loads(body)


class TestWhatTheGatewaySays:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_2xx_is_sent(self, gateway: Gateway, status: int) -> None:
        gateway.status = status
        sms.send(NUMBER, TEXT)

    @pytest.mark.parametrize("status", [400, 410, 413, 422])
    def test_a_message_that_it_never_takes_is_refused(self, gateway: Gateway, status: int) -> None:
        gateway.status = status
        with pytest.raises(sms.SmsRefusedError, match=f"answered {status}"):
            sms.send(NUMBER, TEXT)

    @pytest.mark.parametrize("status", [401, 402, 403, 404, 407, 409, 423, 425, 429, 503])
    def test_what_is_about_us_or_the_moment_may_be_tried_again(
        self, gateway: Gateway, status: int
    ) -> None:
        gateway.status = status
        with pytest.raises(sms.SmsError, match=f"answered {status}") as caught:
            sms.send(NUMBER, TEXT)
        assert not isinstance(caught.value, sms.SmsRefusedError)
        assert caught.value.was_answered

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 408, 500, 501, 502, 504, 599, 999])
    def test_what_may_come_after_it_was_taken(self, gateway: Gateway, status: int) -> None:
        """A 303 often means that it was; a gateway that fails with 500 may have failed afterwards."""
        gateway.status = status
        with pytest.raises(sms.SmsError, match=f"answered {status}") as caught:
            sms.send(NUMBER, TEXT)
        assert not isinstance(caught.value, sms.SmsRefusedError)
        assert len(gateway.requests) == 1  # no redirect is followed
        assert not caught.value.was_answered

    @pytest.mark.parametrize(
        ("header", "asked"), [("90", 90), ("", None), ("later", None), ("9" * 500, 3_600)]
    )
    def test_how_long_it_asks_us_to_wait(
        self, gateway: Gateway, header: str, asked: int | None
    ) -> None:
        gateway.status, gateway.retry_after = 429, header
        with pytest.raises(sms.SmsError) as caught:
            sms.send(NUMBER, TEXT)
        expected = None if asked is None else timedelta(seconds=asked)
        assert caught.value.retry_after == expected

    @pytest.mark.parametrize("how", ["hangs", "drips"])
    def test_a_slow_one_is_not_waited_for(
        self, gateway: Gateway, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sms, "PART", 0.2)
        monkeypatch.setattr(sms, "WHOLE", 0.5)
        gateway.how = how
        with pytest.raises(sms.SmsError, match="cannot be used") as caught:
            sms.send(NUMBER, TEXT)
        assert not caught.value.was_answered

    def test_a_connection_that_comes_after_the_time_is_not_used(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_over, connect, break_off = Event(), HTTPConnection.connect, sms._break_off

        def late(connection: HTTPConnection) -> None:
            assert is_over.wait(10)
            connect(connection)

        def tell(*broken: Any) -> None:
            break_off(*broken)
            is_over.set()

        monkeypatch.setattr(sms, "WHOLE", 0)
        monkeypatch.setattr(sms, "_break_off", tell)
        monkeypatch.setattr(HTTPConnection, "connect", late)
        with pytest.raises(sms.SmsError, match="TimeoutError"):
            sms.send(NUMBER, TEXT)
        assert gateway.requests == []

    def test_one_that_is_away(self, gateway: Gateway, settings: Settings) -> None:
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{free.getsockname()[1]}/"
            with pytest.raises(sms.SmsError, match="ConnectionRefusedError") as caught:
                sms.send(NUMBER, TEXT)
            assert caught.value.was_answered, "nothing has reached it"

    def test_no_tls_where_it_should_be(self, gateway: Gateway, settings: Settings) -> None:
        settings.SMS_GATEWAY_URL = gateway.url.replace("http://", "https://")
        with pytest.raises(sms.SmsError, match="cannot be used"):
            sms.send(NUMBER, TEXT)
        assert gateway.requests == []

    def test_an_error_repeats_neither_number_nor_token(self, gateway: Gateway) -> None:
        gateway.status = 400
        with pytest.raises(sms.SmsError) as caught:
            sms.send(NUMBER, TEXT)
        assert not any(each in str(caught.value) for each in (NUMBER, "s3cret", "Heed:"))
        assert isinstance(caught.value, OSError)  # as the errors of mail are


class TestWhichGateway:
    def test_the_console_where_heed_is_tried_out(
        self, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.BASE_URL = "http://localhost:8000"
        assert sms.can_send()
        sms.send(NUMBER, TEXT, sender="Acme")

        said = capsys.readouterr().out
        assert TEXT in said
        assert "+12•••23 from Acme" in said
        assert NUMBER not in said

    def test_none_elsewhere(self, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        assert not sms.can_send()
        with pytest.raises(sms.SmsError, match="No SMS gateway"):
            sms.send(NUMBER, TEXT)

    def test_a_class_of_ones_own(self, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        settings.SMS_GATEWAY = f"{__name__}.Own"
        assert sms.can_send()
        Own.sent.clear()

        sms.send(NUMBER, TEXT, sender="Acme")

        assert Own.sent == [(NUMBER, TEXT, "Acme")]

    def test_whatever_a_class_of_ones_own_raises_is_an_sms_error(self, settings: Settings) -> None:
        settings.SMS_GATEWAY = f"{__name__}.Broken"
        with pytest.raises(sms.SmsError, match="KeyError") as caught:
            sms.send(NUMBER, TEXT)
        assert NUMBER not in str(caught.value)

    def test_a_class_that_is_not_there_is_told_at_start(self, settings: Settings) -> None:
        settings.SMS_GATEWAY = "nowhere.Gateway"
        assert "heed.E005" in {each.id for each in run_checks()}
        with pytest.raises(sms.SmsError, match="ModuleNotFoundError"):
            sms.send(NUMBER, TEXT)
        settings.SMS_GATEWAY = f"{__name__}.Own"
        assert "heed.E005" not in {each.id for each in run_checks()}


class TestCharacters:
    def test_what_fits_into_one_byte(self) -> None:
        assert sms.is_gsm("Heed: 3 opt-outs. Grüße, 5 £ https://a.example/x_y?z=1")
        assert not sms.is_gsm("Heed – 3")
        assert not sms.is_gsm("رسائل")
        assert not sms.is_gsm("[brackets]")  # these count twice


class Own:
    """A gateway as an operator may write one."""

    sent: list[tuple[str, str, str]] = []

    def send(self, to: str, text: str, sender: str) -> None:
        self.sent.append((to, text, sender))


class Broken:
    """One that does not know of SmsError."""

    def send(self, to: str, text: str, sender: str) -> None:
        raise KeyError(to)
