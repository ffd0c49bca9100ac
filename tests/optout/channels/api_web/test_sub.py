"""`sub`, `update` and `change` beyond the recorded requests; what they write is in tests/optout/test_contacts.py."""

import pytest

from lists.models import AuditEntry, Contact, List, Realm, RealmCredential, Subscription
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.calls import call, line, make_password

JANE, JOE = "jane@example.com", "joe@example.com"


@pytest.fixture(autouse=True)
def _password(realm: Realm) -> RealmCredential:
    return make_password(realm)


def sub(data: str, **given: object) -> str:
    return line(call("acme", "sub", **{"list_id": "1", "format": "1", "data": data, **given}))  # type: ignore[arg-type]


def counted(subscribed: int, added: int, updated: int, ignored: int, failed: int) -> str:
    total = added + updated + ignored + failed
    return (
        f"{'SUCCESS' if subscribed else 'FAILURE'}: Total Records Processed {total}, Total Subscriptions {subscribed},"
        f" Records Added {added}, Records Updated {updated}, Records Ignored (Optout Error) {ignored},"
        f" Records Failed Other Error {failed}"
    )


@pytest.mark.django_db
class TestSub:
    def test_every_kind_of_record_is_counted(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JOE)
        make.make_optout(optout_list, "out@example.com")
        make.make_optout(make.do_not_mail(realm), "nothing@example.com")

        answer = sub(
            f"email,first,custom_age^{JANE},Jane,40^{JOE},Joe,^out@example.com^nothing@example.com^nobody"
            f"^new@example.com,{'x' * 1001}"
        )

        assert answer == counted(2, 1, 1, 2, 2)
        assert Contact.objects.get(address=JANE).fields == {"first": "Jane", "custom_age": "40"}
        assert Subscription.objects.count() == 2
        assert not Contact.objects.filter(address__startswith="new").exists()

    @pytest.mark.parametrize("message_format", ["3", "html", "1.0", "٢"])
    def test_another_format_is_refused(self, optout_list: List, message_format: str) -> None:
        answer = sub(f"email^{JANE}", format=message_format)

        assert answer == "FAILURE: The parameter format must be 1, 2 or 99"
        assert not Contact.objects.exists()

    def test_a_format_that_was_left_out_changes_none(self, optout_list: List) -> None:
        sub(f"email,format^{JANE},2^{JOE},")
        sub(f"email^{JANE}^new@example.com", format="")

        formats = dict(Subscription.objects.values_list("digest", "message_format"))
        by_address = {
            each.address: formats[each.digest] for each in Contact.objects.order_by("address")
        }
        assert by_address == {JANE: 2, JOE: 1, "new@example.com": 99}

    def test_do_not_mail_is_no_list_to_be_put_on(self, realm: Realm) -> None:
        assert sub(f"email^{JANE}", list_id="0").startswith("FAILURE: Error looking up list ids")

    def test_force_lifts_and_is_audited(self, realm: Realm, optout_list: List) -> None:
        """S4.6: the list's opt-out and the realm's; the ledger keeps both."""
        make.make_optout(optout_list, JANE)
        make.make_optout(make.do_not_mail(realm), JANE)

        assert sub(f"email^{JANE}", force_sub="1") == counted(1, 1, 0, 0, 0)

        assert not Suppression.objects.exists()
        assert OptOut.objects.count() == 4
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("force_sub", None)
        assert entry.detail == {"lifted": 2, "credential": realm.credentials.get().pk}

    def test_a_realm_with_keys_wants_one_for_each(self, optout_list: List) -> None:
        """S4.13"""
        Realm.objects.update(uses_customer_key=True)

        assert sub(f"email^{JANE}") == "FAILURE: The field customer_key is required in data"
        assert sub(f"email,customer_key^{JANE},7^{JOE},^x@example.com,7") == counted(1, 1, 0, 0, 2)
        assert Contact.objects.get().customer_key == "7"


@pytest.mark.django_db
class TestUpdateAndChange:
    def test_update_makes_no_contact(self, realm: Realm) -> None:
        make.make_contact(realm, JANE, first="Jane", last="Doe")

        answer = line(call("acme", "update", data=f"email,first,last^{JANE},Janet,^{JOE},Joe,"))

        assert answer == (
            "SUCCESS: 2 record(s) processed. 1 users updated, Records Failed Other Error 1"
        )
        assert Contact.objects.get().fields == {"first": "Janet"}

    def test_change_carries_the_suppression_along(self, realm: Realm, optout_list: List) -> None:
        contact = make.make_contact(realm, JANE, make.make_list(realm, 2))
        make.make_optout(optout_list, JANE)

        answer = line(call("acme", "change", email=JANE, email_new="jane.doe@example.com"))

        assert answer == (
            f"SUCCESS: {JANE} changed to jane.doe@example.com [subscriber ID {contact.pk})"
        )
        suppressed = set(Suppression.objects.values_list("optout_list__number", "address"))
        assert suppressed == {(1, JANE), (1, "jane.doe@example.com")}
        assert Contact.objects.get().address == "jane.doe@example.com"
        assert Subscription.objects.get().optout_list.number == 2

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            (JANE, "nobody", "nobody does not appear to be a valid email address"),
            ("a:b\nc", JOE, "a b c does not appear to be a valid email address"),
            (JOE, "x@example.com", "unable to find subscriber record"),
            (
                JANE,
                "taken@example.com",
                "a subscriber record with the new email address exists already",
            ),
        ],
    )
    def test_change_says_why_not(self, realm: Realm, old: str, new: str, reason: str) -> None:
        make.make_contact(realm, JANE)
        make.make_contact(realm, "taken@example.com")

        assert line(call("acme", "change", email=old, email_new=new)) == f"FAILURE: {reason}"
        assert set(Contact.objects.values_list("address", flat=True)) == {JANE, "taken@example.com"}
