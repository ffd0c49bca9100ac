"""Who is let in, and how every answer looks (S4.2, S4.9, S4.18, S4.20, AT-26, AT-27)."""

from typing import Any

import pytest
from django.test import Client

from lists.lookup import forget_all_lists
from lists.models import List, Realm, RealmCredential, Subscription
from optout.models import OptOut
from tests import make
from tests.optout.channels.api_web.calls import PASSWORD, call, line, make_password, send

JANE = "jane@example.com"
REFUSED = (
    "FAILURE: Password doesn't match entry for API user credentials in database"
    " or address isn't an approved IP"
)


@pytest.fixture(autouse=True)
def _password(realm: Realm) -> RealmCredential:
    return make_password(realm)


def unsub(**given: Any) -> Any:
    return call("acme", "unsub", **{"list_id": 1, "data": f"email^{JANE}", "optout": 1, **given})


@pytest.mark.django_db
class TestWhoIsLetIn:
    def test_every_kind_of_wrong_is_the_same_answer(
        self, realm: Realm, optout_list: List, django_assert_num_queries
    ) -> None:
        """AT-27: the same bytes, headers and number of queries."""
        make.make_realm("nopassword")
        RealmCredential.objects.create(realm=realm, secret_digest=b"x" * 32, revoked_at=make.NOW)
        answers = []
        for realm_name, password in (
            ("acme", "wrong"),
            ("acme", PASSWORD + " "),
            ("acme", PASSWORD.upper()),
            ("nosuchrealm", PASSWORD),
            ("ACME", PASSWORD),
            ("nopassword", PASSWORD),
            ("acme\0", PASSWORD),
            ("\ud800acme".encode("utf-8", "replace").decode(), "\0"),
            ("x" * 100_000, "y" * 100_000),
        ):
            with django_assert_num_queries(2):
                answers.append(unsub(realm=realm_name, pwd=password))
        assert {line(answer) for answer in answers} == {REFUSED}
        assert {answer.status_code for answer in answers} == {200}
        assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
        assert not OptOut.objects.exists()

    def test_an_ip_that_is_not_approved_is_the_same_answer(self, optout_list: List) -> None:
        Realm.objects.update(approved_ips=["198.51.100.0/24"])

        assert line(unsub(ip="192.0.2.7")) == REFUSED
        assert line(unsub(ip="198.51.100.9")).startswith("SUCCESS")

    def test_a_guesser_gets_429_and_others_do_not(self, optout_list: List) -> None:
        for _ in range(20):
            assert unsub(pwd="guess").status_code == 200

        refused = unsub(pwd="guess")

        assert refused.status_code == 429
        assert line(refused) == "FAILURE: Too many wrong passwords, try again later"
        assert 0 < int(refused.headers["Retry-After"]) <= 600
        assert line(unsub(ip="192.0.2.8")).startswith("SUCCESS")

    def test_a_guesser_does_not_shut_out_a_script_on_the_same_server(
        self, optout_list: List
    ) -> None:
        """A password that we made cannot be guessed; an old one of another script must not cost an opt-out."""
        for _ in range(25):
            unsub(pwd="an old password")

        assert line(unsub()).startswith("SUCCESS")

    def test_a_chosen_password_is_shut_while_somebody_guesses(self, optout_list: List) -> None:
        RealmCredential.objects.update(is_chosen=True)
        for _ in range(21):
            unsub(pwd="guess")

        assert unsub().status_code == 429
        assert not OptOut.objects.exists()

    def test_a_revoked_password_stops(self, optout_list: List) -> None:
        assert line(unsub()).startswith("SUCCESS")
        RealmCredential.objects.update(revoked_at=make.NOW)
        forget_all_lists()

        assert line(unsub()) == REFUSED

    def test_get_can_be_switched_off(self, realm: Realm, optout_list: List) -> None:
        """S4.20: told only to who knows the password."""
        assert line(unsub(method="GET")).startswith("SUCCESS")
        Realm.objects.update(refuses_get=True)
        forget_all_lists()
        before = OptOut.objects.count()

        assert line(unsub(method="GET")) == "FAILURE: This realm accepts commands by POST only"
        assert line(unsub(method="GET", pwd="wrong")) == REFUSED
        assert OptOut.objects.count() == before
        assert line(unsub()).startswith("SUCCESS")


