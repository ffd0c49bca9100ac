from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from lists.models import List, Realm
from optout.choices import Channel
from reporting.counters import (
    advance_counts,
    opt_outs_per_day,
    recent_counts,
    suppressed_totals,
)
from reporting.models import DailyCount, FeedCursor
from tests import make
from tests.reporting.test_downloads import lift
from tests.reporting.test_feed import OpenTransaction

TODAY = make.NOW.date()


def seen(*lists: List, first: date = date(2026, 1, 1)) -> list[tuple[date, Channel, int, int]]:
    keys = [each.pk for each in lists]
    return [
        (each.day, each.channel, each.requests, each.new)
        for each in opt_outs_per_day(keys, first, TODAY)
    ]


@pytest.mark.django_db(transaction=True)
class TestCounting:
    def test_by_list_day_channel_and_reason(self, optout_list: List) -> None:
        make.make_optout(optout_list, "a@example.com")
        make.make_optout(optout_list, "a@example.com")
        make.make_optout(optout_list, "b@example.com", channel=Channel.ONE_CLICK)
        make.make_optout(
            optout_list, "c@example.com", requested_at=make.NOW - timedelta(hours=12, seconds=1)
        )

        assert advance_counts(timezone.now()) == 4

        counts = DailyCount.objects.order_by("day", "channel").values_list(
            "day", "channel", "requests", "new"
        )
        assert list(counts) == [
            (TODAY - timedelta(days=1), Channel.PAGE, 1, 1),
            (TODAY, Channel.PAGE, 2, 1),
            (TODAY, Channel.ONE_CLICK, 1, 1),
        ]

    def test_nothing_is_counted_twice(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        assert advance_counts(timezone.now()) == 1
        assert advance_counts(timezone.now()) == 0
        make.make_optout(optout_list)
        assert advance_counts(timezone.now()) == 1
        count = DailyCount.objects.get()
        assert (count.requests, count.new) == (2, 1)

    def test_a_late_commit_is_counted_in_its_turn(self, optout_list: List) -> None:
        late = OpenTransaction(optout_list, "late@example.com")
        try:
            make.make_optout(optout_list, "quick@example.com")
            assert advance_counts(timezone.now()) == 0
            assert seen(optout_list) == [(TODAY, Channel.PAGE, 1, 1)]
        finally:
            late.commit()
        assert seen(optout_list) == [(TODAY, Channel.PAGE, 2, 2)]
        assert advance_counts(timezone.now()) == 2
        assert seen(optout_list) == [(TODAY, Channel.PAGE, 2, 2)]

    def test_a_crash_before_the_commit_counts_nothing(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        advance_counts(timezone.now())
        make.make_optout(optout_list)
        where = FeedCursor.objects.get().xid

        with transaction.atomic():
            assert advance_counts(timezone.now()) == 1
            transaction.set_rollback(True)

        assert FeedCursor.objects.get().xid == where
        assert DailyCount.objects.get().requests == 1
        assert advance_counts(timezone.now()) == 1


@pytest.mark.django_db(transaction=True)
class TestReading:
    def test_counted_and_not_yet_counted_are_seen_together(self, optout_list: List) -> None:
        make.make_optout(optout_list, "a@example.com")
        assert seen(optout_list) == [(TODAY, Channel.PAGE, 1, 1)]
        advance_counts(timezone.now())
        make.make_optout(optout_list, "b@example.com")
        assert seen(optout_list) == [(TODAY, Channel.PAGE, 2, 2)]

    def test_only_the_days_and_lists_asked_for(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        make.make_optout(other)
        make.make_optout(optout_list, requested_at=make.NOW - timedelta(days=40))
        for _ in range(2):
            assert seen(optout_list, first=TODAY - timedelta(days=30)) == []
            assert seen(other) == [(TODAY, Channel.PAGE, 1, 1)]
            assert seen() == []
            advance_counts(timezone.now())

    def test_a_lift_is_no_opt_out(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        lift(optout_list, "jane@example.com", make.NOW)
        for _ in range(2):
            assert seen(optout_list) == [(TODAY, Channel.PAGE, 1, 1)]
            advance_counts(timezone.now())


@pytest.mark.django_db(transaction=True)
class TestTotals:
    def test_they_are_what_was_new_minus_what_was_lifted(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 2)
        for address in ("a@example.com", "b@example.com", "b@example.com", "c@example.com"):
            make.make_optout(optout_list, address)
        lift(optout_list, "c@example.com", make.NOW)
        lift(optout_list, "unknown@example.com", make.NOW)
        make.make_optout(other)
        for _ in range(2):
            assert suppressed_totals([optout_list.pk, other.pk]) == {optout_list.pk: 2, other.pk: 1}
            advance_counts(timezone.now())
        make.make_optout(optout_list, "d@example.com")
        assert suppressed_totals([optout_list.pk]) == {optout_list.pk: 3}

    def test_the_numbers_of_the_overview(self, optout_list: List) -> None:
        for days in (0, 0, 6, 7, 13, 14):
            make.make_optout(optout_list, requested_at=make.NOW - timedelta(days=days))
        counts = recent_counts([optout_list.pk], TODAY)
        assert (counts.today, counts.last_7_days, counts.previous_7_days) == (2, 3, 2)
