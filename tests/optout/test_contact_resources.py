from threading import Event
from typing import Any

import pytest
from django.db import transaction

from lists.lookup import ListSnapshot, snapshot
from lists.models import Contact, List, Realm, Subscription
from optout.actions import record_optout
from optout.addresses import digest_of, hex_digests
from optout.choices import Assurance, Channel, HashKind, Kind, Origin, Reason
from optout.contact_locks import lock_contacts
from optout.contact_records import Outcome
from optout.contact_resources import add_contact, opt_out_resource, set_contact_lists
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.test_contacts import (
    ADDED,
    BY_PASSWORD,
    JANE,
    JOE,
    LATER,
    NEW,
    OPTED_OUT,
    REFUSED,
    UPDATED,
    change,
    digests,
    on_list,
    record,
    suppress_hash,
)
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


@pytest.fixture
def do_not_mail(realm: Realm) -> ListSnapshot:
    return snapshot(make.do_not_mail(realm))


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    """On one list, and unchanged since NOW."""
    contact = make.make_contact(realm, JANE, optout_list, first="Jane")
    Contact.objects.update(changed_at=make.NOW)
    return contact


def opt_out(do_not_mail: ListSnapshot, contact_id: Any, **more: Any) -> bool:
    return opt_out_resource(
        do_not_mail,
        str(contact_id),
        channel=Channel.REST,
        assurance=Assurance.API_CREDENTIAL,
        evidence=BY_PASSWORD,
        now=LATER,
        **more,
    )


def add(do_not_mail: ListSnapshot, *lists: List, **said: Any) -> Outcome:
    return add_contact(do_not_mail, record(**said), [snapshot(each) for each in lists], now=LATER)


def put(do_not_mail: ListSnapshot, contact: Any, *lists: List, **fields: str) -> Outcome | None:
    contact_id = str(contact.pk if isinstance(contact, Contact) else contact)
    places = [snapshot(each) for each in lists]
    return set_contact_lists(do_not_mail, contact_id, places, fields=fields, now=LATER)


def changed_at() -> Any:
    return Contact.objects.get().changed_at


