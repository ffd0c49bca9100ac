"""Reading contacts, and which keys may."""

from typing import Any

import pytest

from lists.models import Contact, List, Realm
from optout.addresses import digest_of
from optout.choices import HashKind
from optout.models import OptOut
from tests import make
from tests.optout.channels.rest.calls import slug, told
from tests.optout.channels.rest.contact_calls import JANE, JOE, delete, find, get, post, put, shown
from tests.optout.test_contacts import suppress_hash


@pytest.mark.django_db
class TestReading:
    def test_by_address(self, jane: Contact, key: str) -> None:
        for query in ("email=jane@example.com", "email=%20Jane%40EXAMPLE.com"):
            assert told(find(key, query)) == {"contacts": [shown(jane)], "next": None}

    def test_a_plus_stays_a_plus(self, realm: Realm, key: str) -> None:
        contact = make.make_contact(realm, "jane+tag@example.com")

        for query in ("email=jane+tag@example.com", "email=jane%2Btag@example.com"):
            (found,) = told(find(key, query))["contacts"]
            assert found["id"] == str(contact.pk)

    def test_nobody_has_it(self, realm: Realm, jane: Contact, key: str) -> None:
        make.make_contact(make.make_realm("other"), JOE)

        assert told(find(key, "email=joe@example.com")) == {"contacts": [], "next": None}

    def test_one_that_cannot_be_read(self, realm: Realm, key: str) -> None:
        answer = find(key, "email=jane@")

        assert slug(answer, 422) == "invalid"
        assert b"jane" not in answer.content

    def test_by_id_and_by_digest(self, jane: Contact, key: str) -> None:
        for contact_id in (jane.pk, digest_of(JANE).hex()):
            assert told(get(key, contact_id)) == shown(jane)

    @pytest.mark.parametrize("contact_id", ["0", "999999", "-1", "9" * 30, "f" * 32, "x", "1.0"])
    def test_an_id_that_nobody_has(self, jane: Contact, key: str, contact_id: str) -> None:
        assert slug(get(key, contact_id), 404) == "not-found"

    def test_a_contact_of_another_realm(self, realm: Realm, key: str) -> None:
        theirs = make.make_contact(make.make_realm("other"))

        assert get(key, theirs.pk).status_code == 404
        assert get(key, digest_of(JANE).hex()).status_code == 404

    def test_a_phone(self, realm: Realm, key: str) -> None:
        make.make_contact(realm, "+41446681800")

        (found,) = told(find(key, "email=%2B41446681800"))["contacts"]
        assert (found["address"], found["medium"]) == ("+41446681800", "sms")

    @pytest.mark.parametrize("limit", [1, 2, 7, 8])
    def test_the_pages_together_are_all_and_each_once(
        self, realm: Realm, key: str, limit: int
    ) -> None:
        addresses = {f"person{number}@example.com" for number in range(7)}
        for address in addresses:
            make.make_contact(realm, address)
        make.make_contact(make.make_realm("other"), JANE)

        read_so_far: list[str] = []
        query = f"limit={limit}"
        while query:
            page = told(find(key, query))
            read_so_far += [each["address"] for each in page["contacts"]]
            query = f"limit={limit}&cursor={page['next']}" if page["next"] else ""

        assert sorted(read_so_far) == sorted(addresses)

    @pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=1001", "e=1"])
    def test_a_query_that_is_no_good(self, realm: Realm, key: str, query: str) -> None:
        told(find(key, query), 422)

    def test_so_many_parameters_are_none_too_many(self, realm: Realm, key: str) -> None:
        query = "limit=5&" * 150 + "email=jane@example.com"

        assert told(find(key, query))["contacts"] == []

    @pytest.mark.parametrize("kind", HashKind)
    def test_who_is_out_of_everything_is_shown_on_no_list(
        self, realm: Realm, jane: Contact, key: str, kind: HashKind
    ) -> None:
        """Whatever was left over, and under whatever hash the suppression is kept."""
        suppress_hash(make.do_not_mail(realm), JANE, kind)

        assert told(get(key, jane.pk)) == shown(jane, lists=[], do_not_mail=True)

    def test_a_list_that_it_is_out_of_is_not_shown(
        self, realm: Realm, optout_list: List, jane: Contact, key: str
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_subscription(second)
        suppress_hash(optout_list, JANE, HashKind.SHA1)

        assert told(get(key, jane.pk)) == shown(jane, lists=[2])

    def test_a_page_is_two_statements(
        self,
        realm: Realm,
        optout_list: List,
        key: str,
        settings: Any,
        django_assert_num_queries: Any,
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        told(find(key, ""))
        second = make.make_list(realm, 2)
        for number in range(20):
            make.make_contact(realm, f"person{number}@example.com", optout_list, second)

        with django_assert_num_queries(2):
            assert len(told(find(key, "limit=20"))["contacts"]) == 20


@pytest.mark.django_db
class TestRights:
    """What is about no single list needs a key for the whole realm."""

    def calls(self, key: str, contact: Contact) -> list[tuple[str, Any]]:
        return [
            ("read", find(key, "email=jane@example.com")),
            ("read", get(key, contact.pk)),
            ("both", post(key, address=JANE)),
            ("both", put(key, contact, 1)),
            ("write", delete(key, contact.pk)),
        ]

    def test_a_key_of_some_lists(self, realm: Realm, optout_list: List, jane: Contact) -> None:
        key = make.make_api_key(realm, optout_list, make.do_not_mail(realm))

        for _scope, answer in self.calls(key, jane):
            assert slug(answer, 403) == "forbidden"
        assert not OptOut.objects.exists()

    @pytest.mark.parametrize("scope", ["read", "write"])
    def test_a_key_of_one_scope_is_shown_nothing_by_writing(
        self, realm: Realm, jane: Contact, scope: str
    ) -> None:
        rights = {"may_read": scope == "read", "may_write": scope == "write"}
        key = make.make_api_key(realm, **rights)

        for needed, answer in self.calls(key, jane):
            assert (answer.status_code == 403) is (needed != scope)
            assert scope == "read" or JANE not in answer.content.decode()
