import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from lists.lookup import ListSnapshot, snapshot
from lists.models import List
from optout.addresses import digest_of
from optout.choices import RefusalCause, Traffic
from optout.limits import (
    RECORD,
    Admission,
    Judgement,
    is_protected,
    judge_mail,
    judge_unsigned,
    unblock_network,
)
from optout.models import LimitCounter, UnsignedHour
from tests import make

NETWORK = "192.0.2.7/32"


def judge(
    optout_list: List | ListSnapshot,
    name: str | int,
    at: datetime = make.NOW,
    traffic: Traffic = Traffic.DIRECT,
    network: str = NETWORK,
) -> Judgement:
    found = snapshot(optout_list) if isinstance(optout_list, List) else optout_list
    return judge_unsigned(found, traffic, network, digest_of(f"{name}@example.com"), at)


def admissions(optout_list: List, count: int, **more: Any) -> list[Admission]:
    found = snapshot(optout_list)
    return [judge(found, n, **more).admission for n in range(count)]


@pytest.mark.django_db
class TestDirectTraffic:
    def test_5_are_recorded_then_15_must_confirm_then_the_network_is_blocked(
        self, optout_list: List
    ) -> None:
        """security.md §4: > 5 in 10 minutes, > 20 in 10 minutes."""
        expected = [Admission.RECORD] * 5 + [Admission.CONFIRM] * 15 + [Admission.REFUSE] * 2

        assert admissions(optout_list, 22) == expected

    def test_the_causes_are_named(self, optout_list: List) -> None:
        admissions(optout_list, 5)
        assert judge(optout_list, 5).cause == RefusalCause.ADDRESS_LIMIT
        admissions(optout_list, 20)
        assert judge(optout_list, 21).cause == RefusalCause.BLOCKED_IP

    def test_the_same_address_is_counted_once(self, optout_list: List) -> None:
        """S0.15: one person loading the pixel twice."""
        assert {judge(optout_list, "jane").admission for _ in range(50)} == {Admission.RECORD}
        assert len(LimitCounter.objects.get().digests) == 1

    def test_10_minutes_later_the_count_begins_anew(self, optout_list: List) -> None:
        admissions(optout_list, 20)

        late = make.NOW + timedelta(minutes=10)
        assert judge(optout_list, "late", late) == RECORD

    def test_coming_back_keeps_an_address_fresh(self, optout_list: List) -> None:
        admissions(optout_list, 5)
        judge(optout_list, 0, make.NOW + timedelta(minutes=9))

        counter = LimitCounter.objects.get()
        assert len(counter.digests) == len(counter.seen_at) == 5
        assert max(counter.seen_at) == make.NOW + timedelta(minutes=9)

    def test_a_hundred_a_day_block_too(self, optout_list: List) -> None:
        answers = [
            judge(optout_list, n, make.NOW + n * timedelta(minutes=6)).admission for n in range(101)
        ]

        assert set(answers[:100]) == {Admission.RECORD}
        assert answers[100] == Admission.REFUSE

    def test_limits_are_the_lists_own(self, optout_list: List) -> None:
        List.objects.update(limit_confirm=1, limit_block=2)

        expected = [Admission.RECORD, Admission.CONFIRM, Admission.REFUSE]
        assert admissions(optout_list, 3) == expected

    def test_lists_and_networks_do_not_touch_each_other(self, optout_list: List) -> None:
        admissions(optout_list, 30)

        assert judge(optout_list, "x", network="192.0.2.8/32") == RECORD
        assert judge(make.make_list(optout_list.realm, 2), "x") == RECORD

    def test_it_is_one_statement(self, optout_list: List, django_assert_num_queries) -> None:
        found = snapshot(optout_list)
        with django_assert_num_queries(1):
            judge(found, "jane")


