import threading
import time
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from lists.models import AuditEntry, List, Realm, Subscription, User
from lists.prepared import fetch
from optout.actions import Recorded, record_optout, record_optouts
from optout.addresses import digest_of
from optout.choices import Assurance, Channel, Kind, Origin, Reason
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.models import GlobalLine, OptOut, Suppression
from optout.reverting import (
    RevertFilter,
    count_revertible,
    forget_lines_of,
    revert_optouts,
    undo_optout,
)
from optout.statements import RESUBSCRIBE
from optout.tokens import DoneToken
from tests import make
from tests.threads import in_thread

HER_IP = Evidence(ip=ip_address("192.0.2.7"), agent="Firefox")
NEIGHBOUR = Evidence(ip=ip_address("192.0.2.7"), agent="Chrome")
ELSEWHERE = Evidence(ip=ip_address("198.51.100.1"), agent="Firefox")
FORM, OTHER_FORM = HER_IP.adding(form="aa"), HER_IP.adding(form="bb")
A_SECOND, A_DAY = timedelta(seconds=1), timedelta(days=1)


def token(optout_list: List, recorded: Recorded, **fields: Any) -> DoneToken:
    values = {"recorded_at": make.NOW, "assurance": Assurance.TYPED, **fields}
    return DoneToken(optout_list.pk, recorded.optout_id, recorded.digest, **values)


def undo(done: DoneToken, after: timedelta = A_SECOND) -> bool:
    return undo_optout(done, now=make.NOW + after, evidence=HER_IP)


