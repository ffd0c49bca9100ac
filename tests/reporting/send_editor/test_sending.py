"""The worker hands messages over to a real gateway on loopback. With kill -9: tests/system/test_text_messages.py."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from lists import sms
from lists.models import AuditEntry, List
from optout.addresses import digest_of
from optout.choices import HashKind
from optout.short_links import read_short_token
from reporting import upkeep
from reporting.models import RecipientState, TextMessage, TextRecipient, TextState
from reporting.send_editor import sending
from reporting.send_editor.messages import stop_message
from reporting.send_editor.recipients import Recipient, read_recipients
from reporting.send_editor.sent import SentMessage
from tests.lists.gateways import Gateway, running_gateway
from tests.make import NOW, do_not_mail, make_list, make_optout, make_realm, make_sms_number
from tests.reporting.send_editor.making import (
    ANNA,
    BERT,
    CLEO,
    got,
    make_text,
    numbered,
    numbers_of,
    subscribe,
)
from tests.reporting.send_editor.test_recipients import suppress_hash

pytestmark = pytest.mark.django_db

NOTHING = {"sent": 0, "refused": 0, "unknown": 0}


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    settings.SMS_PER_SECOND = 0
    with running_gateway(settings) as told:
        yield told


@pytest.fixture
def letters() -> List:
    return make_list(make_realm())


class Reading:
    """How often the worker reads the next on the list, which has ten addresses and no number; and what happens meanwhile."""

    def __init__(self) -> None:
        self.addresses = [f"{n}@example.com" for n in range(10)]
        self.count = 0
        self._acts: dict[int, Callable[[], Any]] = {}

    def at(self, count: int, act: Callable[[], Any]) -> None:
        self._acts[count] = act

    def read(self, *given: Any) -> Any:
        self.count += 1
        self._acts.get(self.count, lambda: None)()
        return read_recipients(*given)


@pytest.fixture
def reading(letters: List, monkeypatch: pytest.MonkeyPatch) -> Reading:
    told = Reading()
    subscribe(letters, told.addresses)
    monkeypatch.setattr(sending, "BATCH", 2)
    monkeypatch.setattr(sending, "read_recipients", told.read)
    return told


def work(minutes: float = 0) -> dict[str, int]:
    return upkeep.send_text_messages(NOW + timedelta(minutes=minutes))


def after(message: TextMessage) -> TextMessage:
    message.refresh_from_db()
    return message


class TestToAList:
    def test_each_recipient_gets_their_own_link(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, [ANNA, BERT])
        message = make_text(letters, "Sale! {optout} Bye")

        assert work() == NOTHING | {"sent": 2}
        assert numbers_of(gateway) == [ANNA, BERT]
        for each in got(gateway):
            assert each["from"] == "Acme"
            sale, link, bye = each["text"].split(" ")
            assert (sale, bye) == ("Sale!", "Bye")
            target = read_short_token(link.rpartition("/")[2])
            assert target is not None
            assert (target.list_id, target.address) == (letters.pk, each["to"])
        assert after(message).state == TextState.DONE
        assert (message.sent, message.refused, message.unknown) == (2, 0, 0)
        assert message.finished_at is not None and message.finished_at > NOW
        assert not TextRecipient.objects.exists()

    def test_in_the_name_of_the_number_that_was_chosen(
        self, gateway: Gateway, letters: List
    ) -> None:
        letters.realm.sms_numbers.create(number="+18005550100")
        subscribe(letters, [ANNA])
        make_text(letters, sender="+18005550100")
        work()

        assert [each["from"] for each in got(gateway)] == ["+18005550100"]

    def test_nobody_twice_however_often_it_runs(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(5))
        make_text(letters)
        work()
        work()

        assert numbers_of(gateway) == numbered(5)

    def test_batch_after_batch(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "BATCH", 2)
        subscribe(letters, [*numbered(7), *(f"{n}@example.com" for n in range(5))])
        message = make_text(letters)

        assert work()["sent"] == 7
        assert numbers_of(gateway) == numbered(7)
        assert after(message).state == TextState.DONE

    def test_one_after_the_other_where_two_are_sent(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "TURN", -1)
        offers = make_list(letters.realm, 2, "Offers")
        subscribe(letters, [ANNA])
        subscribe(offers, [BERT])
        first, second = make_text(letters), make_text(offers)
        monkeypatch.setattr(sending, "LONGEST_RUN", 0.05)
        assert work() == NOTHING  # no time for anybody

        monkeypatch.undo()
        assert work()["sent"] == 2
        assert {after(first).state, after(second).state} == {TextState.DONE}

    def test_one_that_is_made_meanwhile_does_not_wait_for_the_next_run(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "TURN", 0)
        subscribe(letters, numbered(6))
        make_text(letters)
        turns = iter([lambda: make_text(letters.realm, "Hello", number=ANNA)])
        go_on = sending._is_left

        def turn(key: int, run: sending.Run) -> bool:
            next(turns, lambda: None)()
            monkeypatch.setattr(sending, "TURN", 5)
            return go_on(key, run)

        monkeypatch.setattr(sending, "_is_left", turn)
        work()

        assert numbers_of(gateway) == sorted([*numbered(6), ANNA])

    @pytest.mark.parametrize("sender", ["+18005550100", ""])
    def test_a_number_whose_stop_ends_another_list_alone_since(
        self, gateway: Gateway, letters: List, settings: Settings, sender: str
    ) -> None:
        settings.SMS_FROM = "+18005550100"
        other = make_list(letters.realm, 5, "Deliveries")
        make_sms_number(letters.realm, "+18005550100", other)
        subscribe(letters, [ANNA])
        message = make_text(letters, sender=sender)
        List.objects.filter(pk=other.pk).update(sms_stop_scope="list")

        assert sending.send_waiting(NOW) == NOTHING
        message.refresh_from_db()
        assert message.state == TextState.STOPPED
        assert gateway.requests == []
        entry = AuditEntry.objects.get(action="stop_text_message")
        assert (entry.actor, entry.detail) == (None, {"message": message.pk})

    def test_it_stops_between_two_recipients_of_a_turn(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first one was answered by a STOP of everything, the next one would not be."""
        other = make_list(letters.realm, 5, "Deliveries")
        make_sms_number(letters.realm, "+18005550100", other)
        subscribe(letters, numbered(3))
        message = make_text(letters, sender="+18005550100")
        send = sms.send

        def send_and_narrow(*given: Any) -> None:
            send(*given)
            List.objects.filter(pk=other.pk).update(sms_stop_scope="list")

        monkeypatch.setattr(sms, "send", send_and_narrow)
        assert sending.send_waiting(NOW)["sent"] == 1
        assert len(gateway.requests) == 1
        assert after(message).state == TextState.STOPPED

    def test_a_list_that_was_closed_meanwhile(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, [ANNA])
        message = make_text(letters)
        List.objects.filter(pk=letters.pk).update(closed_at=NOW)
        work()

        assert gateway.requests == []
        assert after(message).state == TextState.STOPPED
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.actor) == ("stop_text_message", None)


