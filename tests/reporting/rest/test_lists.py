from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from lists.actions import change_list
from lists.models import List, Realm, User
from optout.links import page_url
from reporting import list_facts
from tests import make
from tests.reporting.rest.programs import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


def numbers(answer: dict[str, list[dict[str, int]]]) -> list[int]:
    return [each["number"] for each in answer["lists"]]


class TestList:
    def test_it_tells_its_counts_and_its_page(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(optout_list, "jane@example.com")
        make.make_contact(realm, "joe@example.com", optout_list)

        told = program.read("/lists/1")

        assert told == {
            "number": 1,
            "name": "Garden letters",
            "description": "",
            "is_do_not_mail": False,
            "is_closed": False,
            "url": page_url(optout_list.public_id),
            "suppressed": 1,
            "contacts": 1,
            "created_at": told["created_at"],
            "modified_at": told["modified_at"],
        }
        assert datetime.fromisoformat(told["created_at"]).tzinfo == UTC

    def test_do_not_mail_is_one_of_them(self, program: Program) -> None:
        told = program.read("/lists/0")
        assert (told["name"], told["is_do_not_mail"]) == ("Do Not Mail", True)

    @pytest.mark.parametrize("number", ["2", "007777", "9" * 20, "٣", "1_0", "-1", "1%00"])
    def test_another_number_is_no_list(self, program: Program, number: str) -> None:
        assert program.get(f"/lists/{number}").status_code == 404

    def test_what_a_key_is_not_for_is_not_there(
        self, realm: Realm, optout_list: List, program: Program
    ) -> None:
        make.make_list(make.make_realm("other"), 5)
        narrow = Program(realm, make.make_list(realm, 2))
        assert narrow.get("/lists/1").status_code == 404
        assert program.get("/lists/5").status_code == 404

    def test_contacts_are_counted_up_to_a_bound(
        self,
        program: Program,
        realm: Realm,
        optout_list: List,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(list_facts, "MOST_COUNTED", 2)
        for n in range(3):
            make.make_contact(realm, f"p{n}@example.com", optout_list)
        assert program.read("/lists/1")["contacts"] == 2

    def test_a_key_that_may_only_write_is_refused(self, realm: Realm) -> None:
        assert Program(realm, may_read=False).get("/lists").status_code == 403


class TestLists:
    def test_they_come_by_number_and_in_pages(self, program: Program, realm: Realm) -> None:
        for number in (7, 3, 5):
            make.make_list(realm, number)
        make.make_list(make.make_realm("other"), 4)

        first = program.read("/lists", limit=3)
        second = program.read("/lists", limit=3, cursor=first["next"])

        assert numbers(first) == [0, 1, 3]
        assert numbers(second) == [5, 7]
        assert second["next"] is None

    def test_a_key_for_some_lists_sees_those_and_do_not_mail(
        self, program: Program, realm: Realm
    ) -> None:
        narrow = Program(realm, make.make_list(realm, 2))
        assert numbers(narrow.read("/lists")) == [0, 2]
        assert narrow.read("/lists/0")["is_do_not_mail"] is True

    def test_as_many_queries_for_many_lists_as_for_one(
        self, program: Program, realm: Realm, django_assert_num_queries: object
    ) -> None:
        for number in range(2, 30):
            make.make_list(realm, number)
        program.read("/lists")
        # the key, who writes now, the lists, their counts
        with django_assert_num_queries(4):  # type: ignore[operator]
            program.read("/lists")

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "0"},
            {"limit": "1001"},
            {"limit": "٣"},
            {"limit": "1_0"},
            {"limit": "9" * 20},
            {"limit": "5.0"},
            {"limit": "5\0"},
            {"limit": ["5", "6"]},
            {"cursor": "0"},
            {"cursor": "\0"},
            {"cursor": "bGlzdHM6OTk5OTk5OTk5OTk"},
            {"modified_since": "yesterday"},
            {"modified_since": "٢٠٢٦-٠٣-٠٤"},
            {"modified_since": "9" * 50},
            {"modified_since": ["2026-03-04", "2026-03-05"]},
            {"modifed_since": "2026-03-04"},
            {"\0": "1"},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        answer = program.get("/lists", query)
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"


class TestPolling:
    def test_nothing_new_is_told_without_a_body(self, program: Program, optout_list: List) -> None:
        for path in ("/lists", "/lists/1"):
            etag = program.get(path).headers["ETag"]
            again = program.get(path, headers={"if-none-match": etag})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == etag
            assert again.headers["Cache-Control"] == "private, no-cache"

        make.make_optout(optout_list)
        assert program.get("/lists/1", headers={"if-none-match": etag}).status_code == 200

    def test_the_etag_changes_with_the_contacts(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        etag = program.get("/lists/1").headers["ETag"]
        make.make_contact(realm, "joe@example.com", optout_list)
        assert program.get("/lists/1").headers["ETag"] != etag

    def test_only_lists_that_were_modified_since(
        self, program: Program, realm: Realm, alice: User
    ) -> None:
        long_ago = timezone.now() - timedelta(days=10)
        for number in (2, 3, 4):
            make.make_list(realm, number)
        List.objects.update(created_at=long_ago)
        make.make_optout(List.objects.get(number=2), requested_at=timezone.now())
        change_list(List.objects.get(number=4), {"description": "New"}, actor=alice)
        since = long_ago + timedelta(days=5)

        found = program.read("/lists", modified_since=since.isoformat())

        assert numbers(found) == [2, 4]
        modified_at = found["lists"][0]["modified_at"]
        assert 2 in numbers(program.read("/lists", modified_since=modified_at))
        assert numbers(program.read("/lists", modified_since="2100-01-01")) == []
