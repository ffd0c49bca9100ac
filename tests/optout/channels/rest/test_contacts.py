from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import transaction

from lists.lookup import ListSnapshot, snapshot
from lists.models import Contact, List, Realm, Subscription
from optout.actions import record_optout
from optout.addresses import digest_of
from optout.channels.rest import contacts
from optout.choices import Assurance, Channel, HashKind, Origin, Reason
from optout.contact_cards import ContactCard, find_card
from optout.contacts import delete_contacts
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.test_contacts import suppress_hash
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread

JANE, JOE = "jane@example.com", "joe@example.com"
LATER = datetime(2026, 3, 5, 9, 30, 15, 999_999, tzinfo=UTC)


@pytest.fixture
def key(realm: Realm) -> str:
    return make.make_api_key(realm)


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    contact = make.make_contact(realm, JANE, optout_list, first="Jane")
    Contact.objects.update(created_at=make.NOW, changed_at=make.NOW)
    return contact


def find(key: str, query: str) -> Any:
    return call(key, "GET", "/contacts", query=query)


def get(key: str, contact_id: Any) -> Any:
    return call(key, "GET", f"/contacts/{contact_id}")


def post(key: str, **sent: Any) -> Any:
    return call(key, "POST", "/contacts", sent)


def put(key: str, contact: Contact, *lists: Any, **more: Any) -> Any:
    return call(key, "PUT", f"/contacts/{contact.pk}", {"lists": lists, **more})


def delete(key: str, contact_id: Any) -> Any:
    return call(key, "DELETE", f"/contacts/{contact_id}")


def shown(contact: Contact, **more: Any) -> dict[str, Any]:
    """Jane's, and what is different."""
    return {
        "id": str(contact.pk),
        "address": JANE,
        "medium": "email",
        "lists": [1],
        "fields": {"first": "Jane"},
        "customer_key": None,
        "created_at": "2026-03-04T12:00:00Z",
        "changed_at": "2026-03-04T12:00:00Z",
        "do_not_mail": False,
        **more,
    }


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
class TestWriting:
    def test_a_new_contact(self, realm: Realm, optout_list: List, key: str) -> None:
        make.make_list(realm, 2)
        with time_machine.travel(LATER, tick=False):
            answer = told(
                post(key, address=" Jane@Example.com", lists=[2, 1, 2], fields={"first": "Jane"}),
                201,
            )

        at = "2026-03-05T09:30:15Z"
        contact = Contact.objects.get()
        assert answer == shown(contact, lists=[1, 2], created_at=at, changed_at=at)
        assert Subscription.objects.count() == 2
        assert get(key, contact.pk).json() == answer

    def test_email_is_another_name_for_address(self, realm: Realm, key: str) -> None:
        assert told(post(key, email=JANE), 201)["lists"] == []

    def test_a_known_contact(self, realm: Realm, jane: Contact, key: str) -> None:
        make.make_list(realm, 2)
        with time_machine.travel(LATER, tick=False):
            answer = told(post(key, address=JANE, lists=[2], fields={"first": "", "last": "Doe"}))

        assert answer == shown(
            jane, lists=[1, 2], fields={"last": "Doe"}, changed_at="2026-03-05T09:30:15Z"
        )

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_who_opted_out_is_not_added(
        self, realm: Realm, optout_list: List, key: str, everywhere: bool
    ) -> None:
        make.make_list(realm, 2)
        make.make_optout(make.do_not_mail(realm) if everywhere else optout_list)

        answer = post(key, address=JANE, lists=[2, 1])

        assert slug(answer, 409) == "opted-out"
        assert b"jane" not in answer.content
        assert not Contact.objects.exists() and not Subscription.objects.exists()

    @pytest.mark.parametrize(
        ("sent", "pointer"),
        [
            ({}, "#/address"),
            ({"address": JANE, "email": JANE}, "#/address"),
            ({"address": "jane"}, "#/address"),
            ({"email": ""}, "#/email"),
            ({"address": JANE, "lists": [1, 0]}, "#/lists/1"),
            ({"address": JANE, "lists": [7]}, "#/lists/0"),
            ({"address": JANE, "lists": [-1]}, "#/lists/0"),
            ({"address": JANE, "lists": [2**40]}, "#/lists/0"),
            ({"address": JANE, "lists": ["1"]}, "#/lists/0"),
            ({"address": JANE, "lists": [True]}, "#/lists/0"),
            ({"address": JANE, "lists": 1}, "#/lists"),
            ({"address": JANE, "fields": {"firts": "Jane"}}, "#/fields"),
            ({"address": JANE, "fields": {"first": "x" * 1_001}}, "#/fields"),
            ({"address": JANE, "fields": {"first": 5}}, "#/fields/first"),
            ({"address": JANE, "customer_key": ""}, "#/customer_key"),
            ({"address": JANE, "customer_key": "a\0b"}, "#/customer_key"),
            ({"address": JANE, "customer_key": "x" * 101}, "#/customer_key"),
            ({"address": JANE, "first": "Jane"}, "#/first"),
        ],
    )
    def test_what_cannot_be_is_refused_and_where_it_stands_is_told(
        self, optout_list: List, key: str, sent: dict[str, Any], pointer: str
    ) -> None:
        answer = post(key, **sent)

        assert told(answer, 422)["errors"][0]["pointer"] == pointer
        assert not Contact.objects.exists()

    def test_text_that_cannot_be_stored(self, optout_list: List, key: str) -> None:
        answer = told(post(key, address=JANE, fields={"first": "J\0\ud800ane"}), 201)

        assert answer["fields"] == {"first": "J  ane"}

    def test_sent_once_more_with_an_idempotency_key(self, optout_list: List, key: str) -> None:
        sent = {"address": JANE, "lists": [1]}
        first = call(key, "POST", "/contacts", sent, idempotency_key="x")
        second = call(key, "POST", "/contacts", sent, idempotency_key="x")

        assert first.status_code == second.status_code == 201
        assert first.content == second.content
        assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.django_db
