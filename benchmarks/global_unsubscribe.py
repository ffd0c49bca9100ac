"""Global Unsubscribe: requests by the API beside one-clicks, and the report of millions of lines, page by page and as csv."""

import itertools
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest

from benchmarks import postgres
from benchmarks.global_lines import FILTERS, PRODUCTS, PUBLISHERS, fill_report
from benchmarks.load import Load, by_turns, http_request, run_load
from benchmarks.server import worker_memory
from lists.choices import Role
from lists.models import GlobalUnsubscribe, Membership, Product, Publisher, Realm, User
from optout.models import GlobalLine
from reporting.global_report.report import Sort

AIM_API = 0.7  # of the one-clicks a second
AIM_PAGE_MS = 200.0
AIM_CSV = 0.2  # of COPY TO of the same columns, which here are put into words
AIM_LINE_BYTES = 650  # with indexes just made; as lines come one by one it is a quarter more
AIM_CSV_MB = 10.0  # by which a worker may grow
WARM = 7  # times each page is asked for after the first time
PREPARED = 6_000  # requests for each second: more than are answered
SERVER_IP = "10.1.2.3"
_LEDGER = "SELECT count(*) FROM optout_optout"


def open_door(realm: Realm) -> None:
    """Switch the realm's Global Unsubscribe on, with what it knows, and with a publisher's servers."""
    GlobalUnsubscribe.objects.create(realm=realm, is_on=True, server_ips=["10.0.0.0/8"])
    for number in range(1, PRODUCTS + 1):
        Product.objects.create(realm=realm, number=number, name=f"Product {number}")
    for number in range(PUBLISHERS):
        Publisher.objects.create(realm=realm, reference=f"pub{number}", name=f"Publisher {number}")


# ── Requests by the API ──────────────────────────────────────────────────────────────────────────────────


class _Websites:
    """Publishers' servers, which the realm's whitelist names: each request is of a new address."""

    def __init__(self, port: int) -> None:
        self.port, self.start, self.count = port, time.time_ns(), itertools.count()

    def request(self, *, has_phone: bool) -> bytes:
        number = self.start + next(self.count)
        given = {
            "responseType": "api",
            "productId": 3,
            "website": f"shop{number % 200}.example.com",
            "email": f"person{number}@example.com",
        }
        if has_phone:
            given["phoneNumber"] = f"+1{2_125_550_000 + number % 500_000_000}"
        path = f"/unsubscribe/unsubscribe?{urlencode(given)}"
        return http_request("GET", path, "User-Agent: PHP/8.3\r\n", ip=SERVER_IP)

    def send(self, seconds: float, *, has_phone: bool) -> Load:
        """See that each was recorded: the status is 200 whatever came of a request."""
        requests = [self.request(has_phone=has_phone) for _ in range(int(PREPARED * seconds))]
        before = _rows()
        load = run_load(self.port, iter(requests), seconds)
        rows = len(load.latencies) * (1 + has_phone)
        if set(load.statuses) != {200} or _rows() - before != rows:
            samples = b"\n".join(load.samples.values()).decode(errors="replace")
            raise SystemExit(f"the global API answered {dict(load.statuses)}:\n{samples}")
        return load


def measure_global_api(
    port: int, seconds: float, one_click: Callable[[int], bytes], only: str
) -> list[str]:
    """Print those figures whose names have `only` in them, and give back which aims were missed."""
    websites, missed, clicks = _Websites(port), [], itertools.count()
    wanted = {"global API, email": False, "global API, email + phone": True}
    wanted = {name: has_phone for name, has_phone in wanted.items() if only in name}
    if wanted:
        print(f"\n{'':27}{'requests/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'of pgbench':>12}")
    for name, has_phone in wanted.items():
        websites.send(1, has_phone=has_phone)  # warm up
        upserts = [postgres.upserts_per_second(settings.DATABASES["default"], 2)]
        load, ratio = by_turns(
            lambda seconds: run_load(
                port, (one_click(next(clicks)) for _ in range(int(PREPARED * seconds))), seconds
            ),
            partial(websites.send, has_phone=has_phone),
            seconds,
        )
        upserts.append(postgres.upserts_per_second(settings.DATABASES["default"], 2))
        aim = "" if has_phone else f", aim {AIM_API}"
        print(
            f"{name:27}{load.rate:10,.0f}{load.percentile(50):9.1f}{load.percentile(99):9.1f}"
            f"{load.rate / statistics.mean(upserts):12.3f}   {ratio:.2f} of one-clicks{aim}"
        )
        if aim and ratio < AIM_API:
            missed.append(f"{name} ({ratio:.2f} of one-clicks, aim {AIM_API})")
    return missed


def _rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER)
        return int(cursor.fetchone()[0])


# ── The report ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Took:
    """Seconds: the first time, and each time after it."""

    first: float
    then: list[float]

    @property
    def median(self) -> float:
        return 1000 * statistics.median(self.then)

    @property
    def worst(self) -> float:
        return 1000 * max(self.then)

    def line(self) -> str:
        return f"{self.median:9.0f}{self.worst:9.0f}{1000 * self.first:11.0f}"


