from collections.abc import Callable

import pytest

from lists.models import List, Realm, Subscription
from optout.actions import Recorded, record_optout, record_optouts
from optout.choices import Assurance, Channel
from optout.intents import OptOutIntent
from optout.models import OptOut, Suppression
from tests import make

type Record = Callable[[OptOutIntent], Recorded]


def record_as_batch(intent: OptOutIntent) -> Recorded:
    (recorded,) = record_optouts([intent])
    return recorded


@pytest.fixture(params=[record_optout, record_as_batch], ids=["one", "batch"])
def record(request: pytest.FixtureRequest) -> Record:
    """The operation for one and for many are the same thing: the same cases."""
    chosen: Record = request.param
    return chosen


@pytest.mark.django_db
class TestRecording:
    def test_it_suppresses_and_writes_the_ledger(self, record: Record, optout_list: List) -> None:
        recorded = record(make.make_intent(optout_list, "Jane@Example.com"))

        suppression = Suppression.objects.get()
        assert suppression.address == "jane@example.com"
        assert suppression.optout_list_id == optout_list.id
        assert suppression.suppressed_at == make.NOW
        row = OptOut.objects.get()
        assert row.id == recorded.optout_id
        assert recorded.is_new
        assert row.is_new
        assert (row.channel, row.assurance) == (Channel.PAGE, Assurance.TYPED)
        assert (row.ip, row.agent) == ("192.0.2.7", "Firefox")
        assert row.evidence == {"raw": "Jane@Example.com"}
        assert row.left_lists is None

    def test_repeating_keeps_one_suppression_and_adds_a_ledger_row(
        self, record: Record, optout_list: List
    ) -> None:
        record(make.make_intent(optout_list))
        again = record(make.make_intent(optout_list))

        assert not again.is_new
        assert Suppression.objects.count() == 1
        assert list(OptOut.objects.order_by("id").values_list("is_new", flat=True)) == [True, False]

    def test_it_ends_the_subscription_to_that_list_only(
        self, record: Record, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_subscription(optout_list)
        make.make_subscription(optout_list, "joe@example.com")
        make.make_subscription(second)

        record(make.make_intent(optout_list))

        left = Subscription.objects.values_list("optout_list_id", flat=True)
        assert sorted(left) == [optout_list.id, second.id]
        assert OptOut.objects.get().left_lists == [optout_list.id]

    def test_a_global_one_ends_every_subscription_of_the_realm(
        self, record: Record, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        elsewhere = make.make_list(make.make_realm("other"))
        for each in (optout_list, second, elsewhere):
            make.make_subscription(each)

        record(make.make_intent(make.do_not_mail(realm)))

        assert Subscription.objects.get().optout_list_id == elsewhere.id
        assert OptOut.objects.get().left_lists == [optout_list.id, second.id]

    def test_it_is_one_statement(
        self, record: Record, optout_list: List, django_assert_num_queries
    ) -> None:
        intent = make.make_intent(optout_list)

        with django_assert_num_queries(1):
            record(intent)


@pytest.mark.django_db
class TestBatch:
    def test_it_is_one_statement(self, optout_list: List, django_assert_num_queries) -> None:
        intents = [make.make_intent(optout_list, f"person{n}@example.com") for n in range(500)]

        with django_assert_num_queries(1):
            recorded = record_optouts(intents)

        assert all(each.is_new for each in recorded)
        assert [each.digest for each in recorded] == [intent.digest for intent in intents]
        assert Suppression.objects.count() == OptOut.objects.count() == 500

    def test_an_address_twice_is_new_once(self, optout_list: List) -> None:
        make.make_subscription(optout_list)

        intent = make.make_intent(optout_list)
        first, second = record_optouts([intent, intent])

        assert (first.is_new, second.is_new) == (True, False)
        assert first.optout_id < second.optout_id
        assert OptOut.objects.filter(left_lists=[optout_list.id]).count() == 1

    def test_nothing_to_record_asks_nobody(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(0):
            assert record_optouts([]) == []
