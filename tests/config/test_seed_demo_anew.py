"""`seed_demo` where there is nothing yet; what it leaves is looked at in test_seed_demo.py."""

import json
from datetime import UTC, date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import Sum

from optout.models import OptOut
from reporting.models import DailyCount
from tests.config.test_seed_demo import seed


@pytest.mark.django_db
class TestAnswer:
    def test_it_is_one_json_object_and_nothing_else(self) -> None:
        printed, complained = StringIO(), StringIO()

        call_command("seed_demo", "--json", stdout=printed, stderr=complained)

        assert isinstance(json.loads(printed.getvalue()), dict)
        assert printed.getvalue().count("\n") == 1
        assert complained.getvalue() == ""


@pytest.mark.django_db
class TestMonth:
    @pytest.mark.parametrize("hour", [0, 5, 23])
    def test_it_can_be_loaded_at_any_time_of_day(self, hour: int) -> None:
        with time_machine.travel(datetime(2026, 3, 29, hour, 0, 30, tzinfo=UTC), tick=False):
            seed()

        last = OptOut.objects.order_by("-recorded_at").values_list("recorded_at", flat=True)[0]
        assert last.date() >= date(2026, 3, 28)


@pytest.mark.alone  # it counts from the feed
@pytest.mark.django_db(transaction=True)
class TestCounts:
    def test_the_month_is_counted_at_once(self) -> None:
        seed()

        counted = DailyCount.objects.aggregate(all=Sum("requests"))["all"]
        assert counted == OptOut.objects.count()
