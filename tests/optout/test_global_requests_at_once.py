"""Global requests made by many at the same moment: every one is counted, none is half recorded, and nobody is locked out."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DataError, transaction
from django.db.models import Q, Sum

from lists.models import List, Realm
from optout.actions import Recorded, record_optout, record_optouts
from optout.choices import Assurance, Channel, RefusalCause
from optout.contacts import delete_contacts
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent
from optout.models import GlobalLine, OptOut, Suppression
from optout.quarantine import accept_quarantined, quarantine_optout
from optout.reverting import undo_optout
from optout.tokens import DoneToken
from tests import make
from tests.optout.test_contacts_at_once import at_once, out_by_the_ledger, shuffled
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 40
JANE, PHONE = "jane@example.com", "+12025550123"
PEOPLE = [(f"p{n}@example.com", f"+120255501{n:02}") for n in range(20)]


@pytest.fixture
def dnm(realm: Realm) -> List:
    return make.do_not_mail(realm)


def request(optout_list: List, email: str, phone: str = "", **more: Any) -> list[OptOutIntent]:
    """The intents of one request, as the channel makes them; `more` is of the report and the time."""
    requested_at = more.pop("requested_at", make.NOW)
    report = GlobalRequest(realm_id=optout_list.realm_id, email=email, phone=phone, **more)
    return [
        make.make_intent(
            optout_list,
            address,
            channel=Channel.GLOBAL_API,
            assurance=Assurance.PREFILLED,
            requested_at=requested_at,
            global_request=None if number else report,
        )
        for number, address in enumerate(filter(None, (email, phone)))
    ]


def counts() -> dict[tuple[str, str], int]:
    lines = GlobalLine.objects.values_list("email", "phone", "unsubscribe_count")
    return {(email, phone): count for email, phone, count in lines}


class TestTheSameRequestManyTimes:
    def test_one_address(self, dnm: List) -> None:
        """One statement for a single intent: every request counted, one of them new."""
        (intent,) = request(dnm, JANE)

        results = at_once([lambda: record_optout(intent)] * TIMES)

        assert Counter(each.is_new for each in results) == {True: 1, False: TIMES - 1}
        assert counts() == {(JANE, ""): TIMES}
        assert Suppression.objects.count() == 1
        assert OptOut.objects.count() == len({each.optout_id for each in results}) == TIMES

    def test_two_addresses_in_either_order(self, dnm: List) -> None:
        intents = request(dnm, JANE, PHONE)
        orders = [intents, intents[::-1]]

        results = at_once([partial(record_optouts, orders[n % 2]) for n in range(TIMES)])

        assert Counter(each.is_new for pair in results for each in pair)[True] == 2
        assert counts() == {(JANE, PHONE): TIMES}
        assert Suppression.objects.count() == 2
        assert OptOut.objects.count() == 2 * TIMES

    def test_single_and_in_batches(self, dnm: List) -> None:
        (intent,) = request(dnm, JANE)

        def command(n: int) -> Callable[[], Any]:
            return lambda: record_optouts([intent] * 3) if n % 2 else record_optout(intent)

        at_once([command(n) for n in range(TIMES)])

        assert counts() == {(JANE, ""): TIMES // 2 * 4}
        assert Suppression.objects.count() == 1
        assert OptOut.objects.count() == TIMES // 2 * 4

    def test_the_line_keeps_the_first_values_and_the_latest_time(self, dnm: List) -> None:
        """However late a transaction commits, `last_seen_at` never goes back."""

        def command(n: int) -> Callable[[], Recorded]:
            at = make.NOW + timedelta(minutes=n)
            (intent,) = request(dnm, JANE, requested_at=at, publisher=f"p{n}", custom1=f"p{n}")
            return lambda: record_optout(intent)

        at_once([command(n) for n in shuffled(1, range(TIMES))])

        line = GlobalLine.objects.get()
        assert line.unsubscribe_count == TIMES
        assert line.last_seen_at == make.NOW + timedelta(minutes=TIMES - 1)
        assert line.publisher == line.custom1 == f"p{(line.first_seen_at - make.NOW).seconds // 60}"

    def test_a_product_that_changes_its_list_meanwhile(self, realm: Realm, dnm: List) -> None:
        """The same lines by way of two lists, in any order: they share nothing but the lines."""
        lists = [dnm, make.make_list(realm)]

        def command(n: int) -> Callable[[], Any]:
            people = shuffled(n, PEOPLE)
            return partial(
                record_optouts,
                [each for person in people for each in request(lists[n % 2], *person)],
            )

        at_once([command(n) for n in range(TIMES)])

        assert counts() == dict.fromkeys(PEOPLE, TIMES)
        assert Suppression.objects.count() == 4 * len(PEOPLE)
        assert OptOut.objects.count() == TIMES * 2 * len(PEOPLE)


class World:
    """What may be happening at one moment; `sent` says how many requests have made or counted up a line."""

    def __init__(self, realm: Realm, dnm: List) -> None:
        self.dnm, self.mapped = dnm, make.make_list(realm)
        self.sent: list[int] = []
        for email, _phone in PEOPLE:
            make.make_contact(realm, email, self.mapped)
            quarantine_optout(request(dnm, email)[0], RefusalCause.ADDRESS_LIMIT)
        self.kinds: list[Callable[[int], None]] = [
            self.single,
            self.pairs,
            self.batch,
            self.accept,
            self.delete,
            self.undo,
        ]

    def single(self, seed: int) -> None:
        for email, phone in shuffled(seed, PEOPLE)[:5]:
            record_optout(request(self.dnm, email)[0])
            record_optout(request(self.mapped, phone, product_number=1)[0])
            self.sent.append(2)

    def pairs(self, seed: int) -> None:
        for email, phone in shuffled(seed, PEOPLE)[:8]:
            record_optouts(shuffled(seed, request(self.dnm, email, phone)))
            self.sent.append(1)

    def batch(self, seed: int) -> None:
        people = shuffled(seed, PEOPLE)
        record_optouts([each for person in people for each in request(self.dnm, *person)])
        self.sent.append(len(people))

    def accept(self, _seed: int) -> None:
        self.sent.append(accept_quarantined(self.dnm, Q(), actor=None, now=make.NOW))

    def delete(self, seed: int) -> None:
        people = shuffled(seed, PEOPLE)[:3]
        delete_contacts([make.make_intent(self.dnm, email) for email, _phone in people])

    def undo(self, seed: int) -> None:
        for email, _phone in shuffled(seed, PEOPLE)[:3]:
            (intent,) = request(self.dnm, email)
            optout_id = record_optout(intent).optout_id
            self.sent.append(1)
            token = DoneToken(self.dnm.pk, optout_id, intent.digest, make.NOW, Assurance.TYPED)
            undo_optout(token, now=make.NOW, evidence=intent.evidence)


class TestEverythingAtOnce:
    @pytest.mark.parametrize("seed", range(3))
    def test_nobody_is_locked_out_and_every_request_is_counted(
        self, realm: Realm, dnm: List, seed: int
    ) -> None:
        """Single requests, pairs and batches in any order, the owner who accepts what waits, scripts and undo."""
        world = World(realm, dnm)

        def some(thread: int) -> Callable[[], None]:
            def run() -> None:
                for number, kind in enumerate(shuffled(1_000 * seed + thread, world.kinds)):
                    kind(100 * thread + number)

            return run

        at_once([some(thread) for thread in range(8)])

        assert GlobalLine.objects.aggregate(n=Sum("unsubscribe_count"))["n"] == sum(world.sent)
        suppressed = Suppression.objects.values_list("optout_list_id", "digest")
        assert {(list_id, bytes(key)) for list_id, key in suppressed} == out_by_the_ledger()


class TestAllOfItOrNone:
    def test_whoever_waits_for_one_that_fails_is_recorded(self, dnm: List) -> None:
        """A request whose transaction is rolled back leaves nothing; who waited for it is the first."""
        (intent,) = request(dnm, JANE)
        with transaction.atomic():
            record_optout(intent)
            waiting = in_thread(lambda: record_optout(intent))
            wait_until_blocked()
            transaction.set_rollback(True)

        assert waiting.result(timeout=20).is_new
        assert counts() == {(JANE, ""): 1}
        assert Suppression.objects.count() == OptOut.objects.count() == 1

    @pytest.mark.parametrize("phone", ["", PHONE])
    def test_a_line_that_cannot_be_written_takes_the_rest_with_it(
        self, dnm: List, phone: str
    ) -> None:
        broken = request(dnm, JANE, phone, form="no uuid")
        good = request(dnm, JANE, phone)
        errors: list[Exception] = []

        def fail() -> None:
            try:
                record_optouts(broken)
            except DataError as error:
                errors.append(error)

        works = [fail, lambda: record_optouts(good)]
        at_once([works[n % 2] for n in range(TIMES)])

        assert len(errors) == TIMES // 2
        assert counts() == {(JANE, phone): TIMES // 2}
        assert OptOut.objects.count() == TIMES // 2 * len(good)

    def test_who_reads_meanwhile_sees_all_of_a_request_or_nothing(self, dnm: List) -> None:
        intents = request(dnm, JANE, PHONE)
        done = threading.Event()

        def look() -> set[tuple[int, int, int]]:
            seen: set[tuple[int, int, int]] = set()
            while not done.is_set() or not seen:
                with transaction.atomic():
                    transaction.get_connection().cursor().execute(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
                    )
                    lines = sum(counts().values())
                    seen.add((2 * lines, OptOut.objects.count(), Suppression.objects.count()))
            return seen

        looking = in_thread(look)
        at_once([lambda: record_optouts(intents)] * TIMES)
        done.set()

        for twice_the_count, rows, suppressions in looking.result(timeout=20):
            assert twice_the_count == rows
            assert suppressions == (2 if rows else 0)
