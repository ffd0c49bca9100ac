from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from lists.lookup import ListSnapshot, snapshot
from lists.models import AuditEntry, Contact, List, Realm, Subscription
from optout.addresses import digest_of, hex_digests, parse_email
from optout.choices import Assurance, Channel, HashKind, Kind, Medium, Origin, Reason
from optout.contacts import (
    AddressTakenError,
    ContactRecord,
    NoContactError,
    Outcome,
    belong_together,
    change_address,
    delete_contacts,
    end_subscriptions,
    end_suppressed,
    subscribe_contacts,
    update_contacts,
)
from optout.evidence import Evidence
from optout.models import OptOut, Suppression
from tests import make

JANE, JOE = "jane@example.com", "joe@example.com"
LATER = make.NOW + timedelta(days=1)
BY_PASSWORD = Evidence(ip=ip_address("192.0.2.7"), agent="PHP", extra={"credential": 17})
ADDED, UPDATED = Outcome.ADDED, Outcome.UPDATED
OPTED_OUT, REFUSED = Outcome.OPTED_OUT, Outcome.REFUSED
BY_API: dict[str, Any] = {
    "channel": Channel.API_WEB,
    "assurance": Assurance.API_CREDENTIAL,
    "evidence": BY_PASSWORD,
    "now": LATER,
}


def record(
    email: str = JANE, key: str | None = None, format_: int | None = None, **fields: str
) -> ContactRecord:
    return ContactRecord(parse_email(email), fields, key, format_)


def subscribe(
    optout_list: List | ListSnapshot, *records: ContactRecord, force: bool = False, **more: Any
) -> list[Outcome]:
    place = snapshot(optout_list) if isinstance(optout_list, List) else optout_list
    return subscribe_contacts(place, records, force=force, **BY_API, **more)


def on_list(optout_list: List) -> set[bytes]:
    digests = Subscription.objects.filter(optout_list=optout_list)
    return {bytes(digest) for digest in digests.values_list("digest", flat=True)}


def digests(*emails: str) -> set[bytes]:
    return {digest_of(email) for email in emails}


def suppress_hash(optout_list: List, email: str, kind: HashKind) -> None:
    """As an import of hashes does."""
    full = bytes.fromhex(getattr(hex_digests(email), kind.name.lower()))
    Suppression.objects.create(
        optout_list=optout_list,
        digest=full[:16],
        full_hash=full,
        hash_kind=kind,
        suppressed_at=make.NOW,
        channel=Channel.FILE_IMPORT,
        reason=Reason.MANUAL,
        medium=Medium.EMAIL,
    )


