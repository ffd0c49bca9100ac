"""The opt-out links of numbers, over REST."""

from typing import Any

import pytest

from lists.models import Contact, List, Realm
from optout.models import GivenAnswer
from optout.short_links import open_short_url, short_url
from tests import make
from tests.pages import PublicClient
from tests.reporting.rest.messages import Program
from tests.reporting.rest.rows import count_rows

pytestmark = pytest.mark.django_db

ANN, BEN, CLEO = "+14155550101", "+14155550102", "+14155550103"
SENTENCE = "The opt-out link is only available when sending to a list."


def read(program: Program, *phones: str, number: int = 1) -> Any:
    """What is told of phones."""
    answer = ask(program, {"list": number, "phones": phones})
    assert answer.status_code == 200, answer.content
    return answer.json()


def ask(program: Program, body: Any) -> Any:
    return program.post("/opt-out-links", body)


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


class TestLinks:
    def test_each_phone_has_a_link_of_its_own_in_the_order_asked(
        self, program: Program, optout_list: List
    ) -> None:
        told = read(program, BEN, ANN)

        assert told == {
            "list": 1,
            "open_link": open_short_url(optout_list.public_id),
            "links": [
                {"phone": BEN, "link": short_url(optout_list.pk, BEN), "suppressed": False},
                {"phone": ANN, "link": short_url(optout_list.pk, ANN), "suppressed": False},
            ],
        }
        assert told["links"][0]["link"] != told["links"][1]["link"]

    def test_one_tap_on_it_takes_that_number_off(self, program: Program) -> None:
        (link,) = read(program, ANN)["links"]
        path = link["link"].removeprefix("http://localhost:8000")
        browser = PublicClient()
        answer = browser.press(browser.get(path), path)

        assert answer.status_code == 303
        (told,) = read(program, ANN)["links"]
        assert told == {"phone": ANN, "link": None, "suppressed": True}

    def test_a_number_that_is_no_contact_gets_one_and_stays_none(self, program: Program) -> None:
        """Mailers keep their contacts elsewhere."""
        assert read(program, ANN)["links"][0]["link"]
        assert not Contact.objects.exists()

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("/opt-out-links", "phones"),
            ("/text-messages", "text"),
            ("/text-messages/preview", "text"),
        ],
    )
    def test_what_is_missing_is_said(self, program: Program, path: str, field: str) -> None:
        answer = program.post(path, {"list": 1})

        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        said = "It is missing, and this call needs it."
        assert error == {"pointer": f"#/{field}", "detail": said}

    def test_nothing_is_saved(self, program: Program) -> None:
        before = count_rows()
        read(program, ANN, BEN)
        assert count_rows() == before
        assert not GivenAnswer.objects.exists()

    def test_it_is_the_same_one_each_time(self, program: Program) -> None:
        assert read(program, ANN) == read(program, ANN)

    def test_a_phone_is_told_as_it_was_sent_and_each_is_told_once(self, program: Program) -> None:
        """So that a program may lay the answer beside what it sent."""
        ways = [ANN, "(415) 555-0101", "001 415 555 0101", ANN]
        links = read(program, *ways)["links"]

        assert [each["phone"] for each in links] == ways
        assert len({each["link"] for each in links}) == 1

    @pytest.mark.parametrize("where", ["list", "realm"])
    def test_who_is_suppressed_has_none(
        self, program: Program, realm: Realm, optout_list: List, where: str
    ) -> None:
        make.make_optout(optout_list if where == "list" else make.do_not_mail(realm), BEN)

        assert [
            (each["link"] is None, each["suppressed"])
            for each in read(program, ANN, BEN, CLEO)["links"]
        ] == [
            (False, False),
            (True, True),
            (False, False),
        ]

    def test_an_opt_out_of_another_list_is_none_of_this_one(
        self, program: Program, realm: Realm
    ) -> None:
        make.make_optout(make.make_list(realm, 2), ANN)
        assert read(program, ANN)["links"][0]["link"]

    def test_those_of_do_not_mail(self, program: Program, realm: Realm) -> None:
        told = read(program, ANN, number=0)
        assert told["links"][0]["link"] == short_url(make.do_not_mail(realm).pk, ANN)

    def test_ten_thousand_at_once(self, program: Program) -> None:
        phones = [f"+1415{5550000 + n}" for n in range(10_000)]
        links = read(program, *phones)["links"]
        assert len({each["link"] for each in links}) == 10_000


