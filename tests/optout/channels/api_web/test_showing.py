"""`find`, `findinlist`, `detail` and the `show_…` commands (protocols.md, the table of commands)."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from unittest.mock import patch
from xml.etree import ElementTree as ET

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg.pq import TransactionStatus

from lists import contacts
from lists.api_auth import ApiCaller
from lists.models import Contact, List, Realm, Subscription
from lists.prepared import fetch
from optout.channels.api_web import showing
from optout.channels.api_web.command import Command
from optout.channels.api_web.lines import CommandError
from optout.long_answers import DeadlineError
from optout.models import Suppression
from optout.slots import slots
from tests import make
from tests.optout.channels.api_web.calls import call, make_password

JANE = "jane@example.com"
PIECE = 256 * 1024

# Many suppressions in one go: `person1@example.com`, …
_FILL = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT %(now)s, %(list)s, 1, 1, 1, 1, substr(sha256(a::bytea), 1, 16), a
FROM (SELECT 'person' || generate_series(1, %(count)s) || '@example.com' AS a) made
"""


@pytest.fixture(autouse=True)
def _password(realm: Realm) -> None:
    make_password(realm)


@pytest.fixture
def with_keys(realm: Realm) -> Realm:
    Realm.objects.filter(pk=realm.pk).update(uses_customer_key=True)
    return realm


def ask(cmd: str, **given) -> str:
    response = call("acme", cmd, **given)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert not response.streaming
    return str(response.content.decode())


def lines(cmd: str, **given) -> set[str]:
    return set(ask(cmd, **given).split("\n"))


def is_refused(answer: str) -> bool:
    return answer.startswith("FAILURE: ") and answer.count(":") == 1 and "\n" not in answer