@pytest.mark.django_db
class TestSubscribing:
    def test_an_unknown_address_becomes_a_contact_on_the_list(self, optout_list: List) -> None:
        assert subscribe(optout_list, record("Jane@Example.com", first="Jane")) == [ADDED]

        contact = Contact.objects.get()
        assert (contact.realm_id, contact.address) == (optout_list.realm_id, JANE)
        assert (contact.medium, contact.customer_key) == (Medium.EMAIL, None)
        assert (contact.fields, contact.created_at) == ({"first": "Jane"}, LATER)
        place = Subscription.objects.get()
        assert (place.optout_list, bytes(place.digest)) == (optout_list, digest_of(JANE))
        assert (place.subscribed_at, place.message_format) == (LATER, 99)

    def test_a_known_contact_is_updated_and_stays_the_same(
        self, realm: Realm, optout_list: List
    ) -> None:
        known = make.make_contact(realm, JANE, optout_list, first="Jane", city="Bern", zip="3000")

        assert subscribe(optout_list, record(city="Basel", zip="", fax="1")) == [UPDATED]

        contact = Contact.objects.get()
        assert contact.pk == known.pk
        assert contact.fields == {"first": "Jane", "city": "Basel", "fax": "1"}
        assert contact.created_at == known.created_at
        assert Subscription.objects.get().subscribed_at == make.NOW

    def test_an_empty_field_of_a_new_contact_is_not_kept(self, optout_list: List) -> None:
        subscribe(optout_list, record(first="Jane", last=""))

        assert Contact.objects.get().fields == {"first": "Jane"}

    def test_who_is_on_the_list_stays_on_it_as_before(self, optout_list: List) -> None:
        subscribe(optout_list, record(format_=1))
        subscribe(optout_list, record())

        place = Subscription.objects.get()
        assert (place.message_format, place.subscribed_at) == (1, LATER)

    def test_a_format_that_is_given_is_taken(self, optout_list: List) -> None:
        subscribe(optout_list, record(format_=1))
        subscribe(optout_list, record(format_=2))

        assert Subscription.objects.get().message_format == 2

    def test_the_outcomes_come_in_the_order_of_the_records(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "b@example.com")
        make.make_optout(optout_list, "c@example.com")
        make.make_contact(realm, "d@example.com", customer_key="K4")

        outcomes = subscribe(
            optout_list,
            record("d@example.com", "K5"),
            record("c@example.com"),
            record("b@example.com"),
            record("a@example.com"),
        )

        assert outcomes == [REFUSED, OPTED_OUT, UPDATED, ADDED]
        assert on_list(optout_list) == digests("a@example.com", "b@example.com")

    def test_of_an_address_given_twice_the_last_record_wins(self, optout_list: List) -> None:
        outcomes = subscribe(
            optout_list,
            record(first="Jane", last="Roe", city="Bern", format_=1),
            record("JANE@example.com", "K1", format_=2, last="Doe", city=""),
        )

        assert outcomes == [ADDED, UPDATED]
        contact = Contact.objects.get()
        assert contact.fields == {"first": "Jane", "last": "Doe"}
        assert contact.customer_key == "K1"
        assert Subscription.objects.get().message_format == 2

    def test_other_realms_are_left_alone(self, optout_list: List) -> None:
        other = make.make_realm("other")
        theirs = make.make_list(other)
        make.make_contact(other, JANE, theirs, customer_key="K1", first="Theirs")
        make.make_optout(make.do_not_mail(other), JOE)

        assert subscribe(optout_list, record(key="K1"), record(JOE)) == [ADDED, ADDED]

        assert Contact.objects.get(realm=other).fields == {"first": "Theirs"}
        assert on_list(theirs) == digests(JANE)

    def test_nothing_given_asks_nobody(self, optout_list: List, django_assert_num_queries) -> None:
        place = snapshot(optout_list)
        with django_assert_num_queries(0):
            assert subscribe(place) == []


@pytest.mark.django_db
class TestOptedOut:
    """S4.19: an opt-out prevents a later subscription."""

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_nothing_is_written(self, realm: Realm, optout_list: List, everywhere: bool) -> None:
        make.make_optout(make.do_not_mail(realm) if everywhere else optout_list)
        make.make_contact(realm, first="Jane")

        assert subscribe(optout_list, record(key="K1", first="Joan")) == [OPTED_OUT]

        contact = Contact.objects.get()
        assert (contact.fields, contact.customer_key) == ({"first": "Jane"}, None)
        assert not Subscription.objects.exists()
        assert OptOut.objects.count() == 1

    def test_an_unknown_address_does_not_become_a_contact(self, optout_list: List) -> None:
        make.make_optout(optout_list)

        assert subscribe(optout_list, record()) == [OPTED_OUT]
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("kind", HashKind)
    def test_a_suppression_of_any_hash_counts(self, optout_list: List, kind: HashKind) -> None:
        suppress_hash(optout_list, JANE, kind)

        assert subscribe(optout_list, record(), record(JOE)) == [OPTED_OUT, ADDED]

    def test_out_of_another_list_is_another_matter(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.make_list(realm, 2))

        assert subscribe(optout_list, record()) == [ADDED]

    def test_its_key_is_not_taken(self, optout_list: List) -> None:
        make.make_optout(optout_list)

        assert subscribe(optout_list, record(key="K1"), record(JOE, "K1")) == [OPTED_OUT, ADDED]


