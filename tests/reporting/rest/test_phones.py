"""Phone numbers over the REST API: reported, looked up, listed, lifted, as contacts, and told of (S2.*, S3.9)."""

from typing import Any
from urllib.parse import quote

import pytest

from lists.models import Contact, List, Realm
from optout.addresses import hex_digests, parse_phone
from optout.choices import Assurance, Channel, Medium
from optout.evidence import Evidence
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.rest.calls import call, told
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.reporting.rest.programs import Program

pytestmark = pytest.mark.django_db

FLAGGED = "+99912345678"
OTHER = "+493023125999"
TEXTED = "+493023125001"
SHORT = "This is a short code, or only a part of a phone number."
WRITTEN = pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    return make.make_list(realm, accepts="phone")


@pytest.fixture
def key(realm: Realm) -> str:
    return make.make_api_key(realm)


@pytest.fixture
def program(realm: Realm, phones: List) -> Program:
    return Program(realm)


def report(key: str, *addresses: str, number: int = 1) -> Any:
    return call(key, "POST", f"/lists/{number}/suppressions", {"addresses": addresses})


class TestOptOuts:
    @WRITTEN
    def test_one_number_in_any_spelling(self, key: str, phones: List, written: str) -> None:
        assert told(report(key, written))["new"] == 1

        row = Suppression.objects.get()
        assert (row.address, row.medium, row.channel) == (BERLIN, Medium.SMS, Channel.REST)
        assert bytes(row.digest) == parse_phone(BERLIN, "").digest

    def test_many_spellings_are_one_person(self, key: str, phones: List) -> None:
        answer = told(report(key, *SPELLINGS.values()))

        assert (answer["recorded"], answer["new"]) == (len(SPELLINGS), 1)
        assert Suppression.objects.count() == 1

    def test_emails_numbers_and_what_is_neither_in_one_call(self, key: str, phones: List) -> None:
        answer = told(report(key, "jane@example.com", BERLIN, "88888", "+999 1234 5678"))

        assert answer["recorded"] == 3
        (rejected,) = answer["rejected"]
        assert rejected["index"] == 2 and rejected["detail"].startswith(SHORT)
        rows = Suppression.objects.values_list("address", "medium")
        assert set(rows) == {
            ("jane@example.com", Medium.EMAIL),
            (BERLIN, Medium.SMS),
            (FLAGGED, Medium.SMS),
        }

    def test_a_short_code_alone_is_422(self, key: str, phones: List) -> None:
        assert told(report(key, "12345"), 422)["errors"][0]["detail"].startswith(SHORT)

    def test_do_not_mail(self, key: str, phones: List) -> None:
        told(report(key, "030 23125000", number=0))

        (entry,) = told(call(key, "GET", "/do-not-mail"))["do_not_mail"]
        assert (entry["address"], entry["medium"]) == (BERLIN, "sms")

    def test_lifting_by_another_spelling(self, key: str, phones: List) -> None:
        told(report(key, BERLIN))

        sent = {"addresses": ["0049 30 23125000"], "reason": "They called."}
        assert told(call(key, "POST", "/lists/1/suppressions/lift", sent))["lifted"] == 1
        assert not Suppression.objects.exists()


class TestLookUps:
    @pytest.fixture(autouse=True)
    def _out(self, phones: List) -> None:
        make.make_optout(phones, BERLIN)

    @WRITTEN
    def test_one_number_in_any_spelling(self, key: str, written: str) -> None:
        answer = call(key, "GET", "/lookup", query=f"list=1&address={quote(written)}")

        assert told(answer) == {"address": written, "suppressed": True, "scope": "list"}

    @pytest.mark.parametrize(
        "raw", ["+493023125000", "%2B493023125000", "+49+30+23125000", "+49%2030%2023125000"]
    )
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])  # past Ninja, and by it
    def test_a_plus_in_the_query_stays_one(self, key: str, raw: str, scheme: str) -> None:
        answer = call(
            key, "GET", "/lookup", query=f"list=1&address={raw}", authorization=f"{scheme} {key}"
        )

        assert told(answer)["suppressed"] is True

    def test_many_at_once(self, key: str) -> None:
        sent = [*SPELLINGS.values(), OTHER, "88888"]

        answer = told(call(key, "POST", "/lookup", {"list": 1, "addresses": sent}))

        scopes = [each["scope"] for each in answer["results"]]
        assert scopes == [*["list"] * len(SPELLINGS), None, "unusable"]

    def test_one_who_texted_stop_is_out_of_each_list(
        self, key: str, realm: Realm, phones: List
    ) -> None:
        make.make_list(realm, 2, "Offers")
        make.make_optout(make.do_not_mail(realm), OTHER, channel=Channel.INBOUND_SMS)

        answer = call(key, "GET", "/lookup", query="list=2&address=030%2023125999")

        assert told(answer)["scope"] == "global"

    def test_what_came_as_a_hash_of_the_number(self, key: str, phones: List) -> None:
        """A partner's list of hashed numbers: of the key, with the plus."""
        full = bytes.fromhex(hex_digests(OTHER).md5)
        Suppression.objects.update(
            address=None, digest=full[:16], hash_kind=3, full_hash=full, medium=Medium.SMS
        )

        answer = call(key, "GET", "/lookup", query="list=1&address=030%2023125999")

        assert told(answer)["suppressed"] is True