class TestWhoOptsOutMeanwhile:
    """A wrong answer here is a broken law."""

    @pytest.fixture
    def opting_out(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """When the first message has gone out, `act` is done."""
        told: dict[str, Any] = {}
        send = sms.send

        def sending_and_acting(*given: Any) -> None:
            send(*given)
            if "act" in told:
                told.pop("act")(given[0])

        monkeypatch.setattr(sms, "send", sending_and_acting)
        return told

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_of_the_same_batch(
        self, gateway: Gateway, letters: List, opting_out: dict[str, Any], everywhere: bool
    ) -> None:
        subscribe(letters, numbered(6))
        make_text(letters)
        target = do_not_mail(letters.realm) if everywhere else letters
        out: list[str] = []

        def act(first: str) -> None:
            out.extend(each for each in numbered(6) if each != first)
            for each in out:
                make_optout(target, each)

        opting_out["act"] = act
        work()

        assert len(gateway.requests) == 1
        assert len(out) == 5

    @pytest.mark.parametrize("kind", HashKind)
    def test_by_a_hash_alone(
        self, gateway: Gateway, letters: List, opting_out: dict[str, Any], kind: HashKind
    ) -> None:
        subscribe(letters, numbered(6))
        make_text(letters)

        def act(first: str) -> None:
            for each in numbered(6):
                if each != first:
                    suppress_hash(do_not_mail(letters.realm), kind, each)

        opting_out["act"] = act
        work()

        assert len(gateway.requests) == 1

    def test_before_it_begins(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, [ANNA, BERT, CLEO])
        make_text(letters)
        make_optout(letters, ANNA)
        make_optout(do_not_mail(letters.realm), BERT)
        work()

        assert numbers_of(gateway) == [CLEO]


class TestASingleNumber:
    def test_gets_the_message(self, gateway: Gateway, letters: List) -> None:
        message = make_text(letters.realm, "Your parcel is here.", number=ANNA)

        assert work()["sent"] == 1
        assert [(each["to"], each["text"]) for each in got(gateway)] == [
            (ANNA, "Your parcel is here.")
        ]
        assert after(message).state == TextState.DONE

    def test_that_opts_out_before(self, gateway: Gateway, letters: List) -> None:
        message = make_text(letters.realm, "Your parcel is here.", number=ANNA)
        make_optout(do_not_mail(letters.realm), ANNA)
        work()

        assert gateway.requests == []
        assert (after(message).state, message.sent) == (TextState.DONE, 0)

    def test_goes_before_those_of_a_list(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(3))
        make_text(letters)
        make_text(letters.realm, "Your parcel is here.", number=ANNA)
        work()

        assert got(gateway)[0]["to"] == ANNA

    def test_waits_for_a_gateway_that_is_away(self, gateway: Gateway, letters: List) -> None:
        message = make_text(letters.realm, "Your parcel is here.", number=ANNA)
        gateway.status = 503
        work()
        assert after(message).state == TextState.SENDING
        gateway.status = 202
        work(minutes=2)

        assert after(message).sent == 1

    def test_is_not_tried_again_where_nobody_knows(self, gateway: Gateway, letters: List) -> None:
        message = make_text(letters.realm, "Your parcel is here.", number=ANNA)
        gateway.status = 504
        work()
        gateway.status = 202
        work(minutes=5)

        assert len(gateway.requests) == 1
        assert (after(message).state, message.unknown) == (TextState.DONE, 1)


class TestAGatewayThatFails:
    def test_for_an_hour_then_it_goes_on(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(5))
        message = make_text(letters)
        gateway.status = 503
        for minute in range(60):
            assert work(minute) == NOTHING
        tries = len(gateway.requests)
        assert tries == 5, "after 2, 4, 8 and 16 minutes"
        assert after(message).state == TextState.SENDING
        assert (message.rests_until, message.failures) == (NOW + timedelta(minutes=60), 5)
        assert not TextRecipient.objects.exists()

        gateway.status = 202
        assert work(60)["sent"] == 5

        assert sorted(each["to"] for each in got(gateway)[tries:]) == numbered(5)
        assert after(message).state == TextState.DONE
        assert (message.rests_until, message.failures) == (None, 0)
        assert (message.sent, message.unknown) == (5, 0)

    def test_down_for_days_it_is_waited_for(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(2))
        message = make_text(letters)
        TextMessage.objects.update(failures=5_000)
        gateway.status = 503
        work()

        assert after(message).rests_until == NOW + timedelta(minutes=30)
        assert message.state == TextState.SENDING

    def test_in_the_middle_of_a_list(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(5))
        message = make_text(letters)
        fail_after(gateway, 2, status=503)
        assert work()["sent"] == 2
        assert after(message).sent == 2
        assert work(2)["sent"] == 3

        numbers = [each["to"] for each in got(gateway)]
        assert numbers[2] == numbers[3], "the one that was not taken is the next"
        assert sorted(numbers[:2] + numbers[3:]) == numbered(5)

    def test_where_nobody_knows_whether_it_was_taken(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(3))
        message = make_text(letters)
        gateway.status = 504
        assert work() == NOTHING | {"unknown": 1}
        assert work(1) == NOTHING, "it waits for two minutes"
        gateway.status = 202
        assert work(2)["sent"] == 2

        assert numbers_of(gateway) == numbered(3), "each once"
        assert (after(message).sent, message.unknown) == (2, 1)
        (left,) = TextRecipient.objects.all()
        assert left.state == RecipientState.UNKNOWN
        assert left.number == got(gateway)[0]["to"]

    def test_it_rests_longer_each_time_that_nobody_knows(
        self, gateway: Gateway, letters: List
    ) -> None:
        """An hour of 500 costs a handful of recipients their message, not thirty."""
        subscribe(letters, numbered(10))
        message = make_text(letters)
        gateway.status = 500
        asked = [minute for minute in range(121) if work(minute)["unknown"]]

        assert asked == [0, 2, 6, 14, 30, 60, 90, 120]
        assert after(message).unknown == len(asked) == len(gateway.requests)
        with time_machine.travel(NOW + timedelta(minutes=120), tick=False):
            assert SentMessage(message).next_try == NOW + timedelta(minutes=150)

        gateway.status = 202
        assert work(149) == NOTHING
        assert work(150)["sent"] == 2
        assert sorted(numbers_of(gateway)) == numbered(10), "each once"

    @pytest.mark.parametrize("status", [202, 400])
    def test_when_it_has_answered_it_rests_shortly_again(
        self, gateway: Gateway, letters: List, status: int
    ) -> None:
        subscribe(letters, numbered(6))
        message = make_text(letters)
        gateway.status = 500
        for minute in (0, 2, 6):
            assert work(minute)["unknown"] == 1
        gateway.status = status
        fail_after(gateway, 1, status=500)
        assert work(14)["unknown"] == 1

        assert after(message).rests_until == NOW + timedelta(minutes=16)
        assert message.unknown_in_row == (1 if status == 202 else 4)
        assert work(16)["sent" if status == 202 else "refused"] == 1

    @pytest.mark.parametrize(
        ("header", "minutes"), [("600", 10), ("30", 2), ("", 2), ("86400", 30)]
    )
    def test_it_rests_for_as_long_as_it_asks(
        self, gateway: Gateway, letters: List, header: str, minutes: int
    ) -> None:
        subscribe(letters, numbered(2))
        make_text(letters)
        gateway.status, gateway.retry_after = 429, header
        work()
        gateway.status = 202

        assert work(minutes - 1) == NOTHING
        assert work(minutes)["sent"] == 2

    def test_of_so_many_in_a_row_that_nobody_knows_the_message_is_stopped(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "MOST_UNKNOWN", 3)
        subscribe(letters, numbered(10))
        message = make_text(letters)
        fail_after(gateway, 2, status=500)
        assert work() == NOTHING | {"sent": 2, "unknown": 1}
        gateway.status = 400
        fail_after(gateway, 1, status=500)
        assert work(2) == NOTHING | {"refused": 1, "unknown": 1}
        assert after(message).state == TextState.SENDING
        gateway.requests, gateway.status = [], 500
        assert work(4)["unknown"] == 1

        assert after(message).state == TextState.STOPPED
        assert (message.sent, message.refused, message.unknown) == (2, 1, 3)
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.actor) == ("stop_text_message", None)

    def test_not_where_somebody_between_got_it(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "MOST_UNKNOWN", 3)
        subscribe(letters, numbered(9))
        message = make_text(letters)
        for n in range(4):
            gateway.status = 202
            fail_after(gateway, 1, status=500)
            assert work(2 * n) == NOTHING | {"sent": 1, "unknown": 1}
        gateway.requests, gateway.status = [], 202

        assert work(8)["sent"] == 1
        assert after(message).state == TextState.DONE
        assert (message.sent, message.unknown) == (5, 4)

    def test_workers_that_die_at_each_stop_it_too(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "MOST_UNKNOWN", 3)
        subscribe(letters, numbered(5))
        message = make_text(letters)
        TextMessage.objects.update(unknown=2, unknown_in_row=2)
        leave_claimed(message, numbered(5))
        work()

        assert gateway.requests == []
        assert (after(message).state, message.unknown) == (TextState.STOPPED, 3)

    def test_that_refuses_a_number(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(4))
        message = make_text(letters)
        fail_after(gateway, 1, status=400)
        assert work() == NOTHING | {"sent": 3, "refused": 1}

        assert numbers_of(gateway) == numbered(4)
        assert (after(message).state, message.refused) == (TextState.DONE, 1)
        (left,) = TextRecipient.objects.all()
        assert left.state == RecipientState.REFUSED

    def test_that_refuses_everybody(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "MOST_REFUSED", 3)
        subscribe(letters, numbered(10))
        message = make_text(letters)
        gateway.status = 400
        work()

        assert len(gateway.requests) == 3
        assert after(message).state == TextState.STOPPED

    def test_leaves_other_messages_alone(self, gateway: Gateway, letters: List) -> None:
        for n in range(2, 8):
            offers = make_list(letters.realm, n, f"Offers {n}")
            subscribe(offers, numbered(2))
            make_text(offers)
        gateway.status = 503
        work()

        assert len(gateway.requests) == 3, "then this run is over"