class TestCustomerKeys:
    """S4.13."""

    def test_a_key_is_kept(self, realm: Realm, key: str) -> None:
        assert told(post(key, address=JANE, customer_key="K1"), 201)["customer_key"] == "K1"

    def test_a_realm_that_uses_them_must_give_one(self, realm: Realm, key: str) -> None:
        Realm.objects.update(uses_customer_key=True)

        assert told(post(key, address=JANE), 422)["errors"][0]["pointer"] == "#/customer_key"
        told(post(key, address=JANE, customer_key="K1"), 201)

    def test_one_that_does_not_belong_to_it_is_refused(
        self, realm: Realm, optout_list: List, key: str
    ) -> None:
        make.make_contact(realm, JOE, customer_key="K1")
        make.make_contact(realm, JANE, customer_key="K2")

        for customer_key in ("K1", "K3"):
            answer = post(key, address=JANE, lists=[1], customer_key=customer_key)
            assert told(answer, 422)["errors"][0]["pointer"] == "#/customer_key"
        assert not Subscription.objects.exists()

    def test_an_opt_out_needs_none(self, realm: Realm, key: str) -> None:
        Realm.objects.update(uses_customer_key=True)
        contact = make.make_contact(realm, JANE, customer_key="K1")

        assert delete(key, contact.pk).status_code == 204
        answer = call(key, "POST", "/lists/0/suppressions", {"addresses": [JOE]})
        assert told(answer)["new"] == 1


@pytest.mark.django_db
class TestSettingLists:
    def test_exactly_these(self, realm: Realm, jane: Contact, key: str) -> None:
        make.make_list(realm, 2)
        with time_machine.travel(LATER, tick=False):
            answer = told(put(key, jane, 2, fields={"last": "Doe"}))

        assert answer == shown(
            jane,
            lists=[2],
            fields={"first": "Jane", "last": "Doe"},
            changed_at="2026-03-05T09:30:15Z",
        )

    def test_none_is_removed_and_can_be_added_again(self, jane: Contact, key: str) -> None:
        """Seed 002: not opted out."""
        assert told(put(key, jane))["lists"] == []
        assert not OptOut.objects.exists() and not Suppression.objects.exists()

        assert told(post(key, address=JANE, lists=[1]))["lists"] == [1]

    def test_who_opted_out_is_put_on_none(self, realm: Realm, jane: Contact, key: str) -> None:
        make.make_optout(make.do_not_mail(realm))

        assert slug(put(key, jane, 1, fields={"last": "Doe"}), 409) == "opted-out"
        assert Contact.objects.get().fields == {"first": "Jane"}

    def test_nobody(self, realm: Realm, key: str) -> None:
        theirs = make.make_contact(make.make_realm("other"))

        assert slug(put(key, theirs), 404) == "not-found"

    def test_do_not_mail_is_no_list_to_be_put_on(self, jane: Contact, key: str) -> None:
        assert told(put(key, jane, 0), 422)["errors"][0]["pointer"] == "#/lists/0"

    def test_lists_must_be_said(self, jane: Contact, key: str) -> None:
        """Left out by mistake they would take the contact off all lists."""
        told(call(key, "PUT", f"/contacts/{jane.pk}", {"fields": {}}), 422)
        assert Subscription.objects.count() == 1