@pytest.mark.django_db
class TestUndo:
    def test_it_lifts_what_the_request_made(self, optout_list: List) -> None:
        make.make_subscription(optout_list)
        done = token(optout_list, make.make_optout(optout_list))

        assert undo(done)

        assert not Suppression.objects.exists()
        assert Subscription.objects.get().optout_list == optout_list
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert (lift.reason, lift.origin, lift.is_new) == (Reason.UNDONE, Origin.RECIPIENT, True)
        assert lift.evidence == {"undoes": str(done.optout_id)}
        assert lift.address == "jane@example.com"

    def test_twice_is_once(self, optout_list: List) -> None:
        done = token(optout_list, make.make_optout(optout_list))

        assert [undo(done), undo(done)] == [True, False]
        assert OptOut.objects.filter(kind=Kind.LIFT, is_new=True).count() == 1

    @pytest.mark.parametrize(("after", "lifted"), [(A_DAY, True), (A_DAY + A_SECOND, False)])
    def test_within_24_hours(self, optout_list: List, after: timedelta, lifted: bool) -> None:
        """pages.md."""
        done = token(optout_list, make.make_optout(optout_list))

        assert undo(done, after - A_SECOND if lifted else after) is lifted

    def test_an_address_that_was_out_before_stays_out(self, optout_list: List) -> None:
        """AT-46: only for the opt-out which that request made."""
        make.make_optout(optout_list, evidence=ELSEWHERE)
        done = token(optout_list, make.make_optout(optout_list, requested_at=make.NOW + A_SECOND))

        assert not undo(done, 2 * A_SECOND)
        assert Suppression.objects.exists()

    @pytest.mark.parametrize(
        ("evidence", "lifted"),
        [
            (FORM, True),  # a double click
            (OTHER_FORM, False),
            (HER_IP, False),  # the same IP and program prove nothing
            (NEIGHBOUR, False),
            (ELSEWHERE, False),
        ],
    )
    def test_a_second_request_keeps_it_in_force_unless_it_was_the_same_tap(
        self, optout_list: List, evidence: Evidence, lifted: bool
    ) -> None:
        first = make.make_optout(optout_list, evidence=FORM)
        make.make_optout(optout_list, requested_at=make.NOW + A_SECOND, evidence=evidence)

        assert undo(token(optout_list, first), 2 * A_SECOND) is lifted

    def test_of_a_double_click_the_second_token_undoes_too(self, optout_list: List) -> None:
        make.make_optout(optout_list, evidence=FORM)
        later = make.NOW + A_SECOND
        second = make.make_optout(optout_list, evidence=FORM, requested_at=later)

        assert undo(token(optout_list, second), 2 * A_SECOND)

    def test_one_that_may_not_is_written_down_and_changes_nothing(self, optout_list: List) -> None:
        """AT-03: it takes as long as the other. And the next undo of the right token still works."""
        first = make.make_optout(optout_list)
        forged = token(optout_list, make.make_optout(optout_list, evidence=ELSEWHERE))

        assert not undo(forged)

        tried = OptOut.objects.get(kind=Kind.LIFT)
        assert (tried.is_new, tried.reason, tried.address) == (
            False,
            Reason.UNDONE,
            "jane@example.com",
        )
        assert tried.evidence == {"undoes": str(forged.optout_id)}
        assert Suppression.objects.exists()
        assert undo(token(optout_list, first))

    def test_it_runs_the_same_statements_whoever_was_on_the_list(self, optout_list: List) -> None:
        """AT-03: so it takes as long. Only whom the opt-out took off comes back."""
        ran = []
        for address, was_on, was_out in (
            ("on@example.com", True, False),
            ("new@example.com", False, False),
            ("out@example.com", False, True),
        ):
            if was_on:
                make.make_subscription(optout_list, address)
            if was_out:
                make.make_optout(optout_list, address, evidence=ELSEWHERE)
            done = token(optout_list, make.make_optout(optout_list, address))
            with CaptureQueriesContext(connection) as captured:
                assert undo(done) is not was_out
            # without the number in a savepoint's name
            ran.append([each["sql"].split("_x", 1)[0] for each in captured])

        assert ran[0] == ran[1] == ran[2]
        assert RESUBSCRIBE in ran[0]
        assert bytes(Subscription.objects.get().digest) == digest_of("on@example.com")

    @pytest.mark.parametrize("was_out", [True, False])
    def test_once_more_asks_one_question_whatever_there_was(
        self, optout_list: List, was_out: bool, django_assert_num_queries
    ) -> None:
        """AT-03: nothing is locked, so it takes as long."""
        if was_out:
            make.make_optout(optout_list, evidence=ELSEWHERE)
        done = token(optout_list, make.make_optout(optout_list))
        assert undo(done) is not was_out

        with django_assert_num_queries(1):
            assert not undo(done)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_two_tabs_that_are_both_undone_undo_it(
        self, optout_list: List, order: tuple[int, int]
    ) -> None:
        """What one page says was taken back keeps nothing in force; each undo is by its own request's token (AT-46)."""
        tokens = [
            token(optout_list, make.make_optout(optout_list, evidence=form))
            for form in (FORM, OTHER_FORM)
        ]

        first, second = (tokens[number] for number in order)

        assert [undo(first), undo(first), undo(second)] == [False, False, True]
        assert not Suppression.objects.exists()
        lifts = OptOut.objects.filter(kind=Kind.LIFT).order_by("id")
        assert [each.is_new for each in lifts] == [False, True]

    def test_somebody_behind_the_same_ip_cannot_undo_it_later(self, optout_list: List) -> None:
        """AT-46: opting a neighbour out again gives no right to opt them in."""
        make.make_optout(optout_list)
        hour = timedelta(hours=1)
        again = make.make_optout(optout_list, requested_at=make.NOW + hour)

        assert not undo(token(optout_list, again, recorded_at=make.NOW + hour), hour + A_SECOND)
        assert Suppression.objects.exists()

    def test_an_old_token_does_not_undo_a_newer_opt_out(self, optout_list: List) -> None:
        first = token(optout_list, make.make_optout(optout_list))
        undo(first)
        make.make_optout(optout_list, requested_at=make.NOW + 2 * A_SECOND)

        assert not undo(first, 3 * A_SECOND)
        assert Suppression.objects.exists()

    def test_the_list_the_digest_and_the_row_must_belong_together(
        self, realm: Realm, optout_list: List
    ) -> None:
        recorded = make.make_optout(optout_list)
        other = make.make_list(realm, 2)
        make.make_optout(other)

        assert not undo(token(other, recorded))
        assert not undo(token(optout_list, Recorded(recorded.optout_id, bytes(16), True)))
        assert not undo(token(optout_list, Recorded(0, recorded.digest, True)))
        assert Suppression.objects.count() == 2

    def test_subscriptions_do_not_come_back_where_everything_is_stopped(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_subscription(optout_list)
        done = token(optout_list, make.make_optout(optout_list))
        make.make_optout(make.do_not_mail(realm))

        assert undo(done)
        assert not Subscription.objects.exists()


@pytest.mark.django_db
class TestRevert:
    def attack(self, optout_list: List, count: int = 3, **fields: Any) -> None:
        values = {"evidence": ELSEWHERE, "channel": Channel.DIRECT_LINK, **fields}
        for n in range(count):
            make.make_optout(optout_list, f"p{n}@example.com", **values)

    def chosen(self, **fields: Any) -> RevertFilter:
        values = {"since": make.NOW, "until": make.NOW + timedelta(hours=1), **fields}
        return RevertFilter(**values)

    def revert(self, optout_list: List, actor: User, **fields: Any) -> int:
        return revert_optouts(
            optout_list,
            self.chosen(**fields),
            actor=actor,
            now=make.NOW + timedelta(hours=2),
            evidence=HER_IP,
        )

    def test_it_lifts_exactly_what_was_chosen(self, optout_list: List, alice: User) -> None:
        """AT-01."""
        make.make_optout(optout_list, "before@example.com", requested_at=make.NOW - A_SECOND)
        make.make_optout(
            optout_list, "after@example.com", requested_at=make.NOW + timedelta(hours=1)
        )
        make.make_optout(optout_list, "page@example.com", evidence=ELSEWHERE)
        make.make_optout(optout_list, "her@example.com", channel=Channel.DIRECT_LINK)
        self.attack(optout_list)

        chosen = {"channel": Channel.DIRECT_LINK, "network": "198.51.100.0/24"}
        assert count_revertible(optout_list, self.chosen(**chosen)) == 3
        assert self.revert(optout_list, alice, **chosen) == 3

        left = Suppression.objects.order_by("address").values_list("address", flat=True)
        assert list(left) == [
            "after@example.com",
            "before@example.com",
            "her@example.com",
            "page@example.com",
        ]
        assert OptOut.objects.filter(kind=Kind.LIFT, reason=Reason.REVERTED).count() == 3

    def test_without_channel_and_network_it_is_the_whole_time(
        self, optout_list: List, alice: User
    ) -> None:
        make.make_optout(optout_list)
        self.attack(optout_list)

        assert self.revert(optout_list, alice) == 4

    def test_an_address_that_was_out_before_stays_out(self, optout_list: List, alice: User) -> None:
        make.make_optout(optout_list, "p0@example.com", requested_at=make.NOW - A_DAY)
        self.attack(optout_list)

        assert self.revert(optout_list, alice) == 2
        assert Suppression.objects.get().address == "p0@example.com"

    def test_who_asked_again_outside_the_selection_stays_out(
        self, optout_list: List, alice: User
    ) -> None:
        self.attack(optout_list)
        make.make_optout(optout_list, "p1@example.com", channel=Channel.ONE_CLICK)

        assert self.revert(optout_list, alice, channel=Channel.DIRECT_LINK) == 2
        assert Suppression.objects.get().address == "p1@example.com"

    def test_repeats_inside_the_selection_do_not_protect(
        self, optout_list: List, alice: User
    ) -> None:
        self.attack(optout_list)
        self.attack(optout_list)

        assert self.revert(optout_list, alice) == 3

    def test_twice_is_once(self, optout_list: List, alice: User) -> None:
        self.attack(optout_list)

        assert [self.revert(optout_list, alice), self.revert(optout_list, alice)] == [3, 0]

    def test_who_was_lifted_and_asked_anew_later_stays_out(
        self, optout_list: List, alice: User
    ) -> None:
        self.attack(optout_list, 1)
        self.revert(optout_list, alice)
        make.make_optout(optout_list, "p0@example.com", requested_at=make.NOW + A_DAY)

        assert self.revert(optout_list, alice) == 0
        assert Suppression.objects.count() == 1

    def test_other_lists_are_not_touched(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        other = make.make_list(realm, 2)
        self.attack(other)
        self.attack(optout_list)

        assert self.revert(optout_list, alice) == 3
        assert Suppression.objects.filter(optout_list=other).count() == 3

    def test_subscriptions_come_back(self, optout_list: List, alice: User) -> None:
        make.make_subscription(optout_list, "p0@example.com")
        self.attack(optout_list)

        self.revert(optout_list, alice)

        assert Subscription.objects.count() == 1

    def test_one_audit_entry_says_what_was_done(self, optout_list: List, alice: User) -> None:
        self.attack(optout_list)

        self.revert(optout_list, alice, network="198.51.100.1/32")

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("revert_optouts", alice)
        assert entry.detail["lifted"] == 3
        assert entry.detail["network"] == "198.51.100.1/32"

    def test_an_ipv6_network_of_a_household_is_one(self, optout_list: List, alice: User) -> None:
        evidence = Evidence(ip=ip_address("2001:db8:1:2::77"), agent="x")
        self.attack(optout_list, evidence=evidence)

        assert self.revert(optout_list, alice, network="2001:db8:1:2::/64") == 3

    def test_an_operator_is_named_as_such(self, optout_list: List) -> None:
        operator = make.make_user("op@example.com", is_superuser=True)
        self.attack(optout_list, 1)

        self.revert(optout_list, operator)

        assert OptOut.objects.get(kind=Kind.LIFT).origin == Origin.OPERATOR


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def in_threads(self, count: int, work: Any) -> list[Any]:
        results: list[Any] = []

        def run() -> None:
            try:
                results.append(work())
            finally:
                connection.close()

        workers = [threading.Thread(target=run) for _ in range(count)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        return results

    def test_50_threads_with_one_address_make_one_suppression(self, optout_list: List) -> None:
        """AT-47: one suppression, 50 ledger rows, no error."""
        intent = make.make_intent(optout_list)

        results = self.in_threads(50, lambda: record_optout(intent))

        assert len(results) == 50
        assert sum(each.is_new for each in results) == 1
        assert Suppression.objects.count() == 1
        assert OptOut.objects.count() == 50

    def test_an_undo_pressed_many_times_at_once_lifts_once(self, optout_list: List) -> None:
        done = token(optout_list, make.make_optout(optout_list))

        results = self.in_threads(8, lambda: undo(done))

        assert results.count(True) == 1
        assert not Suppression.objects.exists()


def wait_until_blocked(many: int = 1) -> None:
    """Until so many connections of this database wait for a lock: polled, not slept through."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        waiting = fetch("SELECT count(*) FROM pg_locks WHERE NOT granted")
        if waiting[0][0] >= many:
            return
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
class TestAskingAgainMeanwhile:
    """An opt-out that was answered stays in force, whatever is being taken back at the same moment (promise 1, AT-46)."""

    @pytest.fixture(params=["undo", "revert"])
    def take_back(self, request: pytest.FixtureRequest, optout_list: List, alice: User) -> Any:
        recorded = make.make_optout(optout_list)

        def revert() -> bool:
            chosen = RevertFilter(since=make.NOW, until=make.NOW + A_SECOND)
            evidence = Evidence()
            return (
                revert_optouts(
                    optout_list, chosen, actor=alice, now=make.NOW + A_DAY / 2, evidence=evidence
                )
                > 0
            )

        return revert if request.param == "revert" else lambda: undo(token(optout_list, recorded))

    @pytest.fixture(
        params=[record_optout, lambda intent: record_optouts([intent])[0]], ids=["one", "batch"]
    )
    def record_again(self, request: pytest.FixtureRequest, optout_list: List) -> Any:
        intent = make.make_intent(
            optout_list,
            channel=Channel.ONE_CLICK,
            assurance=Assurance.SIGNED,
            evidence=ELSEWHERE,
            requested_at=make.NOW + A_DAY / 3,
        )
        return lambda: request.param(intent)

    def test_an_opt_out_during_it_suppresses_anew(self, take_back: Any, record_again: Any) -> None:
        with transaction.atomic():
            assert take_back()
            again = in_thread(record_again)
            wait_until_blocked()

        assert again.result(timeout=20).is_new
        assert Suppression.objects.count() == 1

    def test_it_waits_for_an_opt_out_that_came_first(
        self, take_back: Any, record_again: Any
    ) -> None:
        with transaction.atomic():
            assert not record_again().is_new
            taking = in_thread(take_back)
            wait_until_blocked()

        assert not taking.result(timeout=20)
        assert Suppression.objects.count() == 1


@pytest.mark.django_db
class TestForgettingGlobalRequests:
    """What Heed sent itself. A line's key is made of what was asked, so other realms may have the same."""

    def test_only_the_realms_own_line_goes(self, realm: Realm) -> None:
        other = make.make_realm("other")
        lines = [make.make_global_request(each) for each in (realm, other)]
        assert lines[0].key == lines[1].key
        make.make_global_request(realm, "joe@example.com")

        forget_lines_of([GlobalRequest(realm.pk, "jane@example.com")])

        left = GlobalLine.objects.order_by("realm").values_list("realm", "email")
        assert list(left) == [(realm.pk, "joe@example.com"), (other.pk, "jane@example.com")]
        assert OptOut.objects.count() == 3
