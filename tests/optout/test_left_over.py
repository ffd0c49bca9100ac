"""Subscriptions beside a suppression, as an opt-out leaves them that runs while the address is subscribed."""

import random
from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.db import transaction

from lists.lookup import snapshot
from lists.models import Contact, List, Realm, Subscription
from lists.prepared import fetch
from optout.actions import record_optouts
from optout.left_over import end_left_over_subscriptions
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.test_contacts import JANE, JOE, digests, on_list, record, subscribe
from tests.optout.test_contacts_at_once import PEOPLE, at_once, shuffled
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


def leave_over(optout_list: List, *emails: str, out_of: List | None = None) -> None:
    """Both written, neither seeing the other."""
    for email in emails:
        make.make_optout(out_of or optout_list, email)
        make.make_subscription(optout_list, email)


@pytest.mark.django_db
class TestTheSweep:
    def test_it_ends_those_of_the_list_alone(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE)
        leave_over(optout_list, JANE)
        make.make_subscription(optout_list, JOE)
        second = make.make_list(realm, 2)
        make.make_subscription(second, JANE)

        assert end_left_over_subscriptions() == 1
        assert on_list(optout_list) == digests(JOE)
        assert on_list(second) == digests(JANE)
        assert Contact.objects.count() == OptOut.objects.count() == Suppression.objects.count() == 1
        assert end_left_over_subscriptions() == 0

    def test_do_not_mail_ends_those_of_every_list_of_the_realm(
        self, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        theirs = make.make_list(make.make_realm("other"))
        leave_over(optout_list, JANE, out_of=make.do_not_mail(realm))
        for each in (second, theirs):
            make.make_subscription(each, JANE)

        assert end_left_over_subscriptions() == 2
        assert (on_list(optout_list), on_list(second)) == (set(), set())
        assert on_list(theirs) == digests(JANE)

    def test_a_realm_without_do_not_mail_does_not_stop_the_others(self, optout_list: List) -> None:
        bare = Realm.objects.create(name="bare", sender_name="Bare")
        leave_over(make.make_list(bare), JANE)
        leave_over(optout_list, JOE)

        assert end_left_over_subscriptions() == 2

    def test_who_is_out_of_both_counts_once(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.do_not_mail(realm), JANE)
        leave_over(optout_list, JANE)

        assert end_left_over_subscriptions() == 1

    @pytest.mark.parametrize("batch", [1, 2, 3, 50, 51])
    def test_it_goes_on_batch_by_batch(self, optout_list: List, batch: int) -> None:
        leave_over(optout_list, *PEOPLE)
        make.make_subscription(optout_list, JOE)

        with patch("optout.left_over.BATCH", batch):
            assert end_left_over_subscriptions() == len(PEOPLE)
        assert on_list(optout_list) == digests(JOE)


def lift_by_hand() -> None:
    fetch("DELETE FROM optout_suppression")


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    @pytest.mark.parametrize("by_force", [True, False])
    def test_who_is_just_let_in_again_stays(self, optout_list: List, by_force: bool) -> None:
        leave_over(optout_list, JANE)
        with transaction.atomic():
            if by_force:
                subscribe(optout_list, record(), force=True)
            else:
                lift_by_hand()
            swept = in_thread(end_left_over_subscriptions)
            wait_until_blocked()

        assert swept.result(timeout=20) == 0
        assert on_list(optout_list) == digests(JANE)

    def test_it_locks_nobody_out(self, realm: Realm, optout_list: List) -> None:
        """Opt-outs, forced subscriptions and sweeps in any order: no deadlock, and what is left over the next sweep ends."""
        do_not_mail = make.do_not_mail(realm)
        leave_over(optout_list, *PEOPLE)

        def work(seed: int) -> Callable[[], object]:
            people = shuffled(seed)[:25]
            place = random.Random(seed).choice((optout_list, do_not_mail))
            return (
                end_left_over_subscriptions,
                lambda: record_optouts([make.make_intent(place, each) for each in people]),
                lambda: subscribe(snapshot(optout_list), *map(record, people), force=True),
            )[seed % 3]

        at_once([work(seed) for seed in range(18)])
        end_left_over_subscriptions()

        suppressed = {bytes(each.digest) for each in Suppression.objects.all()}
        assert not on_list(optout_list) & suppressed
        assert not Subscription.objects.exclude(optout_list=optout_list).exists()
