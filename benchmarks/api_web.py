"""The old command: batches of opt-outs and of contacts, single ones beside one-clicks, and wrong passwords."""

import itertools
import random
import statistics
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import connection

from benchmarks.load import CONNECTIONS, Load, by_turns, http_request, run_load
from benchmarks.people import realistic_address
from lists.api_auth import digest_password
from lists.models import List, RealmCredential
from lists.secrets import make_secret
from optout.choices import Channel

AIM_BATCH = 20_000.0  # records a second
AIM_SINGLE = 0.5  # of the one-clicks a second
BATCH, LARGEST = 2_000, 10_000  # records; the latter is all that one command may hold
BATCH_CONNECTIONS = 2
PREPARED_BATCHES, PREPARED_SINGLES = 30, 6_000  # for each second: more than are answered
SUBSCRIBED_BATCHES = 8  # for each second
WARM_UP = 1.0  # seconds

_OPTOUTS = f"SELECT count(*) FROM optout_optout WHERE channel = {Channel.API_WEB:d}"
_SUBSCRIPTIONS = "SELECT count(*) FROM lists_subscription"


class _Scripts:
    """A realm's old scripts: they know its password, and each address that they send is new."""

    def __init__(self, optout_list: List, port: int) -> None:
        realm, self.password = optout_list.realm, make_secret("hr").text
        digest = digest_password(realm.name, self.password)
        RealmCredential.objects.create(realm=realm, secret_digest=digest)
        self.realm_name, self.number, self.port = realm.name, optout_list.number, port
        self.dice, self.count = random.Random(1), itertools.count()

    def people(self, records: int) -> str:
        """The data of a command about so many people."""
        addresses = (realistic_address(self.dice, next(self.count)) for _ in range(records))
        return "email^" + "^".join(addresses)

    def command(self, data: str, cmd: str = "unsub", **given: str) -> bytes:
        """One command by POST, encoded as PHP's http_build_query does it."""
        fields = {
            "realm": self.realm_name,
            "pwd": self.password,
            "cmd": cmd,
            "list_id": self.number,
            "optout" if cmd == "unsub" else "format": "1",
            "data": data,
            **given,
        }
        return http_request("POST", "/bin/api_web", "User-Agent: PHP/8.3\r\n", urlencode(fields))

    def guess(self, number: int) -> bytes:
        """A wrong password and an unknown realm by turns."""
        realm = f"realm{number}" if number % 2 else self.realm_name
        return self.command(self.people(1), pwd=f"guess{number}", realm=realm)

    def send(
        self, commands: Iterable[bytes], *, seconds: float, connections: int, rows: str, each: int
    ) -> Load:
        """Send them, and see that each left `each` rows: the status is 200 whatever came of a command."""
        before = _count(rows)
        load = run_load(self.port, iter(commands), seconds, connections)
        if set(load.statuses) != {200} or _count(rows) - before != len(load.latencies) * each:
            samples = b"\n".join(load.samples.values()).decode(errors="replace")
            raise SystemExit(f"api_web answered {dict(load.statuses)}:\n{samples}")
        return load


class _Figure(NamedTuple):
    """A load, how many records each of its requests had, and what else is worth saying."""

    load: Load
    records: int = 1
    remark: str = ""
    reached: bool = True

    def line(self) -> str:
        load = self.load
        return (
            f"{load.rate * self.records:9,.0f}{load.percentile(50):9.1f}{load.percentile(99):9.1f}"
            f"   {self.remark}"
        ).rstrip()


