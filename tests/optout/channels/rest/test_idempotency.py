from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from lists.models import AuditEntry, List, Realm
from optout import given_answers
from optout.given_answers import Answer, answer_once
from optout.models import GivenAnswer, OptOut, Suppression
from optout.retention import prune_answers
from tests import make
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread

JANE, JOE = "jane@example.com", "joe@example.com"
NAME = "7f3c-1"


@pytest.fixture
def key(realm: Realm, optout_list: List) -> str:
    return make.make_api_key(realm)


def add(key: str, *addresses: str, name: str = NAME, number: int = 1, **headers: str) -> Any:
    path = f"/lists/{number}/suppressions"
    return call(key, "POST", path, {"addresses": addresses}, idempotency_key=name, **headers)


@pytest.mark.django_db
class TestRepeating:
    def test_a_repeat_is_answered_as_before_and_does_nothing(self, key: str) -> None:
        first, second = add(key, JANE, "nonsense"), add(key, JANE, "nonsense")

        assert told(first)["new"] == 1
        assert second.content == first.content
        assert second.headers["Content-Type"] == first.headers["Content-Type"]
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"
        assert OptOut.objects.count() == GivenAnswer.objects.count() == 1

    def test_it_looks_as_it_does_without_the_key(self, key: str) -> None:
        named = add(key, JANE)
        Suppression.objects.all().delete()
        plain = call(key, "POST", "/lists/1/suppressions", {"addresses": [JANE]})

        assert named.content == plain.content
        assert named.headers["Content-Type"] == plain.headers["Content-Type"]

    def test_without_the_key_a_repeat_is_recorded(self, key: str) -> None:
        for _each in range(2):
            told(call(key, "POST", "/lists/1/suppressions", {"addresses": [JANE]}))

        assert OptOut.objects.count() == 2
        assert not GivenAnswer.objects.exists()

    def test_another_request_is_refused(self, realm: Realm, key: str) -> None:
        make.make_list(realm, 2)
        told(add(key, JANE))

        assert slug(add(key, JOE), 422) == "idempotency-key-reused"
        assert slug(add(key, JANE, number=2), 422) == "idempotency-key-reused"
        lifted = call(
            key, "POST", "/lists/1/suppressions/lift", {"addresses": [JANE]}, idempotency_key=NAME
        )
        assert lifted.status_code == 422
        assert OptOut.objects.count() == 1

    def test_another_api_key_has_names_of_its_own(self, realm: Realm, key: str) -> None:
        told(add(key, JANE))

        assert told(add(make.make_api_key(realm), JOE))["new"] == 1

    def test_names_that_look_alike_are_different(self, key: str) -> None:
        for name in ("a", "A", "a" * 255, "~", "!"):
            assert "Idempotent-Replayed" not in add(key, JANE, name=name).headers

        assert OptOut.objects.count() == 5

    @pytest.mark.parametrize("name", ["", " ", "a b", "a" * 256, "ä", "\x7f"])
    def test_a_name_that_is_none_is_refused(self, key: str, name: str) -> None:
        assert slug(add(key, JANE, name=name), 422) == "invalid"
        assert not OptOut.objects.exists()

    def test_a_refused_call_did_nothing_and_may_be_mended(self, key: str) -> None:
        told(add(key, "nonsense"), 422)
        told(add(key, JANE, number=7), 404)

        assert not GivenAnswer.objects.exists()
        assert told(add(key, JANE))["new"] == 1

    def test_whoever_may_not_write_is_told_so(self, realm: Realm, optout_list: List) -> None:
        key = make.make_api_key(realm, may_write=False)

        assert slug(add(key, JANE), 403) == "forbidden"

    def test_a_lift_is_done_once(self, optout_list: List, key: str) -> None:
        def lift() -> Any:
            sent = {"addresses": [JANE], "reason": "She asked."}
            return call(key, "POST", "/lists/1/suppressions/lift", sent, idempotency_key=NAME)

        make.make_optout(optout_list)
        first = told(lift())
        make.make_optout(optout_list)

        assert told(lift()) == first == {"lifted": 1, "not_suppressed": 0, "rejected": []}
        assert Suppression.objects.exists()
        assert AuditEntry.objects.count() == 1

    def test_after_a_day_it_is_a_new_call(self, key: str) -> None:
        now = timezone.now()
        with time_machine.travel(now, tick=False):
            told(add(key, JANE))
        with time_machine.travel(now + timedelta(hours=23, minutes=59), tick=False):
            assert add(key, JANE).headers["Idempotent-Replayed"] == "true"
        with time_machine.travel(now + timedelta(hours=24), tick=False):
            assert told(add(key, JANE, JOE)) == {
                "recorded": 2,
                "new": 1,
                "already": 1,
                "rejected": [],
            }
            assert add(key, JANE, JOE).headers["Idempotent-Replayed"] == "true"

    def test_four_more_statements(
        self, key: str, settings: Any, django_assert_num_queries: Any
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        told(add(key, JANE, name="first"))

        # how long to wait, the claim, the opt-out, the answer; the transaction within the test's
        with django_assert_num_queries(4 + 2):
            told(add(key, JANE))
        with django_assert_num_queries(3 + 2):
            told(add(key, JANE))


@pytest.mark.django_db
class TestRetention:
    def test_what_is_older_than_a_day_is_forgotten(
        self, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("optout.retention.BATCH", 2)
        for number in range(5):
            told(add(key, JANE, name=f"call-{number}"))
        told(add(key, JANE, name="late"))
        late = GivenAnswer.objects.latest("recorded_at").recorded_at
        GivenAnswer.objects.filter(recorded_at__lt=late).update(
            recorded_at=timezone.now() - timedelta(hours=25)
        )

        assert prune_answers(timezone.now()) == 5
        assert prune_answers(timezone.now()) == 0
        assert GivenAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _known(self, key: str) -> None:
        """That the key was used is noted: the calls below wait for each other alone."""
        told(call(key, "GET", "/lists"))

    def test_the_second_waits_for_the_first_and_gets_its_answer(self, key: str) -> None:
        with transaction.atomic():
            first = add(key, JANE)
            second = in_thread(lambda: add(key, JANE))
            wait_until_blocked()

        answer = second.result(timeout=20)
        assert told(answer) == told(first)
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert OptOut.objects.count() == 1

    def test_many_at_once_are_carried_out_once(self, key: str) -> None:
        calls = [in_thread(lambda: add(key, JANE, JOE)) for _ in range(12)]

        answers = [each.result(timeout=20) for each in calls]
        assert len({each.content for each in answers}) == 1
        assert sum("Idempotent-Replayed" not in each.headers for each in answers) == 1
        assert OptOut.objects.count() == 2

    def test_when_the_first_fails_the_second_does_it(self, key: str) -> None:
        with transaction.atomic():
            told(add(key, JANE))
            second = in_thread(lambda: add(key, JANE))
            wait_until_blocked()
            transaction.set_rollback(True)

        answer = second.result(timeout=20)
        assert told(answer)["new"] == 1
        assert "Idempotent-Replayed" not in answer.headers
        assert OptOut.objects.count() == 1

    def test_it_waits_some_seconds(self) -> None:
        """0 would be for ever."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM %s::interval)", [given_answers.WAIT])
            assert 1 <= cursor.fetchone()[0] <= 10

    def test_nobody_waits_for_ever(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(given_answers, "WAIT", "50ms")
        with transaction.atomic():
            told(add(key, JANE))
            answer = in_thread(lambda: add(key, JANE)).result(timeout=20)

        assert slug(answer, 409) == "conflict"
        assert answer.headers["Retry-After"] == "1"
        assert OptOut.objects.count() == 1

    def test_the_work_itself_may_wait_as_long_as_ever(self, realm: Realm, key: str) -> None:
        def timeout() -> str:
            with connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                return str(cursor.fetchone()[0])

        usual = timeout()
        key_id = realm.api_keys.get().pk

        given = answer_once(key_id, "x", b"", lambda: Answer(200, timeout()), now=timezone.now())

        assert given.body == usual
        assert timeout() == usual
