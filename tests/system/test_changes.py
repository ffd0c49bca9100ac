"""The change feed over real sockets: eight programs write at once, one follows (S2.7)."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from lists.models import List, Realm
from optout.links import make_token
from optout.models import OptOut
from tests import make
from tests.system.servers import Web, running_web
from tests.threads import in_thread

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

SECONDS = 30
WRITERS = 8
ADDRESSES = 20  # of each writer; each opts out again and again
MANY = 400  # in one call: such a transaction commits long after quick ones that began later


class Calls:
    """A program with a connection of its own."""

    def __init__(self, web: Web, key: str) -> None:
        host, _, port = web.address.rpartition(":")
        self.connection = HTTPConnection(host, int(port), timeout=40)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(self, path: str) -> Any:
        return self._send("GET", path, None, self.headers)

    def post(self, path: str, sent: dict[str, Any]) -> Any:
        return self._send("POST", path, json.dumps(sent), self.headers)

    def one_click(self, optout_list: List, address: str) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        path = f"/o/{make_token(optout_list.pk, address)}"
        self._send("POST", path, "List-Unsubscribe=One-Click", form)

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Any:
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text) if path.startswith("/api/") else None


def write(calls: Calls, lists: list[List], writer: int, until: float) -> int:
    """Record opt-outs and lifts in every way; how many were answered."""
    recorded = turn = 0
    sent: dict[str, Any]
    while time.monotonic() < until:
        turn += 1
        address = f"p{turn % ADDRESSES}.w{writer}@example.com"
        if writer == 0:
            many = [f"m{n}@example.com" for n in range(MANY)]
            recorded += calls.post("/api/v1/lists/2/suppressions", {"addresses": many})["recorded"]
        elif writer <= 4:
            calls.one_click(lists[turn % 2], address)
            recorded += 1
        elif turn % 3:
            number = turn % 2
            sent = {"addresses": [address, f"also-{address}"]}
            recorded += calls.post(f"/api/v1/lists/{number}/suppressions", sent)["recorded"]
        else:
            sent = {"addresses": [address], "reason": "They asked to come back"}
            recorded += calls.post("/api/v1/lists/1/suppressions/lift", sent)["lifted"]
    return recorded


def follow(calls: Calls, writers: list["Future[int]"]) -> Iterator[dict[str, Any]]:
    """Every change that the feed tells, until the writers are done and nothing comes any more."""
    cursor = ""
    while True:
        were_done = all(each.done() for each in writers)
        page = calls.get(f"/api/v1/changes?wait=1&limit=500&cursor={cursor}")
        cursor = page["cursor"]
        yield from page["changes"]
        if were_done and not page["changes"] and not page["has_more"]:
            return


class TestEightWritersAndOneReader:
    def test_every_change_comes_once_and_in_order(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        lists = [optout_list, make.make_list(realm, 2)]
        key = make.make_api_key(realm)
        with running_web(tmp_path) as web:
            until = time.monotonic() + SECONDS

            def writer(number: int) -> "Future[int]":
                return in_thread(lambda: write(Calls(web, key), lists, number, until))

            writers = [writer(number) for number in range(WRITERS)]
            told = list(follow(Calls(web, key), writers))

        answered = sum(each.result(0) for each in writers)
        rows = OptOut.objects.order_by("id").values_list("id", "digest")
        in_ledger: dict[str, list[int]] = defaultdict(list)
        for row_id, digest in rows:
            in_ledger[bytes(digest).hex()].append(row_id)
        in_feed: dict[str, list[int]] = defaultdict(list)
        for each in told:
            in_feed[each["digest"]].append(each["id"])

        assert Counter(each["id"] for each in told).most_common(1)[0][1] == 1
        assert in_feed == in_ledger
        assert len(told) == len(rows) == answered
        # It was worth following: ids came in another order than they were given.
        ids = [each["id"] for each in told]
        assert ids != sorted(ids)
        assert len(ids) > SECONDS * 50


class TestWaiting:
    def test_recipients_do_not_wait_for_programs_that_do(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        """More programs wait than there are threads to wait with; then somebody opts out, and those who wait hear of it."""
        key = make.make_api_key(realm)
        with running_web(tmp_path, WEB_WORKERS="1", WEB_THREADS="1", LONG_POLLS_AT_ONCE="2") as web:
            cursor = Calls(web, key).get("/api/v1/changes")["cursor"]

            def wait() -> Any:
                return Calls(web, key).get(f"/api/v1/changes?wait=30&cursor={cursor}")

            waiting = [in_thread(wait) for _ in range(5)]
            # Two wait, three are answered at once.
            while sum(each.done() for each in waiting) < 3:
                time.sleep(0.02)  # polling other threads, not waiting a fixed time
            Calls(web, key).one_click(optout_list, "jane@example.com")
            told = [each.result(20)["changes"] for each in waiting]

        assert sorted(len(each) for each in told) == [0, 0, 0, 1, 1]

    def test_a_restart_does_not_wait_for_them(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        key = make.make_api_key(realm)
        with running_web(tmp_path) as web:
            calls = Calls(web, key)
            cursor = calls.get("/api/v1/changes")["cursor"]
            waiting = in_thread(lambda: calls.get(f"/api/v1/changes?wait=30&cursor={cursor}"))
            while not _is_served(web):
                time.sleep(0.02)
            started = time.monotonic()
        assert waiting.result(20)["changes"] == []
        assert time.monotonic() - started < 10


def _is_served(web: Web) -> bool:
    """Whether the long poll looks for news by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query LIKE 'SELECT 1 FROM (%%pg_snapshot_xmin%%'"
        )
        return bool(cursor.fetchone())
