from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from lists.models import List, Realm, User
from optout.choices import Channel
from optout.models import OptOut, Suppression
from reporting.counters import (
    CURSOR,
    advance_counts,
    opt_outs_per_day,
    suppressed_totals,
)
from reporting.feed import START, read_feed
from reporting.models import DailyCount, FeedCursor
from tests import make
from tests.reporting.test_downloads import lift
from tests.reporting.test_feed import OpenTransaction

pytestmark = pytest.mark.alone

TODAY = make.NOW.date()


def seen(
    *lists: List, first: date = date(2026, 1, 1), last: date = TODAY
) -> list[tuple[date, Channel | None, int, int]]:
    keys = [each.pk for each in lists]
    return [
        (each.day, each.channel, each.requests, each.new)
        for each in opt_outs_per_day(keys, first, last)
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
        where = FeedCursor.objects.get(name=CURSOR).xid

        with transaction.atomic():
            assert advance_counts(timezone.now()) == 1
            transaction.set_rollback(True)

        assert FeedCursor.objects.get(name=CURSOR).xid == where
        assert DailyCount.objects.get().requests == 1
        assert advance_counts(timezone.now()) == 1


def restored_from_a_busier_server() -> None:
    """As after loading a dump: the numbers of its transactions are far ahead of this server's."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE optout_optout SET xid = (9000000000 + id)::text::xid8")
        cursor.execute("UPDATE reporting_feedcursor SET xid = '9900000000'")


@pytest.mark.django_db(transaction=True)
class TestAfterARestore:
    """Transactions are numbered by the server, so a cursor from another one says nothing here."""

    @pytest.mark.parametrize("was_counted", [True, False])
    def test_figures_are_exact_before_and_after_the_next_count(
        self, optout_list: List, was_counted: bool
    ) -> None:
        make.make_optout(optout_list, "counted@example.com")
        advance_counts(timezone.now())
        if not was_counted:
            make.make_optout(optout_list, "tail@example.com")
        restored_from_a_busier_server()
        make.make_optout(optout_list, "new@example.com")
        expected = 2 if was_counted else 3

        for _ in range(3):
            assert seen(optout_list) == [(TODAY, Channel.PAGE, expected, expected)]
            assert suppressed_totals([optout_list.pk]) == {optout_list.pk: expected}
            advance_counts(timezone.now())
        make.make_optout(optout_list, "newer@example.com")
        assert suppressed_totals([optout_list.pk]) == {optout_list.pk: expected + 1}

    def test_all_is_counted_anew_once(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        advance_counts(timezone.now())
        restored_from_a_busier_server()

        assert [advance_counts(timezone.now()) for _ in range(2)] == [1, 0]

        assert DailyCount.objects.get().requests == 1
        assert OptOut.objects.get().xid < FeedCursor.objects.get(name=CURSOR).xid < 9_000_000_000

    def test_rows_that_no_cursor_has_reached_are_brought_back_too(self, optout_list: List) -> None:
        """Else the feed would hold them back until this server has made as many transactions."""
        make.make_optout(optout_list)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE optout_optout SET xid = '9000000000'")

        assert advance_counts(timezone.now()) == 1

        assert [row.address for row in read_feed(START, 10)[0]] == ["jane@example.com"]

    def test_somebody_who_is_writing_is_not_taken_for_a_restore(self, optout_list: List) -> None:
        make.make_optout(optout_list, "first@example.com")
        advance_counts(timezone.now())
        other = OpenTransaction(optout_list, "late@example.com")
        try:
            with transaction.atomic():
                make.make_optout(optout_list, "own@example.com")
                assert advance_counts(timezone.now()) == 0
        finally:
            other.commit()
        assert advance_counts(timezone.now()) == 2
        assert seen(optout_list) == [(TODAY, Channel.PAGE, 3, 3)]


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
class TestANewerRelease:
    """It has written a channel that this one does not know: some web processes are old yet, or somebody went back."""

    def test_its_channel_is_counted_among_the_others(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list, requested_at=timezone.now())
        for model in (OptOut, Suppression):
            model.objects.update(channel=99)
        client = Client()
        client.force_login(bob)
        for _ in range(2):
            ((_day, channel, requests, _new),) = seen(optout_list, last=timezone.now().date())
            assert (channel, requests) == (None, 1)
            assert [row.channel for row in read_feed(START, 10)[0]] == [None]
            assert "Other ways" in client.get("/manage/").content.decode()
            advance_counts(timezone.now())

    def test_its_rows_can_be_looked_at(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list)
        for model in (OptOut, Suppression):
            model.objects.update(channel=99)
        client = Client()
        client.force_login(bob)
        digest = OptOut.objects.get().digest.hex()
        entries = f"/manage/lists/{optout_list.public_id}/entries"

        pages = [
            client.get("/manage/lists/"),
            client.get(entries),
            client.get(f"{entries}/{digest}/lift"),
            client.get("/manage/check/", {"q": "jane@example.com"}),
        ]

        assert [page.status_code for page in pages] == [200] * 4


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
