"""The one message that confirms a STOP, to a real gateway on loopback: within five minutes, and never a second one."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from lists import sms
from lists.models import InboundEndpoint, Realm, SmsSetup
from optout.choices import Confirmation
from optout.models import InboundMessage, Suppression
from reporting import upkeep
from tests import make
from tests.lists.gateways import Gateway, running_gateway
from tests.optout.channels.inbound_sms.calls import JANE, OURS, text_us
from tests.reporting.test_tasks import run_worker
from tests.threads import in_thread

NOTHING = {"sent": 0, "failed": 0, "too_late": 0}
TEXT = "You are unsubscribed from Acme Garden. You will get no more texts from us."


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    with running_gateway(settings) as told:
        yield told


@pytest.fixture
def endpoint(realm: Realm) -> InboundEndpoint:
    make.make_sms_number(realm, OURS)
    return make.make_inbound_endpoint(realm)


def confirm(**later: float) -> dict[str, int]:
    return upkeep.confirm_stops(timezone.now() + timedelta(**later))


def empty_queue() -> None:
    """The queue's tables are not ours: the test database is not emptied of them by itself."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


def states() -> list[int]:
    return list(InboundMessage.objects.order_by("pk").values_list("confirmation", flat=True))


@pytest.mark.django_db
class TestOne:
    def test_goes_to_who_texted_in_the_name_of_the_number(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        text_us(endpoint)

        assert confirm() == NOTHING | {"sent": 1}
        ((_path, _headers, body),) = gateway.requests
        assert json.loads(body) == {"to": JANE, "text": TEXT, "from": OURS}
        row = InboundMessage.objects.get()
        assert row.confirmation == Confirmation.SENT
        assert row.confirmed_at is not None

    def test_never_a_second_one(self, endpoint: InboundEndpoint, gateway: Gateway) -> None:
        for _ in range(3):
            text_us(endpoint)
            text_us(endpoint, id="same")
            confirm()
        assert confirm() == NOTHING
        assert len(gateway.requests) == 1

    def test_each_stop_has_its_own(self, endpoint: InboundEndpoint, gateway: Gateway) -> None:
        numbers = [f"+1415555267{n}" for n in range(5)]
        for number in numbers:
            text_us(endpoint, sender=number)

        assert confirm() == NOTHING | {"sent": 5}
        assert [json.loads(body)["to"] for *_, body in gateway.requests] == numbers

    @pytest.mark.parametrize("to", ["", "+18005550111", "Bank of Acme", "72345"])
    def test_not_in_the_name_of_whatever_number_the_call_named(
        self, endpoint: InboundEndpoint, gateway: Gateway, to: str
    ) -> None:
        make.make_sms_number(endpoint.realm, "+18005550122")
        make.make_sms_number(make.make_realm("other"), "72345")
        text_us(endpoint, to=to)
        confirm()
        assert json.loads(gateway.requests[0][2])["from"] == "Acme"

    def test_so_early_that_the_gateway_may_take_its_time(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        text_us(endpoint)
        text_us(endpoint, sender="+442079460958")
        InboundMessage.objects.filter(sender=JANE).update(
            received_at=timezone.now() - timedelta(minutes=4, seconds=41)
        )
        InboundMessage.objects.exclude(sender=JANE).update(
            received_at=timezone.now() - timedelta(minutes=4, seconds=30)
        )
        assert confirm() == NOTHING | {"sent": 1, "too_late": 1}

    def test_after_five_minutes_none(self, endpoint: InboundEndpoint, gateway: Gateway) -> None:
        text_us(endpoint)

        assert confirm(minutes=5, seconds=1) == NOTHING | {"too_late": 1}
        assert confirm() == NOTHING
        assert not gateway.requests
        assert states() == [Confirmation.TOO_LATE]


@pytest.mark.django_db
class TestAGatewayThatIsNotWell:
    @pytest.mark.parametrize("status", [429, 503, 401, 404])
    def test_what_it_surely_did_not_take_is_tried_again_in_time(
        self, endpoint: InboundEndpoint, gateway: Gateway, status: int
    ) -> None:
        text_us(endpoint)
        gateway.status = status
        for minutes in (0, 1.1):
            assert confirm(minutes=minutes) == NOTHING | {"failed": 1}
        assert states() == [Confirmation.WAITING]

        gateway.status = 202
        assert confirm(minutes=4) == NOTHING | {"sent": 1}
        assert len(gateway.requests) == 3

    def test_once_a_minute_however_often_the_worker_is_woken(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        gateway.status = 503
        text_us(endpoint)
        confirm()
        for seconds in range(5, 56, 10):
            assert confirm(seconds=seconds) == NOTHING
        assert states() == [Confirmation.WAITING]
        assert len(gateway.requests) == 1

        gateway.status = 202
        text_us(endpoint, sender="+442079460958")
        assert confirm(seconds=57) == NOTHING | {"sent": 1}, "the one that was not tried yet"
        assert confirm(seconds=62) == NOTHING | {"sent": 1}

    @pytest.mark.parametrize(("header", "seconds"), [("150", 150), ("5", 60), ("soon", 60)])
    def test_later_where_it_asks_for_it(
        self, endpoint: InboundEndpoint, gateway: Gateway, header: str, seconds: int
    ) -> None:
        text_us(endpoint)
        gateway.status, gateway.retry_after = 429, header
        confirm()
        gateway.status = 202

        assert confirm(seconds=seconds - 5) == NOTHING
        assert confirm(seconds=seconds + 5) == NOTHING | {"sent": 1}

    def test_never_after_five_minutes_for_that(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        text_us(endpoint)
        gateway.status, gateway.retry_after = 429, "3600"
        confirm()
        gateway.status = 202

        assert confirm(minutes=5, seconds=1) == NOTHING | {"too_late": 1}
        assert InboundMessage.objects.get().confirmed_at is None

    @pytest.mark.parametrize("status", [500, 303, 302, 408, 502, 504])
    def test_after_an_answer_that_proves_nothing_never_a_second_one(
        self, endpoint: InboundEndpoint, gateway: Gateway, status: int
    ) -> None:
        text_us(endpoint)
        gateway.status = status
        assert confirm() == NOTHING | {"failed": 1}
        gateway.status = 202
        for minutes in range(5):
            assert confirm(minutes=minutes) == NOTHING
        assert len(gateway.requests) == 1
        assert states() == [Confirmation.FAILED]

    def test_but_not_for_ever(self, endpoint: InboundEndpoint, gateway: Gateway) -> None:
        text_us(endpoint)
        gateway.status = 503
        confirm()
        assert confirm(minutes=6) == NOTHING | {"too_late": 1}
        assert len(gateway.requests) == 1

    def test_what_it_refused_is_over(self, endpoint: InboundEndpoint, gateway: Gateway) -> None:
        text_us(endpoint)
        gateway.status = 422
        assert confirm() == NOTHING | {"failed": 1}
        gateway.status = 202
        assert confirm() == NOTHING
        assert states() == [Confirmation.FAILED]

    @pytest.mark.parametrize("how", ["hangs", "drips"])
    def test_what_it_may_have_taken_is_not_tried_again(
        self,
        endpoint: InboundEndpoint,
        gateway: Gateway,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
    ) -> None:
        monkeypatch.setattr(sms, "PART", 0.2)
        monkeypatch.setattr(sms, "WHOLE", 0.4)
        text_us(endpoint)
        gateway.how = how
        assert confirm() == NOTHING | {"failed": 1}
        gateway.how = "answers"
        assert confirm() == NOTHING
        assert len(gateway.requests) == 1

    def test_after_some_failures_the_others_wait(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        for n in range(6):
            text_us(endpoint, sender=f"+1415555267{n}")
        gateway.status = 503

        assert confirm() == NOTHING | {"failed": 3}
        assert states() == [Confirmation.WAITING] * 6

    def test_the_log_says_no_number(
        self, endpoint: InboundEndpoint, gateway: Gateway, caplog: pytest.LogCaptureFixture
    ) -> None:
        """AT-26."""
        text_us(endpoint)
        gateway.status = 422
        with caplog.at_level(logging.DEBUG):
            confirm()
        assert "could not be sent" in caplog.text
        assert JANE[1:] not in caplog.text and "Acme" not in caplog.text


@pytest.mark.django_db
class TestAStopThatIsTakenBackMeanwhile:
    @pytest.fixture
    def meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """While the gateway is asked, `act` is done."""
        told: dict[str, Any] = {}
        send = sms.send

        def act_and_send(*message: Any) -> None:
            if act := told.pop("act", None):
                act()
            send(*message)

        monkeypatch.setattr(sms, "send", act_and_send)
        return told

    @pytest.fixture(autouse=True)
    def _started(self, realm: Realm) -> None:
        SmsSetup.objects.create(realm=realm, start_lifts=True)

    def test_is_not_confirmed_by_another_try(
        self, endpoint: InboundEndpoint, gateway: Gateway, meanwhile: dict[str, Any]
    ) -> None:
        text_us(endpoint)
        gateway.status = 503
        meanwhile["act"] = lambda: text_us(endpoint, "START")
        assert confirm() == NOTHING | {"failed": 1}
        gateway.status = 202

        assert confirm(minutes=2) == NOTHING
        assert states() == [Confirmation.NONE, Confirmation.NONE]

    def test_one_stop_after_it_is_confirmed_once(
        self, endpoint: InboundEndpoint, gateway: Gateway, meanwhile: dict[str, Any]
    ) -> None:
        def start_and_stop() -> None:
            text_us(endpoint, "START")
            text_us(endpoint)

        text_us(endpoint)
        gateway.status = 503
        meanwhile["act"] = start_and_stop
        confirm()
        gateway.status = 202

        assert confirm(minutes=2) == NOTHING | {"sent": 1}
        assert states() == [Confirmation.NONE, Confirmation.NONE, Confirmation.SENT]

    def test_nor_where_the_owner_lifted_it(
        self, realm: Realm, endpoint: InboundEndpoint, gateway: Gateway, meanwhile: dict[str, Any]
    ) -> None:
        text_us(endpoint)
        gateway.status = 503
        meanwhile["act"] = lambda: Suppression.objects.all().delete()
        confirm()
        gateway.status = 202

        assert confirm(minutes=2) == NOTHING
        assert states() == [Confirmation.NONE]

    def test_is_said_to_be_confirmed_where_the_gateway_took_it(
        self, endpoint: InboundEndpoint, gateway: Gateway, meanwhile: dict[str, Any]
    ) -> None:
        text_us(endpoint)
        meanwhile["act"] = lambda: text_us(endpoint, "START")
        assert confirm() == NOTHING | {"sent": 1}
        assert states() == [Confirmation.SENT, Confirmation.NONE]

    def test_the_stop_after_it_has_its_own(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        for text in ("STOP", "START", "STOP"):
            text_us(endpoint, text)
        assert confirm() == NOTHING | {"sent": 1}
        assert states() == [Confirmation.NONE, Confirmation.NONE, Confirmation.SENT]


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestWorkers:
    def test_one_that_was_killed_while_sending_leaves_it_so(
        self, endpoint: InboundEndpoint, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The gateway may have it: nobody knows, and nobody sends it again."""

        def die(*_: Any) -> None:
            raise SystemExit

        text_us(endpoint)
        with monkeypatch.context() as patched:
            patched.setattr(sms, "send", die)
            with pytest.raises(SystemExit):
                confirm()

        assert states() == [Confirmation.SENDING]
        assert confirm() == NOTHING
        assert not gateway.requests

    def test_two_at_once_send_it_once(
        self, endpoint: InboundEndpoint, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_sending, may_go_on = Event(), Event()
        send = sms.send

        def slowly(*message: Any) -> None:
            is_sending.set()
            assert may_go_on.wait(20)
            send(*message)

        monkeypatch.setattr(sms, "send", slowly)
        text_us(endpoint)
        first = in_thread(confirm)
        assert is_sending.wait(20)

        assert confirm() == NOTHING, "it is the other one's"
        may_go_on.set()
        assert first.result(20) == NOTHING | {"sent": 1}
        assert len(gateway.requests) == 1

    def test_one_does_not_wait_for_what_another_has_just_claimed(
        self, endpoint: InboundEndpoint, gateway: Gateway
    ) -> None:
        text_us(endpoint)
        text_us(endpoint, sender="+442079460958")
        with transaction.atomic():
            InboundMessage.objects.select_for_update().earliest("pk")
            assert in_thread(confirm).result(20) == NOTHING | {"sent": 1}

        assert states() == [Confirmation.WAITING, Confirmation.SENT]

    def test_one_is_woken_at_once(self, endpoint: InboundEndpoint) -> None:
        empty_queue()
        text_us(endpoint)
        text_us(endpoint, sender="+442079460958")

        job = ProcrastinateJob.objects.get(task_name="reporting.confirm_stops")
        assert (job.status, job.lock, job.queueing_lock) == (
            "todo",
            "confirm_stops",
            "confirm_stops",
        )

    def test_and_sends_it(
        self, endpoint: InboundEndpoint, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody has to wait for the next minute."""
        monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
        empty_queue()
        text_us(endpoint)

        run_worker()

        assert [json.loads(body)["to"] for *_, body in gateway.requests] == [JANE]
        assert states() == [Confirmation.SENT]
