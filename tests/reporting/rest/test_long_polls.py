import socket
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from reporting.rest import long_polls
from reporting.rest.long_polls import wait_for, wait_while_running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, each time; the time passes by itself."""
    waited: list[float] = []
    monkeypatch.setattr(long_polls, "pause", waited.append)
    monkeypatch.setattr(long_polls, "monotonic", lambda: sum(waited))
    return waited


@pytest.fixture
def _running() -> Iterator[None]:
    yield
    wait_while_running(lambda: True)


class TestWaiting:
    def test_it_looks_until_there_is_something(self, pauses: list[float]) -> None:
        wait_for(lambda: len(pauses) == 4, 30)
        assert pauses == [0.2] * 4

    def test_it_ends_when_the_time_is_over(self, pauses: list[float]) -> None:
        wait_for(lambda: False, 0.5)
        assert pauses == pytest.approx([0.2, 0.2, 0.1])

    def test_as_many_wait_as_there_are_threads_for(
        self, pauses: list[float], settings: Settings
    ) -> None:
        settings.LONG_POLLS_AT_ONCE = 2
        others = [long_polls.long_polls.take(f"thread {n}") for n in (-1, -2)]
        try:
            assert wait_for(lambda: False, 30) is False
            assert pauses == []
        finally:
            for each in others:
                assert each is not None
                each.give_back()
        assert wait_for(lambda: False, 1) is True
        assert sum(pauses) == pytest.approx(1)

    def test_it_makes_room_whatever_happens(self, pauses: list[float]) -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                wait_for(lambda: bool(1 / 0), 30)
        assert len(pauses) == 5

    @pytest.mark.usefixtures("_running")
    def test_it_ends_when_the_process_stops(self, pauses: list[float]) -> None:
        wait_while_running(lambda: len(pauses) < 3)
        wait_for(lambda: False, 30)
        assert len(pauses) == 3


class TestAClientThatLeaves:
    def test_it_is_not_waited_for(self, pauses: list[float]) -> None:
        client, ours = socket.socketpair()
        with ours:
            client.close()
            wait_for(lambda: False, 30, ours)
        assert pauses == []

    def test_one_that_stays_is(self, pauses: list[float]) -> None:
        client, ours = socket.socketpair()
        with ours, client:
            client.sendall(b"GET / HTTP/1.1")  # the next request, already
            wait_for(lambda: False, 1, ours)
        assert sum(pauses) == pytest.approx(1)