class TestFind:
    def test_plain_is_the_id_and_the_address(self, realm: Realm) -> None:
        jane = make.make_contact(realm, JANE, first="Jane")
        assert ask("find", email=JANE) == f"{jane.pk} {JANE}"

    def test_nobody_is_an_empty_body(self, realm: Realm) -> None:
        for layout in ("", "csv", "csv_tab", "csv_pipe", "xml"):
            assert ask("find", email=JANE, output_format=layout, headers=1) == ""

    @pytest.mark.parametrize(
        "email", ["JANE@Example.com", " jane@example.com ", '"jane@example.com"']
    )
    def test_the_address_may_be_written_otherwise(self, realm: Realm, email: str) -> None:
        make.make_contact(realm, JANE)
        assert ask("find", email=email).endswith(JANE)

    def test_a_plus_that_arrived_as_a_space(self, realm: Realm) -> None:
        make.make_contact(realm, "jane+a@example.com")
        assert ask("find", email="jane a@example.com").endswith(" jane+a@example.com")
        assert ask("find", email="ne a@", exact=0).endswith(" jane+a@example.com")

    def test_csv_has_names_and_lists(self, realm: Realm, optout_list: List) -> None:
        jane = make.make_contact(
            realm, JANE, optout_list, make.make_list(realm, 7), first='J"ane', last="Doe, Roe"
        )
        row = f'{jane.pk},{JANE},"J""ane","Doe, Roe","1,7"'
        assert ask("find", email=JANE, output_format="csv") == row
        assert ask("find", email=JANE, csv=1) == row
        header = "subscriber_id,email,first,last,lists"
        assert ask("find", email=JANE, csv=1, headers=1) == f"{header}\n{row}"
        assert ask("find", email=JANE, csv=1, header=1) == f"{header}\n{row}"

    def test_the_other_layouts(self, realm: Realm, optout_list: List) -> None:
        jane = make.make_contact(realm, JANE, optout_list, first="J|a", last="<Doe> & Söhne")
        found = {"email": JANE, "headers": 1}
        assert ask("find", output_format="csv_tab", **found) == (
            f"subscriber_id\temail\tfirst\tlast\tlists\n{jane.pk}\t{JANE}\tJ|a\t<Doe> & Söhne\t1"
        )
        assert ask("find", output_format="csv_pipe", **found) == (
            f'subscriber_id|email|first|last|lists\n{jane.pk}|{JANE}|"J|a"|<Doe> & Söhne|1'
        )
        assert ask("find", output_format="xml", **found) == (
            f"<data><subscriber><subscriber_id>{jane.pk}</subscriber_id><email>{JANE}</email>"
            "<first>J|a</first><last>&lt;Doe&gt; &amp; Söhne</last><lists>1</lists></subscriber></data>"
        )

    def test_the_customer_key_is_the_last_column_of_a_realm_that_uses_it(
        self, with_keys: Realm
    ) -> None:
        make.make_contact(with_keys, JANE, customer_key="11293")
        make.make_contact(with_keys, "jane2@example.com")
        found = ask("find", email="jane", exact=0, csv=1, headers=1).split("\n")
        assert found[0] == "subscriber_id,email,first,last,lists,customer_key"
        assert found[1].endswith("jane2@example.com,,,,") and found[2].endswith(",11293")

    def test_a_part_of_the_address_and_names(self, realm: Realm) -> None:
        jane = make.make_contact(realm, JANE, first="Jane", last="Doe")
        joe = make.make_contact(realm, "joe@example.com", first="Joe", last="Doe")
        both = f"{jane.pk} {JANE}\n{joe.pk} joe@example.com"
        assert ask("find", email="J", exact=0) == both
        assert ask("find", last="doe") == both
        assert ask("find", last="doe", limit=1) == f"{jane.pk} {JANE}"
        assert ask("find", last="doe", first="JANE") == f"{jane.pk} {JANE}"
        assert ask("find", email="joe@example.com", first="Jane") == ""
        assert ask("find", email="j%", exact=0) == ""

    def test_a_search_that_takes_too_long_is_not_answered_with_nothing(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make.make_contact(realm, JANE, optout_list)
        monkeypatch.setattr(contacts, "_HAS_PART", "pg_sleep(5) IS NOT NULL")
        monkeypatch.setattr(showing, "SEARCH_SECONDS", 0.01)
        assert ask("find", email="jane", exact=0) == "FAILURE: This took too long, ask for less"

    @pytest.mark.parametrize(("exact", "is_limited"), [(1, False), (0, True)])
    def test_only_a_search_needs_a_limit(
        self, realm: Realm, exact: int, *, is_limited: bool
    ) -> None:
        make.make_contact(realm, JANE)
        with CaptureQueriesContext(connection) as asked:
            assert ask("find", email=JANE, exact=exact).endswith(JANE)
        limits = [each for each in asked if "statement_timeout" in each["sql"]]
        assert len(limits) == is_limited

    def test_at_most_250(self, realm: Realm) -> None:
        for n in range(252):
            make.make_contact(realm, f"person{n}@example.com", last="Doe")
        assert len(lines("find", last="Doe")) == 250
        assert len(lines("find", last="Doe", limit=999_999_999)) == 250

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"email": " ", "first": ""},
            {"email": "jane"},
            {"email": "a:b\r\n@"},
            {"email": "x" * 5_000},
            {"email": JANE, "exact": "2"},
            {"email": JANE, "headers": "yes"},
            {"email": JANE, "csv": "2"},
            {"email": JANE, "output_format": "json"},
            {"email": JANE, "output_format": "CSV"},
            {"email": JANE, "limit": "٣"},
            {"email": JANE, "limit": "0"},
            {"email": JANE, "limit": "-1"},
            {"email": JANE, "limit": "1" * 20},
        ],
    )
    def test_what_cannot_be_understood_is_refused_with_a_reason(self, given) -> None:
        answer = ask("find", **given)
        assert is_refused(answer)
        assert len(answer) < 200

    def test_an_unusable_address_is_named(self) -> None:
        assert ask("find", email="ja:ne") == (
            "FAILURE: ja ne does not appear to be a valid email address"
        )

    @pytest.mark.parametrize(
        "text", ["\0", "a\0b", "x" * 5_000, "\u202e", "' OR 1=1 --", "\\", "%"]
    )
    def test_text_that_nobody_has_finds_nobody(self, realm: Realm, text: str) -> None:
        make.make_contact(realm, JANE, first="Jane")
        assert ask("find", first=text) == ""
        assert ask("find", email=text, exact=0) == ""

    def test_another_realms_contact_is_not_found(self, realm: Realm) -> None:
        make.make_contact(make.make_realm("other"), JANE, first="Jane")
        assert ask("find", email=JANE) == ""
        assert ask("find", first="Jane") == ""