@pytest.mark.django_db
class TestDeleting:
    """S2.3: into Do Not Mail, and the owner cannot add it again."""

    def test_it_is_out_of_everything(self, realm: Realm, jane: Contact, key: str) -> None:
        answer = delete(key, jane.pk)

        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert Suppression.objects.get().optout_list == make.do_not_mail(realm)
        row = OptOut.objects.get()
        assert (row.channel, row.assurance) == (Channel.REST, Assurance.API_CREDENTIAL)
        assert (row.reason, row.origin) == (Reason.UNSUBSCRIBED, Origin.RECIPIENT)
        assert (row.ip, row.agent) == ("192.0.2.7", "PHP/8.3")
        assert row.evidence == {"api_key": realm.api_keys.get().pk, "contact": jane.pk}
        found = told(get(key, jane.pk))
        assert (found["lists"], found["do_not_mail"]) == ([], True)
        assert slug(post(key, address=JANE, lists=[1]), 409) == "opted-out"
        assert slug(post(key, address=JANE), 409) == "opted-out"
        assert slug(put(key, jane, 1), 409) == "opted-out"

    def test_repeating_is_harmless(self, jane: Contact, key: str) -> None:
        for _each in range(2):
            assert delete(key, jane.pk).status_code == 204

        assert Suppression.objects.count() == 1

    def test_an_address_of_do_not_mail_that_is_no_contact(self, realm: Realm, key: str) -> None:
        make.make_optout(make.do_not_mail(realm), JOE)

        assert delete(key, digest_of(JOE).hex()).status_code == 204

    @pytest.mark.parametrize("contact_id", ["0", "999999", "9" * 30, "f" * 32, "x"])
    def test_nobody(self, jane: Contact, key: str, contact_id: str) -> None:
        assert slug(delete(key, contact_id), 404) == "not-found"
        assert not OptOut.objects.exists()

    def test_nobody_of_another_realm(self, realm: Realm, key: str) -> None:
        theirs = make.make_contact(make.make_realm("other"))

        assert delete(key, theirs.pk).status_code == 404
        assert not OptOut.objects.exists()


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


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    def test_who_opts_out_while_being_added_is_on_no_list(
        self, optout_list: List, key: str
    ) -> None:
        """The other way in asks nobody, and does not look twice."""
        intent = make.make_intent(optout_list)
        with transaction.atomic():
            told(post(key, address=JANE, lists=[1]), 201)
            in_thread(lambda: record_optout(intent)).result(timeout=20)

        assert not Subscription.objects.exists()
        assert Suppression.objects.count() == 1

    def test_who_is_added_while_a_program_reports_the_opt_out_is_on_no_list(
        self, optout_list: List, key: str
    ) -> None:
        told(find(key, ""))  # that the key was used is noted
        with transaction.atomic():
            told(call(key, "POST", "/lists/1/suppressions", {"addresses": [JANE]}))
            added = in_thread(lambda: post(key, address=JANE, lists=[1])).result(timeout=20)

        assert added.status_code == 201
        assert not Subscription.objects.exists()

    def test_who_is_deleted_while_being_added_is_shown_as_it_was_added(
        self, realm: Realm, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told(find(key, ""))
        intent = make.make_intent(snapshot(make.do_not_mail(realm)))
        deleting: list[Any] = []

        def read_meanwhile(do_not_mail: ListSnapshot, digest: bytes) -> ContactCard | None:
            deleting.append(in_thread(lambda: delete_contacts([intent])))
            wait_until_blocked()
            return find_card(do_not_mail, digest)

        monkeypatch.setattr(contacts, "find_card", read_meanwhile)

        assert told(post(key, address=JANE), 201)["do_not_mail"] is False
        assert deleting[0].result(timeout=20) == 1
        assert not Contact.objects.exists()

    def test_adding_and_deleting_at_once(self, realm: Realm, optout_list: List, key: str) -> None:
        contact = make.make_contact(realm, JANE)
        told(find(key, ""))

        calls = [
            in_thread(lambda: delete(key, contact.pk))
            if number % 2
            else in_thread(lambda: post(key, address=JANE, lists=[1]))
            for number in range(12)
        ]

        assert {each.result(timeout=20).status_code for each in calls} <= {200, 204, 409}
        assert not Subscription.objects.exists()
        assert Suppression.objects.count() == 1
