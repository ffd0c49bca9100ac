"""How tries are shared out: pure, with endpoints that answer or hang as the test says."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reporting.webhooks.lines import CONNECTIONS, FAILING_AFTER, Line
from reporting.webhooks.slots import MOST_AT_ONCE, MOST_FURTHER, Slots
from tests import make
from tests.reporting.webhooks.test_lines import waiting

NOW = make.NOW
SECOND = timedelta(seconds=1)


@dataclass(eq=False)
class Endpoint:
    """Something that is served. Whatever it is sent it answers at once, or never."""

    realm_id: int = 1
    hangs: bool = False
    is_on: bool = True
    is_leaving: bool = False
    line: Line = field(default_factory=Line)
    told: int = 0


def make_endpoint(
    realm: int = 1, *, pace: timedelta | None = None, messages: int = 20, hangs: bool = False
) -> Endpoint:
    endpoint = Endpoint(realm, hangs)
    endpoint.line.pace = pace
    add_messages(endpoint, messages)
    return endpoint


def add_messages(endpoint: Endpoint, messages: int) -> None:
    for _ in range(messages):
        endpoint.line.add(waiting(len(endpoint.line) + 1_000 * endpoint.told + 1))


def start(every: list[Endpoint], now: datetime = NOW) -> list[Endpoint]:
    """Whose tries begin, in that order."""
    begun = []
    for endpoint in Slots(every, now):
        assert endpoint.line.take(now)
        begun.append(endpoint)
    return begun


def pass_time(every: list[Endpoint], now: datetime) -> None:
    """Start tries; those of receivers that answer end at once."""
    for endpoint in Slots(every, now):
        delivery = endpoint.line.take(now)
        assert delivery
        if not endpoint.hangs:
            endpoint.line.finish(delivery)
            endpoint.line.note_pace(SECOND / 20)
            endpoint.told += 1


def running(every: list[Endpoint]) -> int:
    return sum(endpoint.line.running for endpoint in every)


class TestShares:
    def test_each_has_one_and_slow_ones_half_of_what_there_is_further(self) -> None:
        slow = [make_endpoint(pace=10 * SECOND) for _ in range(100)]
        slots = Slots(slow, NOW)
        for endpoint in slots:
            assert endpoint.line.take(NOW)
        assert running(slow) == 100 + MOST_FURTHER // 2
        assert slots.is_short

    def test_quick_ones_have_all_of_it(self) -> None:
        quick = [make_endpoint(pace=SECOND) for _ in range(100)]
        start(quick)
        assert running(quick) == 100 + MOST_FURTHER

    def test_one_alone_has_its_connections(self) -> None:
        endpoint = make_endpoint(pace=10 * SECOND)
        slots = Slots([endpoint], NOW)
        for each in slots:
            assert each.line.take(NOW)
        assert endpoint.line.running == CONNECTIONS
        assert not slots.is_short

    def test_slow_ones_of_all_realms_have_half(self) -> None:
        slow = [make_endpoint(n // 50, pace=10 * SECOND) for n in range(1_000)]
        start(slow)
        assert running(slow) == MOST_AT_ONCE // 2

    def test_there_are_no_more_than_that(self) -> None:
        quick = [make_endpoint(n // 50, pace=SECOND) for n in range(1_000)]
        start(quick)
        assert running(quick) == MOST_AT_ONCE

    def test_one_that_fails_counts_as_slow(self) -> None:
        failing = [make_endpoint(n // 50, pace=SECOND) for n in range(1_000)]
        for endpoint in failing:
            endpoint.line.failures = FAILING_AFTER
        start(failing)
        assert running(failing) == MOST_AT_ONCE // 2

    def test_one_that_leaves_starts_nothing_but_its_tries_count(self) -> None:
        leaving = make_endpoint(pace=10 * SECOND)
        start([leaving])
        leaving.is_leaving = True
        others = [make_endpoint(pace=10 * SECOND) for _ in range(50)]
        start([leaving, *others])
        assert leaving.line.running == CONNECTIONS
        assert running(others) == 50 + MOST_FURTHER // 2 - (CONNECTIONS - 1)


class TestTurns:
    def test_realms_by_turns_then_quick_ones_then_whoever_has_least(self) -> None:
        slow = [make_endpoint(1, pace=10 * SECOND, messages=2) for _ in range(2)]
        quick = [make_endpoint(1, pace=SECOND, messages=2) for _ in range(2)]
        other = make_endpoint(2, pace=SECOND, messages=2)
        begun = start([*slow, *quick, other])
        assert begun[:4] == [quick[0], other, quick[1], other]
        assert begun[4:] == [*quick, *slow, *slow]

    def test_a_realm_that_has_many_under_way_comes_after_one_that_has_none(self) -> None:
        busy = [make_endpoint(1, pace=SECOND) for _ in range(30)]
        start(busy)
        for endpoint in busy:
            add_messages(endpoint, 1)
        fresh = make_endpoint(2, pace=SECOND, messages=3)
        assert start([*busy, fresh])[:3] == [fresh] * 3


class TestSlowReceiversDelayNobody:
    """Each time a quick receiver has news; it must have been told when that moment is over."""

    def told_of_each(self, slow: list[Endpoint], good: Endpoint, *, news: int) -> None:
        every = [*slow, good]
        for n in range(news):
            for endpoint in every:
                add_messages(endpoint, 1)
            pass_time(every, NOW + n * SECOND)
            assert good.told == n + 1

    def test_a_hundred_of_a_neighbour(self) -> None:
        slow = [make_endpoint(1, hangs=True, messages=8) for _ in range(100)]
        self.told_of_each(slow, make_endpoint(2, messages=0), news=30)

    def test_eighty_of_its_own_realm(self) -> None:
        slow = [make_endpoint(1, hangs=True, messages=8) for _ in range(80)]
        self.told_of_each(slow, make_endpoint(1, messages=0), news=30)

    def test_eighty_that_were_quick_a_moment_ago(self) -> None:
        slow = [make_endpoint(1, pace=SECOND, hangs=True, messages=0) for _ in range(80)]
        self.told_of_each(slow, make_endpoint(1, pace=SECOND, messages=0), news=30)

    def test_six_realms_full_of_them(self) -> None:
        slow = [make_endpoint(n % 6, hangs=True, messages=8) for n in range(600)]
        good = make_endpoint(7, pace=SECOND, messages=0)
        self.told_of_each(slow, good, news=30)
        assert Counter(endpoint.line.running > 0 for endpoint in slow) == {True: 500, False: 100}
