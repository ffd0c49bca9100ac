from collections.abc import Iterator
from threading import Event

import pytest

from optout.turns import Turns
from tests.threads import in_thread

PATIENCE = 10  # seconds, until a test gives up


@pytest.fixture
def two() -> Iterator[Turns]:
    turns = Turns(2)
    yield turns
    assert turns.free() == 2, "one was lost, or came back twice"


def work(turns: Turns) -> str:
    with turns:
        return "done"


class TestTurns:
    def test_who_comes_on_top_works_as_soon_as_another_ends(self, two: Turns) -> None:
        order = []

        def work_third() -> None:
            with two:
                order.append("third")

        with two:
            begun, may_end = Event(), Event()

            def work_second() -> None:
                with two:
                    begun.set()
                    may_end.wait(PATIENCE)
                    order.append("second")

            second = in_thread(work_second)
            assert begun.wait(PATIENCE)
            third = in_thread(work_third)
            may_end.set()
            second.result(PATIENCE)
            third.result(PATIENCE)
        assert order == ["second", "third"]

    def test_an_error_gives_it_back(self, two: Turns) -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError), two:
                raise ZeroDivisionError
        assert in_thread(lambda: work(two)).result(PATIENCE) == "done"

    def test_who_has_one_needs_no_second(self, two: Turns) -> None:
        with two, two, two:
            assert two.free() == 1
        assert two.free() == 2

    def test_there_is_one_at_least(self) -> None:
        assert in_thread(lambda: work(Turns(0))).result(PATIENCE) == "done"


class TestGivenBack:
    def test_others_work_meanwhile(self, two: Turns) -> None:
        with two, two.given_back():
            assert two.free() == 2
            with two:  # a request within, as tests make them
                assert two.free() == 1

    def test_then_it_is_taken_again(self, two: Turns) -> None:
        with two:
            with two.given_back():
                pass
            assert two.free() == 1

    def test_an_error_meanwhile_loses_none(self, two: Turns) -> None:
        with pytest.raises(ZeroDivisionError), two, two, two.given_back():
            raise ZeroDivisionError

    def test_who_has_none_just_waits(self, two: Turns) -> None:
        with two.given_back():
            assert two.free() == 2
