"""optout/channels/rest/lookups.py: is this address suppressed? Never a "no" that we do not know (promise 8)."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from django.test import Client

from lists.models import List, Realm
from optout.choices import HashKind, Medium
from optout.models import OptOut, Suppression
from tests import make

PATH = "/api/v1/lookup"
JANE = "jane@example.com"
ONE, BY_NINJA, MANY = "GET", "GET by Ninja", "POST"


class Program:
    """One that asks, with its key, for one address or for many; `by_ninja`: in a way that is not the plain one."""

    def __init__(self, text: str, way: str) -> None:
        self.way = way
        self.headers = {"authorization": f"{'bearer' if way == BY_NINJA else 'Bearer'} {text}"}

    @property
    def asks_for_one(self) -> bool:
        return self.way != MANY

    def ask(self, number: Any, address: str) -> Any:
        if self.asks_for_one:
            return self.get(f"list={number}&address={quote(address, safe='')}")
        return self.post({"list": number, "addresses": [address]})

    def get(self, query: str) -> Any:
        return Client().get(f"{PATH}?{query}", headers=self.headers)

    def post(self, body: Any) -> Any:
        return Client().post(
            PATH, json.dumps(body), content_type="application/json", headers=self.headers
        )

    def result(self, number: int, address: str) -> tuple[bool, str | None]:
        """What it is told of one address."""
        answer = self.ask(number, address)
        assert answer.status_code == 200, answer.content
        told = answer.json() if self.asks_for_one else answer.json()["results"][0]
        assert told["address"] == address
        return told["suppressed"], told["scope"]


@pytest.fixture(params=[ONE, BY_NINJA, MANY])
def program(request: pytest.FixtureRequest, realm: Realm) -> Program:
    return Program(make.make_api_key(realm), request.param)


@pytest.fixture
def other_list(realm: Realm) -> List:
    return make.make_list(realm, number=2, name="Roses")


def suppress_hash(optout_list: List, kind: HashKind, full_hash: bytes) -> None:
    """As an import brings it: nobody knows whose it is."""
    Suppression.objects.create(
        suppressed_at=make.NOW,
        optout_list=optout_list,
        channel=1,
        reason=1,
        medium=Medium.EMAIL,
        hash_kind=kind,
        digest=full_hash[:16],
        address=None,
        full_hash=full_hash,
    )


@pytest.mark.django_db
class TestWhatItSays:
    """The same of one address and of many."""

    def test_nothing_is_known_of_a_stranger(self, program: Program, optout_list: List) -> None:
        make.make_optout(optout_list, "joe@example.com")
        assert program.result(1, JANE) == (False, None)

    def test_the_list_s_own(self, program: Program, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        assert program.result(1, JANE) == (True, "list")

    def test_that_of_another_list_says_nothing(
        self, program: Program, optout_list: List, other_list: List
    ) -> None:
        make.make_optout(other_list, JANE)
        assert program.result(1, JANE) == (False, None)

    def test_do_not_mail_covers_every_list(
        self, program: Program, realm: Realm, optout_list: List, other_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm), JANE)
        assert [program.result(number, JANE) for number in (0, 1, 2)] == [(True, "global")] * 3

    def test_that_of_another_realm_does_not(self, program: Program, optout_list: List) -> None:
        make.make_optout(make.do_not_mail(make.make_realm("other")), JANE)
        assert program.result(1, JANE) == (False, None)

    def test_the_list_is_told_before_do_not_mail(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm), JANE)
        make.make_optout(optout_list, JANE)
        assert program.result(1, JANE) == (True, "list")

    @pytest.mark.parametrize(
        "kind", [HashKind.MD5, HashKind.SHA1, HashKind.SHA256], ids=lambda kind: kind.name
    )
    def test_one_known_by_its_hash_only(
        self, program: Program, realm: Realm, optout_list: List, kind: HashKind
    ) -> None:
        full_hash = hashlib.new(kind.name.lower(), JANE.encode()).digest()
        suppress_hash(make.do_not_mail(realm), kind, full_hash)
        assert program.result(1, JANE) == (True, "global")
        suppress_hash(optout_list, kind, full_hash)
        assert program.result(1, JANE) == (True, "list")

    def test_an_opt_out_is_found_at_once_and_a_lifted_one_no_more(
        self, program: Program, optout_list: List, settings
    ) -> None:
        """Promise 2, whatever is remembered of keys and lists."""
        settings.LIST_CACHE_SECONDS = 60
        assert program.result(1, JANE) == (False, None)
        make.make_optout(optout_list, JANE)
        assert program.result(1, JANE) == (True, "list")
        Suppression.objects.all().delete()
        assert program.result(1, JANE) == (False, None)

    @pytest.mark.parametrize(
        ("stored", "asked"),
        [
            (JANE, " Jane@EXAMPLE.com "),
            ("jane+tag@example.com", "jane+tag@example.com"),
            ("john.o'hara&sons@example.com", "John.O'Hara&Sons@example.com"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("+14155552671", "+1 (415) 555-2671"),
            ("+14155552671", "415-555-2671"),
        ],
    )
    def test_however_it_is_written(
        self, program: Program, realm: Realm, optout_list: List, stored: str, asked: str
    ) -> None:
        Realm.objects.update(default_region="US")
        make.make_optout(optout_list, stored)
        assert program.result(1, asked) == (True, "list")

    @pytest.mark.parametrize(
        "address",
        ["", " ", "jane", "jane@", "a@b@example.com", "12", "�", "x" * 5_000],
    )
    def test_what_is_no_address_may_not_be_contacted(
        self, program: Program, optout_list: List, address: str
    ) -> None:
        assert program.result(1, address) == (True, "unusable")

    def test_looking_up_writes_nothing(self, program: Program, optout_list: List) -> None:
        program.result(1, JANE)
        assert not OptOut.objects.exists() and not Suppression.objects.exists()


class TestNotKnowing:
    """An error is never answered as "not suppressed" (promise 8)."""

    def failed(self, program: Program, status: int) -> None:
        answer = program.ask(1, JANE)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "suppressed" not in answer.json()

    @pytest.mark.django_db(transaction=True)
    def test_a_database_that_does_not_answer(self, program: Program, optout_list: List) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        with psycopg.connect(connection.connection.info.dsn) as other:
            other.execute("LOCK TABLE optout_suppression")
            self.failed(program, 503)
        assert program.result(1, JANE) == (False, None)
        connection.close()

    @pytest.mark.django_db
    def test_what_nobody_foresaw(self, program: Program, optout_list: List) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE optout_suppression RENAME TO out_of_reach")
        self.failed(program, 500)


@pytest.mark.django_db
class TestWhoMayAsk:
    def test_a_key_that_may_read(self, program: Program, realm: Realm, optout_list: List) -> None:
        text = make.make_api_key(realm, may_read=False)
        refused = Program(text, program.way).ask(1, JANE)
        assert refused.status_code == 403

    def test_one_for_that_list(
        self, program: Program, realm: Realm, optout_list: List, other_list: List
    ) -> None:
        """What it is not for does not exist (AT-31); Do Not Mail holds for its list, too."""
        make.make_optout(make.do_not_mail(realm), JANE)
        text = make.make_api_key(realm, optout_list, may_write=False)
        narrow = Program(text, program.way)
        assert narrow.result(1, JANE) == (True, "global")
        assert narrow.result(0, JANE)[0] is True
        refused = [narrow.ask(number, JANE) for number in (2, 77)]
        assert [each.status_code for each in refused] == [404] * 2

    @pytest.mark.parametrize("number", [77, -1, 2**31, 10**30])
    def test_a_list_that_there_is_not(
        self, program: Program, optout_list: List, number: int
    ) -> None:
        refused = program.ask(number, JANE)
        assert refused.status_code in {404, 422}
        assert refused.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer hk_no", "bearer hk_no", "Basic YTpi"]
    )
    def test_nobody_without_a_key(self, optout_list: List, header: str) -> None:
        asked = Client().get(f"{PATH}?list=1&address={JANE}", headers={"authorization": header})
        assert asked.status_code == 401
        assert asked.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
class TestOne:
    @pytest.fixture(params=[ONE, BY_NINJA])
    def program(self, request: pytest.FixtureRequest, realm: Realm, optout_list: List) -> Program:
        return Program(make.make_api_key(realm), request.param)

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("jane+tag@example.com", "jane+tag@example.com"),
            ("jane%2Btag@example.com", "jane+tag@example.com"),
            ("+14155552671", "+14155552671"),
            ("%2B14155552671", "+14155552671"),
            ("+jane@example.com", "jane@example.com"),
            ("j%C3%A4ne@example.com", "jäne@example.com"),
            ("j%FFne@example.com", "j�ne@example.com"),
            ("jane%40example.com", "jane@example.com"),
        ],
    )
    def test_a_plus_in_the_query_stays_a_plus(self, program: Program, sent: str, read: str) -> None:
        assert program.get(f"list=1&address={sent}").json()["address"] == read

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("", "list"),
            ("list=1", "address"),
            (f"address={JANE}", "list"),
            (f"list=x&address={JANE}", "list"),
            (f"list=1.0&address={JANE}", "list"),
            (f"list=1_0&address={JANE}", "list"),
            (f"list=+1&address={JANE}", "list"),
            (f"list=&address={JANE}", "list"),
            (f"list=1&address={JANE}&realm=2", "realm"),
            (f"list=1&list=2&address={JANE}", "list"),
            (f"list=1&address={JANE}&address=joe@example.com", "address"),
            (f"list=1&adress={JANE}", "address"),
            (f"list=1&address={JANE}%00", "address"),
        ],
    )
    def test_what_is_not_asked_plainly_is_refused(
        self, program: Program, query: str, pointer: str
    ) -> None:
        refused = program.get(query)
        assert refused.status_code == 422
        assert pointer in [each["pointer"] for each in refused.json()["errors"]]
        assert JANE not in refused.content.decode()

    def test_the_parameters_may_come_in_any_order_and_repeated(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list, JANE)
        for query in (f"address={JANE}&list=1", f"list=1&address={JANE}&address={JANE}&list=1"):
            answer = program.get(query)
            assert answer.json() == {"address": JANE, "suppressed": True, "scope": "list"}

    def test_only_get_will_do(self, program: Program) -> None:
        for method in ("HEAD", "PUT", "DELETE"):
            refused = Client().generic(
                method, f"{PATH}?list=1&address={JANE}", headers=program.headers
            )
            assert refused.status_code == 405
            assert set(refused.headers["Allow"].split(", ")) == {"GET", "POST"}

    def test_the_answer_is_nobody_s_to_keep(self, program: Program) -> None:
        answer = program.ask(1, JANE)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["RateLimit-Remaining"].isdigit()
        assert "Set-Cookie" not in answer.headers

    def test_one_question_to_the_database(
        self, program: Program, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        program.ask(1, JANE)
        with django_assert_num_queries(1):
            program.ask(1, JANE)


@pytest.mark.django_db
class TestMany:
    @pytest.fixture
    def program(self, realm: Realm, optout_list: List) -> Program:
        return Program(make.make_api_key(realm), MANY)

    def test_they_are_told_in_their_order_repeats_and_all(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, JANE)
        make.make_optout(make.do_not_mail(realm), "joe@example.com")
        asked = ["joe@example.com", "no address", "Jane@example.com", "ann@example.com", JANE]
        answer = program.post({"list": 1, "addresses": asked})
        assert answer.json() == {
            "results": [
                {"address": "joe@example.com", "suppressed": True, "scope": "global"},
                {"address": "no address", "suppressed": True, "scope": "unusable"},
                {"address": "Jane@example.com", "suppressed": True, "scope": "list"},
                {"address": "ann@example.com", "suppressed": False, "scope": None},
                {"address": JANE, "suppressed": True, "scope": "list"},
            ]
        }

    def test_ten_thousand_are_as_many_statements_as_one(
        self, program: Program, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        make.make_optout(optout_list, "person77@example.com")
        asked = [f"person{number}@example.com" for number in range(10_000)]
        program.ask(1, JANE)
        with django_assert_num_queries(1):
            results = program.post({"list": 1, "addresses": asked}).json()["results"]
        assert [each["address"] for each in results] == asked
        assert [each["address"] for each in results if each["suppressed"]] == [asked[77]]

    def test_a_half_of_a_letter_is_no_address(self, program: Program) -> None:
        for address in ("\ud800@example.com", "jane@\ud83d", "j\0ne@example.com"):
            assert program.result(1, address) == (True, "unusable")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "#/list"),
            ({"list": 1}, "#/addresses"),
            ({"list": 1, "addresses": []}, "#/addresses"),
            ({"list": 1, "addresses": [JANE] * 10_001}, "#/addresses"),
            ({"list": 1, "addresses": JANE}, "#/addresses"),
            ({"list": 1, "addresses": [JANE, 5]}, "#/addresses/1"),
            ({"list": 1, "addresses": [None]}, "#/addresses/0"),
            ({"list": "1", "addresses": [JANE]}, "#/list"),
            ({"list": True, "addresses": [JANE]}, "#/list"),
            ({"list": 1, "addresses": [JANE], "lists": [2]}, "#/lists"),
        ],
    )
    def test_what_is_not_asked_plainly_is_refused_as_a_whole(
        self, program: Program, body: Any, pointer: str
    ) -> None:
        refused = program.post(body)
        assert refused.status_code == 422
        assert pointer in [each["pointer"] for each in refused.json()["errors"]]
        assert JANE not in refused.content.decode()

    @pytest.mark.parametrize("body", ["", "[", "[]", "null", '{"list": 1, "list": 2}'])
    def test_what_cannot_be_read_is_refused(self, program: Program, body: str) -> None:
        asked = Client().post(PATH, body, content_type="application/json", headers=program.headers)
        assert asked.status_code in {400, 422}
        assert asked.headers["Content-Type"] == "application/problem+json"
