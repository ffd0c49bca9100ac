from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event

import pytest

from optout.turns import TurnPool, give_turn_back, take_turn_again, turn_given_back

PATIENCE = 10  # seconds, until a test gives up


class Job:
    """Begins, and ends when it is told to."""

    def __init__(self, around: Callable[[], object] = lambda: None) -> None:
        self.around, self.begun, self.may_end = around, Event(), Event()

    def __call__(self) -> str:
        self.around()
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        return "done"

    def has_begun(self) -> bool:
        return self.begun.wait(PATIENCE)


@pytest.fixture
def pools() -> Iterator[Callable[[int, int], TurnPool]]:
    with ExitStack() as ended:

        def make_pool(turns: int, most: int) -> TurnPool:
            pool = TurnPool(turns, most)
            ended.callback(pool.shutdown)
            return pool

        yield make_pool


type Pools = Callable[[int, int], TurnPool]


class TestTurns:
    def test_who_comes_on_top_begins_when_another_ends(self, pools: Pools) -> None:
        pool, jobs = pools(2, 4), [Job() for _ in range(3)]
        futures = [pool.submit(each) for each in jobs]
        assert jobs[0].has_begun() and jobs[1].has_begun()
        assert not jobs[2].begun.is_set()

        jobs[1].may_end.set()
        assert jobs[2].has_begun()
        for each in jobs:
            each.may_end.set()
        assert [each.result(PATIENCE) for each in futures] == ["done"] * 3

    def test_an_error_loses_none_and_is_told(self, pools: Pools) -> None:
        pool = pools(1, 1)
        for _ in range(5):
            failed = pool.submit(divmod, 1, 0)
            assert isinstance(failed.exception(PATIENCE), ZeroDivisionError)
        assert pool.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)

    def test_what_is_called_off_is_not_done(self, pools: Pools) -> None:
        pool, first, second, third = pools(1, 1), Job(), Job(), Job()
        futures = [pool.submit(each) for each in (first, second, third)]
        assert futures[1].cancel()
        for each in (first, third):
            each.may_end.set()
        assert futures[2].result(PATIENCE) == "done"
        assert not second.begun.is_set()

    def test_after_the_end_nothing_is_taken_and_what_was_is_done(self, pools: Pools) -> None:
        pool, first, second = pools(1, 1), Job(), Job()
        futures = [pool.submit(each) for each in (first, second)]
        pool.shutdown(wait=False)
        with pytest.raises(RuntimeError):
            pool.submit(Job())
        for each in (first, second):
            each.may_end.set()
        assert [each.result(PATIENCE) for each in futures] == ["done"] * 2


class TestGivenBack:
    def test_others_work_meanwhile(self, pools: Pools) -> None:
        pool, other = pools(1, 2), Job()

        def wait_for_the_other() -> bool:
            with turn_given_back():
                return other.has_begun()

        waiting = pool.submit(wait_for_the_other)
        pool.submit(other)
        assert waiting.result(PATIENCE) is True
        other.may_end.set()

    def test_then_it_is_taken_again_and_there_are_no_more_than_before(self, pools: Pools) -> None:
        pool, other, third = pools(1, 3), Job(), Job()

        def wait_for_the_other() -> None:
            with turn_given_back():
                other.has_begun()

        waiting = pool.submit(wait_for_the_other)
        pool.submit(other)
        waiting.result(PATIENCE)
        # The other one is still at work, and two would be one too many.
        last = pool.submit(third)
        assert not third.begun.is_set()
        for each in (other, third):
            each.may_end.set()
        assert last.result(PATIENCE) == "done"

    @pytest.mark.parametrize("times", [1, 2])
    def test_who_forgets_to_take_it_again_loses_none(self, pools: Pools, times: int) -> None:
        pool, jobs = pools(1, 3), [Job(), Job()]

        def forget() -> None:
            for _ in range(times):
                give_turn_back()

        for _ in range(5):
            pool.submit(forget).result(PATIENCE)
        futures = [pool.submit(each) for each in jobs]
        assert jobs[0].has_begun()
        assert not jobs[1].begun.is_set()
        for each in jobs:
            each.may_end.set()
        assert [each.result(PATIENCE) for each in futures] == ["done"] * 2

    def test_an_error_meanwhile_loses_none(self, pools: Pools) -> None:
        pool = pools(1, 1)

        def fail() -> None:
            with turn_given_back():
                raise ZeroDivisionError

        for _ in range(3):
            assert isinstance(pool.submit(fail).exception(PATIENCE), ZeroDivisionError)
        assert pool.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)

    def test_when_all_threads_wait_the_first_that_ends_goes_on_with_the_rest(
        self, pools: Pools
    ) -> None:
        pool, waiting, late = pools(1, 2), [Job(give_turn_back), Job(give_turn_back)], Job()
        for each in waiting:
            pool.submit(each)
        assert all(each.has_begun() for each in waiting)
        last = pool.submit(late)
        assert not late.begun.is_set()

        waiting[0].may_end.set()
        assert late.has_begun()
        for each in (*waiting, late):
            each.may_end.set()
        assert last.result(PATIENCE) == "done"

    def test_outside_a_pool_nothing_is_given(self) -> None:
        with turn_given_back():
            give_turn_back()
        take_turn_again()