@pytest.mark.django_db
class TestOptingOut:
    """S2.3: a deleted contact goes to Do Not Mail."""

    def test_the_contact_stays_and_is_on_no_list_any_more(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        make.make_subscription(make.make_list(realm, 2))

        assert opt_out(do_not_mail, jane.pk)

        assert Suppression.objects.get().optout_list_id == do_not_mail.id
        assert not Subscription.objects.exists()
        assert Contact.objects.get().fields == {"first": "Jane"}
        assert changed_at() == LATER

    def test_the_ledger_says_who_asked(self, do_not_mail: ListSnapshot, jane: Contact) -> None:
        opt_out(do_not_mail, jane.pk)
        opt_out(do_not_mail, jane.pk, reason=Reason.MANUAL, origin=Origin.OWNER)

        first, second = OptOut.objects.order_by("id")
        assert (first.reason, first.origin) == (Reason.UNSUBSCRIBED, Origin.RECIPIENT)
        assert (second.reason, second.origin) == (Reason.MANUAL, Origin.OWNER)
        assert (first.is_new, second.is_new) == (True, False)
        assert (first.channel, first.assurance) == (Channel.REST, Assurance.API_CREDENTIAL)
        assert first.evidence == {"credential": 17, "contact": jane.pk}
        assert first.recorded_at == LATER

    def test_repeated_it_changes_nothing(self, do_not_mail: ListSnapshot, jane: Contact) -> None:
        opt_out(do_not_mail, jane.pk)
        Contact.objects.update(changed_at=make.NOW)

        assert opt_out(do_not_mail, jane.pk)

        assert OptOut.objects.count() == 2
        assert changed_at() == make.NOW

    def test_repeated_it_may_end_a_place_that_was_left_over(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        make.make_optout(do_not_mail)
        make.make_subscription(optout_list)

        assert opt_out(do_not_mail, jane.pk)

        assert not Subscription.objects.exists()
        assert changed_at() == LATER

    def test_by_the_digest_of_its_address(self, do_not_mail: ListSnapshot, jane: Contact) -> None:
        assert opt_out(do_not_mail, digest_of(JANE).hex())

        assert OptOut.objects.get().address == JANE
        assert changed_at() == LATER

    def test_an_address_of_do_not_mail_that_is_no_contact(self, do_not_mail: ListSnapshot) -> None:
        make.make_optout(do_not_mail, JOE)

        assert opt_out(do_not_mail, digest_of(JOE).hex())

        assert list(OptOut.objects.order_by("id").values_list("address", "is_new")) == [
            (JOE, True),
            (JOE, False),
        ]

    def test_one_that_is_known_by_a_hash_alone_is_out_already(
        self, do_not_mail: ListSnapshot
    ) -> None:
        suppress_hash(List.objects.get(), JANE, HashKind.MD5)
        before = Suppression.objects.values().get()

        assert opt_out(do_not_mail, hex_digests(JANE).md5)

        row = OptOut.objects.get()
        assert (row.optout_list_id, row.kind, row.is_new) == (do_not_mail.id, Kind.OPT_OUT, False)
        assert (bytes(row.digest).hex(), row.address) == (hex_digests(JANE).md5, None)
        assert (row.channel, row.assurance) == (Channel.REST, Assurance.API_CREDENTIAL)
        assert (row.reason, row.origin) == (Reason.UNSUBSCRIBED, Origin.RECIPIENT)
        assert (row.recorded_at, row.evidence) == (LATER, {"credential": 17})
        assert Suppression.objects.values().get() == before

    @pytest.mark.parametrize(
        "contact_id",
        ["0", "-1", "999999", "9" * 18, "9" * 19, "1.0", " 1", "٣", "", "x", "ab" * 15, "f" * 32],
    )
    def test_nobody(self, do_not_mail: ListSnapshot, jane: Contact, contact_id: str) -> None:
        assert not opt_out(do_not_mail, contact_id)
        assert not OptOut.objects.exists()

    def test_nobody_of_another_realm(self, jane: Contact) -> None:
        theirs = snapshot(make.do_not_mail(make.make_realm("other")))

        assert not opt_out(theirs, jane.pk)
        assert not opt_out(theirs, digest_of(JANE).hex())
        assert not OptOut.objects.exists()

    def test_an_address_of_another_list_alone_is_nobody(
        self, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        make.make_optout(optout_list, JOE)

        assert not opt_out(do_not_mail, digest_of(JOE).hex())


@pytest.mark.django_db
class TestAdding:
    def test_a_new_one_is_put_on_the_lists(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)

        assert add(do_not_mail, optout_list, second, key="K1", first="Jane") == ADDED

        contact = Contact.objects.get()
        assert (contact.address, contact.customer_key) == (JANE, "K1")
        assert (contact.fields, contact.created_at) == ({"first": "Jane"}, LATER)
        assert contact.changed_at == LATER
        assert on_list(optout_list) == on_list(second) == digests(JANE)

    def test_without_lists(self, do_not_mail: ListSnapshot) -> None:
        assert add(do_not_mail) == ADDED
        assert Contact.objects.count() == 1

    def test_a_known_one_keeps_the_lists_it_is_on(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        second = make.make_list(realm, 2)

        assert add(do_not_mail, second, second, last="Doe") == UPDATED

        assert Contact.objects.get().fields == {"first": "Jane", "last": "Doe"}
        assert on_list(optout_list) == on_list(second) == digests(JANE)
        assert changed_at() == LATER

    def test_nothing_new_changes_nothing(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        assert add(do_not_mail, optout_list, first="Jane") == UPDATED

        assert changed_at() == make.NOW
        assert Subscription.objects.get().subscribed_at == make.NOW

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_who_opted_out_is_not_added(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List, everywhere: bool
    ) -> None:
        make.make_optout(do_not_mail if everywhere else optout_list)

        assert add(do_not_mail, make.make_list(realm, 2), optout_list) == OPTED_OUT
        assert not Contact.objects.exists() and not Subscription.objects.exists()

    def test_who_is_out_of_everything_is_not_added_to_no_list(
        self, do_not_mail: ListSnapshot
    ) -> None:
        make.make_optout(do_not_mail)

        assert add(do_not_mail) == OPTED_OUT

    @pytest.mark.parametrize("kind", HashKind)
    def test_a_suppression_of_any_hash_counts(
        self, do_not_mail: ListSnapshot, optout_list: List, kind: HashKind
    ) -> None:
        suppress_hash(optout_list, JANE, kind)

        assert add(do_not_mail, optout_list) == OPTED_OUT

    def test_another_ones_customer_key_is_refused(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        make.make_contact(realm, JOE, customer_key="K1")

        assert add(do_not_mail, optout_list, key="K1") == REFUSED
        assert Contact.objects.count() == 1 and not Subscription.objects.exists()


@pytest.mark.django_db
class TestSettingLists:
    def test_exactly_these(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        second, third = make.make_list(realm, 2), make.make_list(realm, 3)
        make.make_subscription(second)

        assert put(do_not_mail, jane, second, third) == UPDATED

        assert on_list(optout_list) == set()
        assert on_list(second) == on_list(third) == digests(JANE)
        assert Subscription.objects.get(optout_list=second).subscribed_at == make.NOW
        assert changed_at() == LATER

    def test_none_is_removed_and_can_be_added_again(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        assert put(do_not_mail, jane) == UPDATED

        assert not Subscription.objects.exists()
        assert not OptOut.objects.exists() and not Suppression.objects.exists()
        assert changed_at() == LATER
        assert add(do_not_mail, optout_list) == UPDATED

    def test_the_same_ones_change_nothing(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        assert put(do_not_mail, jane, optout_list) == UPDATED
        assert changed_at() == make.NOW

    def test_fields_that_are_given_change(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        assert put(do_not_mail, jane, optout_list, first="", last="Doe") == UPDATED

        assert Contact.objects.get().fields == {"last": "Doe"}
        assert changed_at() == LATER

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_who_opted_out_is_put_on_nothing(
        self,
        realm: Realm,
        do_not_mail: ListSnapshot,
        optout_list: List,
        jane: Contact,
        everywhere: bool,
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_optout(do_not_mail if everywhere else second)
        before = on_list(optout_list)

        assert put(do_not_mail, jane, optout_list, second, last="Doe") == OPTED_OUT

        assert on_list(optout_list) == before
        assert Contact.objects.get().fields == {"first": "Jane"}

    def test_who_is_out_of_everything_may_be_on_no_list(
        self, do_not_mail: ListSnapshot, jane: Contact
    ) -> None:
        make.make_optout(do_not_mail)

        assert put(do_not_mail, jane) == UPDATED
        assert Suppression.objects.count() == 1

    def test_an_address_of_do_not_mail_that_is_no_contact(
        self, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        make.make_optout(do_not_mail, JOE)

        assert put(do_not_mail, digest_of(JOE).hex(), optout_list) == OPTED_OUT

    def test_nobody(self, do_not_mail: ListSnapshot, jane: Contact) -> None:
        theirs = snapshot(make.do_not_mail(make.make_realm("other")))

        assert put(do_not_mail, 999_999) is None
        assert put(theirs, jane) is None
        assert Subscription.objects.count() == 1

    def test_other_realms_are_left_alone(
        self, do_not_mail: ListSnapshot, optout_list: List, jane: Contact
    ) -> None:
        theirs = make.make_list(make.make_realm("other"))
        make.make_subscription(theirs)

        put(do_not_mail, jane)

        assert on_list(theirs) == digests(JANE)


@pytest.mark.django_db
class TestStatements:
    """However many lists, as many statements; and one more for each list to look once more after the commit."""

    @pytest.mark.parametrize("many", [1, 40])
    def test_them(
        self, realm: Realm, do_not_mail: ListSnapshot, many: int, django_assert_num_queries: Any
    ) -> None:
        lists = [snapshot(make.make_list(realm, number)) for number in range(1, many + 1)]

        # locks, contacts, suppressions, the contact, its lists; the transaction within the test's
        with django_assert_num_queries(5 + 2):
            add_contact(do_not_mail, record(), lists, now=LATER)
        contact_id = str(Contact.objects.get().pk)
        # whose it is, locks, whose it is now, in a savepoint; suppressions, its lists
        with django_assert_num_queries(5 + 4):
            set_contact_lists(do_not_mail, contact_id, lists, now=LATER)
        # whose it is, locks, whose it is now, in a savepoint; the opt-out, the time
        with django_assert_num_queries(5 + 4):
            opt_out(do_not_mail, contact_id)


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    """What is written at the same moment, and does not see the other."""

    def test_who_opts_out_while_being_added_is_on_no_list(
        self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        intent = make.make_intent(optout_list)
        with transaction.atomic():
            assert add(do_not_mail, optout_list, second) == ADDED
            in_thread(lambda: record_optout(intent)).result(timeout=20)

        assert on_list(optout_list) == set()
        assert on_list(second) == digests(JANE)

    def test_who_is_added_while_being_deleted_is_on_no_list(
        self, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        contact = make.make_contact(Realm.objects.get(), JANE)
        place = snapshot(optout_list)
        with transaction.atomic():
            assert opt_out(do_not_mail, contact.pk)
            adding = in_thread(lambda: add_contact(do_not_mail, record(), [place], now=LATER))
            wait_until_blocked()

        assert adding.result(timeout=20) == OPTED_OUT
        assert not Subscription.objects.exists()

    def test_a_hash_that_is_just_being_lifted_is_nobody(self, do_not_mail: ListSnapshot) -> None:
        suppress_hash(List.objects.get(), JANE, HashKind.MD5)
        with transaction.atomic():
            Suppression.objects.all().delete()
            deleting = in_thread(lambda: opt_out(do_not_mail, hex_digests(JANE).md5))
            wait_until_blocked()

        assert not deleting.result(timeout=20)
        assert not OptOut.objects.exists()

    def test_a_contact_that_moves_is_deleted_under_its_new_address(
        self, do_not_mail: ListSnapshot, optout_list: List
    ) -> None:
        contact = make.make_contact(Realm.objects.get(), JANE)
        with transaction.atomic():
            change(Realm.objects.get())
            deleting = in_thread(lambda: opt_out(do_not_mail, contact.pk))
            wait_until_blocked()

        assert deleting.result(timeout=20)
        assert OptOut.objects.get(kind=Kind.OPT_OUT).address == NEW

    def test_the_new_address_is_locked_too(self, realm: Realm, do_not_mail: ListSnapshot) -> None:
        contact = make.make_contact(realm, JANE)
        is_held, may_end = Event(), Event()

        def hold_the_new_one() -> None:
            with transaction.atomic():
                lock_contacts(realm.pk, [digest_of(NEW)])
                is_held.set()
                may_end.wait(timeout=20)

        holding = in_thread(hold_the_new_one)
        assert is_held.wait(timeout=20)
        try:
            with transaction.atomic():
                lock_contacts(realm.pk, [digest_of(JANE)])
                Contact.objects.update(digest=digest_of(NEW), address=NEW)
                deleting = in_thread(lambda: opt_out(do_not_mail, contact.pk))
                wait_until_blocked()
            wait_until_blocked()  # for the new one now
            assert not OptOut.objects.exists()
        finally:
            may_end.set()

        holding.result(timeout=20)
        assert deleting.result(timeout=20)

    def test_while_it_moves_nobody_holds_one_address_and_waits_for_the_other(
        self, realm: Realm, do_not_mail: ListSnapshot
    ) -> None:
        contact = make.make_contact(realm, JANE)
        both = [digest_of(JANE), digest_of(NEW)]

        def look_once_more() -> None:
            """As whoever gave it the address does after the commit."""
            with transaction.atomic():
                lock_contacts(realm.pk, both)

        with transaction.atomic():
            lock_contacts(realm.pk, both[:1])
            Contact.objects.update(digest=both[1], address=NEW)
            deleting = in_thread(lambda: opt_out(do_not_mail, contact.pk))
            wait_until_blocked()
            looking = in_thread(look_once_more)
            wait_until_blocked(2)

        looking.result(timeout=20)
        assert deleting.result(timeout=20)
        assert OptOut.objects.get().address == NEW

    def test_deleting_many_times_at_once(self, do_not_mail: ListSnapshot) -> None:
        contact = make.make_contact(Realm.objects.get(), JANE)

        threads = [in_thread(lambda: opt_out(do_not_mail, contact.pk)) for _ in range(8)]

        assert all(each.result(timeout=20) for each in threads)
        assert OptOut.objects.filter(is_new=True).count() == 1
        assert OptOut.objects.count() == 8
        assert changed_at() == LATER
