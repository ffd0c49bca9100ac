from typing import Any

import pytest

from lists.models import AuditEntry, List, Realm
from optout.addresses import digest_of
from optout.choices import Assurance, Channel, HashKind, Kind, Origin, Reason
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.test_contacts import suppress_hash

JANE, JOE = "jane@example.com", "joe@example.com"
WHY = "She asked us by phone to be put back."


@pytest.fixture
def key(realm: Realm) -> str:
    return make.make_api_key(realm)


def lift(key: str, number: int, *addresses: Any, reason: Any = WHY, **more: Any) -> Any:
    sent = {"addresses": list(addresses), "reason": reason, **more}
    return call(key, "POST", f"/lists/{number}/suppressions/lift", sent)


@pytest.mark.django_db
class TestLifting:
    def test_the_suppression_ends_and_the_ledger_keeps_both(
        self, realm: Realm, optout_list: List, key: str
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(optout_list, JOE)

        answer = told(lift(key, 1, "Jane@Example.com"))

        assert answer == {"lifted": 1, "not_suppressed": 0, "rejected": []}
        assert Suppression.objects.get().address == JOE
        assert OptOut.objects.filter(kind=Kind.OPT_OUT).count() == 2
        row = OptOut.objects.get(kind=Kind.LIFT)
        assert (row.address, row.is_new) == (JANE, True)
        assert (row.reason, row.origin) == (Reason.MANUAL, Origin.OWNER)
        assert (row.channel, row.assurance) == (Channel.REST, Assurance.API_CREDENTIAL)
        assert row.evidence == {"note": WHY, "api_key": realm.api_keys.get().pk}
        assert row.ip == "192.0.2.7"

    def test_one_audit_entry_tells_how_many_and_no_address(
        self, realm: Realm, optout_list: List, key: str
    ) -> None:
        for address in (JANE, JOE):
            make.make_optout(optout_list, address)

        told(lift(key, 1, JANE, JOE, "new@example.com"))

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("lift_suppressions", None, realm)
        assert entry.optout_list == optout_list
        assert entry.detail == {"key": realm.api_keys.get().pk, "lifted": 2}

    @pytest.mark.parametrize("kind", HashKind)
    def test_under_whatever_hash_it_is_kept(
        self, optout_list: List, key: str, kind: HashKind
    ) -> None:
        suppress_hash(optout_list, JANE, kind)

        assert told(lift(key, 1, JANE))["lifted"] == 1
        assert not Suppression.objects.exists()

    def test_under_two_it_is_one_address(self, optout_list: List, key: str) -> None:
        suppress_hash(optout_list, JANE, HashKind.MD5)
        make.make_optout(optout_list)

        assert told(lift(key, 1, JANE)) == {"lifted": 1, "not_suppressed": 0, "rejected": []}
        assert not Suppression.objects.exists()

    def test_given_twice_it_counts_once(self, optout_list: List, key: str) -> None:
        make.make_optout(optout_list)

        answer = told(lift(key, 1, JANE, JOE, "Jane@Example.com", JOE))

        assert answer == {"lifted": 1, "not_suppressed": 1, "rejected": []}

    def test_of_that_list_only(self, realm: Realm, optout_list: List, key: str) -> None:
        do_not_mail, second = make.do_not_mail(realm), make.make_list(realm, 2)
        theirs = make.make_list(make.make_realm("other"))
        for each in (optout_list, do_not_mail, second, theirs):
            make.make_optout(each)

        told(lift(key, 1, JANE))
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 1
        assert set(Suppression.objects.values_list("optout_list", flat=True)) == {
            do_not_mail.pk,
            second.pk,
            theirs.pk,
        }
        told(lift(key, 0, JANE))
        assert not Suppression.objects.filter(optout_list=do_not_mail).exists()

    def test_who_is_not_suppressed_leaves_no_trace(self, optout_list: List, key: str) -> None:
        answer = told(lift(key, 1, JANE, "nonsense"))

        assert (answer["lifted"], answer["not_suppressed"]) == (0, 1)
        assert [each["index"] for each in answer["rejected"]] == [1]
        assert not OptOut.objects.exists() and not AuditEntry.objects.exists()

    def test_nobody_is_put_back_on_a_list(self, realm: Realm, optout_list: List, key: str) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(optout_list)

        told(lift(key, 1, JANE))

        assert not optout_list.subscriptions.exists()

    @pytest.mark.parametrize("reason", ["", "  ", "\0\x01", "x" * 301, None, 5])
    def test_without_a_reason_nothing_is_lifted(
        self, optout_list: List, key: str, reason: Any
    ) -> None:
        make.make_optout(optout_list)

        told(lift(key, 1, JANE, reason=reason), 422)
        assert Suppression.objects.exists()

    def test_the_reason_is_kept_whole(self, optout_list: List, key: str) -> None:
        make.make_optout(optout_list)

        told(lift(key, 1, JANE, reason=f" {'ü' * 300}\n"))

        row = OptOut.objects.get(kind=Kind.LIFT, evidence__note="ü" * 300)
        assert row.is_new

    def test_none_usable(self, optout_list: List, key: str) -> None:
        assert slug(lift(key, 1, "x"), 422) == "invalid"

    def test_a_key_that_may_not(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(optout_list)
        second = make.make_list(realm, 2)

        assert lift(make.make_api_key(realm, may_write=False), 1, JANE).status_code == 403
        assert lift(make.make_api_key(realm, second), 1, JANE).status_code == 404
        assert lift(make.make_api_key(realm, second), 0, JANE).status_code == 403
        assert Suppression.objects.exists()

    @pytest.mark.parametrize("many", [1, 10_000])
    def test_so_many_statements(
        self, realm: Realm, optout_list: List, key: str, many: int, django_assert_num_queries: Any
    ) -> None:
        told(lift(key, 1, JANE))
        addresses = [f"person{number}@example.com" for number in range(many)]
        told(call(key, "POST", "/lists/1/suppressions", {"addresses": addresses}))

        # key, list; looking, lifting, the list, the audit entry; the transaction within the test's
        with django_assert_num_queries(2 + 4 + 2):
            assert told(lift(key, 1, *addresses))["lifted"] == many
        assert digest_of(addresses[0]) not in {
            bytes(each) for each in Suppression.objects.values_list("digest", flat=True)
        }
