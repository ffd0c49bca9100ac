from datetime import timedelta

import pytest

from reporting.webhooks.timetable import GAPS, TRIES, next_due, rest_out_of_turn
from tests import make

NOW = make.NOW


class TestTimetable:
    def test_ten_tries_over_seventy_five_hours(self) -> None:
        assert TRIES == 10
        assert sum(GAPS, timedelta(0)) // timedelta(hours=1) == 75

    @pytest.mark.parametrize(
        ("step", "seconds"), [(1, 5), (2, 300), (3, 1800), (4, 7200), (9, 86_400)]
    )
    def test_the_next_one_is_due_after_its_gap(self, step: int, seconds: int) -> None:
        assert next_due(step, NOW, 0) == NOW + timedelta(seconds=seconds)

    def test_chance_adds_a_tenth_at_most(self) -> None:
        assert next_due(2, NOW, 1) == NOW + timedelta(seconds=330)

    def test_after_the_tenth_there_is_none(self) -> None:
        assert next_due(10, NOW, 0) is None
        assert next_due(10, NOW, 0, timedelta(hours=1)) is None

    def test_the_receiver_may_ask_for_more_time_but_not_for_less(self) -> None:
        assert next_due(1, NOW, 0, timedelta(seconds=60)) == NOW + timedelta(seconds=60)
        assert next_due(3, NOW, 0, timedelta(seconds=60)) == NOW + timedelta(minutes=30)

    def test_out_of_turn_it_rests_a_tenth_of_its_gap(self) -> None:
        assert rest_out_of_turn(1) == timedelta(minutes=1)
        assert rest_out_of_turn(4) == timedelta(minutes=12)
        assert rest_out_of_turn(10) == timedelta(hours=2.4)
