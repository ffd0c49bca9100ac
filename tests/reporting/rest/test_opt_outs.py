from datetime import timedelta

import pytest

from lists.models import List, Realm
from optout.choices import Channel
from tests import make
from tests.reporting.rest.programs import Program
from tests.reporting.test_downloads import lift

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


def addresses(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["address"].partition("@")[0] for each in answer["opt_outs"]]


class TestOptOuts:
    def test_an_entry_is_like_a_change(self, program: Program, optout_list: List) -> None:
        recorded = make.make_optout(optout_list, channel=Channel.PIXEL)
        assert program.read("/lists/1/opt-outs") == {
            "opt_outs": [
                {
                    "id": recorded.optout_id,
                    "type": "opt_out",
                    "list": 1,
                    "address": "jane@example.com",
                    "digest": recorded.digest.hex(),
                    "medium": "email",
                    "channel": "pixel",
                    "reason": "unsubscribed",
                    "origin": "recipient",
                    "is_new": True,
                    "suppressed": True,
                    "recorded_at": "2026-03-04T12:00:00Z",
                }
            ],
            "next": None,
        }

    def test_repeats_and_lifts_of_this_list_alone(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(optout_list)
        lift(optout_list, "jane@example.com", make.NOW)
        make.make_optout(make.make_list(realm, 2))
        make.make_optout(make.do_not_mail(realm), "global@example.com")

        told = program.read("/lists/1/opt-outs")["opt_outs"]

        assert [each["type"] for each in told] == ["opt_out", "opt_out", "lift"]
        assert addresses(program.read("/lists/0/opt-outs")) == ["global"]

    def test_pages_of_rows_of_one_moment(self, program: Program, optout_list: List) -> None:
        for name in "abcde":
            make.make_optout(optout_list, f"{name}@example.com")
        first = program.read("/lists/1/opt-outs", limit=2)
        second = program.read("/lists/1/opt-outs", limit=2, cursor=first["next"])
        third = program.read("/lists/1/opt-outs", limit=2, cursor=second["next"])
        pages = [addresses(each) for each in (first, second, third)]
        assert pages == [["a", "b"], ["c", "d"], ["e"]]
        assert third["next"] is None

    def test_from_since_on_and_before_until(self, program: Program, optout_list: List) -> None:
        for day, name in enumerate("abcd"):
            at = make.NOW + timedelta(days=day)
            make.make_optout(optout_list, f"{name}@example.com", requested_at=at)

        query = {
            "since": (make.NOW + timedelta(days=1)).isoformat(),
            "until": (make.NOW + timedelta(days=3)).isoformat(),
        }
        assert addresses(program.read("/lists/1/opt-outs", **query)) == ["b", "c"]
        first = program.read("/lists/1/opt-outs", **query, limit=1)
        assert addresses(program.read("/lists/1/opt-outs", **query, cursor=first["next"])) == ["c"]
        assert addresses(program.read("/lists/1/opt-outs", until="2026-03-05")) == ["a"]

    @pytest.mark.parametrize(
        "query",
        [
            {"since": "x"},
            {"since": "2026-13-01"},
            {"until": "٢"},
            {"until": ["2026-03-04", "2026-03-05"]},
            {"limit": "0"},
            {"limit": "10001"},
            {"cursor": "x"},
            {"cursor": "\0"},
            {"form": "2026-03-04"},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        assert program.get("/lists/1/opt-outs", query).status_code == 422

    def test_a_cursor_of_another_list_is_refused(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2)
        make.make_optout(optout_list)
        make.make_optout(optout_list)
        cursor = program.read("/lists/1/opt-outs", limit=1)["next"]
        assert program.get("/lists/2/opt-outs", {"cursor": cursor}).status_code == 422

    def test_whose_they_are_not(self, program: Program, realm: Realm, optout_list: List) -> None:
        narrow = Program(realm, make.make_list(realm, 2))
        assert narrow.get("/lists/1/opt-outs").status_code == 404
        assert program.get("/lists/7/opt-outs").status_code == 404
        assert Program(realm, may_read=False).get("/lists/1/opt-outs").status_code == 403