@pytest.mark.django_db
class TestWhatIsMissing:
    @pytest.mark.parametrize("name", ["realm", "pwd", "cmd", "list_id", "data"])
    def test_each_of_the_five_is_required(self, optout_list: List, name: str) -> None:
        """S4.2"""
        answer = line(unsub(**{name: ""}))

        assert answer == f"FAILURE: The parameter {name} is required"
        assert not OptOut.objects.exists()

    @pytest.mark.parametrize("word", ["Unsub", "unsub ", "unsubs", "rm", "__class__", "ünsub"])
    def test_other_words_are_no_commands(self, optout_list: List, word: str) -> None:
        """S4.9"""
        assert line(unsub(cmd=word)) == "FAILURE: The command is not known"

    def test_two_values_for_one_thing_change_nothing(self, optout_list: List) -> None:
        """S4.18"""
        good = [("r", "acme"), ("p", PASSWORD), ("c", "unsub"), ("list_id", "1")]
        good += [("optout", "1"), ("data", f"email^{JANE}")]
        for extra in (
            ("realm", "other"),
            ("pwd", "other"),
            ("password", "other"),
            ("cmd", "sub"),
            ("list_id", "2"),
            ("force_optout", "0"),
            ("d", "email^joe@example.com"),
        ):
            answer = line(send([*good, extra]))
            assert answer.startswith("FAILURE: The parameter "), (extra, answer)
            assert "other" not in answer and PASSWORD not in answer
        assert not OptOut.objects.exists()
        assert line(send([*good, ("password", PASSWORD), ("d", "")])).startswith("SUCCESS")


@pytest.mark.django_db
class TestAnswers:
    @pytest.mark.parametrize("path", ["/api_web", "/bin/api_web", "/api_web/", "/bin/api_web/"])
    def test_both_addresses_and_both_methods(self, optout_list: List, path: str) -> None:
        """S4.3"""
        query = f"r=acme&p={PASSWORD}&c=unsub&list_id=1&optout=1&data=email^{JANE}"

        for answer in (
            Client().get(f"{path}?{query}"),
            Client().generic("POST", path, query, "application/x-www-form-urlencoded"),
        ):
            assert answer.status_code == 200
            assert answer.content.startswith(b"SUCCESS: 1 record(s) processed.")

    def test_it_is_plain_text_that_nobody_keeps(self, optout_list: List) -> None:
        answer = unsub()

        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Optout-Status"] == "recorded"
        assert not answer.cookies

    def test_leaving_without_a_record_says_nothing_of_an_opt_out(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list)

        answer = unsub(optout=0)

        assert line(answer).startswith("SUCCESS")
        assert "Optout-Status" not in answer.headers

    def test_a_browser_gets_the_line_too(self, db: None) -> None:
        answer = Client().get("/api_web", headers={"accept": "text/html"})

        assert answer.content == b"FAILURE: The parameter realm is required"

    def test_head_does_nothing(self, optout_list: List) -> None:
        answer = unsub(method="HEAD")

        assert (answer.status_code, answer.content) == (200, b"")
        assert not OptOut.objects.exists()

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
    def test_other_methods_are_not_allowed(self, optout_list: List, method: str) -> None:
        answer = unsub(method=method)

        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"

    def test_the_password_is_in_no_answer(self, realm: Realm, optout_list: List) -> None:
        """AT-26; in logs, files and the database: tests/system/test_api_web.py."""
        make.make_contact(realm, JANE, optout_list)
        for cmd in ("unsub", "sub", "delete", "find", "show_lists", "change", "nonsense"):
            for given in (
                dict[str, str](),
                {"data": PASSWORD},
                {"list_id": PASSWORD},
                {"format": PASSWORD},
            ):
                answer = call("acme", cmd, **{"list_id": "1", "format": "1", **given})
                assert PASSWORD.encode() not in answer.content, (cmd, given)

    def test_what_is_below_the_address_is_nothing(self, db: None) -> None:
        for path in ("/api_web/x", "/api_webs", "/bin/", "/bin/api_web.cgi"):
            assert Client().get(path).status_code == 404
        assert not Subscription.objects.exists()
