"""Deleting contacts, and what happens to one at the same moment."""

from typing import Any

import pytest
from django.db import transaction

from lists.lookup import ListSnapshot, snapshot
from lists.models import Contact, List, Realm, Subscription
from optout.actions import record_optout
from optout.addresses import digest_of
from optout.channels.rest import contacts
from optout.choices import Assurance, Channel, Origin, Reason
from optout.contact_cards import ContactCard, find_card
from optout.contacts import delete_contacts
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.channels.rest.contact_calls import JANE, JOE, delete, find, get, post, put
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


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
