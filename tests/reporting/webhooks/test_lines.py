"""Which deliveries may start: pure, so the clock is whatever the test says."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.webhooks.lines import (
    CONNECTIONS,
    MOST_ASKED_FOR,
    MOST_CHANGES,
    MOST_UNFINISHED,
    Line,
    Waiting,
)
from tests import make

NOW = make.NOW
SECOND = timedelta(seconds=1)


def waiting(number: int, *people: str, due_at: datetime = NOW, **fields: Any) -> Waiting:
    """A delivery that tells of these people."""
    digests = tuple(person.encode() for person in people or (f"p{number}",))
    return Waiting(
        id=number,
        message=uuid4(),
        is_test=False,
        due_at=due_at,
        digests=digests,
        changes=len(digests),
        **fields,
    )


def line_of(*deliveries: Waiting) -> Line:
    line = Line()
    for each in deliveries:
        line.add(each)
    return line


def take_all(line: Line, now: datetime = NOW, **options: Any) -> list[Waiting]:
    """Whatever may be tried then."""
    found: list[Waiting] = []
    while (each := line.take(now, **options)) is not None:
        found.append(each)
    return found


def taken(line: Line, now: datetime = NOW, **options: Any) -> list[int]:
    return [each.id for each in take_all(line, now, **options)]


def fail(line: Line, delivery: Waiting, now: datetime, due_at: datetime) -> None:
    """Its try failed."""
    delivery.tries += 1
    delivery.step = max(1, delivery.step)
    delivery.tried_at, delivery.due_at = now, due_at
    line.keep(delivery)
    line.note_failure(now)


class TestOrderPerAddress:
    def test_one_waits_for_the_one_before_it(self) -> None:
        first, second = waiting(1, "jane"), waiting(2, "jane")
        line = line_of(first, second, waiting(3, "ann"))
        assert taken(line) == [1, 3]
        line.finish(first)
        assert taken(line) == [2]

    def test_also_while_that_waits_for_its_next_try(self) -> None:
        first = waiting(1, "jane")
        line = line_of(first, waiting(2, "jane"))
        assert taken(line) == [1]
        fail(line, first, NOW, NOW + 5 * SECOND)
        assert taken(line, NOW + 4 * SECOND) == []
        assert taken(line, NOW + 5 * SECOND) == [1]

    def test_a_batch_waits_for_each_of_its_addresses(self) -> None:
        jane, ann = waiting(1, "jane"), waiting(2, "ann")
        line = line_of(jane, ann, waiting(3, "jane", "ann", "joe"), waiting(4, "joe"))
        assert taken(line) == [1, 2]
        line.finish(ann)
        assert taken(line) == []
        line.finish(jane)
        assert taken(line) == [3]

    def test_one_that_tells_of_an_address_twice_waits_for_itself_no_more(self) -> None:
        batch = waiting(1, "jane", "jane")
        line = line_of(batch, waiting(2, "jane"))
        assert taken(line) == [1]
        line.finish(batch)
        assert taken(line) == [2]

    @given(
        st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=2), max_size=30),
        st.randoms(use_true_random=False),
    )
    def test_whatever_is_tried_nothing_overtakes(self, people: list[list[str]], dice: Any) -> None:
        line = line_of(*(waiting(n, *each) for n, each in enumerate(people)))
        running: list[Waiting] = []
        arrived: list[int] = []
        now = NOW
        while len(line):
            now += SECOND
            running += take_all(line, now)
            done = running.pop(dice.randrange(len(running)))
            if dice.random() < 0.3:
                fail(line, done, now, now)
            else:
                arrived.append(done.id)
                line.note_success(now)
                line.finish(done)
        for person in "abc":
            told = [n for n in arrived if person in people[n]]
            assert told == sorted(told)
        assert sorted(arrived) == list(range(len(people)))
        assert (line.running, line.untried, line.changes) == (0, 0, 0)


class TestHowManyAtOnce:
    def test_eight_connections(self) -> None:
        deliveries = [waiting(n) for n in range(12)]
        line = line_of(*deliveries)
        assert taken(line) == list(range(8)) and CONNECTIONS == 8
        assert taken(line) == []
        line.finish(deliveries[3])
        assert taken(line) == [8]

    def test_one_while_it_fails_and_all_again_after_a_success(self) -> None:
        deliveries = [waiting(n) for n in range(20)]
        line = line_of(*deliveries)
        taken(line)
        for delivery in deliveries[:8]:
            fail(line, delivery, NOW, NOW + 300 * SECOND)
        assert taken(line) == [8]
        assert taken(line) == []
        line.finish(deliveries[8])
        line.note_success(NOW)
        assert not line.is_failing
        assert len(taken(line)) == 8

    def test_one_that_failed_in_other_hands_is_tried_with_one_too(self) -> None:
        line = Line(failing_since=NOW)
        for n in range(5):
            line.add(waiting(n))
        assert taken(line) == [0]
        line.note_success(NOW)
        assert taken(line) == [1, 2, 3, 4]

    def test_what_an_endpoint_has_is_bounded(self) -> None:
        line = line_of(*(waiting(n) for n in range(MOST_UNFINISHED - 10)))
        assert line.has_room(10) and not line.has_room(11)
        batch = waiting(1, *(f"p{n}" for n in range(MOST_CHANGES - 5)))
        assert line_of(batch).has_room(5) and not line_of(batch).has_room(6)

    def test_what_is_asked_for_has_room_of_its_own(self) -> None:
        line = line_of(*(waiting(n, is_asked_for=True) for n in range(MOST_ASKED_FOR - 1)))
        assert line.has_room(MOST_UNFINISHED)
        assert line.asked_room() == (1, 1)
        first = line.take(NOW)
        assert first
        line.finish(first)
        assert line.asked_room() == (2, 2)

    def test_an_endpoint_that_is_off_gets_tests_only(self) -> None:
        test = waiting(2)
        test.is_test = True
        line = line_of(waiting(1), test)
        assert taken(line, is_on=False) == [2]

    def test_a_test_waits_for_nobody_but_takes_a_connection(self) -> None:
        deliveries = [waiting(n) for n in range(9)]
        line = line_of(*deliveries)
        taken(line)
        test = waiting(99)
        test.is_test, test.digests = True, ()
        line.add(test)
        assert taken(line) == []
        line.finish(deliveries[5])
        assert taken(line) == [99]

    def test_one_that_fails_is_tested_beside_its_one_try(self) -> None:
        line = Line(failing_since=NOW)
        test = waiting(99)
        test.is_test, test.digests = True, ()
        line.add(waiting(1))
        assert taken(line) == [1]
        line.add(test)
        assert taken(line) == [99]


class TestPace:
    @pytest.fixture
    def line(self) -> Line:
        return line_of(*(waiting(n) for n in range(5)))

    def test_one_that_never_answered_is_not_known_to_be_quick(self, line: Line) -> None:
        assert not line.is_quick(NOW)
        line.note_pace(SECOND)
        assert line.is_quick(NOW)

    def test_one_slow_answer_among_many_is_forgotten(self, line: Line) -> None:
        line.note_pace(15 * SECOND)
        for _ in range(7):
            assert not line.is_quick(NOW)
            line.note_pace(0.1 * SECOND)
        line.note_pace(0.1 * SECOND)
        assert line.is_quick(NOW)

    def test_one_that_has_not_answered_for_a_while_is_not(self, line: Line) -> None:
        line.note_pace(SECOND)
        first = line.take(NOW)
        line.take(NOW + SECOND)
        assert first
        assert line.is_quick(NOW + 2 * SECOND) and not line.is_quick(NOW + 2.1 * SECOND)
        line.finish(first)
        assert line.is_quick(NOW + 3 * SECOND)

    def test_one_that_fails_is_not(self, line: Line) -> None:
        line.note_pace(SECOND)
        for _ in range(3):
            line.note_failure(NOW)
        assert not line.is_quick(NOW)


class TestTheClockIsSetBack:
    def test_what_was_never_tried_is_due_all_the_same(self) -> None:
        later = NOW + timedelta(hours=1)
        line = line_of(waiting(1, "jane", due_at=later), waiting(2, "jane"))
        line.add(waiting(3, due_at=later, step=1, tries=1))
        line.add(waiting(4, due_at=NOW, step=1, tries=1))
        assert taken(line) == [4, 1]

    def test_its_first_try_is_in_turn(self) -> None:
        later = NOW + timedelta(hours=1)
        assert waiting(1, due_at=later).is_in_turn(NOW)
        assert not waiting(1, due_at=later, step=1).is_in_turn(NOW)


class TestRecovery:
    @pytest.fixture
    def delivery(self) -> Waiting:
        return waiting(1, due_at=NOW, step=4)

    @pytest.fixture
    def line(self, delivery: Waiting) -> Line:
        """It has failed for an hour; its one delivery is due in another."""
        line = line_of(delivery)
        taken(line)
        line.note_failure(NOW - timedelta(hours=1))
        fail(line, delivery, NOW, NOW + timedelta(hours=1))
        return line

    def test_what_waits_is_tried_at_once(self, line: Line, delivery: Waiting) -> None:
        assert taken(line) == []
        assert line.note_success(NOW)
        assert taken(line) == [1]
        assert delivery.due_at == NOW + timedelta(hours=1)

    def test_a_success_beside_a_failure_is_no_recovery(self) -> None:
        delivery = waiting(1)
        line = line_of(delivery)
        taken(line)
        fail(line, delivery, NOW, NOW + 5 * SECOND)
        assert not line.note_success(NOW + SECOND)
        assert taken(line, NOW + SECOND) == []

    def test_not_sooner_than_the_receiver_asked_for(self, line: Line, delivery: Waiting) -> None:
        delivery.not_before = NOW + timedelta(minutes=10)
        line.note_success(NOW)
        assert taken(line) == []

    def test_one_that_fails_again_rests_before_it_is_tried_out_of_turn_again(
        self, line: Line, delivery: Waiting
    ) -> None:
        line.note_success(NOW)
        taken(line)
        later = NOW + timedelta(minutes=5)
        fail(line, delivery, later, delivery.due_at)
        line.note_failure(later)
        line.note_failure(later)
        line.note_success(later + timedelta(minutes=11))
        assert taken(line, later + timedelta(minutes=11)) == []
        for _ in range(3):
            line.note_failure(later)
        line.note_success(later + timedelta(minutes=12))
        assert taken(line, later + timedelta(minutes=12)) == [1]

    def test_when_it_fails_again_they_go_back_to_their_times(self) -> None:
        due_at = NOW + timedelta(hours=1)
        deliveries = [waiting(n, due_at=due_at, step=1, tries=1) for n in range(20)]
        line = line_of(*deliveries)
        for _ in range(3):
            line.note_failure(NOW)
        line.note_success(NOW)
        first = take_all(line)
        assert len(first) == 8
        for delivery in first:
            fail(line, delivery, NOW, delivery.due_at)
        assert taken(line) == []
        assert len(line) == 20


def has_text(delivery: Waiting) -> bool:
    return delivery.text is not None


class TestTexts:
    def test_they_are_forgotten_when_they_are_old_or_the_endpoint_fails(self) -> None:
        delivery = waiting(1, text="[]", read_at=NOW)
        line = line_of(delivery)
        assert delivery.is_fresh(NOW + 9 * SECOND) and not delivery.is_fresh(NOW + 10 * SECOND)
        line.forget_old_texts(NOW + 9 * SECOND)
        assert has_text(delivery)
        line.forget_old_texts(NOW + 10 * SECOND)
        assert not has_text(delivery)
        delivery.text, delivery.read_at = "[]", NOW
        for _ in range(3):
            line.note_failure(NOW)
        assert not has_text(delivery)

    def test_a_try_has_its_own(self) -> None:
        delivery = waiting(1, text="[]", read_at=NOW)
        line = line_of(delivery)
        assert line.text_size() == 2
        assert delivery.take_text(NOW + 9 * SECOND) == "[]"
        assert line.text_size() == 0
        delivery.text, delivery.read_at = "[]", NOW
        assert delivery.take_text(NOW + 10 * SECOND) is None