class _Owner:
    """Somebody who manages the realm and has just signed in."""

    def __init__(self, realm: Realm, port: int) -> None:
        user = User.objects.create(email="owner@example.com")
        Membership.objects.create(user=user, realm=realm, role=Role.ADMIN)
        request = HttpRequest()
        request.session = SessionStore()
        login(request, user, settings.AUTHENTICATION_BACKENDS[0])
        request.session["account_authentication_methods"] = [
            {"method": "password", "at": time.time()}
        ]
        request.session.save()
        self.port, self.cookie = port, f"Cookie: sessionid={request.session.session_key}\r\n"

    def page(self, **query: str | int) -> _Took:
        """The report with these filters, in this order. It must have been answered in full."""
        path = f"/manage/reports/global-unsubscribe?{urlencode(query)}"
        asked = http_request("GET", path, self.cookie, ip=SERVER_IP)
        load = run_load(self.port, iter([asked] * (1 + WARM)), 60, connections=1)
        if set(load.statuses) != {200}:
            raise SystemExit(f"{path}: {dict(load.statuses)}")
        return _Took(load.latencies[0], load.latencies[1:])

    def csv(self) -> Iterator[memoryview]:
        """The whole report as csv for programs, as it comes."""
        buffer = memoryview(bytearray(1 << 20))
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            head = f"GET /manage/reports/global-unsubscribe.csv?raw=1 HTTP/1.0\r\nHost: localhost\r\n{self.cookie}\r\n"
            link.sendall(head.encode())
            while got := link.recv_into(buffer):
                yield buffer[:got]


def measure_global_report(realm: Realm, port: int, master: int, lines: int) -> list[str]:
    """Fill the report, print how long its pages and its csv take, and give back which aims were missed."""
    call_command("collectstatic", verbosity=0, interactive=False)
    started = time.perf_counter()
    fill_report(realm.pk, lines)
    took = time.perf_counter() - started
    size = _bytes_a_line()
    print(
        f"\nGlobal Unsubscribe report, {lines:,} lines, made in {took:.0f} s;"
        f" {size} bytes each, indexes included (aim {AIM_LINE_BYTES})"
    )
    print(f"{'':34}{'median ms':>9}{'worst ms':>9}{'first time':>11}")
    owner = _Owner(realm, port)
    missed = ["bytes per line of the report"] if size > AIM_LINE_BYTES else []
    missed += _measure_pages(owner)
    return missed + _measure_csv(owner, realm, master, lines)


def _measure_pages(owner: _Owner) -> list[str]:
    today = datetime.now(UTC).date()
    missed = []
    for name, filters in {"first page": {}, **FILTERS}.items():
        query = {key: _filled(value) for key, value in filters.items()}
        for end in ("since", "until"):
            if end in filters:
                query[end] = (today - timedelta(days=int(filters[end]))).isoformat()
        took = owner.page(**query)
        aim = "" if "sort" in filters else f"   aim {AIM_PAGE_MS:.0f}"
        print(f"{name:34}{took.line()}{aim}")
        if aim and took.median >= AIM_PAGE_MS:
            missed.append(f"report, {name} ({took.median:.0f} ms)")
    orders = {
        f"{sign}{sort}": owner.page(sort=f"{sign}{sort}") for sort in Sort for sign in ("", "-")
    }
    slowest = max(orders, key=lambda order: orders[order].median)
    print(
        f"{f'{len(orders)} orders; slowest: {slowest}':34}{orders[slowest].line()}   aim {AIM_PAGE_MS:.0f}"
    )
    if orders[slowest].median >= AIM_PAGE_MS:
        missed.append(f"report by {slowest} ({orders[slowest].median:.0f} ms)")
    return missed


def _filled(value: str | int) -> str:
    """With the address of some line where it asks for one."""
    text = str(value)
    if "{" in text:
        line = GlobalLine.objects.exclude(email="").exclude(phone="").order_by("id")[1000]
        return text.format(email=line.email, phone=line.phone)
    return text


def _measure_csv(owner: _Owner, realm: Realm, master: int, lines: int) -> list[str]:
    columns = (
        "id, first_seen_at, last_seen_at, email, phone, custom1, custom2, custom3, product_number, website, publisher,"
        " form, unsubscribe_count"
    )
    query = f"SELECT {columns} FROM optout_globalline WHERE realm_id = {realm.pk} ORDER BY last_seen_at DESC, id DESC"
    copied = postgres.copy_out_seconds(settings.DATABASES["default"], query)
    before = highest = max(worker_memory(master))
    started = time.perf_counter()
    count = 0
    for number, piece in enumerate(owner.csv()):
        count += bytes(piece).count(b"\n")
        if number % 100 == 0:
            highest = max(highest, *worker_memory(master))
    took = time.perf_counter() - started
    if count < lines:
        raise SystemExit(f"the csv of the report has {count} lines, not {lines}")
    ratio, grown = copied / took, highest - before
    print(
        f"csv: {lines / took:,.0f} rows/s, {ratio:.2f} of COPY TO of the same columns (aim {AIM_CSV});"
        f" a worker grew by {grown:.0f} MB (aim {AIM_CSV_MB:.0f})"
    )
    missed = [f"csv of the report ({ratio:.2f} of COPY, aim {AIM_CSV})"] if ratio < AIM_CSV else []
    return missed + (["memory for the csv of the report"] if grown > AIM_CSV_MB else [])


def _bytes_a_line() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('optout_globalline') / (SELECT count(*) FROM optout_globalline)"
        )
        return int(cursor.fetchone()[0])
