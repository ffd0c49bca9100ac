"""The REST API: look-ups, one by one and a thousand at a time, and the change feed read from its beginning."""

import json
import random
import re
import statistics
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from benchmarks import postgres
from benchmarks.load import CONNECTIONS, JSON, TURNS, Load, http_request, run_load
from lists.choices import ListKind
from lists.key_actions import make_api_key
from lists.models import List, Realm

AIM_SINGLE = 0.08  # of pgbench's reads
AIM_BATCH = 100_000.0  # addresses a second
AIM_FEED = 100_000.0  # entries a second
SUPPRESSIONS, ENTRIES = (
    1_000_000,
    300_000,
)  # every second address that is asked for is among the former
BATCH, BATCH_CONNECTIONS = 1_000, 2
LARGEST = 10_000  # addresses in a call, and entries
PREPARED_SINGLES, PREPARED_BATCHES = 10_000, 300  # for each second: more than are answered
WARM_UP = 1.0  # seconds

_SUPPRESS = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT now(), %s, 4, 1, 1, 1, substr(sha256(address::bytea), 1, 16), address
FROM (SELECT 'reader' || n || '@example.com' AS address FROM generate_series(1, %s) n) a
"""
_RECORD = """
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address, agent
)
SELECT now(), optout_list_id, 1, channel, medium, reason, 1, 1, true, digest, address, ''
FROM optout_suppression WHERE optout_list_id = %s LIMIT %s
"""
_CURSOR = re.compile(rb'"cursor":"([^"]+)"')


class _Figure(NamedTuple):
    """A load, how many addresses or entries each of its calls was about, and what came of the aim."""

    load: Load
    each: int
    remark: str
    reached: bool = True

    def line(self) -> str:
        load = self.load
        return (
            f"{load.rate * self.each:9,.0f}{load.percentile(50):9.1f}{load.percentile(99):9.1f}"
            f"   {self.remark}"
        )


class _Program:
    """It has a key to a realm with a long list and a long ledger."""

    def __init__(self, port: int) -> None:
        self.port, self.dice = port, random.Random(1)
        realm = Realm.objects.create(name="programs", sender_name="Programs")
        List.objects.create(realm=realm, number=0, kind=ListKind.GLOBAL, name="Do Not Mail")
        optout_list = List.objects.create(realm=realm, number=1, name="Letters")
        made = make_api_key(
            realm,
            "bench",
            may_read=True,
            may_write=False,
            lists=None,
            expires_at=None,
            actor=None,
        )
        self.headers = f"Authorization: Bearer {made.text}\r\nUser-Agent: curl/8.9\r\n"
        with connection.cursor() as cursor:
            cursor.execute(_SUPPRESS, (optout_list.pk, SUPPRESSIONS))
            cursor.execute(_RECORD, (optout_list.pk, ENTRIES))
            cursor.execute("VACUUM ANALYZE optout_suppression, optout_optout")

    def address(self) -> str:
        return f"reader{self.dice.randrange(2 * SUPPRESSIONS)}@example.com"

    def one(self) -> bytes:
        """Look one address up."""
        path = f"/api/v1/lookup?list=1&address={self.address()}"
        return http_request("GET", path, self.headers)

    def many(self, addresses: int) -> bytes:
        """Look so many up."""
        body = json.dumps({"list": 1, "addresses": [self.address() for _ in range(addresses)]})
        return http_request("POST", "/api/v1/lookup", self.headers, body, content_type=JSON)

    def send(self, requests: list[bytes], seconds: float, connections: int) -> Load:
        """Send them; each must be answered with what is asked for."""
        load = run_load(self.port, iter(requests), seconds, connections)
        samples = b"\n".join(load.samples.values())
        if set(load.statuses) != {200} or b'"suppressed": ' not in samples:
            raise SystemExit(f"the look-up answered {dict(load.statuses)}: {samples.decode()}")
        return load


def measure_rest(port: int, seconds: float, only: str) -> list[str]:
    """Print those figures whose names have `only` in them, and give back which aims were missed."""
    every: dict[str, Callable[[_Program, float], _Figure]] = {
        "REST look-up": _singles,
        f"REST look-up {BATCH:,}": _batches,
        f"REST look-up {LARGEST:,}": _largest,
        "REST changes": _feed,
    }
    wanted = {name: measure for name, measure in every.items() if only in name}
    if not wanted:
        return []
    program, missed = _Program(port), []
    print(f"\n{'':27}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for name, measure in wanted.items():
        figure = measure(program, seconds)
        print(f"{name:27}{figure.line()}")
        if not figure.reached:
            missed.append(f"{name} ({figure.load.rate * figure.each:,.0f}/s, {figure.remark})")
    return missed


def _singles(program: _Program, seconds: float) -> _Figure:
    """By turns with pgbench, so that both meet the same machine."""
    database = settings.DATABASES["default"]
    pairs = []
    with postgres.accounts(database):
        program.send([program.one() for _ in range(PREPARED_SINGLES)], WARM_UP, CONNECTIONS)
        for _ in range(TURNS):
            reads = postgres.selects_per_second(database, 1)
            requests = [program.one() for _ in range(int(PREPARED_SINGLES * seconds / TURNS))]
            pairs.append((program.send(requests, seconds / TURNS, CONNECTIONS), reads))
    load, _reads = sorted(pairs, key=lambda pair: pair[0].rate)[TURNS // 2]
    ratio = statistics.median(each.rate / reads for each, reads in pairs)
    reads = statistics.median(reads for _load, reads in pairs)
    remark = f"{ratio:.3f} of pgbench -S ({reads:,.0f}/s), aim {AIM_SINGLE}"
    return _Figure(load, 1, remark, ratio >= AIM_SINGLE)


def _batches(program: _Program, seconds: float) -> _Figure:
    requests = [program.many(BATCH) for _ in range(int(PREPARED_BATCHES * seconds))]
    program.send(requests[:20], WARM_UP, BATCH_CONNECTIONS)
    load = program.send(requests, seconds, BATCH_CONNECTIONS)
    return _Figure(load, BATCH, f"aim {AIM_BATCH:,.0f}", load.rate * BATCH >= AIM_BATCH)


def _largest(program: _Program, _seconds: float) -> _Figure:
    load = program.send([program.many(LARGEST) for _ in range(10)], 60, 1)
    return _Figure(load, LARGEST, f"{statistics.median(load.latencies):.2f} s a call")


def _feed(program: _Program, seconds: float) -> _Figure:
    """One program that goes on with each answer's cursor, and begins anew at the end."""
    link = HTTPConnection("127.0.0.1", program.port)
    headers = dict(line.split(": ", 1) for line in program.headers.splitlines())
    load, path = Load(), f"/api/v1/changes?limit={LARGEST}"
    following, started, entries = path, time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        asked_at = time.perf_counter()
        link.request("GET", following, headers=headers)
        answer = link.getresponse()
        body = answer.read()
        load.latencies.append(time.perf_counter() - asked_at)
        found = _CURSOR.search(body, max(0, len(body) - 500))
        if answer.status != 200 or found is None:
            raise SystemExit(f"the feed answered {answer.status}: {body[:500].decode()}")
        entries += body.count(b'"recorded_at":')
        is_end = b'"has_more":false' in body[-500:]
        following = path if is_end else f"{path}&cursor={found[1].decode()}"
    load.seconds = time.perf_counter() - started
    each = entries // len(load.latencies)
    rate = entries / load.seconds
    return _Figure(load, each, f"aim {AIM_FEED:,.0f}; {LARGEST:,} a call", rate >= AIM_FEED)
