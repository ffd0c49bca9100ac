import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from reporting.webhooks import names
from reporting.webhooks.names import NameNotKnownError, Names

PATIENCE = 20.0  # seconds at most


class NameServer:
    """Answers look-ups by a table (host → addresses; none: not known); keeps some waiting until they are let go."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.threads: set[str] = set()

    def __call__(self, host: str, port: object, **_options: object) -> list[tuple]:
        self.asked.append(host)
        self.threads.add(threading.current_thread().name)
        if host in self.held:
            self.held[host].wait(PATIENCE)
        if host == "broken":
            raise UnicodeError("label too long")
        if not self.known.get(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
            for address in self.known[host]
        ]

    @contextmanager
    def holding(self, *hosts: str) -> Iterator[None]:
        """Answer nobody who asks for these names until the block is over."""
        self.held = {host: threading.Event() for host in hosts}
        try:
            yield
        finally:
            for event in self.held.values():
                event.set()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    server.known = {"crm.example.com": ["192.0.2.1", "192.0.2.2", "192.0.2.1"]}
    monkeypatch.setattr(names, "getaddrinfo", server)
    return server


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock by which answers grow old."""
    now = [0.0]
    monkeypatch.setattr(names, "monotonic", lambda: now[0])

    def set_clock(seconds: float) -> None:
        now[0] = seconds

    return set_clock


async def look_up(known: Names, host: str = "crm.example.com") -> list[str]:
    return [each["host"] for each in await known.resolve(host, 443)]


class TestLookingUp:
    def test_gives_each_address_once_in_order(self, server):
        async def run() -> None:
            found = await Names().resolve("crm.example.com", 443)
            assert [(each["host"], each["port"]) for each in found] == [
                ("192.0.2.1", 443),
                ("192.0.2.2", 443),
            ]

        asyncio.run(run())

    def test_is_done_in_a_thread_of_its_own(self, server):
        asyncio.run(look_up(Names()))
        assert server.threads == {"look-up"}

    def test_no_more_addresses_than_few(self, server):
        server.known["many.example.com"] = [f"192.0.2.{number}" for number in range(200)]
        assert len(asyncio.run(look_up(Names(), "many.example.com"))) == names.MAX_ADDRESSES

    @pytest.mark.parametrize("host", ["nowhere.example.com", "broken"])
    def test_an_unknown_name_is_told(self, server, host):
        with pytest.raises(NameNotKnownError):
            asyncio.run(look_up(Names(), host))

    def test_without_a_thread_to_spare_it_is_as_if_unknown(self, server, monkeypatch):
        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NameNotKnownError):
            asyncio.run(look_up(Names()))


class TestKeptAnswers:
    def test_are_used_for_a_while(self, server, at):
        async def run() -> None:
            known = Names()
            for moment in (0, names.KEPT, names.KEPT + 1):
                at(moment)
                await look_up(known)

        asyncio.run(run())
        assert len(server.asked) == 2

    def test_that_a_name_is_unknown_is_asked_again_sooner(self, server, at):
        async def run() -> None:
            known = Names()
            for moment in (0, names.UNKNOWN_KEPT):
                at(moment)
                with pytest.raises(NameNotKnownError):
                    await look_up(known, "late.example.com")
            server.known["late.example.com"] = ["192.0.2.9"]
            at(names.UNKNOWN_KEPT + 1)
            assert await look_up(known, "late.example.com") == ["192.0.2.9"]

        asyncio.run(run())
        assert len(server.asked) == 2

    def test_are_not_more_than_there_is_room_for(self, server, monkeypatch):
        monkeypatch.setattr(names, "MAX_NAMES", 2)

        async def run() -> None:
            known = Names()
            for host in "abcd":
                server.known[host] = ["192.0.2.9"]
                await look_up(known, host)
            server.asked.clear()
            for host in "dca":
                await look_up(known, host)

        asyncio.run(run())
        assert server.asked == ["a"]


class TestSlowNameServers:
    def test_many_who_wait_for_one_name_ask_once(self, server):
        async def run() -> None:
            known = Names()
            with server.holding("crm.example.com"):
                waiting = [asyncio.create_task(look_up(known)) for _ in range(20)]
                await asyncio.sleep(0)
                waiting[0].cancel()  # whose time is over takes nothing from the others
            found = await asyncio.gather(*waiting[1:])
            assert found == [["192.0.2.1", "192.0.2.2"]] * 19

        asyncio.run(run())
        assert len(server.asked) == 1

    def test_do_not_stop_other_names(self, server):
        async def run() -> None:
            known = Names()
            slow = [f"slow{number}.example.com" for number in range(names.AT_ONCE - 1)]
            with server.holding(*slow):
                waiting = [asyncio.create_task(look_up(known, host)) for host in slow]
                assert await look_up(known) == ["192.0.2.1", "192.0.2.2"]
            await asyncio.gather(*waiting, return_exceptions=True)

        asyncio.run(run())

    def test_that_are_known_to_be_slow_leave_room_for_however_many_others(
        self, server, at, monkeypatch
    ):
        monkeypatch.setattr(names, "SLOW", -1.0)

        async def run() -> None:
            known = Names()
            slow = [f"slow{number}.example.com" for number in range(2 * names.AT_ONCE)]
            await asyncio.gather(*(look_up(known, host) for host in slow), return_exceptions=True)
            at(names.KEPT + 1)
            with server.holding(*slow):
                waiting = [asyncio.create_task(look_up(known, host)) for host in slow]
                assert await look_up(known) == ["192.0.2.1", "192.0.2.2"]
            await asyncio.gather(*waiting, return_exceptions=True)

        asyncio.run(run())

    def test_nobody_waits_for_them_at_the_end(self, server):
        async def run() -> None:
            known = Names()
            task = asyncio.create_task(look_up(known))
            await asyncio.sleep(0)
            await known.close()
            with pytest.raises(asyncio.CancelledError):
                await task

        with server.holding("crm.example.com"):
            asyncio.run(run())
