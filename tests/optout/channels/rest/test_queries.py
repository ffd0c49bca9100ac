import pytest
from django.test import Client

from lists.models import List, Realm
from tests import make


@pytest.fixture
def key(realm: Realm, optout_list: List) -> str:
    return make.make_api_key(realm)


def read_lists(key: str, query: str) -> tuple[int, dict[str, object]]:
    answer = Client().get(f"/api/v1/lists?{query}", headers={"authorization": f"Bearer {key}"})
    return answer.status_code, answer.json()


class TestKnownQuery:
    def test_a_parameter_that_the_call_does_not_know_is_refused_by_name(self, key: str) -> None:
        status, problem = read_lists(key, "modifed_since=2026-03-04")
        assert status == 422
        assert problem["errors"] == [
            {"pointer": "modifed_since", "detail": "This call has no such parameter."}
        ]

    def test_what_may_be_an_address_is_not_repeated(self, key: str) -> None:
        status, problem = read_lists(key, "jane@example.com=1")
        assert status == 422
        assert "jane" not in str(problem)

    def test_values_that_differ_are_refused_and_equal_ones_are_one(self, key: str) -> None:
        assert read_lists(key, "limit=5&limit=6")[0] == 422
        assert read_lists(key, "limit=5&limit=5")[0] == 200

    @pytest.mark.parametrize("limit", ["0", "-1", "1_0", "5.0", "٣", "9" * 20, "", "1%00", "x"])
    def test_a_limit_is_a_number_in_digits(self, key: str, limit: str) -> None:
        assert read_lists(key, f"limit={limit}")[0] == 422

    def test_the_key_is_asked_for_first(self, db: None) -> None:
        assert read_lists("hk_wrong", "nothing=1")[0] == 401
