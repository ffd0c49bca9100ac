"""Webhooks: from a recipient's answer to the arrival at ten endpoints, and how fast a long backlog goes out."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.load import FORM
from benchmarks.server import ROOT, memory_of
from lists.choices import ListKind
from lists.models import List, Realm
from optout.links import make_token
from reporting.models import WebhookEndpoint
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint, remove_endpoint
from tests.receiver import Receiver, start_receiver

AIM_ARRIVAL_SECONDS = 2.0  # p99
AIM_DRAIN = 1_000.0  # deliveries a second
AIM_SENDER_MB = 150.0
RATE, CLIENTS, ENDPOINTS = 200, 4, 10
MOST_SECONDS = 8.0  # so long the receiver remembers everything
BACKLOG = 100_000
PATIENCE = 300.0  # seconds

_RECORD = """
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address, agent
)
SELECT now(), %s, 1, 4, 1, 1, 1, 3, true, substr(sha256(address::bytea), 1, 16), address, ''
FROM (SELECT 'waiting' || n || '@example.com' AS address FROM generate_series(1, %s) n) a
"""


def measure_webhooks(port: int, seconds: float, only: str) -> list[str]:
    """Print those figures whose names have `only` in them, and give back which aims were missed."""
    every = {"webhooks, arrival": _measure_arrival, "webhooks, backlog": _measure_backlog}
    wanted = {name: measure for name, measure in every.items() if only in name}
    if not wanted:
        return []
    settings.WEBHOOK_ALLOW_CIDRS = ["127.0.0.1/32"]
    realm = Realm.objects.create(name="hooks", sender_name="Hooks")
    List.objects.create(realm=realm, number=0, kind=ListKind.GLOBAL, name="Do Not Mail")
    letters = List.objects.create(realm=realm, number=1, name="Letters")
    missed: list[str] = []
    print()
    for name, measure in wanted.items():
        with start_receiver() as receiver:
            missed += measure(name, letters, receiver, port, seconds)
        for endpoint in WebhookEndpoint.objects.filter(realm=realm, removed_at=None):
            remove_endpoint(endpoint, actor=None, now=timezone.now())
    return missed


def _measure_arrival(
    name: str, letters: List, receiver: Receiver, port: int, seconds: float
) -> list[str]:
    seconds = min(seconds, MOST_SECONDS)
    for n in range(ENDPOINTS):
        _listen(letters, receiver.url(f"/ok/{n}"))
    answered: dict[str, float] = {}
    with _running_sender() as pid:
        _one_click(port, letters, "first@example.com", {})
        receiver.wait_for(ENDPOINTS)
        clients = [
            Thread(target=_opt_out, args=(port, letters, client, seconds, answered))
            for client in range(CLIENTS)
        ]
        began = time.perf_counter()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        rate = len(answered) / (time.perf_counter() - began)
        _wait_for_count(receiver, ENDPOINTS * (len(answered) + 1))
        memory = memory_of(pid)
    took = sorted(
        got.at - answered[address]
        for got in receiver.got()
        if (address := json.loads(got.body)["data"]["address"]) in answered
    )
    if len(took) != ENDPOINTS * len(answered):
        raise SystemExit(f"{len(took)} arrivals of {len(answered)} opt-outs")
    p50, p99 = (took[int(len(took) * share)] for share in (0.5, 0.99))
    print(
        f"{name}: {rate:,.0f} opt-outs/s, {ENDPOINTS} endpoints: p50 {p50:.2f} s, p99 {p99:.2f} s after the answer"
        f" (aim {AIM_ARRIVAL_SECONDS:.0f} s), sender {memory:.0f} MB"
    )
    return [f"{name} (p99 {p99:.2f} s)"] if p99 >= AIM_ARRIVAL_SECONDS else []


def _measure_backlog(
    name: str, letters: List, receiver: Receiver, _port: int, _seconds: float
) -> list[str]:
    _listen(letters, receiver.url())
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, (letters.pk, BACKLOG))
        cursor.execute("VACUUM ANALYZE optout_optout")
    with _running_sender() as pid:
        _wait_for_count(receiver, 1)
        began = time.perf_counter()
        _wait_for_count(receiver, BACKLOG)
        rate = BACKLOG / (time.perf_counter() - began)
        memory = memory_of(pid)
    if len(set(receiver.ids())) != BACKLOG:
        raise SystemExit("some did not arrive, or were sent twice")
    print(
        f"{name}: {rate:,.0f} deliveries/s of {BACKLOG:,} one by one (aim {AIM_DRAIN:,.0f}),"
        f" sender {memory:.0f} MB (aim {AIM_SENDER_MB:.0f})"
    )
    missed = [f"{name} ({rate:,.0f}/s)"] if rate < AIM_DRAIN else []
    return missed + ([f"{name} ({memory:.0f} MB)"] if memory > AIM_SENDER_MB else [])


def _listen(letters: List, url: str) -> None:
    plan = EndpointPlan(url, batches=False)
    make_endpoint(letters.realm, plan, actor=None, now=timezone.now())


def _opt_out(
    port: int, letters: List, client: int, seconds: float, answered: dict[str, float]
) -> None:
    """One of the clients: as many opt-outs as fall to it, at even intervals; when each was answered."""
    began = time.perf_counter()
    for n in range(int(seconds * RATE / CLIENTS)):
        time.sleep(max(0.0, began + n * CLIENTS / RATE - time.perf_counter()))
        _one_click(port, letters, f"hook{client}.{n}@example.com", answered)


def _one_click(port: int, letters: List, address: str, answered: dict[str, float]) -> None:
    link = HTTPConnection("127.0.0.1", port)
    path = f"/o/{make_token(letters.pk, address)}"
    link.request("POST", path, "List-Unsubscribe=One-Click", {"Content-Type": FORM})
    answer = link.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"one-click answered {answer.status}")
    answered[address] = time.time()
    link.close()


@contextmanager
def _running_sender() -> Iterator[int]:
    """A sender while the block runs; its process id."""
    state = Path(os.environ["HEED_STATE"])
    with (state / "sender.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "send_webhooks"],
            cwd=ROOT,
            env=os.environ | {"WEBHOOK_ALLOW_CIDRS": "127.0.0.1/32"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for_count(receiver: Receiver, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while receiver.counts()["requests"] < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {receiver.counts()['requests']} of {count} arrived")
        time.sleep(0.02)