class TestStop:
    def test_in_the_middle(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe(letters, numbered(6))
        message = make_text(letters)
        send = sms.send

        def send_then_stop(*given: Any) -> None:
            send(*given)
            if len(gateway.requests) == 2:
                assert stop_message(message, actor=None, now=NOW)

        monkeypatch.setattr(sms, "send", send_then_stop)
        work()
        work(5)

        assert len(gateway.requests) == 2
        assert (after(message).state, message.sent) == (TextState.STOPPED, 2)
        assert not TextRecipient.objects.exists()

    def test_before_it_begins(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(2))
        stop_message(make_text(letters), actor=None, now=NOW)
        work()

        assert gateway.requests == []

    def test_while_it_looks_for_the_next_recipient(
        self, gateway: Gateway, letters: List, reading: Reading
    ) -> None:
        message = make_text(letters)
        reading.at(2, lambda: stop_message(message, actor=None, now=NOW))
        work()

        assert reading.count == 2
        assert after(message).state == TextState.STOPPED

    def test_what_was_left_claimed_long_ago(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(3))
        message = make_text(letters)
        leave_claimed(message, numbered(3))
        stop_message(message, actor=None, now=NOW - timedelta(days=3))
        work()

        assert after(message).unknown == 1


class TestALongSearch:
    """A list may have thousands of addresses between two phone numbers."""

    def test_ends_with_the_turn(
        self, gateway: Gateway, letters: List, reading: Reading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = make_text(letters)
        skewed = [0.0]
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() + skewed[0])
        reading.at(3, lambda: skewed.__setitem__(0, sending.LONGEST_RUN + 1.0))
        work()

        assert reading.count == 3
        assert after(message).state == TextState.SENDING
        third = sorted(digest_of(each) for each in reading.addresses)[5]
        assert bytes(message.after) == third, "the next run goes on from there"

        monkeypatch.undo()
        work()
        assert after(message).state == TextState.DONE

    def test_leaves_the_message_to_whoever_is_further(
        self, gateway: Gateway, letters: List, reading: Reading
    ) -> None:
        make_text(letters)
        reading.at(1, lambda: TextMessage.objects.update(after=b"\xff" * 16))
        work()

        assert reading.count == 1


class TestTwoAtOnce:
    def test_one_is_left_to_whoever_has_it(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(2))
        message = make_text(letters)
        with psycopg.connect(connection.connection.info.dsn) as other:
            other.execute("SELECT pg_advisory_lock(%s, %s)", (sending._LOCKS, message.pk))
            work()
            assert gateway.requests == []
        assert work()["sent"] == 2

    def test_nobody_twice_without_the_lock(self, gateway: Gateway, letters: List) -> None:
        """As when the database let go of it: with its connection."""
        subscribe(letters, [ANNA])
        message, run = make_text(letters), sending.Run(NOW)
        recipient = Recipient(digest_of(ANNA), ANNA)
        first, second = (
            sending._hand_over(message, recipient, "Sale!", b"", run) for _ in range(2)
        )

        assert (first, second) == (sending.Outcome.SENT, sending.Outcome.NOT_OURS)
        assert numbers_of(gateway) == [ANNA]


class TestItsTime:
    def test_it_ends_after_it_was_made(
        self, gateway: Gateway, letters: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also one that is made while a long run goes on."""
        subscribe(letters, [ANNA])
        message = make_text(letters, now=NOW + timedelta(seconds=20))
        clock, skewed = time.monotonic, [0.0]
        monkeypatch.setattr(time, "monotonic", lambda: clock() + skewed[0])
        send = sms.send

        def send_slowly(*given: Any) -> None:
            send(*given)
            skewed[0] += 30

        monkeypatch.setattr(sms, "send", send_slowly)
        work()

        finished = after(message).finished_at
        assert finished is not None
        assert timedelta(seconds=30) <= finished - NOW < timedelta(seconds=40)


def test_the_worker_finds_its_messages_by_index(letters: List) -> None:
    """Whatever was sent in the years before."""
    TextMessage.objects.bulk_create(
        TextMessage(
            realm=letters.realm,
            optout_list=letters,
            public_id=f"{n:016}",
            text="Sale!",
            state=TextState.DONE,
            created_at=NOW,
        )
        for n in range(3_000)
    )
    message = make_text(letters)
    TextRecipient.objects.bulk_create(
        TextRecipient(
            message=message,
            digest=n.to_bytes(16, "big"),
            number=ANNA,
            state=RecipientState.REFUSED,
            at=NOW,
        )
        for n in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reporting_textmessage, reporting_textrecipient")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert sending._due(NOW) == [message.pk]
    for each in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {each['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan" not in plan, plan
    assert len(asked) == 2


class TestAWorkerThatDied:
    def test_whom_it_had_claimed_is_not_tried_again(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(3))
        message = make_text(letters)
        claimed = leave_claimed(message, numbered(3))
        assert work()["sent"] == 2

        assert claimed not in numbers_of(gateway)
        assert (after(message).sent, message.unknown) == (2, 1)
        assert TextRecipient.objects.get().state == RecipientState.UNKNOWN

    def test_of_a_message_that_was_stopped_then(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(3))
        message = make_text(letters)
        leave_claimed(message, numbered(3))
        stop_message(message, actor=None, now=NOW)
        work()

        assert gateway.requests == []
        assert (after(message).state, message.unknown) == (TextState.STOPPED, 1)


class TestPace:
    def test_so_many_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        clock = [100.0]

        def sleep(seconds: float) -> None:
            slept.append(round(seconds, 3))
            clock[0] += seconds

        monkeypatch.setattr(time, "sleep", sleep)
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        pace = sending.Pace(10)
        for _ in range(3):
            pace.wait()

        assert slept == [0.1, 0.1]

    def test_what_was_not_used_is_not_saved_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        clock = [100.0]
        monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(round(seconds, 3)))
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        pace = sending.Pace(10)
        pace.wait()
        clock[0] += 60
        pace.wait()
        pace.wait()

        assert slept == [0.1]

    def test_no_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(time, "sleep")
        pace = sending.Pace(0)
        for _ in range(3):
            pace.wait()


class TestForgetRecipients:
    def test_ninety_days_after_the_end(self, gateway: Gateway, letters: List) -> None:
        subscribe(letters, numbered(1))
        message = make_text(letters)
        gateway.status = 400
        work()

        assert upkeep.apply_retention(NOW + timedelta(days=89))["text_recipients"] == 0
        assert upkeep.apply_retention(NOW + timedelta(days=91))["text_recipients"] == 1
        assert after(message).refused == 1

    def test_so_many_at_once(self, letters: List, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "FORGOTTEN_AT_ONCE", 2)
        ended, sent = make_text(letters), make_text(letters)
        for message in (ended, sent):
            for n in range(5):
                message.recipients.create(
                    digest=bytes([n]), number=ANNA, state=RecipientState.REFUSED, at=NOW
                )
        TextMessage.objects.filter(pk=ended.pk).update(state=TextState.DONE, finished_at=NOW)

        with CaptureQueriesContext(connection) as asked:
            assert sending.forget_recipients(NOW + timedelta(seconds=1)) == 5
        assert len(asked) == 4
        assert set(TextRecipient.objects.values_list("message", flat=True)) == {sent.pk}


def fail_after(gateway: Gateway, count: int, *, status: int) -> None:
    """Let the gateway take so many, and answer `status` to the one after them."""
    fine = gateway.status

    class Counting(list[Any]):
        def append(self, request: Any) -> None:
            super().append(request)
            gateway.status = status if len(self) == count + 1 else fine

    gateway.requests = Counting()


def leave_claimed(message: TextMessage, numbers: list[str]) -> str:
    """As a worker leaves it that is killed while the gateway thinks about the first recipient."""
    first = min(numbers, key=digest_of)
    digest = digest_of(first)
    TextMessage.objects.filter(pk=message.pk).update(after=digest)
    TextRecipient.objects.create(
        message=message, digest=digest, number=first, state=RecipientState.CLAIMED, at=NOW
    )
    return first
