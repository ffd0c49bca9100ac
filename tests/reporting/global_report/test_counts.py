from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from lists.models import List, Realm
from optout.choices import Channel
from optout.models import OptOut
from optout.retention import empty_ledger
from reporting.counters import CURSOR as DAILY
from reporting.counters import advance_counts
from reporting.feed import mend_feed
from reporting.global_report.counts import CURSOR, global_requests_per_day
from reporting.models import DailyCount, FeedCursor, GlobalDailyCount
from tests import make
from tests.reporting.test_counters import restored_from_a_busier_server
from tests.reporting.test_downloads import lift
from tests.reporting.test_feed import OpenTransaction

pytestmark = pytest.mark.alone

TODAY = make.NOW.date()
API, FORM = Channel.GLOBAL_API, Channel.GLOBAL_FORM


def seen(realm: Realm, products: list[int] | None = None) -> list[tuple[date, Channel, int]]:
    found = global_requests_per_day(realm.pk, products)
    return [(each.day, each.channel, each.requests) for each in found]


@pytest.mark.django_db(transaction=True)
class TestCounting:
    def test_by_realm_day_channel_and_product(self, realm: Realm, optout_list: List) -> None:
        make.make_product(realm, 7, optout_list)
        make.make_global_request(realm, product_number=7)
        make.make_global_request(realm, product_number=7)
        make.make_global_request(realm, channel=FORM)
        make.make_global_request(realm, requested_at=make.NOW - timedelta(hours=12, seconds=1))
        make.make_global_request(make.make_realm("other"))
        make.make_optout(optout_list)  # none of ours

        advance_counts(timezone.now())

        counts = GlobalDailyCount.objects.filter(realm=realm).values_list(
            "day", "channel", "product_number", "requests"
        )
        assert sorted(counts) == [
            (TODAY - timedelta(days=1), API, 0, 1),
            (TODAY, FORM, 0, 1),
            (TODAY, API, 7, 2),
        ]

    def test_a_request_for_two_addresses_counts_once(self, realm: Realm) -> None:
        make.make_global_request(realm, phone="+14155552671")
        assert OptOut.objects.count() == 2
        for _ in range(2):
            assert seen(realm) == [(TODAY, API, 1)]
            advance_counts(timezone.now())

    def test_nothing_is_counted_twice(self, realm: Realm) -> None:
        for expected in (1, 2):
            make.make_global_request(realm)
            for _ in range(2):
                advance_counts(timezone.now())
            assert GlobalDailyCount.objects.get().requests == expected

    def test_a_crash_before_the_commit_counts_nothing(self, realm: Realm) -> None:
        make.make_global_request(realm)
        with transaction.atomic():
            advance_counts(timezone.now())
            transaction.set_rollback(True)
        assert not GlobalDailyCount.objects.exists()
        assert seen(realm) == [(TODAY, API, 1)]

    def test_a_lift_is_no_request(self, realm: Realm) -> None:
        make.make_global_request(realm)
        lift(make.do_not_mail(realm), "jane@example.com", make.NOW)
        for _ in range(2):
            assert seen(realm) == [(TODAY, API, 1)]
            advance_counts(timezone.now())


@pytest.mark.django_db(transaction=True)
class TestReading:
    def test_counted_and_not_yet_counted_are_seen_together(self, realm: Realm) -> None:
        make.make_global_request(realm)
        advance_counts(timezone.now())
        make.make_global_request(realm, "joe@example.com")
        assert seen(realm) == [(TODAY, API, 2)]

    def test_a_late_commit_does_not_hold_the_others_back(
        self, realm: Realm, optout_list: List
    ) -> None:
        late = OpenTransaction(optout_list, "late@example.com")
        try:
            make.make_global_request(realm)
            advance_counts(timezone.now())
            assert seen(realm) == [(TODAY, API, 1)]
        finally:
            late.commit()

    def test_only_the_realm_and_the_products_asked_for(self, realm: Realm) -> None:
        other = make.make_realm("other")
        make.make_global_request(realm, product_number=7)
        make.make_global_request(realm)
        make.make_global_request(other, product_number=7)
        for _ in range(2):
            assert seen(realm) == [(TODAY, API, 2)]
            assert seen(realm, [7]) == [(TODAY, API, 1)]
            assert seen(realm, []) == []
            assert seen(other, [0]) == []
            advance_counts(timezone.now())


