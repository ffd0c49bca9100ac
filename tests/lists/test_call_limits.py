"""lists/call_limits.py: a ceiling for all processes, at a database write for each lease."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from lists import call_limits
from lists.call_limits import LEASES, count_call
from lists.lookup import forget_all_lists
from lists.models import ApiKey, CallCount, Realm
from lists.prepared import fetch_prepared
from tests import make
from tests.threads import in_thread

MINUTE = timedelta(minutes=1)


@pytest.fixture
def key(realm: Realm) -> int:
    make.make_api_key(realm)
    return ApiKey.objects.get().pk


def allowed(key: int, calls: int, now: datetime = make.NOW) -> int:
    """How many of so many calls are let in."""
    return sum(count_call(key, now).is_allowed for _ in range(calls))


def become_another_process() -> None:
    forget_all_lists()


@pytest.mark.django_db
class TestTheCeiling:
    @pytest.mark.parametrize("limit", [1, 3, 99, 100, 250, 350])  # of 350 the last lease is cut
    def test_it_is_reached_and_not_passed(self, key: int, settings, limit: int) -> None:
        settings.API_CALLS_PER_MINUTE = limit
        assert allowed(key, limit + 20) == limit

    def test_it_holds_for_all_processes_together(self, key: int, settings) -> None:
        settings.API_CALLS_PER_MINUTE = 5
        assert allowed(key, 3) == 3
        become_another_process()
        assert allowed(key, 10) == 2

    def test_what_a_process_leaves_of_its_lease_nobody_else_gets(self, key: int, settings) -> None:
        settings.API_CALLS_PER_MINUTE = 1_000
        for _process in range(4):
            become_another_process()
            assert allowed(key, 1) == 1
        become_another_process()
        assert allowed(key, 1_000) == 1_000 - 4 * 1_000 // LEASES

    def test_two_threads_that_take_at_once_lose_neither_lease(
        self, key: int, settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other one comes when the first has asked the database and kept nothing yet."""
        settings.API_CALLS_PER_MINUTE = 1_000
        calls = iter([1])
        let_in: list[int] = []

        def fetch_beside(*sent: Any) -> Any:
            rows = fetch_prepared(*sent)
            let_in.extend(allowed(key, each) for each in calls)
            return rows

        monkeypatch.setattr(call_limits, "fetch_prepared", fetch_beside)
        let_in.append(allowed(key, 2_000))
        assert sum(let_in) == 1_000
        assert len(let_in) == 2

    def test_what_remains_only_shrinks(
        self, key: int, settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where another thread takes a lease meanwhile, and keeps it first."""
        settings.API_CALLS_PER_MINUTE = 1_000
        beside = iter([5, 5, 5])
        told: list[int] = []

        def ask(calls: int) -> None:
            told.extend(count_call(key, make.NOW).remaining for _ in range(calls))

        def fetch_beside(*sent: Any) -> Any:
            rows = fetch_prepared(*sent)
            ask(next(beside, 0))
            return rows

        monkeypatch.setattr(call_limits, "fetch_prepared", fetch_beside)
        ask(1_100)
        assert told == sorted(told, reverse=True)
        assert told[-1] == 0

    def test_who_came_just_before_the_minute_ended_takes_no_lease_away(
        self, key: int, settings, django_assert_num_queries
    ) -> None:
        settings.API_CALLS_PER_MINUTE = 1_000
        count_call(key, make.NOW + MINUTE)
        with django_assert_num_queries(0):
            late = count_call(key, make.NOW)
            after = count_call(key, make.NOW + MINUTE)
        assert (late.remaining, after.remaining) == (998, 997)

    def test_the_next_minute_begins_anew(self, key: int, settings) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        assert allowed(key, 3) == 2
        assert allowed(key, 3, make.NOW + MINUTE) == 2

    def test_each_key_has_its_own(self, key: int, realm: Realm, settings) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        make.make_api_key(realm)
        other = ApiKey.objects.exclude(pk=key).get().pk
        assert allowed(key, 3) == 2
        assert allowed(other, 3) == 2

    def test_a_clock_that_is_behind_counts_into_the_minute_that_began(
        self, key: int, settings
    ) -> None:
        settings.API_CALLS_PER_MINUTE = 5
        assert allowed(key, 3) == 3
        become_another_process()
        assert allowed(key, 10, make.NOW - MINUTE) == 2
        assert CallCount.objects.get().minute == make.NOW.timestamp() // 60

    def test_a_clock_that_was_set_wrong_locks_nobody_out(self, key: int, settings) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        assert allowed(key, 2, make.NOW + timedelta(days=900)) == 2
        become_another_process()
        assert allowed(key, 3) == 2


@pytest.mark.django_db(transaction=True)
def test_processes_at_once_let_in_no_more_than_the_ceiling(key: int, settings) -> None:
    """Each thread that takes a lease does so on a connection of its own."""
    settings.API_CALLS_PER_MINUTE = 40  # leases of one call
    counts = [in_thread(lambda: allowed(key, 15)) for _ in range(4)]
    assert sum(each.result(timeout=60) for each in counts) == 40


@pytest.mark.django_db
class TestWhatItCosts:
    def test_one_statement_a_lease(self, key: int, settings, django_assert_num_queries) -> None:
        settings.API_CALLS_PER_MINUTE = 1_000
        with django_assert_num_queries(3):
            assert allowed(key, 3 * 1_000 // LEASES) == 30

    def test_none_for_what_is_refused(self, key: int, settings, django_assert_num_queries) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        allowed(key, 2)
        with django_assert_num_queries(0):
            assert allowed(key, 20) == 0

    def test_another_process_asks_once_and_writes_nothing(
        self, key: int, settings, django_assert_num_queries
    ) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        allowed(key, 2)
        become_another_process()
        with django_assert_num_queries(1):
            assert allowed(key, 20) == 0
        assert CallCount.objects.get().taken == 2


@pytest.mark.django_db
class TestWhatACallerHears:
    """By way of an answer's headers."""

    @pytest.fixture(autouse=True)
    def _at_noon(self, time_machine, settings) -> None:
        time_machine.move_to(make.NOW + timedelta(seconds=12.5), tick=False)
        settings.API_CALLS_PER_MINUTE = 2

    def ask(self, text: str, path: str = "/api/v1/lists"):
        return Client().get(path, headers={"authorization": f"Bearer {text}"})

    def test_every_answer_tells_what_is_left(self, realm: Realm) -> None:
        text = make.make_api_key(realm)
        told = [self.ask(text, path) for path in ("/api/v1/lists", "/api/v1/lookup?list=77")]
        assert [each.headers["RateLimit-Limit"] for each in told] == ["2", "2"]
        assert [each.headers["RateLimit-Remaining"] for each in told] == ["1", "0"]
        assert told[0].headers["RateLimit-Reset"] == "48"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/api/v1/nothing", 404), ("PATCH", "/api/v1/lists", 405)],
    )
    def test_a_call_that_there_is_not_counts_as_well(
        self, realm: Realm, method: str, path: str, status: int
    ) -> None:
        headers = {"authorization": f"Bearer {make.make_api_key(realm)}"}
        told = [Client().generic(method, path, headers=headers) for _ in range(3)]
        assert [each.status_code for each in told] == [status, status, 429]
        assert [each.headers["RateLimit-Remaining"] for each in told] == ["1", "0", "0"]
        unknown = Client().generic(method, path)
        assert unknown.status_code == status
        assert "RateLimit-Limit" not in unknown.headers

    def test_one_too_many_is_told_when_to_come_back(self, realm: Realm) -> None:
        text = make.make_api_key(realm)
        self.ask(text)
        self.ask(text)
        refused = self.ask(text)
        assert refused.status_code == 429
        assert refused.json()["type"].endswith("#problem-rate-limited")
        assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "48"
        assert refused.headers["RateLimit-Remaining"] == "0"

    def test_whoever_proved_nothing_is_told_nothing(self, realm: Realm) -> None:
        refused = self.ask("hk_nobody-has-this-one")
        assert refused.status_code == 401
        assert "RateLimit-Limit" not in refused.headers
        assert not CallCount.objects.exists()
