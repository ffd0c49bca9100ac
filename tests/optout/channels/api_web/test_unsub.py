"""`unsub` and `delete` beyond the recorded requests."""

from typing import Any

import pytest

from lists.models import Contact, List, Realm, RealmCredential, Subscription
from optout.addresses import digest_of
from optout.choices import Channel, Origin, Reason
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.calls import call, line, make_password

JANE, JOE = "jane@example.com", "joe@example.com"


@pytest.fixture(autouse=True)
def _password(realm: Realm) -> RealmCredential:
    return make_password(realm)


def unsub(**given: Any) -> str:
    return line(call("acme", "unsub", **{"list_id": 1, **given}))


def counted(total: int, done: int, contacts: int, number: int = 1) -> str:
    verdict = "SUCCESS" if done else "FAILURE"
    return (
        f"{verdict}: {total} record(s) processed. {done} users unsubscribed from list(s) {number}"
        f" ({contacts} total contacts), Records Failed Other Error {total - done}"
    )


@pytest.mark.django_db
class TestUnsub:
    def test_without_optout_it_leaves_no_record(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)

        assert unsub(data=f"email^{JANE}") == counted(1, 1, 1)

        assert not Subscription.objects.exists()
        assert not Suppression.objects.exists() and not OptOut.objects.exists()
        assert Contact.objects.count() == 1  # still a contact, on fewer lists

    def test_the_contact_is_not_changed(self, realm: Realm, optout_list: List) -> None:
        """S4.4"""
        made = make.make_contact(realm, JANE, optout_list, first="Jane", custom_age="40")

        unsub(optout=1, data=f"email,first,custom_age,last^{JANE},Janet,,Doe")

        made.refresh_from_db()
        assert made.fields == {"first": "Jane", "custom_age": "40"}

    def test_a_global_opt_out_ends_every_subscription_of_the_realm(
        self, realm: Realm, optout_list: List
    ) -> None:
        """S4.6"""
        make.make_contact(realm, JANE, optout_list, make.make_list(realm, 2, "Other"))
        elsewhere = make.make_list(make.make_realm("other"), 1)
        make.make_subscription(elsewhere, JANE)

        assert unsub(list_id=0, optout=1, data=f"email^{JANE}") == counted(1, 1, 1, number=0)

        assert Subscription.objects.get().optout_list_id == elsewhere.pk
        assert Suppression.objects.get().optout_list.is_global
        row = OptOut.objects.get()
        assert (row.reason, row.origin) == (Reason.UNSUBSCRIBED, Origin.RECIPIENT)

    def test_only_an_unusable_address_fails_with_optout(self, optout_list: List) -> None:
        """S4.17"""
        make.make_optout(optout_list, JOE)

        answer = unsub(optout=1, data=f"email^{JANE}^{JOE}^nobody^^@x.com^jane@x^a b@x.com")

        assert answer == counted(7, 3, 3)
        suppressed = set(Suppression.objects.values_list("address", flat=True))
        assert suppressed == {JANE, JOE, "a+b@x.com"}

    def test_a_failure_changes_nothing(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        for given in (
            {"list_id": ""},
            {"list_id": "1x"},
            {"list_id": "1,2"},
            {"list_id": "99999999999999999999"},
            {"optout": "yes"},
            {"data": ""},
            {"data": JANE},
            {"data": "email"},
            {"data": "email^"},
            {"data": f"first^{JANE}"},
            {"data": f"email,email^{JANE},{JANE}"},
            {"data": f'email^"{JANE}'},
            {"data": f"Email^{JANE}"},
        ):
            answer = unsub(**{"data": f"email^{JANE}", "optout": 1, **given})
            assert answer.startswith("FAILURE: "), given
            assert answer.count(":") == 1 and "\n" not in answer
        assert Subscription.objects.count() == 1
        assert not OptOut.objects.exists()

    def test_a_list_of_another_realm_is_none(self, optout_list: List) -> None:
        make.make_list(make.make_realm("other"), 2)

        answer = unsub(list_id=2, optout=1, data=f"email^{JANE}")

        assert answer == (
            "FAILURE: Error looking up list ids, one or more list ids specified do not belong to your realm"
        )

    def test_ten_thousand_records_are_one_round_of_statements(
        self, optout_list: List, django_assert_max_num_queries
    ) -> None:
        unsub(optout=1, data=f"email^{JANE}")  # the caller and the list are known now
        data = "email^" + "^".join(f"person{n}@example.com" for n in range(10_000))

        with django_assert_max_num_queries(4):
            assert unsub(optout=1, data=data) == counted(10_000, 10_000, 10_000)

        assert Suppression.objects.count() == 10_001
        with django_assert_max_num_queries(6):
            unsub(data=data)

    def test_more_than_ten_thousand_are_refused_as_a_whole(self, optout_list: List) -> None:
        data = "email^" + "^".join(f"person{n}@example.com" for n in range(10_001))

        assert unsub(optout=1, data=data).startswith("FAILURE: ")
        assert not Suppression.objects.exists()


@pytest.mark.django_db
class TestCustomerKey:
    """S4.13"""

    @pytest.fixture(autouse=True)
    def _keys(self, realm: Realm) -> None:
        Realm.objects.update(uses_customer_key=True)

    def test_it_must_be_among_the_fields(self, optout_list: List) -> None:
        answer = unsub(optout=1, data=f"email^{JANE}")

        assert answer == "FAILURE: The field customer_key is required in data"
        assert not OptOut.objects.exists()

    def test_in_any_order(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list, customer_key="11293")
        make.make_contact(realm, JOE, optout_list, customer_key="7")

        assert unsub(data=f"customer_key,email^11293,{JANE}") == counted(1, 1, 1)
        assert unsub(optout=1, data=f"email,customer_key^{JOE},7") == counted(1, 1, 1)

    @pytest.mark.parametrize("optout", [0, 1])
    def test_a_key_of_somebody_else_fails(
        self, realm: Realm, optout_list: List, optout: int
    ) -> None:
        make.make_contact(realm, JANE, optout_list, customer_key="11293")
        make.make_contact(realm, JOE, optout_list, customer_key="7")
        data = f"customer_key,email^7,{JANE}^11293,{JOE}^,{JANE}"

        assert unsub(optout=optout, data=data) == counted(3, 0, 0)
        assert Subscription.objects.count() == 2 and not Suppression.objects.exists()

    def test_an_unknown_address_with_a_key_that_is_nobodys_opts_out(
        self, optout_list: List
    ) -> None:
        """S4.17 beside S4.13: nothing says that the two do not belong together."""
        assert unsub(optout=1, data=f"customer_key,email^8,{JANE}") == counted(1, 1, 1)

    def test_delete_looks_at_it_too(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list, customer_key="11293")

        wrong = line(call("acme", "delete", data=f"customer_key,email^7,{JANE}"))
        right = line(call("acme", "delete", data=f"customer_key,email^11293,{JANE}"))

        assert wrong == "FAILURE: 1 record(s) procesed. 0 users deleted"
        assert right == "SUCCESS: 1 record(s) procesed. 1 users deleted"


@pytest.mark.django_db
class TestDelete:
    def test_it_forgets_the_contact_and_keeps_the_opt_out(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list, first="Jane")

        answer = line(call("acme", "delete", list_id=1, data=f"email^{JANE}^{JOE}^nobody"))

        assert answer == "SUCCESS: 3 record(s) procesed. 2 users deleted"
        assert not Contact.objects.exists() and not Subscription.objects.exists()
        suppressed = Suppression.objects.order_by("address")
        assert [(each.address, each.optout_list.number) for each in suppressed] == [
            (JANE, 0),
            (JOE, 0),
        ]
        row = OptOut.objects.get(digest=digest_of(JANE))
        assert (row.channel, row.origin, row.reason) == (
            Channel.API_WEB,
            Origin.OWNER,
            Reason.MANUAL,
        )

    def test_it_cannot_be_added_again_without_force(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        call("acme", "delete", data=f"email^{JANE}")

        answer = line(call("acme", "sub", list_id=1, format=1, data=f"email^{JANE}"))

        assert answer.startswith("FAILURE: Total Records Processed 1, Total Subscriptions 0")
        assert not Contact.objects.exists()
        forced = call("acme", "sub", list_id=1, format=1, force_sub=1, data=f"email^{JANE}")
        assert line(forced).startswith("SUCCESS: Total Records Processed 1, Total Subscriptions 1")
        assert not Suppression.objects.exists()

    def test_nobody_usable_is_a_failure(self, realm: Realm) -> None:
        assert line(call("acme", "delete", data="email^nobody")) == (
            "FAILURE: 1 record(s) procesed. 0 users deleted"
        )