class TestContactsKnownByPhone:
    def test_the_number_is_no_email(self, realm: Realm) -> None:
        bob = make.make_contact(realm, "+12025550123", first="Bob")

        found = ask("find", first="bob", output_format="csv")
        detail = ask("detail", subscriber_id=bob.pk, output_format="xml")

        assert found == f"{bob.pk},,Bob,,"
        assert "<email></email>" in detail and "<phone>+12025550123</phone>" in detail


class TestFindInList:
    def test_only_those_on_the_list(self, realm: Realm, optout_list: List) -> None:
        jane = make.make_contact(realm, JANE, optout_list, last="Doe")
        make.make_contact(realm, "joe@example.com", last="Doe")
        assert ask("findinlist", list_id=1, last="Doe") == f"{jane.pk} {JANE}"
        assert ask("findinlist", list_id=1, email=JANE) == f"{jane.pk} {JANE}"
        assert ask("findinlist", list_id=1, email="joe@example.com") == ""
        assert ask("findinlist", list_id=0, email=JANE) == ""

    @pytest.mark.parametrize("list_id", ["", "2", "٣", "1" * 20, "1_0", "-1"])
    def test_the_list_must_be_the_realms(self, optout_list: List, list_id: str) -> None:
        assert is_refused(ask("findinlist", list_id=list_id, email=JANE))

    def test_something_must_be_asked_for(self, optout_list: List) -> None:
        assert is_refused(ask("findinlist", list_id=1))


class TestDetail:
    @pytest.fixture
    def jane(self, realm: Realm, optout_list: List) -> Contact:
        fields = {
            "first": "Jane",
            "last": "Doe",
            "zip": "01234",
            "custom_b c": "x<y",
            "custom_A": "1",
        }
        jane = make.make_contact(realm, JANE, optout_list, make.make_list(realm, 7), **fields)
        when = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
        Subscription.objects.filter(optout_list=optout_list).update(
            subscribed_at=when, message_format=1
        )
        return jane

    def test_plain(self, jane: Contact) -> None:
        answer = ask("detail", subscriber_id=jane.pk, output_format="plain")

        assert answer == f"{jane.pk} {JANE} Jane Doe"
        # without a format it is csv, as is show_lists (protocols.md)
        assert ask("detail", subscriber_id=jane.pk).startswith(f"{jane.pk},{JANE},Jane,Doe,")

    def test_csv_has_every_field(self, jane: Contact) -> None:
        assert ask("detail", subscriber_id=jane.pk, output_format="csv", headers=1) == (
            "subscriber_id,email,first,last,company,address_1,address_2,city,state,zip,country,phone,fax,"
            "custom_A,custom_b c,lists\n"
            f'{jane.pk},{JANE},Jane,Doe,,,,,,01234,,,,1,x<y,"1,7"'
        )

    def test_xml_has_when_it_was_subscribed(self, jane: Contact) -> None:
        answer = ask("detail", subscriber_id=jane.pk, output_format="xml")
        assert "\n" not in answer and not answer.startswith("<?")
        assert (
            "<subscription_details><list_1><created_date>21/11/26 11:05 PM</created_date><last_sent></last_sent>"
            "<sent_flag></sent_flag><format>1</format></list_1><list_7>"
        ) in answer
        (subscriber,) = ET.fromstring(answer)
        assert subscriber.findtext("custom_b_c") == "x<y"
        assert subscriber.findtext("subscription_details/list_7/format") == "99"

    def test_the_customer_key_comes_last(self, with_keys: Realm, jane: Contact) -> None:
        Contact.objects.update(customer_key="k;1")
        answer = ask("detail", subscriber_id=jane.pk, output_format="csv_pipe", headers=1)
        assert [line.split("|")[-1] for line in answer.split("\n")] == ["customer_key", "k;1"]

    @pytest.mark.parametrize("number", ["1" * 18, "0"])
    def test_an_unknown_one_is_an_empty_body(self, number: str) -> None:
        for layout in ("", "csv", "xml"):
            assert ask("detail", subscriber_id=number, output_format=layout, headers=1) == ""

    def test_so_is_another_realms(self) -> None:
        theirs = make.make_contact(make.make_realm("other"), JANE)
        assert ask("detail", subscriber_id=theirs.pk) == ""

    @pytest.mark.parametrize("number", ["", "٣", "1" * 20, "1_000", "-1", "1.0", "\0", "x"])
    def test_what_is_no_number_is_refused(self, number: str) -> None:
        assert is_refused(ask("detail", subscriber_id=number))