class TestRefused:
    def test_a_phone_that_is_none_is_named_by_its_position_and_there_are_no_links(
        self, program: Program
    ) -> None:
        answer = ask(program, {"list": 1, "phones": [ANN, "jane@example.com", BEN, "", "12"]})

        assert answer.status_code == 422
        told = answer.json()
        assert [each["pointer"] for each in told["errors"]] == [
            *("#/phones/1", "#/phones/3", "#/phones/4")
        ]
        assert told["detail"] == "3 of the phones are no number. Nothing was done."
        assert "links" not in told and "jane" not in answer.content.decode()

    def test_of_many_the_first_twenty_are_named(self, program: Program) -> None:
        answer = ask(program, {"list": 1, "phones": ["nonsense"] * 1_200})
        assert len(answer.json()["errors"]) == 20
        assert answer.json()["detail"].startswith("1,200 of the phones")

    @pytest.mark.parametrize("body", [{"phones": [ANN]}, {"phones": [ANN], "list": None}])
    def test_without_a_list_it_says_whom_a_link_is_made_for(
        self, program: Program, body: Any
    ) -> None:
        answer = ask(program, body)

        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "#/list"
        assert error["detail"].startswith(SENTENCE)

    @pytest.mark.parametrize("number", [-1, 2**31, 10**20, "1", "٣", 1.0, True, [1]])
    def test_what_is_no_number_of_a_list(self, program: Program, number: Any) -> None:
        answer = ask(program, {"list": number, "phones": [ANN]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/list"

    def test_a_list_that_there_is_not(self, program: Program) -> None:
        assert ask(program, {"list": 7, "phones": [ANN]}).status_code == 404

    @pytest.mark.parametrize(
        ("phones", "said"), [([], "Send at least 1."), ([ANN] * 10_001, "Send 10,000 at most.")]
    )
    def test_too_few_and_too_many(self, program: Program, phones: Any, said: str) -> None:
        answer = ask(program, {"list": 1, "phones": phones})
        assert answer.json()["errors"] == [{"pointer": "#/phones", "detail": said}]

    @pytest.mark.parametrize("phones", [[], [ANN] * 10_001, ANN, [None], [14155550101], {}])
    def test_what_are_no_phones(self, program: Program, phones: Any) -> None:
        assert ask(program, {"list": 1, "phones": phones}).status_code == 422

    @pytest.mark.parametrize(
        "text", ["\0", f"{ANN}\0", "\ud800", "\ufffe", "٣", "9" * 20, "9" * 2_000, "=1+1", "💩"]
    )
    def test_any_text_for_a_phone_is_answered(self, program: Program, text: str) -> None:
        answer = ask(program, {"list": 1, "phones": [ANN, text]})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["#/phones/1"]

    def test_a_phone_that_is_repeated_to_nobody(self, program: Program) -> None:
        answer = ask(program, {"list": 1, "phones": ["+canary4711"]})
        assert "canary" not in answer.content.decode()

    @pytest.mark.parametrize("fields", [{"may_write": False}, {"may_read": False}])
    def test_a_key_that_may_only_read_or_only_write(
        self, realm: Realm, optout_list: List, fields: Any
    ) -> None:
        """With a link somebody can be opted out; and the answer tells who is suppressed."""
        answer = ask(Program(realm, **fields), {"list": 1, "phones": [ANN]})
        assert answer.status_code == 403

    def test_a_key_for_another_list(self, realm: Realm, optout_list: List) -> None:
        program = Program(realm, make.make_list(realm, 2))
        assert ask(program, {"list": 1, "phones": [ANN]}).status_code == 404
        assert ask(program, {"list": 0, "phones": [ANN]}).status_code == 403
