"""Taking a contact off a list while somebody else changes it: nothing else is undone, and 204 means that it was taken off."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from lists.lookup import ListSnapshot, snapshot
from lists.models import Contact, List, Realm, Subscription
from optout.actions import record_optout
from optout.addresses import parse_email
from optout.contact_locks import lock_contacts
from optout.contact_records import ContactRecord
from optout.contact_resources import add_contact
from optout.contacts import end_subscriptions
from optout.models import OptOut
from tests import make
from tests.optout.test_contacts import JANE, LATER, NEW, change
from tests.optout.test_reverting import wait_until_blocked
from tests.reporting.contacts_http.calls import V2
from tests.threads import in_thread


@pytest.fixture
def second(realm: Realm) -> List:
    return make.make_list(realm, 2)


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    """On list 1."""
    return make.make_contact(realm, JANE, optout_list)


@pytest.fixture
def leave(realm: Realm, jane: Contact) -> Callable[..., Any]:
    """Takes Jane off list 1, or off all."""
    caller = V2(make.make_api_key(realm))
    caller.get("lists")  # that the key was used is noted

    def leave(lists: str = "lists/1") -> int:
        return int(caller.write("DELETE", f"contacts/{jane.pk}/{lists}").status_code)

    return leave


def places() -> set[int]:
    return set(Subscription.objects.values_list("optout_list__number", flat=True))


@pytest.mark.django_db
class TestLeaving:
    def test_one_list_and_then_it_is_not_there(
        self, jane: Contact, second: List, leave: Callable[..., Any]
    ) -> None:
        make.make_subscription(second)

        assert [leave(), leave()] == [204, 404]

        assert places() == {2}
        assert Contact.objects.get().changed_at > jane.changed_at
        assert not OptOut.objects.exists()

    def test_all_lists_as_often_as_one_likes(self, second: List, leave: Callable[..., Any]) -> None:
        make.make_subscription(second)

        assert [leave("lists"), leave("lists")] == [204, 204]
        assert places() == set()

    @pytest.mark.parametrize("list_id", ["2", "9", "0", "active", "do-not-mail", "removed", "x"])
    def test_no_list_that_it_is_on(
        self, second: List, leave: Callable[..., Any], list_id: str
    ) -> None:
        assert leave(f"lists/{list_id}") == 404
        assert places() == {1}


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    @pytest.fixture
    def do_not_mail(self, realm: Realm) -> ListSnapshot:
        return snapshot(make.do_not_mail(realm))

    def test_a_list_that_it_is_just_being_put_on_stays(
        self, do_not_mail: ListSnapshot, second: List, leave: Callable[..., Any]
    ) -> None:
        record = ContactRecord(parse_email(JANE), {})
        with transaction.atomic():
            add_contact(do_not_mail, record, [snapshot(second)], now=LATER)
            leaving = in_thread(leave)
            wait_until_blocked()

        assert leaving.result(timeout=20) == 204
        assert places() == {2}

    def test_an_opt_out_of_another_list_does_not_keep_it_on_this_one(
        self, realm: Realm, jane: Contact, second: List, leave: Callable[..., Any]
    ) -> None:
        make.make_subscription(second)
        with transaction.atomic():
            lock_contacts(realm.pk, [bytes(jane.digest)])
            record_optout(make.make_intent(snapshot(second)))
            leaving = in_thread(leave)
            wait_until_blocked()

        assert leaving.result(timeout=20) == 204
        assert places() == set()

    def test_of_two_one_takes_it_off(
        self, optout_list: List, jane: Contact, leave: Callable[..., Any]
    ) -> None:
        with transaction.atomic():
            end_subscriptions(snapshot(optout_list), [bytes(jane.digest)], now=LATER)
            leaving = in_thread(leave)
            wait_until_blocked()

        assert leaving.result(timeout=20) == 404

    def test_it_is_found_under_the_address_that_it_is_just_being_given(
        self, realm: Realm, leave: Callable[..., Any]
    ) -> None:
        with transaction.atomic():
            change(realm)
            leaving = in_thread(leave)
            wait_until_blocked()

        assert leaving.result(timeout=20) == 204
        assert Contact.objects.get().address == NEW
        assert places() == set()
