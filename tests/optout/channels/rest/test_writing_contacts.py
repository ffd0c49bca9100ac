"""Adding contacts, and setting their lists."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from lists.models import Contact, List, Realm, Subscription
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.channels.rest.contact_calls import JANE, JOE, delete, get, post, put, shown

LATER = datetime(2026, 3, 5, 9, 30, 15, 999_999, tzinfo=UTC)


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
            ({"phone": "+14155552671", "address": "+14155552672"}, "#/address"),
            ({"phone": "+14155552671", "email": JANE}, "#/address"),
            ({"phone": ""}, "#/phone"),
            ({"phone": JANE}, "#/phone"),
            ({"phone": 14155552671}, "#/phone"),
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