@pytest.mark.django_db
class TestBlock:
    def test_it_lasts_an_hour_and_says_how_long(self, optout_list: List) -> None:
        admissions(optout_list, 21)

        half = make.NOW + timedelta(minutes=30)
        assert judge(optout_list, 0, half).wait == timedelta(minutes=30)
        assert (
            judge(optout_list, "new", make.NOW + timedelta(hours=1)).admission is Admission.RECORD
        )

    def test_it_doubles_each_time_up_to_a_day(self, optout_list: List) -> None:
        now, waits = make.NOW, []
        for round_ in range(7):
            found = snapshot(optout_list)
            for n in range(60):
                judged = judge(found, f"{round_}-{n}", now)
                if judged.admission is Admission.REFUSE:
                    break
            waits.append(judged.wait)
            now += judged.wait
        hours = [wait / timedelta(hours=1) for wait in waits]
        assert hours == [1, 2, 4, 8, 16, 24, 24]

    def test_calling_during_a_block_does_not_prolong_it(self, optout_list: List) -> None:
        admissions(optout_list, 40)

        counter = LimitCounter.objects.get()
        assert counter.blocked_until == make.NOW + timedelta(hours=1)
        assert (counter.strikes, counter.refused) == (1, 20)

    def test_an_attack_does_not_make_the_row_grow(self, optout_list: List) -> None:
        admissions(optout_list, 60)

        assert len(LimitCounter.objects.get().digests) == 20

    def test_repeating_addresses_during_a_block_frees_no_place(self, optout_list: List) -> None:
        admissions(optout_list, 21)
        admissions(optout_list, 20)

        assert len(LimitCounter.objects.get().digests) == 20

    def test_unblocking_forgets_what_the_network_did(self, optout_list: List) -> None:
        admissions(optout_list, 21)

        assert unblock_network(optout_list, NETWORK)
        assert judge(optout_list, "x") == RECORD
        assert not unblock_network(optout_list, "192.0.2.99/32")


@pytest.mark.django_db
class TestForm:
    def test_over_60_in_10_minutes_are_refused_without_a_block(self, optout_list: List) -> None:
        answers = admissions(optout_list, 62, traffic=Traffic.FORM)

        assert answers == [Admission.RECORD] * 60 + [Admission.REFUSE] * 2
        judged = judge(optout_list, "more", traffic=Traffic.FORM)
        assert judged.cause == RefusalCause.ADDRESS_LIMIT
        assert judged.wait == timedelta(minutes=10)
        assert LimitCounter.objects.get().blocked_until is None

    def test_an_address_that_was_admitted_stays_welcome(self, optout_list: List) -> None:
        admissions(optout_list, 65, traffic=Traffic.FORM)

        assert judge(optout_list, 0, traffic=Traffic.FORM) == RECORD

    def test_an_old_one_is_refused_when_others_filled_the_window(self, optout_list: List) -> None:
        judge(optout_list, "old", traffic=Traffic.FORM)
        later = make.NOW + timedelta(hours=1)
        admissions(optout_list, 60, at=later, traffic=Traffic.FORM)

        judged = judge(optout_list, "old", later, Traffic.FORM)
        assert judged.admission is Admission.REFUSE

    def test_a_block_of_the_direct_link_does_not_close_the_form(self, optout_list: List) -> None:
        admissions(optout_list, 30)

        assert judge(optout_list, "x", traffic=Traffic.FORM) == RECORD


@pytest.mark.django_db
class TestProtectedMode:
    def flood(self, optout_list: List, count: int, *, first: int = 0, **more: Any) -> None:
        """As many addresses, each from a network of its own."""
        found = snapshot(optout_list)
        for n in range(first, first + count):
            judge(found, n, network=f"10.0.{n // 250}.{n % 250}/32", **more)

    def test_too_many_for_the_whole_list_start_it(self, optout_list: List) -> None:
        """AT-02."""
        List.objects.update(limit_hour=20)
        self.flood(optout_list, 20)
        assert not is_protected(snapshot(optout_list), make.NOW)

        self.flood(optout_list, 1, first=20)

        assert is_protected(snapshot(optout_list), make.NOW)
        judged = judge(optout_list, "x", network="198.51.100.1/32")
        assert judged == Judgement(Admission.CONFIRM, RefusalCause.PROTECTED_MODE)

    def test_the_form_goes_on(self, optout_list: List) -> None:
        List.objects.update(protected_until=make.NOW + timedelta(minutes=1))

        assert judge(optout_list, "x", traffic=Traffic.FORM) == RECORD

    def test_it_ends_by_itself(self, optout_list: List) -> None:
        List.objects.update(protected_until=make.NOW)

        assert judge(optout_list, "x") == RECORD

    def test_a_busy_list_may_have_ten_times_its_usual(self, optout_list: List) -> None:
        List.objects.update(limit_hour=5, usual_hour=3)

        self.flood(optout_list, 30)
        assert not is_protected(snapshot(optout_list), make.NOW)
        self.flood(optout_list, 1, first=30)
        assert is_protected(snapshot(optout_list), make.NOW)

    def test_each_hour_counts_for_itself(self, optout_list: List) -> None:
        self.flood(optout_list, 3)
        self.flood(optout_list, 2, first=3, at=make.NOW + timedelta(hours=1))

        hours = UnsignedHour.objects.order_by("hour_at").values_list("requests", flat=True)
        assert list(hours) == [3, 2]

    def test_one_address_again_and_again_is_no_reason(self, optout_list: List) -> None:
        """S0.15, security.md §4: what counts are distinct addresses. Nobody alone turns it on with one pixel."""
        found = snapshot(optout_list)
        for _ in range(210):
            judge(found, "jane")

        assert UnsignedHour.objects.get().requests == 1
        assert not is_protected(snapshot(optout_list), make.NOW)

    def test_what_was_refused_is_no_reason_either(self, optout_list: List) -> None:
        List.objects.update(limit_hour=20)

        admissions(optout_list, 1_020)

        assert LimitCounter.objects.get().refused == 1_000
        assert UnsignedHour.objects.get().requests == 20
        assert not is_protected(snapshot(optout_list), make.NOW)

    def test_201_addresses_from_many_networks_start_it(self, optout_list: List) -> None:
        """AT-02, with the default of 200."""
        self.flood(optout_list, 200)
        self.flood(optout_list, 200)
        assert not is_protected(snapshot(optout_list), make.NOW)

        judge(optout_list, "one more", network="198.51.100.1/32")

        assert is_protected(snapshot(optout_list), make.NOW)

    def test_an_address_counts_anew_after_a_day(self, optout_list: List) -> None:
        """When its network has forgotten it."""
        later = make.NOW + timedelta(days=1)
        for at in (make.NOW, later, later + timedelta(minutes=1)):
            judge(optout_list, "jane", at)

        hours = UnsignedHour.objects.order_by("hour_at").values_list("requests", flat=True)
        assert list(hours) == [1, 1]

    def test_it_is_written_once_in_ten_minutes_not_once_a_request(
        self, optout_list: List, django_assert_num_queries
    ) -> None:
        List.objects.update(limit_hour=1)
        self.flood(optout_list, 3)
        found = snapshot(optout_list)

        with django_assert_num_queries(5):
            for n in range(5):
                judge(found, n)


