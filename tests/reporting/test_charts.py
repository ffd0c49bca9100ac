from datetime import date, timedelta

import pytest

from reporting.charts import HEIGHT, Series, bar_chart, nice_top

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(3)]


class TestBarChart:
    def test_bars_are_stacked_from_the_base_line(self) -> None:
        chart = bar_chart(
            "Opt-outs", DAYS, [Series(1, "Hosted page", [1, 0, 3]), Series(2, "Pixel", [1, 0, 1])]
        )

        assert chart.ticks == [4, 2, 0]
        assert [(mark.x, mark.y, mark.height) for mark in chart.marks] == [
            (1, "75", "25"),
            (1, "50", "25"),
            (21, "25", "75"),
            (21, "0", "25"),
        ]
        assert chart.marks[2].title == "3 Mar 2026, Hosted page: 3"
        assert chart.view_box == f"0 0 30 {HEIGHT}"

    def test_no_bar_leaves_the_chart(self) -> None:
        chart = bar_chart("x", DAYS, [Series(n, str(n), [n * 37, 1, 999]) for n in range(1, 8)])
        for mark in chart.marks:
            assert float(mark.y) >= 0 and float(mark.y) + float(mark.height) <= HEIGHT + 0.01

    def test_a_series_without_any_is_left_out_and_keeps_the_others_colours(self) -> None:
        chart = bar_chart("x", DAYS, [Series(1, "a", [0, 0, 0]), Series(2, "b", [0, 1, 0])])
        assert [series.number for series in chart.series] == [2]

    def test_the_table_has_the_same_figures_newest_first(self) -> None:
        chart = bar_chart("x", DAYS, [Series(1, "a", [1, 2, 3]), Series(2, "b", [0, 5, 0])])
        assert chart.columns == ["Day (UTC)", "a", "b", "Total"]
        assert chart.rows == [
            ["3 Mar 2026", 3, 0, 3],
            ["2 Mar 2026", 2, 5, 7],
            ["1 Mar 2026", 1, 0, 1],
        ]
        assert chart.total == 11

    def test_an_empty_one_can_be_drawn(self) -> None:
        assert bar_chart("x", DAYS, []).marks == []

    @pytest.mark.parametrize(
        ("count", "expected"),
        [(1, ["1 Mar"]), (2, ["1 Mar", "2 Mar"]), (3, ["1 Mar", "2 Mar", "3 Mar"])],
    )
    def test_no_day_is_named_twice(self, count: int, expected: list[str]) -> None:
        chart = bar_chart("x", DAYS[:count], [Series(1, "a", [1] * count)])
        assert chart.day_labels == expected


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 2), (1, 2), (3, 4), (7, 8), (11, 20), (41, 60), (660, 800), (9001, 10000)],
)
def test_the_axis_ends_at_a_round_even_number(highest: int, top: int) -> None:
    assert nice_top(highest) == top
