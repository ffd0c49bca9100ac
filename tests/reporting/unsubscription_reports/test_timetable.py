from datetime import UTC, datetime, timedelta

import pytest

from reporting.models.reports import ReportRhythm
from reporting.unsubscription_reports.timetable import next_due, next_try

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


class TestNextDue:
    @pytest.mark.parametrize(
        ("rhythm", "now", "due"),
        [
            ("immediate", NOW, NOW),
            ("daily", NOW, datetime(2026, 3, 5, 7, tzinfo=UTC)),
            ("daily", datetime(2026, 3, 5, 6, 59, tzinfo=UTC), datetime(2026, 3, 5, 7, tzinfo=UTC)),
            ("daily", datetime(2026, 3, 5, 7, tzinfo=UTC), datetime(2026, 3, 6, 7, tzinfo=UTC)),
            ("weekly", NOW, datetime(2026, 3, 9, 7, tzinfo=UTC)),
            ("weekly", datetime(2026, 3, 9, 6, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
            ("weekly", datetime(2026, 3, 9, 7, tzinfo=UTC), datetime(2026, 3, 16, 7, tzinfo=UTC)),
        ],
    )
    def test_is_after_now(self, rhythm: str, now: datetime, due: datetime) -> None:
        assert next_due(ReportRhythm(rhythm), now) == due


class TestNextTry:
    def test_the_gaps_double_up_to_six_hours(self) -> None:
        gaps, now = [], NOW
        for _ in range(9):
            due = next_try(NOW, now)
            gaps.append((due - now) // timedelta(minutes=1))
            now = due
        assert gaps == [5, 5, 10, 20, 40, 80, 160, 320, 360]

    def test_what_is_refused_is_tried_daily(self) -> None:
        for days in (0, 1, 30):
            now = NOW + timedelta(days=days)
            assert next_try(NOW, now, is_refused=True) == now + timedelta(days=1)