@pytest.mark.django_db(transaction=True)
class TestAcrossConnections:
    def test_exactly_the_limit_is_admitted(self, optout_list: List) -> None:
        """AT-10: several connections at once, far more addresses than places. (tests/system/test_limits.py: processes.)"""
        List.objects.update(limit_confirm=100, limit_block=100, limit_block_day=10_000)
        found = snapshot(optout_list)
        answers: list[Admission] = []

        def hit(worker: int) -> None:
            try:
                answers.extend(judge(found, f"{worker}-{n}").admission for n in range(100))
            finally:
                connection.close()

        workers = [threading.Thread(target=hit, args=(worker,)) for worker in range(6)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()

        assert len(answers) == 600
        assert answers.count(Admission.REFUSE) == 500
        assert UnsignedHour.objects.get().requests == 100

    def test_one_address_on_all_of_them_counts_once(self, optout_list: List) -> None:
        found = snapshot(optout_list)
        judge(found, "the first of this network")

        def hit() -> None:
            try:
                for _ in range(50):
                    judge(found, "jane")
            finally:
                connection.close()

        workers = [threading.Thread(target=hit) for _ in range(6)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()

        assert len(LimitCounter.objects.get().digests) == 2
        assert UnsignedHour.objects.get().requests == 2


@pytest.mark.django_db
class TestMails:
    """Forms that make us send a mail (S2.2): counted apart from opt-outs."""

    def judge(self, optout_list: List, n: int, at: datetime = make.NOW) -> Judgement:
        return judge_mail(snapshot(optout_list), NETWORK, digest_of(f"{n}@example.com"), at)

    def test_5_without_a_tap_then_15_with_one_then_none(self, optout_list: List) -> None:
        List.objects.update(limit_confirm=50, limit_block=500)  # which are those of opt-outs
        expected = [Admission.RECORD] * 5 + [Admission.CONFIRM] * 15 + [Admission.REFUSE] * 2

        assert [self.judge(optout_list, n).admission for n in range(22)] == expected
        assert self.judge(optout_list, 3).admission is Admission.CONFIRM  # one of the twenty

    def test_ten_minutes_later_there_is_room_again(self, optout_list: List) -> None:
        for n in range(25):
            self.judge(optout_list, n)

        assert LimitCounter.objects.get().blocked_until is None
        assert self.judge(optout_list, 99, make.NOW + timedelta(minutes=10)) == RECORD

    def test_a_hundred_a_day(self, optout_list: List) -> None:
        answers = [
            self.judge(optout_list, n, make.NOW + n * timedelta(minutes=5)).admission
            for n in range(101)
        ]

        assert answers == [Admission.RECORD] * 100 + [Admission.REFUSE]

    def test_opt_outs_go_on_and_no_protected_mode_comes(self, optout_list: List) -> None:
        List.objects.update(limit_hour=1)
        for n in range(25):
            self.judge(optout_list, n)

        assert not UnsignedHour.objects.exists()
        optout_list.refresh_from_db()
        assert optout_list.protected_until is None
        assert judge(optout_list, "new") == RECORD