class TestShowLists:
    def test_number_name_description(self, realm: Realm, optout_list: List) -> None:
        make.make_list(realm, 7, "Seeds, bulbs", description='Every\n"spring"', closed_at=make.NOW)
        make.make_list(make.make_realm("other"), 3)
        assert ask("show_lists", output_format="plain") == "1 Garden letters\n7 Seeds, bulbs"
        assert ask("show_lists").startswith("1,Garden letters,,0\n")
        assert ask("show_lists", output_format="csv", headers=1) == (
            "List Number,List Name,List Description,Folder ID\n"
            "1,Garden letters,,0\n"
            '7,"Seeds, bulbs","Every ""spring""",0'
        )
        assert ask("show_lists", output_format="xml").startswith(
            "<data><list><List_Number>1</List_Number><List_Name>Garden letters</List_Name>"
        )

    def test_a_realm_without_lists(self) -> None:
        assert ask("show_lists", output_format="csv", headers=1) == ""


class TestShowOptouts:
    def test_plain_is_an_address_a_line(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        make.make_optout(optout_list, "joe@example.com")
        make.make_optout(make.make_list(realm, 2), "other@example.com")
        make.make_optout(make.do_not_mail(realm), "everywhere@example.com")
        assert lines("show_opt", list_id=1) == {JANE, "joe@example.com"}
        assert lines("show_optout", list_id=1) == {JANE, "joe@example.com"}

    def test_nobody_is_an_empty_body(self, optout_list: List) -> None:
        for layout in ("", "csv", "csv_tab", "csv_pipe", "xml"):
            assert ask("show_opt", list_id=1, output_format=layout, headers=1) == ""

    def test_the_global_ones(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.do_not_mail(realm), JANE)
        make.make_optout(optout_list, "joe@example.com")
        assert ask("show_optglobal") == JANE
        assert ask("show_opt", list_id=0) == JANE

    def test_csv_quotes_every_value(self, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        assert ask("show_opt", list_id=1, output_format="csv") == f'"{JANE}"'
        for layout in ("csv", "csv_tab", "csv_pipe"):
            answer = ask("show_opt", list_id=1, output_format=layout, headers=1)
            assert answer == f'"Email"\n"{JANE}"'

    def test_a_header_that_was_asked_for_is_there_in_plain_too(self, optout_list: List) -> None:
        """A script that skips the first line would otherwise miss an opt-out."""
        make.make_optout(optout_list, JANE)
        assert ask("show_opt", list_id=1, headers=1) == f'"Email"\n{JANE}'

    def test_xml(self, optout_list: List) -> None:
        make.make_optout(optout_list, "a&b@example.com")
        assert ask("show_opt", list_id=1, output_format="xml", headers=1) == (
            "<data><subscriber><email>a&amp;b@example.com</email></subscriber></data>"
        )

    def test_the_customer_key_stands_beside_the_address(
        self, with_keys: Realm, optout_list: List
    ) -> None:
        make.make_contact(with_keys, JANE, customer_key='k"1\n')
        make.make_contact(make.make_realm("other"), "joe@example.com", customer_key="theirs")
        make.make_optout(optout_list, JANE)
        make.make_optout(optout_list, "joe@example.com")
        assert lines("show_opt", list_id=1, output_format="csv", headers=1) == {
            '"Email","customer_key"',
            f'"{JANE}","k""1 "',
            '"joe@example.com",""',
        }
        assert f'"{JANE}"|"k""1 "' in lines("show_opt", list_id=1, output_format="csv_pipe")
        assert lines("show_opt", list_id=1) == {JANE, "joe@example.com"}
        xml = ET.fromstring(ask("show_opt", list_id=1, output_format="xml"))
        assert {(each[0].text, each[1].text) for each in xml} == {
            (JANE, 'k"1 '),
            ("joe@example.com", None),
        }

    def test_only_the_last_days(self, optout_list: List) -> None:
        now = timezone.now()
        make.make_optout(optout_list, JANE, requested_at=now - timedelta(days=2, minutes=1))
        make.make_optout(optout_list, "joe@example.com", requested_at=now - timedelta(days=1))
        assert lines("show_opt", list_id=1, days=2) == {"joe@example.com"}
        assert lines("show_opt", list_id=1, days=3) == {JANE, "joe@example.com"}
        assert lines("show_opt", list_id=1, days=99999) == {JANE, "joe@example.com"}
        assert lines("show_opt", list_id=1, days="") == {JANE, "joe@example.com"}
        assert ask("show_opt", list_id=1, days=0) == ""

    def test_phones_hashes_and_sealed_addresses_are_left_out(self, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        make.make_optout(optout_list, "+14155550100")
        make.make_optout(optout_list, "sealed@example.com")
        Suppression.objects.filter(address="sealed@example.com").update(
            address=None, full_hash=bytes(32)
        )
        assert ask("show_opt", list_id=1) == JANE

    @pytest.mark.parametrize("days", ["٣", "1" * 6, "-1", "1.5", "x", "\0"])
    def test_days_must_be_a_number(self, optout_list: List, days: str) -> None:
        assert is_refused(ask("show_opt", list_id=1, days=days))
        assert is_refused(ask("show_optglobal", days=days))

    @pytest.mark.parametrize("list_id", ["", "2", "٣", "1" * 20])
    def test_the_list_must_be_the_realms(self, optout_list: List, list_id: str) -> None:
        assert is_refused(ask("show_opt", list_id=list_id))


def fill(optout_list: List, count: int) -> None:
    fetch(_FILL, {"now": make.NOW, "list": optout_list.pk, "count": count})


class TestLongAnswers:
    @pytest.fixture
    def full(self, optout_list: List) -> List:
        fill(optout_list, 200_000)
        return optout_list

    def test_it_comes_in_pieces_and_memory_stays_flat(self, full: List) -> None:
        tracemalloc.start()
        count, size = 0, 0
        response = call("acme", "show_opt", list_id=1, output_format="csv", headers=1)
        for piece in response:
            assert len(piece) < PIECE + 100
            count += piece.count(b"\n")
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert response.streaming
        assert count == 200_000
        assert size > 5_000_000
        assert peak < 3_000_000

    def test_xml_in_pieces_is_one_document(self, full: List) -> None:
        document = ask_long(list_id=1, output_format="xml")
        assert b"\n" not in document
        assert len(ET.fromstring(document)) == 200_000

    def test_one_piece_has_its_length(self, optout_list: List) -> None:
        fill(optout_list, 5_000)
        response = call("acme", "show_opt", list_id=1)
        assert not response.streaming
        assert int(response["Content-Length"]) == len(response.content) > 100_000


def ask_long(**given) -> bytes:
    response = call("acme", "show_opt", **given)
    assert response.streaming
    return b"".join(response)


def is_idle() -> bool:
    status = connection.connection.info.transaction_status
    return bool(status == TransactionStatus.IDLE) and fetch("SELECT 1") == [(1,)]


@pytest.mark.django_db(transaction=True)
class TestBreakingOff:
    @pytest.fixture
    def full(self, optout_list: List) -> List:
        fill(optout_list, 200_000)
        return optout_list

    def test_a_client_that_goes_away_leaves_nothing_behind(self, full: List, settings) -> None:
        settings.DOWNLOADS_AT_ONCE = 1
        for read in (0, 1, 3):
            response = call("acme", "show_opt", list_id=1)
            pieces = iter(response)
            for _ in range(read):
                assert next(pieces)
            response.close()
            assert is_idle()
        assert ask_long(list_id=1).count(b"\n") == 199_999
        assert is_idle()

    def test_an_error_in_the_middle_is_raised_into_the_server(self, full: List) -> None:
        """Which drops the connection then: an answer that just ended would look whole."""
        response = call("acme", "show_opt", list_id=1, output_format="xml")
        pieces = iter(response)
        assert next(pieces).startswith(b"<data>")
        info = connection.connection.info
        with psycopg.connect(info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (info.backend_pid,))
        with pytest.raises(OperationalError):
            list(pieces)
        response.close()
        connection.close()
        assert ask_long(list_id=1).count(b"\n") == 199_999  # its slot is free

    def test_one_that_takes_too_long_is_broken_off(self, full: List) -> None:
        with patch("optout.long_answers.monotonic", return_value=1000.0) as clock:
            response = call("acme", "show_opt", list_id=1)
            pieces = iter(response)
            clock.return_value += 30 * 60 - 1
            assert next(pieces)
            clock.return_value += 1
            with pytest.raises(DeadlineError):
                next(pieces)
        response.close()
        assert ask_long(list_id=1).count(b"\n") == 199_999

    def test_a_connection_that_died_before_is_replaced(self, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        assert ask("show_opt", list_id=1) == JANE  # list and password are remembered
        info = connection.connection.info
        with psycopg.connect(info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (info.backend_pid,))
        assert ask("show_opt", list_id=1) == JANE


class TestManyAtOnce:
    @pytest.fixture
    def full(self, optout_list: List) -> List:
        fill(optout_list, 50_000)
        return optout_list

    def test_a_realm_has_one_long_answer_at_a_time(self, full: List, settings) -> None:
        settings.DOWNLOADS_AT_ONCE = 2
        slot = slots.take(f"realm {full.realm_id}")
        assert slot is not None
        assert is_refused(ask("show_opt", list_id=1))
        assert ask("show_optglobal") == ""  # short ones need no slot
        slot.give_back()
        assert ask_long(list_id=1).count(b"\n") == 49_999

    def test_downloads_and_scripts_share_the_slots(self, full: List, settings) -> None:
        settings.DOWNLOADS_AT_ONCE = 1
        slot = slots.take("key 1")
        assert slot is not None
        assert is_refused(ask("show_opt", list_id=1))
        slot.give_back()


class TestWithoutADoor:
    """What no request can carry, for the text of a request has been decoded."""

    def ask(self, realm: Realm, **parameters: str) -> str:
        caller = ApiCaller(realm.pk, 1, False, False, ())
        command = Command("find", parameters, caller, ip_address("192.0.2.7"), "", make.NOW)
        return str(showing.find(command))

    def test_lone_surrogates_find_nobody(self, realm: Realm) -> None:
        assert self.ask(realm, first="\ud800") == ""
        assert self.ask(realm, email="\udcff", exact="0") == ""

    def test_nor_do_they_break_the_answer(self, realm: Realm) -> None:
        with pytest.raises(CommandError) as raised:
            self.ask(realm, email="\ud800@example.com")
        assert raised.value.reason.encode()
