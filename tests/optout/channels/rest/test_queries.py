from typing import Any

import pytest
from django.test import Client

from lists.models import List, Realm
from tests import make


@pytest.fixture
def key(realm: Realm, optout_list: List) -> str:
    return make.make_api_key(realm)


def ask(key: str, path: str) -> Any:
    return Client().get(f"/api/v1/{path}", headers={"authorization": f"Bearer {key}"})


def read_lists(key: str, query: str) -> tuple[int, dict[str, object]]:
    answer = ask(key, f"lists?{query}")
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

    @pytest.mark.parametrize("limit", ["0", "-1", "1_0", "5.0", "٣", "9" * 20, "1%00", "x"])
    def test_a_limit_is_a_number_in_digits(self, key: str, limit: str) -> None:
        assert read_lists(key, f"limit={limit}")[0] == 422

    def test_what_may_be_left_out_may_be_empty(self, key: str) -> None:
        assert read_lists(key, "cursor=&limit=&modified_since=") == read_lists(key, "")
        for path in ("changes?cursor=&limit=&wait=", "lists/1/opt-outs?since=&until="):
            assert ask(key, path).status_code == 200, path
        assert read_lists(key, "limit=&limit=5")[0] == 422

    @pytest.mark.parametrize(
        "path",
        [
            "changes?list=",
            "lookup?list=&address=a@b.example",
            "lookup?list=1&address=",
            "contacts?email=",
        ],
    )
    def test_what_would_widen_an_answer_may_not(self, key: str, path: str) -> None:
        answer = ask(key, path)
        assert answer.status_code == 422 or answer.json()["scope"] == "unusable"

    @pytest.mark.parametrize("query", ["list=1,2", "list=", "list=1&list=x"])
    def test_a_value_that_is_wrong_is_told_by_its_parameter(self, key: str, query: str) -> None:
        (error,) = ask(key, f"changes?{query}").json()["errors"]
        assert error["pointer"] == "list"

    def test_the_key_is_asked_for_first(self, db: None) -> None:
        assert read_lists("hk_wrong", "nothing=1")[0] == 401