@pytest.mark.django_db
class TestForce:
    """S4.6: the forced override, audited."""

    def test_it_lifts_what_the_list_and_the_realm_hold(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(make.do_not_mail(realm))
        suppress_hash(optout_list, JANE, HashKind.MD5)
        make.make_optout(optout_list, JOE)

        assert subscribe(optout_list, record(), force=True) == [ADDED]

        assert Suppression.objects.get().address == JOE
        assert on_list(optout_list) == digests(JANE)
        lifts = OptOut.objects.filter(kind=Kind.LIFT)
        assert [each.is_new for each in lifts] == [True] * 3
        for lift in lifts:
            assert (lift.reason, lift.origin) == (Reason.MANUAL, Origin.OWNER)
            assert (lift.channel, lift.assurance) == (Channel.API_WEB, Assurance.API_CREDENTIAL)
            assert (lift.recorded_at, lift.ip, lift.agent) == (LATER, "192.0.2.7", "PHP")
            assert lift.evidence == {"credential": 17}

    def test_one_audit_entry_tells_how_many(
        self, realm: Realm, optout_list: List, alice: Any
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(optout_list, JOE)
        make.make_optout(make.do_not_mail(realm), JOE)

        subscribe(optout_list, record(), record(JOE), record(JOE), force=True, actor=alice)

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("force_sub", alice, realm)
        assert entry.optout_list == optout_list
        assert entry.detail == {"lifted": 3, "credential": 17}

    def test_who_is_not_out_needs_no_lift(self, optout_list: List) -> None:
        assert subscribe(optout_list, record(), force=True) == [ADDED]
        assert not OptOut.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_a_refused_record_lifts_nothing(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JOE, customer_key="K1")
        make.make_optout(optout_list)

        assert subscribe(optout_list, record(key="K1"), force=True) == [REFUSED]
        assert Suppression.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_other_lists_stay_as_they_are(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        make.make_optout(optout_list)
        make.make_optout(other)

        subscribe(optout_list, record(), force=True)

        assert Suppression.objects.get().optout_list == other


@pytest.mark.django_db
class TestCustomerKeys:
    """S4.13."""

    def test_a_contact_without_one_is_given_it(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm)

        assert subscribe(optout_list, record(key="K1")) == [UPDATED]
        assert Contact.objects.get().customer_key == "K1"

    def test_without_one_the_contact_keeps_its_own(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, customer_key="K1")

        assert subscribe(optout_list, record(), record(key=""), record(key="K1")) == [UPDATED] * 3
        assert Contact.objects.get().customer_key == "K1"

    @pytest.mark.parametrize("email", [JANE, "new@example.com"])
    def test_another_contacts_is_refused(self, realm: Realm, optout_list: List, email: str) -> None:
        make.make_contact(realm)
        make.make_contact(realm, JOE, customer_key="K1")

        assert subscribe(optout_list, record(email, "K1", first="X")) == [REFUSED]
        assert not Contact.objects.exclude(fields={}).exists()
        assert Contact.objects.count() == 2
        assert not Subscription.objects.exists()

    def test_a_second_one_is_refused(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, customer_key="K1")

        assert subscribe(optout_list, record(key="K2")) == [REFUSED]

    def test_within_one_command_the_first_holds_it(self, optout_list: List) -> None:
        outcomes = subscribe(
            optout_list, record(key="K1"), record(JOE, "K1"), record(key="K2"), record(JOE, "K2")
        )

        assert outcomes == [ADDED, REFUSED, REFUSED, ADDED]
        assert set(Contact.objects.values_list("address", "customer_key")) == {
            (JANE, "K1"),
            (JOE, "K2"),
        }

    @pytest.mark.parametrize("key", ["x" * 101, "a\0b", "a\nb", "\ud800"])
    def test_one_that_cannot_be_kept_is_refused(self, optout_list: List, key: str) -> None:
        assert subscribe(optout_list, record(key=key), record(JOE)) == [REFUSED, ADDED]

    def test_belonging_together(self, realm: Realm) -> None:
        make.make_contact(realm, JANE, customer_key="K1")
        make.make_contact(realm, JOE)
        make.make_contact(make.make_realm("other"), "new@example.com", customer_key="K9")
        jane, joe, new = digest_of(JANE), digest_of(JOE), digest_of("new@example.com")
        together = [(jane, "K1"), (joe, "K2"), (new, "K3"), (new, "K9")]
        apart = [(jane, "K2"), (jane, ""), (joe, "K1"), (new, "K1"), (new, "a\0b"), (new, "\ud800")]

        assert belong_together(realm.pk, together) == [True] * len(together)
        assert belong_together(realm.pk, apart) == [False] * len(apart)
        assert belong_together(realm.pk, []) == []


@pytest.mark.django_db
class TestUpdating:
    def test_fields_are_merged_and_nothing_else_is_touched(
        self, realm: Realm, optout_list: List
    ) -> None:
        known = make.make_contact(realm, JANE, first="Jane", city="Bern")

        changes = [record(last="Doe"), record(JOE, first="Joe"), record(key="K1", city="")]
        assert update_contacts(realm.pk, changes, now=LATER) == [True, False, True]

        contact = Contact.objects.get()
        assert (contact.pk, contact.customer_key) == (known.pk, "K1")
        assert contact.fields == {"first": "Jane", "last": "Doe"}
        assert not Subscription.objects.exists()

    def test_it_works_for_who_opted_out(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm)
        make.make_optout(optout_list)

        assert update_contacts(realm.pk, [record(first="Jane")], now=LATER) == [True]

    def test_a_key_that_is_anothers_or_not_its_own_fails(self, realm: Realm) -> None:
        make.make_contact(realm, JANE, customer_key="K1")
        make.make_contact(realm, JOE, customer_key="K2")

        changes = [record(key="K2", first="X"), record(JOE, "K3", first="X"), record(key="K1")]
        assert update_contacts(realm.pk, changes, now=LATER) == [False, False, True]
        assert not Contact.objects.exclude(fields={}).exists()

    def test_an_unknown_address_takes_no_key(self, realm: Realm) -> None:
        make.make_contact(realm, JOE)

        assert update_contacts(realm.pk, [record(key="K1"), record(JOE, "K1")], now=LATER) == [
            False,
            True,
        ]

    def test_what_is_the_same_already_is_not_written(self, realm: Realm) -> None:
        make.make_contact(realm, first="Jane")
        before = written_by(Contact)

        assert update_contacts(realm.pk, [record(first="Jane", last="")], now=LATER) == [True]
        assert written_by(Contact) == before


def written_by(model: type[Contact]) -> list[Any]:
    """Which version each row is."""
    versions = model.objects.extra(select={"version": "ctid::text"})
    return sorted(versions.values_list("version", flat=True))


@pytest.mark.django_db
class TestRemoving:
    def test_ending_subscriptions_tells_who_was_on_the_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_contact(realm, JANE, optout_list, second)
        make.make_contact(realm, JOE, second)
        asked = [digest_of(JANE), digest_of(JOE), digest_of(JANE), bytes(16)]

        assert end_subscriptions(snapshot(optout_list), asked, now=LATER) == digests(JANE)
        assert end_subscriptions(snapshot(optout_list), asked, now=LATER) == set()
        assert end_subscriptions(snapshot(optout_list), [], now=LATER) == set()

        assert on_list(second) == digests(JANE, JOE)
        assert Contact.objects.count() == 2
        assert not OptOut.objects.exists()

    def test_of_do_not_mail_those_of_the_whole_realm_end(
        self, realm: Realm, optout_list: List
    ) -> None:
        elsewhere = make.make_list(make.make_realm("other"))
        for each in (optout_list, make.make_list(realm, 2), elsewhere):
            make.make_subscription(each)

        left = end_subscriptions(snapshot(make.do_not_mail(realm)), [digest_of(JANE)], now=LATER)

        assert left == digests(JANE)
        assert Subscription.objects.get().optout_list == elsewhere

    def test_deleting_forgets_contacts_and_keeps_them_out(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_realm("other")
        make.make_contact(other)
        make.make_contact(realm, JANE, optout_list, customer_key="K1")
        make.make_contact(realm, JOE, optout_list)
        do_not_mail = make.do_not_mail(realm)
        asked = (JANE, "new@example.com", JANE)

        assert delete_contacts([make.make_intent(do_not_mail, each) for each in asked]) == 1
        assert delete_contacts([]) == 0

        assert set(Contact.objects.values_list("realm__name", "address")) == {
            ("acme", JOE),
            ("other", JANE),
        }
        assert on_list(optout_list) == digests(JOE)
        assert Suppression.objects.filter(optout_list=do_not_mail).count() == 2
        assert OptOut.objects.count() == 3
        assert subscribe(optout_list, record(), record("new@example.com")) == [OPTED_OUT] * 2

    def test_what_is_suppressed_ends(self, realm: Realm, optout_list: List) -> None:
        """For after the commit of an opt-out and a subscription that did not see each other."""
        second = make.make_list(realm, 2)
        make.make_optout(optout_list)
        make.make_optout(make.do_not_mail(realm), JOE)
        for email in (JANE, JOE, "new@example.com"):
            make.make_contact(realm, email, optout_list, second)
        asked = list(digests(JANE, JOE, "new@example.com"))

        end_suppressed(snapshot(optout_list), asked)
        assert on_list(optout_list) == digests("new@example.com")
        assert on_list(second) == digests(JANE, JOE, "new@example.com")

        end_suppressed(snapshot(make.do_not_mail(realm)), asked)
        assert on_list(second) == digests(JANE, "new@example.com")


NEW = "jane.new@example.com"


def change(realm: Realm, old: str = JANE, new: str = NEW) -> int:
    return change_address(realm.pk, parse_email(old), parse_email(new), **BY_API)


@pytest.mark.django_db
class TestChangingTheAddress:
    def test_the_contact_and_its_subscriptions_move(self, realm: Realm, optout_list: List) -> None:
        second = make.make_list(realm, 2)
        elsewhere = make.make_list(make.make_realm("other"))
        contact = make.make_contact(
            realm, JANE, optout_list, second, customer_key="K1", first="Jane"
        )
        make.make_subscription(elsewhere)
        Subscription.objects.filter(optout_list=second).update(message_format=1)

        assert change(realm) == contact.pk

        moved = Contact.objects.get()
        assert (moved.pk, moved.address, bytes(moved.digest)) == (contact.pk, NEW, digest_of(NEW))
        assert (moved.customer_key, moved.fields) == ("K1", {"first": "Jane"})
        assert on_list(optout_list) == on_list(second) == digests(NEW)
        place = Subscription.objects.get(optout_list=second)
        assert (place.subscribed_at, place.message_format) == (make.NOW, 1)
        assert on_list(elsewhere) == digests(JANE)
        assert not OptOut.objects.exists()

    def test_what_the_old_one_opted_out_of_the_new_one_is_out_of_too(
        self, realm: Realm, optout_list: List
    ) -> None:
        second, third = make.make_list(realm, 2), make.make_list(realm, 3)
        make.make_contact(realm, JANE, second, third)
        make.make_optout(optout_list, JANE, reason=Reason.COMPLAINED)
        suppress_hash(third, JANE, HashKind.SHA1)

        change(realm)

        assert on_list(second) == digests(NEW)
        assert not on_list(third)
        carried = OptOut.objects.filter(address=NEW).order_by("optout_list__number")
        assert [each.optout_list for each in carried] == [optout_list, third]
        assert [each.reason for each in carried] == [Reason.COMPLAINED, Reason.MANUAL]
        for each in carried:
            assert (each.kind, each.origin, each.is_new) == (Kind.OPT_OUT, Origin.OWNER, True)
            assert (each.channel, each.recorded_at) == (Channel.API_WEB, LATER)
            assert each.evidence == {
                "carried_from": digest_of(JANE).hex(),
                "credential": 17,
            }
        assert Suppression.objects.count() == 4  # the old ones stay

    def test_a_global_opt_out_is_carried_as_one(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(make.do_not_mail(realm))
        make.make_subscription(optout_list)  # left over

        change(realm)

        assert Suppression.objects.filter(optout_list=make.do_not_mail(realm)).count() == 2
        assert not Subscription.objects.exists()

    def test_where_the_new_one_is_out_nothing_is_carried_or_subscribed(
        self, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_contact(realm, JANE, second)
        make.make_optout(optout_list)
        suppress_hash(optout_list, NEW, HashKind.MD5)
        make.make_optout(second, NEW)

        change(realm)

        assert not OptOut.objects.filter(evidence__has_key="carried_from").exists()
        assert not Subscription.objects.exists()

    def test_out_of_everything_the_new_one_is_on_no_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list)
        suppress_hash(make.do_not_mail(realm), NEW, HashKind.SHA256)

        change(realm)

        assert not Subscription.objects.exists()

    def test_subscriptions_that_both_have_become_one(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_subscription(optout_list, NEW)

        change(realm)

        assert on_list(optout_list) == digests(NEW)

    def test_of_an_unknown_address_it_fails(self, realm: Realm) -> None:
        make.make_contact(make.make_realm("other"))

        with pytest.raises(NoContactError):
            change(realm)
        with pytest.raises(NoContactError):
            change(realm, JANE, JANE)

    def test_to_another_contacts_address_it_fails(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_contact(realm, NEW)
        make.make_optout(make.make_list(realm, 2))

        with pytest.raises(AddressTakenError):
            change(realm)

        assert on_list(optout_list) == digests(JANE)
        assert OptOut.objects.count() == 1

    def test_to_the_same_address_nothing_changes(self, realm: Realm, optout_list: List) -> None:
        contact = make.make_contact(realm, JANE, optout_list)
        make.make_optout(make.make_list(realm, 2))

        assert change(realm, JANE, "JANE@example.com") == contact.pk
        assert on_list(optout_list) == digests(JANE)
        assert OptOut.objects.count() == 1


@pytest.mark.django_db
class TestWhenItChanged:
    """What programs poll for: `changed_at` moves with a field, the key, the address or a place on a list, and not without."""

    @pytest.fixture
    def known(self, realm: Realm, optout_list: List) -> Contact:
        contact = make.make_contact(realm, JANE, optout_list, first="Jane")
        Contact.objects.update(changed_at=make.NOW)
        return contact

    @staticmethod
    def changed_at() -> datetime:
        return Contact.objects.get().changed_at

    def test_a_new_contact(self, optout_list: List) -> None:
        subscribe(optout_list, record())

        assert self.changed_at() == LATER

    @pytest.mark.parametrize("again", [record(), record(first="Jane"), record(format_=99)])
    def test_what_was_known_before(
        self, optout_list: List, known: Contact, again: ContactRecord
    ) -> None:
        assert subscribe(optout_list, again) == [UPDATED]

        assert self.changed_at() == make.NOW

    @pytest.mark.parametrize("fresh", [record(last="Doe"), record(key="K1"), record(format_=1)])
    def test_a_field_a_key_a_format(
        self, optout_list: List, known: Contact, fresh: ContactRecord
    ) -> None:
        subscribe(optout_list, fresh)

        assert self.changed_at() == LATER

    def test_a_place_on_another_list(self, realm: Realm, known: Contact) -> None:
        subscribe(make.make_list(realm, 2), record())

        assert self.changed_at() == LATER

    def test_an_update(self, realm: Realm, known: Contact) -> None:
        update_contacts(realm.pk, [record(first="Jane")], now=LATER)
        assert self.changed_at() == make.NOW

        update_contacts(realm.pk, [record(first="Joan")], now=LATER)
        assert self.changed_at() == LATER

    def test_leaving_a_list(self, realm: Realm, optout_list: List, known: Contact) -> None:
        end_subscriptions(snapshot(make.make_list(realm, 2)), [digest_of(JANE)], now=LATER)
        assert self.changed_at() == make.NOW

        end_subscriptions(snapshot(optout_list), [digest_of(JANE)], now=LATER)
        assert self.changed_at() == LATER

    def test_another_address(self, realm: Realm, known: Contact) -> None:
        change(realm)

        assert self.changed_at() == LATER

    def test_other_realms_contacts_stay_as_they_are(
        self, optout_list: List, known: Contact
    ) -> None:
        theirs = make.make_contact(make.make_realm("other"))
        Contact.objects.update(changed_at=make.NOW)

        end_subscriptions(snapshot(optout_list), [digest_of(JANE)], now=LATER)

        assert Contact.objects.get(pk=theirs.pk).changed_at == make.NOW


@pytest.mark.django_db
class TestStatements:
    """Ten thousand records cost as many statements as one."""

    @pytest.fixture(params=[1, 10_000])
    def emails(self, request: pytest.FixtureRequest) -> Sequence[str]:
        return [f"person{n}@example.com" for n in range(request.param)]

    def test_subscribing(self, optout_list: List, emails, django_assert_num_queries) -> None:
        place = snapshot(optout_list)
        records = [record(email, f"K{email}", first="Jo") for email in emails]
        changed = [record(email, f"K{email}", first="Joe") for email in emails]

        # locks, contacts, suppressions, adding, subscribing; the transaction within the test's
        with django_assert_num_queries(5 + 2):
            assert set(subscribe(place, *records)) == {ADDED}
        with django_assert_num_queries(5 + 2):
            assert set(subscribe(place, *changed)) == {UPDATED}
        with django_assert_num_queries(3 + 2):
            assert set(update_contacts(place.realm_id, records, now=LATER)) == {True}
        assert Contact.objects.filter(fields={"first": "Jo"}).count() == len(emails)

    def test_force(self, optout_list: List, emails, django_assert_num_queries) -> None:
        place = snapshot(optout_list)
        for email in emails:
            make.make_optout(place, email)
        records = [record(email) for email in emails]

        with django_assert_num_queries(3 + 2):
            assert set(subscribe(place, *records)) == {OPTED_OUT}
        # also: lifting, suppressions once more, the list, the audit entry
        with django_assert_num_queries(5 + 4 + 2):
            assert set(subscribe(place, *records, force=True)) == {ADDED}
        assert not Suppression.objects.exists()

    def test_removing(self, realm: Realm, optout_list, emails, django_assert_num_queries) -> None:
        place, do_not_mail = snapshot(optout_list), snapshot(make.do_not_mail(realm))
        subscribe(place, *[record(email) for email in emails])
        intents = [make.make_intent(do_not_mail, email) for email in emails]
        asked = [(each.digest, "K") for each in intents]

        with django_assert_num_queries(1):
            belong_together(realm.pk, asked)
        with django_assert_num_queries(1):
            end_suppressed(place, [each.digest for each in intents])
        with django_assert_num_queries(2 + 2):
            left = end_subscriptions(place, [each.digest for each in intents], now=LATER)
        assert len(left) == len(emails)
        with django_assert_num_queries(3 + 2):
            assert delete_contacts(intents) == len(emails)

    def test_changing_an_address_costs_the_same_for_many_lists(
        self, realm: Realm, django_assert_num_queries
    ) -> None:
        lists = [make.make_list(realm, number) for number in range(1, 41)]
        make.make_contact(realm, JANE, *lists[:20])
        for each in lists[20:]:
            make.make_optout(each)

        with django_assert_num_queries(8 + 2):
            change(realm)