def measure_api_web(
    optout_list: List, port: int, seconds: float, one_click: Callable[[int], bytes], only: str
) -> list[str]:
    """Print those figures whose names have `only` in them, and give back which aims were missed."""
    scripts = _Scripts(optout_list, port)
    every: dict[str, Callable[[], _Figure]] = {
        f"api_web unsub {BATCH:,}": lambda: _unsub_batches(scripts, seconds),
        f"api_web unsub {LARGEST:,}": lambda: _unsub_largest(scripts),
        f"api_web sub {BATCH:,}": lambda: _sub_batches(scripts, seconds),
        f"api_web unsub {BATCH:,} of them": lambda: _unsub_contacts(scripts, seconds),
        "api_web unsub 1": lambda: _unsub_single(scripts, seconds, one_click),
        "api_web wrong password": lambda: _wrong_passwords(scripts, seconds),
    }
    wanted = {name: measure for name, measure in every.items() if only in name}
    if not wanted:
        return []
    missed = []
    print(f"\n{'':27}{'records/s':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for name, measure in wanted.items():
        figure = measure()
        print(f"{name:27}{figure.line()}")
        if not figure.reached:
            missed.append(f"{name} ({figure.load.rate * figure.records:,.0f}/s, {figure.remark})")
    return missed


def _unsub_batches(scripts: _Scripts, seconds: float) -> _Figure:
    load = _batches(scripts, seconds, "unsub", _OPTOUTS)
    rate = load.rate * BATCH
    return _Figure(load, BATCH, f"aim {AIM_BATCH:,.0f}", rate >= AIM_BATCH)


def _sub_batches(scripts: _Scripts, seconds: float) -> _Figure:
    return _Figure(_batches(scripts, seconds, "sub", _SUBSCRIPTIONS), BATCH)


def _batches(scripts: _Scripts, seconds: float, cmd: str, rows: str) -> Load:
    count = int(PREPARED_BATCHES * (seconds + WARM_UP))
    commands = iter([scripts.command(scripts.people(BATCH), cmd) for _ in range(count)])
    run_load(scripts.port, commands, WARM_UP, BATCH_CONNECTIONS)
    return scripts.send(
        commands, seconds=seconds, connections=BATCH_CONNECTIONS, rows=rows, each=BATCH
    )


def _unsub_contacts(scripts: _Scripts, seconds: float) -> _Figure:
    """Those who are on the list, and leave it."""
    there = [scripts.people(BATCH) for _ in range(int(SUBSCRIBED_BATCHES * seconds))]
    for cmd, rows in (("sub", _SUBSCRIPTIONS), ("unsub", _OPTOUTS)):
        commands = [scripts.command(data, cmd) for data in there]
        load = scripts.send(
            commands, seconds=60, connections=BATCH_CONNECTIONS, rows=rows, each=BATCH
        )
    return _Figure(load, BATCH)


def _unsub_largest(scripts: _Scripts) -> _Figure:
    commands = [scripts.command(scripts.people(LARGEST)) for _ in range(5)]
    load = scripts.send(commands, seconds=60, connections=1, rows=_OPTOUTS, each=LARGEST)
    return _Figure(load, LARGEST, f"{statistics.median(load.latencies):.2f} s a command")


def _unsub_single(scripts: _Scripts, seconds: float, one_click: Callable[[int], bytes]) -> _Figure:
    clicks = itertools.count()

    def click(seconds: float) -> Load:
        requests = [one_click(next(clicks)) for _ in range(int(PREPARED_SINGLES * seconds))]
        return run_load(scripts.port, iter(requests), seconds)

    def unsub(seconds: float) -> Load:
        commands = [
            scripts.command(scripts.people(1)) for _ in range(int(PREPARED_SINGLES * seconds))
        ]
        return scripts.send(
            commands, seconds=seconds, connections=CONNECTIONS, rows=_OPTOUTS, each=1
        )

    load, ratio = by_turns(click, unsub, seconds)
    return _Figure(load, 1, f"{ratio:.2f} of one-clicks, aim {AIM_SINGLE}", ratio >= AIM_SINGLE)


def _wrong_passwords(scripts: _Scripts, seconds: float) -> _Figure:
    guesses = [scripts.guess(n) for n in range(int(PREPARED_SINGLES * seconds))]
    load = scripts.send(guesses, seconds=seconds, connections=CONNECTIONS, rows=_OPTOUTS, each=0)
    return _Figure(load)


def _count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