class TestReading:
    @pytest.fixture(autouse=True)
    def _out(self, phones: List) -> None:
        evidence = Evidence(extra={"texted": TEXTED, "said": "STOP"})
        make.make_optout(
            phones,
            BERLIN,
            channel=Channel.INBOUND_SMS,
            assurance=Assurance.API_CREDENTIAL,
            evidence=evidence,
        )
        make.make_optout(phones, OTHER, channel=Channel.SMS_LINK, assurance=Assurance.SIGNED)

    @pytest.mark.parametrize(
        ("path", "name"),
        [("/lists/1/suppressions", "suppressions"), ("/lists/1/opt-outs", "opt_outs")],
    )
    def test_rows_tell_number_medium_and_way(self, program: Program, path: str, name: str) -> None:
        rows = program.read(path)[name]

        shown = {(each["address"], each["medium"], each["channel"]) for each in rows}
        assert shown == {(BERLIN, "sms", "inbound_sms"), (OTHER, "sms", "sms_link")}

    def test_what_somebody_wrote_is_not_told(self, program: Program) -> None:
        for path in ("/lists/1/suppressions", "/lists/1/opt-outs"):
            assert "STOP" not in program.get(path).content.decode()


class TestContacts:
    @pytest.mark.parametrize("name", ["address", "email", "phone"])
    @WRITTEN
    def test_a_number_is_added_in_any_spelling(
        self, key: str, phones: List, written: str, name: str
    ) -> None:
        answer = told(call(key, "POST", "/contacts", {name: written, "lists": [1]}), 201)

        assert (answer["address"], answer["medium"], answer["lists"]) == (BERLIN, "sms", [1])
        assert Contact.objects.get().medium == Medium.SMS

    @pytest.mark.parametrize("name", ["address", "email", "phone"])
    @pytest.mark.parametrize("raw", ["+493023125000", "%2B493023125000", "030%2023125000"])
    def test_and_found(self, key: str, phones: List, name: str, raw: str) -> None:
        make.make_contact(phones.realm, BERLIN, phones)

        (found,) = told(call(key, "GET", "/contacts", query=f"{name}={raw}"))["contacts"]

        assert found["address"] == BERLIN

    @pytest.mark.parametrize(
        "query",
        [
            "email=jane@example.com&address=030%2023125000",
            "phone=%2B493023125000&address=%2B493023125001",
            "phone=030%2023125000&email=jane@example.com",
        ],
    )
    def test_two_are_too_many(self, key: str, phones: List, query: str) -> None:
        told(call(key, "GET", "/contacts", query=query), 422)

    @pytest.mark.parametrize("phone", ["", "jane@example.com"])
    def test_an_email_address_is_no_phone(self, key: str, phones: List, phone: str) -> None:
        answer = told(call(key, "GET", "/contacts", query=f"phone={phone}"), 422)

        assert answer["errors"][0]["pointer"] == "phone"

    @pytest.mark.parametrize("name", ["address", "email", "phone"])
    def test_a_short_code_is_422(self, key: str, phones: List, name: str) -> None:
        answer = told(call(key, "POST", "/contacts", {name: "88888"}), 422)

        assert answer["errors"][0]["detail"].startswith(SHORT)
        assert answer["errors"][0]["pointer"] == f"#/{name}"

    def test_of_a_list(self, key: str, phones: List) -> None:
        make.make_contact(phones.realm, BERLIN, phones)

        (found,) = told(call(key, "GET", "/lists/1/contacts"))["contacts"]

        assert (found["address"], found["medium"]) == (BERLIN, "sms")

    def test_deleted_it_is_in_do_not_mail_and_cannot_come_back(
        self, key: str, phones: List
    ) -> None:
        made = told(call(key, "POST", "/contacts", {"address": BERLIN, "lists": [1]}), 201)

        assert call(key, "DELETE", f"/contacts/{made['id']}").status_code == 204

        row = Suppression.objects.get()
        assert (row.address, row.medium, row.optout_list.is_global) == (BERLIN, Medium.SMS, True)
        again = {"address": "030 23125000", "lists": [1]}
        told(call(key, "POST", "/contacts", again), 409)
        assert OptOut.objects.get().left_lists == [phones.pk]