def counted_by_the_release_before() -> None:
    """Its worker moves the cursor of the daily counts past everything, and counts no global requests."""
    FeedCursor.objects.bulk_create(
        [FeedCursor(name=DAILY, xid=0, last_id=0, moved_at=make.NOW)], ignore_conflicts=True
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reporting_feedcursor SET xid = pg_snapshot_xmin(pg_current_snapshot()) WHERE name = %s",
            [DAILY],
        )


@pytest.mark.django_db(transaction=True)
class TestBesideTheReleaseBefore:
    def test_its_worker_cannot_count_requests_away(self, realm: Realm) -> None:
        make.make_global_request(realm)
        advance_counts(timezone.now())
        make.make_global_request(realm)

        counted_by_the_release_before()

        for _ in range(3):
            assert seen(realm) == [(TODAY, API, 2)]
            advance_counts(timezone.now())

    def test_its_mended_feed_counts_nothing_twice(self, realm: Realm) -> None:
        """It starts every cursor anew, and leaves the counts that it does not know."""
        with time_machine.travel(make.NOW, tick=False):
            make.make_global_request(realm)
            advance_counts(make.NOW)
            make.make_global_request(realm)
            DailyCount.objects.all().delete()
            FeedCursor.objects.update(xid=0, last_id=0)
            counted_by_the_release_before()
            for _ in range(2):
                advance_counts(make.NOW)
                assert seen(realm) == [(TODAY, API, 2)]


@pytest.mark.django_db
class TestTheUpgrade:
    """What was in the ledger before has no global requests among it, and is not searched for them."""

    BEFORE, NOW = ("reporting", "0001_initial"), ("reporting", "0002_global_unsubscribe")

    @pytest.mark.parametrize("has_counted", [True, False])
    def test_the_cursor_begins_where_the_daily_counts_stand(self, has_counted: bool) -> None:
        MigrationExecutor(connection).migrate([self.BEFORE])
        assert not FeedCursor.objects.exists()
        if has_counted:
            FeedCursor.objects.create(name=DAILY, xid=4711, last_id=0, moved_at=make.NOW)

        MigrationExecutor(connection).migrate([self.NOW])

        found = dict(FeedCursor.objects.values_list("name", "xid"))
        assert found == ({DAILY: 4711, CURSOR: 4711} if has_counted else {})


@pytest.mark.django_db(transaction=True)
class TestAfterARestore:
    @pytest.mark.parametrize("was_counted", [True, False])
    def test_figures_are_exact_before_and_after_the_next_count(
        self, realm: Realm, was_counted: bool
    ) -> None:
        with time_machine.travel(make.NOW, tick=False):
            make.make_global_request(realm, product_number=7)
            advance_counts(make.NOW)
            if not was_counted:
                make.make_global_request(realm, "tail@example.com", product_number=7)
            restored_from_a_busier_server()
            make.make_global_request(realm, "new@example.com")
            expected = 2 if was_counted else 3
            for _ in range(3):
                assert seen(realm) == [(TODAY, API, expected)]
                assert seen(realm, [7]) == [(TODAY, API, expected - 1)]
                advance_counts(make.NOW)

    def test_nothing_is_missing_between_mending_and_counting(self, realm: Realm) -> None:
        with time_machine.travel(make.NOW, tick=False):
            make.make_global_request(realm)
            advance_counts(make.NOW)
            make.make_global_request(realm)
            restored_from_a_busier_server()
            mend_feed()
            assert seen(realm) == [(TODAY, API, 2)]

    def test_what_was_counted_before_its_evidence_was_emptied_stays_counted(
        self, realm: Realm
    ) -> None:
        """The ledger forgets product and second address after 90 days; the counts must not."""
        old = make.NOW - timedelta(days=100)
        with time_machine.travel(make.NOW, tick=False):
            make.make_global_request(
                realm, phone="+14155552671", product_number=7, requested_at=old
            )
            make.make_global_request(realm, product_number=7)
            advance_counts(make.NOW)
            empty_ledger(make.NOW)
            restored_from_a_busier_server()
            for _ in range(2):
                advance_counts(make.NOW)
                assert seen(realm, [7]) == seen(realm) == [(old.date(), API, 1), (TODAY, API, 1)]
