"""Contacts changed by many at the same moment: no deadlock, no error, and a state that every one of them could have left."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from lists.lookup import ListSnapshot, snapshot
from lists.models import AuditEntry, Contact, List, Realm, Subscription
from optout.actions import record_optout
from optout.addresses import digest_of, parse_email
from optout.choices import Kind
from optout.contact_resources import add_contact, set_contact_lists
from optout.contacts import (
    AddressTakenError,
    NoContactError,
    Outcome,
    change_address,
    delete_contacts,
    end_subscriptions,
    opt_out_contacts,
    update_contacts,
)
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.test_contacts import (
    ADDED,
    BY_API,
    JANE,
    JOE,
    LATER,
    NEW,
    REFUSED,
    UPDATED,
    change,
    digests,
    on_list,
    record,
    subscribe,
)
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread

TIMES = 20
PEOPLE = [f"person{n}@example.com" for n in range(50)]
EVERYBODY = [digest_of(email) for email in PEOPLE]


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gives back when all are let loose together. The first error is raised."""
    barrier = threading.Barrier(len(works))

    def started(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            barrier.wait(20)
            return work()

        return run

    return [each.result(timeout=60) for each in [in_thread(started(work)) for work in works]]


def shuffled(seed: int, things: Sequence[Any] = PEOPLE) -> list[Any]:
    return random.Random(seed).sample(things, len(things))


@pytest.fixture
def place(optout_list: List) -> ListSnapshot:
    return snapshot(optout_list)


@pytest.fixture
def do_not_mail(realm: Realm) -> ListSnapshot:
    return snapshot(make.do_not_mail(realm))


@pytest.mark.django_db(transaction=True)
class TestTheSameCommandTwentyTimes:
    def test_subscribing_adds_each_contact_once(self, place: ListSnapshot) -> None:
        def command(seed: int) -> Callable[[], list[Outcome]]:
            return lambda: subscribe(place, *[record(each, f"K{each}") for each in shuffled(seed)])

        results = at_once([command(seed) for seed in range(TIMES)])

        outcomes = Counter(outcome for result in results for outcome in result)
        assert outcomes == {ADDED: len(PEOPLE), UPDATED: len(PEOPLE) * (TIMES - 1)}
        assert Contact.objects.count() == Subscription.objects.count() == len(PEOPLE)

    def test_a_customer_key_is_given_once(self, place: ListSnapshot) -> None:
        def command(seed: int) -> Callable[[], list[Outcome]]:
            keys = shuffled(seed, range(10))
            return lambda: subscribe(
                place, *[record(f"{seed}-{key}@example.com", f"K{key}") for key in keys]
            )

        results = at_once([command(seed) for seed in range(TIMES)])

        outcomes = Counter(outcome for result in results for outcome in result)
        assert outcomes == {ADDED: 10, REFUSED: 10 * (TIMES - 1)}
        assert Contact.objects.count() == 10

    def test_updating(self, realm: Realm) -> None:
        for each in PEOPLE:
            make.make_contact(realm, each)

        def command(seed: int) -> Callable[[], list[bool]]:
            records = [record(each, f"K{each}", city=str(seed)) for each in shuffled(seed)]
            return lambda: update_contacts(realm.pk, records, now=LATER)

        assert at_once([command(seed) for seed in range(TIMES)]) == [[True] * len(PEOPLE)] * TIMES
        # the last one wins, as a whole
        assert len({contact.fields["city"] for contact in Contact.objects.all()}) == 1

    def test_force_lifts_each_suppression_once(self, place: ListSnapshot) -> None:
        for each in PEOPLE:
            make.make_optout(place, each)

        def command(seed: int) -> Callable[[], list[Outcome]]:
            return lambda: subscribe(place, *map(record, shuffled(seed)), force=True)

        at_once([command(seed) for seed in range(TIMES)])

        assert not Suppression.objects.exists()
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == len(PEOPLE)
        assert AuditEntry.objects.get().detail["lifted"] == len(PEOPLE)
        assert Subscription.objects.count() == len(PEOPLE)

    def test_taking_off_the_list_counts_each_contact_once(
        self, realm: Realm, place: ListSnapshot, optout_list: List
    ) -> None:
        for each in PEOPLE:
            make.make_contact(realm, each, optout_list)

        def command(seed: int) -> Callable[[], set[bytes]]:
            return lambda: end_subscriptions(place, shuffled(seed, EVERYBODY), now=LATER)

        results = at_once([command(seed) for seed in range(TIMES)])

        assert sorted(each for result in results for each in result) == sorted(EVERYBODY)
        assert not Subscription.objects.exists()

    def test_deleting(self, realm: Realm, do_not_mail: ListSnapshot, optout_list: List) -> None:
        for each in PEOPLE:
            make.make_contact(realm, each, optout_list)

        def command(seed: int) -> Callable[[], int]:
            intents = [make.make_intent(do_not_mail, each) for each in shuffled(seed)]
            return lambda: delete_contacts(intents)

        results = at_once([command(seed) for seed in range(TIMES)])

        assert sorted(results) == [0] * (TIMES - 1) + [len(PEOPLE)]
        assert not Contact.objects.exists()
        assert not Subscription.objects.exists()
        assert Suppression.objects.count() == len(PEOPLE)
        assert OptOut.objects.count() == len(PEOPLE) * TIMES

    def test_changing_an_address(self, realm: Realm, optout_list: List) -> None:
        contact = make.make_contact(realm, JANE, optout_list)

        def command() -> int | None:
            with suppress(NoContactError):
                return change(realm)
            return None

        assert Counter(at_once([command] * TIMES)) == {contact.pk: 1, None: TIMES - 1}
        assert on_list(optout_list) == digests(NEW)

    def test_one_address_for_many_contacts(self, realm: Realm, optout_list: List) -> None:
        for each in PEOPLE[:TIMES]:
            make.make_contact(realm, each, optout_list)

        def command(old: str) -> Callable[[], bool]:
            def run() -> bool:
                with suppress(AddressTakenError):
                    return change(realm, old) > 0
                return False

            return run

        assert at_once([command(each) for each in PEOPLE[:TIMES]]).count(True) == 1
        assert Contact.objects.filter(address=NEW).count() == 1
        assert Contact.objects.count() == Subscription.objects.count() == TIMES


@pytest.mark.django_db(transaction=True)
class TestEverythingAtOnce:
    def commands(
        self, realm: Realm, lists: Sequence[ListSnapshot], do_not_mail: ListSnapshot
    ) -> list[Callable[[int], Any]]:
        def sub(seed: int) -> None:
            subscribe(lists[seed % 2], *[record(each, f"K{each}") for each in shuffled(seed)])

        def force(seed: int) -> None:
            subscribe(lists[seed % 2], *map(record, shuffled(seed)[:25]), force=True)

        def unsub(seed: int, place: ListSnapshot | None = None) -> None:
            place = place or lists[seed % 2]
            people = shuffled(seed)[:25]
            opt_out_contacts(place, [make.make_intent(place, each) for each in people])

        def unsub_everywhere(seed: int) -> None:
            unsub(seed, do_not_mail)

        def leave(seed: int) -> None:
            end_subscriptions(lists[seed % 2], shuffled(seed, EVERYBODY), now=LATER)

        def update(seed: int) -> None:
            update_contacts(
                realm.pk, [record(each, city=str(seed)) for each in shuffled(seed)], now=LATER
            )

        def delete(seed: int) -> None:
            people = shuffled(seed)[:5]
            delete_contacts([make.make_intent(do_not_mail, each) for each in people])

        def move(seed: int) -> None:
            for old, new in zip(shuffled(seed)[:8], shuffled(seed + 1), strict=False):
                with suppress(NoContactError, AddressTakenError):
                    change_address(realm.pk, parse_email(old), parse_email(new), **BY_API)

        return [sub, force, unsub, unsub_everywhere, leave, update, delete, move]

    def resources(
        self, lists: Sequence[ListSnapshot], do_not_mail: ListSnapshot
    ) -> list[Callable[[int], Any]]:
        def add(seed: int) -> None:
            for each in shuffled(seed)[:8]:
                add_contact(do_not_mail, record(each), shuffled(seed, lists), now=LATER)

        def put(seed: int) -> None:
            on = shuffled(seed, lists)[: seed % 3]
            for digest in shuffled(seed, EVERYBODY)[:8]:
                set_contact_lists(do_not_mail, digest.hex(), on, now=LATER)

        return [add, put]

    @pytest.mark.parametrize("seed", range(3))
    def test_the_state_is_one_that_could_be(
        self, realm: Realm, optout_list: List, do_not_mail: ListSnapshot, seed: int
    ) -> None:
        second = make.make_list(realm, 2)
        for each in PEOPLE[:30]:
            make.make_contact(realm, each, optout_list, second)
        lists = [snapshot(optout_list), snapshot(second)]
        kinds = self.commands(realm, lists, do_not_mail) + self.resources(lists, do_not_mail)

        def some(thread: int) -> Callable[[], None]:
            chosen = shuffled(1_000 * seed + thread, kinds)

            def run() -> None:
                for number, command in enumerate(chosen):
                    command(100 * thread + number)

            return run

        at_once([some(thread) for thread in range(8)])

        contacts = {bytes(each) for each in Contact.objects.values_list("digest", flat=True)}
        suppressed = set(Suppression.objects.values_list("optout_list_id", "digest"))
        suppressed = {(list_id, bytes(digest)) for list_id, digest in suppressed}
        for place in Subscription.objects.all():
            digest = bytes(place.digest)
            assert digest in contacts
            assert (place.optout_list_id, digest) not in suppressed
            assert (do_not_mail.id, digest) not in suppressed
        assert suppressed == out_by_the_ledger()


def out_by_the_ledger() -> set[tuple[int, bytes]]:
    """Who is out, when the ledger is read from its beginning."""
    out: set[tuple[int, bytes]] = set()
    for row in OptOut.objects.filter(is_new=True).order_by("id"):
        key = (row.optout_list_id, bytes(row.digest))
        assert (key in out) is (row.kind == Kind.LIFT)
        out ^= {key}
    return out


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    """Two that do not see each other: what the second look after the commit is for."""

    def test_who_opts_out_while_being_subscribed_is_not_on_the_list(
        self, place: ListSnapshot
    ) -> None:
        intent = make.make_intent(place)
        with transaction.atomic():
            assert subscribe(place, record(), record(JOE)) == [ADDED, ADDED]
            in_thread(lambda: record_optout(intent)).result(timeout=20)

        assert {bytes(each.digest) for each in Subscription.objects.all()} == digests(JOE)

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_who_is_subscribed_while_opting_out_is_not_on_the_list(
        self, place: ListSnapshot, do_not_mail: ListSnapshot, everywhere: bool
    ) -> None:
        out_of = do_not_mail if everywhere else place
        with transaction.atomic():
            (recorded,) = opt_out_contacts(out_of, [make.make_intent(out_of)])
            in_thread(lambda: subscribe(place, record())).result(timeout=20)

        assert recorded.is_new
        assert not Subscription.objects.exists()

    def test_an_opt_out_holds_when_the_second_look_fails(
        self, place: ListSnapshot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("optout.contacts.FIND_LEFT_OVER", "SELECT 1 / 0")
        for emails in ([JANE], [JANE, JOE]):
            intents = [make.make_intent(place, each) for each in emails]
            assert len(opt_out_contacts(place, intents)) == len(emails)
            assert "division by zero" in caplog.text
            caplog.clear()

        assert Suppression.objects.count() == 2
        assert opt_out_contacts(place, []) == [] and not caplog.text

    def test_an_opt_out_during_a_force_comes_after_it(self, place: ListSnapshot) -> None:
        make.make_optout(place)
        intent = make.make_intent(place)

        def opt_out() -> bool:
            (recorded,) = opt_out_contacts(place, [intent])
            return recorded.is_new

        with transaction.atomic():
            assert subscribe(place, record(), force=True) == [ADDED]
            again = in_thread(opt_out)
            wait_until_blocked()

        assert again.result(timeout=20)
        assert Suppression.objects.count() == 1
        assert not Subscription.objects.exists()

    def test_what_the_old_address_opts_out_of_during_a_change_is_carried(
        self, realm: Realm, place: ListSnapshot
    ) -> None:
        make.make_contact(realm, JANE)
        intent = make.make_intent(place)
        with transaction.atomic():
            change(realm)
            in_thread(lambda: record_optout(intent)).result(timeout=20)

        assert Suppression.objects.filter(address=NEW).count() == 1

    @pytest.mark.parametrize("keeps_others", [False, True])
    def test_who_opts_out_of_everything_while_being_put_on_lists_is_on_none(
        self, realm: Realm, optout_list: List, do_not_mail: ListSnapshot, keeps_others: bool
    ) -> None:
        """And neither keeps the other waiting for good: both go through the lists in one order."""
        first, second = snapshot(optout_list), snapshot(make.make_list(realm, 2))
        contact = make.make_contact(realm, JANE, optout_list, List.objects.get(pk=second.id))

        def put() -> Outcome | None:
            if keeps_others:
                return add_contact(do_not_mail, record(), [second, first], now=LATER)
            return set_contact_lists(do_not_mail, str(contact.pk), [first], now=LATER)

        with transaction.atomic():
            record_optout(make.make_intent(first))
            putting = in_thread(put)
            wait_until_blocked()
            record_optout(make.make_intent(do_not_mail))

        assert putting.result(timeout=20) == UPDATED
        assert not Subscription.objects.exists()

    def test_what_was_carried_is_carried_once(self, realm: Realm, place: ListSnapshot) -> None:
        make.make_contact(realm, JANE)
        make.make_optout(place)

        change(realm)

        assert OptOut.objects.filter(address=NEW).count() == 1

    def test_a_key_that_is_taken_without_our_locks_is_seen_in_the_end(
        self, realm: Realm, place: ListSnapshot
    ) -> None:
        with transaction.atomic():
            make.make_contact(realm, JOE, customer_key="K1")
            subscribing = in_thread(lambda: subscribe(place, record(key="K1")))
            wait_until_blocked()

        assert subscribing.result(timeout=20) == [REFUSED]
        assert Contact.objects.count() == 1

    def test_so_is_a_key_that_is_given_to_a_known_contact(self, realm: Realm) -> None:
        make.make_contact(realm, JANE)
        with transaction.atomic():
            make.make_contact(realm, JOE, customer_key="K1")
            updating = in_thread(lambda: update_contacts(realm.pk, [record(key="K1")], now=LATER))
            wait_until_blocked()

        assert updating.result(timeout=20) == [False]

    def test_so_is_a_contact_with_the_new_address(self, realm: Realm) -> None:
        make.make_contact(realm, JANE)
        with transaction.atomic():
            make.make_contact(realm, NEW)
            changing = in_thread(lambda: change(realm))
            wait_until_blocked()

        with pytest.raises(AddressTakenError):
            changing.result(timeout=20)
