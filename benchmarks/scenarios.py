"""What is measured, and against which aim."""

import os
import random
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from benchmarks import postgres
from benchmarks.api_web import measure_api_web
from benchmarks.global_unsubscribe import measure_global_api, measure_global_report, open_door
from benchmarks.load import CONNECTIONS, Load, http_request, run_load
from benchmarks.people import AGENTS, realistic_address
from benchmarks.rest import measure_rest
from benchmarks.send_editor import measure_recipients
from benchmarks.server import running_web, worker_memory
from benchmarks.webhooks import measure_webhooks
from lists.choices import DirectLinkMode, ListKind
from lists.lookup import ListSnapshot, snapshot
from lists.models import DownloadKey, List, Realm
from lists.secrets import make_secret
from optout.actions import record_optouts
from optout.addresses import parse_email
from optout.choices import Assurance, Channel
from optout.evidence import Evidence
from optout.intents import OptOutIntent, intent_for
from optout.links import make_token

AIM_ONE_CLICK = 0.12  # of pgbench's upserts
AIM_DOWNLOAD = 0.5  # of COPY TO
AIM_P99_MS = 50.0
AIM_WORKER_MB = 100.0
AIM_SUPPRESSION_BYTES = 150
AIM_LEDGER_BYTES = 350
PREPARED = 60_000  # requests made before the clock starts
BROWSER = "Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"


@dataclass
class Installation:
    """The scratch data: three lists and a key."""

    confirm: List
    instant: List
    server: List
    key: str


def measure_everything(seconds: float, rows: int, lines: int, only: str = "") -> None:
    """Print every figure, and at the end which aims were not reached."""
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {_server_version()}, {CONNECTIONS} connections\n"
    )
    installation = _install()
    missed: list[str] = []
    environment = {
        name: os.environ[name]
        for name in ("HEED_STATE", "TRUSTED_PROXIES", "DJANGO_SETTINGS_MODULE", "LOG_LEVEL")
    }
    with running_web(environment) as (port, master):
        missed += _measure_requests(installation, port, seconds, only)
        missed += _measure_memory(master)
        _, one_click = _scenarios(installation)["one-click POST"]
        missed += measure_global_api(port, seconds, one_click, only)
        missed += measure_api_web(installation.server, port, seconds, one_click, only)
        missed += measure_rest(port, seconds, only)
        missed += measure_webhooks(port, seconds, only)
        print(f"memory per worker, after commands that large: {_memory(master)}")
    if not only:
        missed += _measure_rows(installation)
    with running_web(environment) as (port, master):
        if not only:
            missed += _measure_download(installation, port, rows)
        missed += measure_recipients(installation.server.realm, port, master, rows, only)
        if only in "global report":
            missed += measure_global_report(installation.server.realm, port, master, lines)
    _conclude(missed)


def _conclude(missed: list[str]) -> None:
    print("\nShort of the aim: " + ", ".join(missed) if missed else "\nAll aims reached.")


def _install() -> Installation:
    call_command("migrate", verbosity=0)
    realm = Realm.objects.create(name="bench", sender_name="Bench")
    List.objects.create(realm=realm, number=0, kind=ListKind.GLOBAL, name="Do Not Mail")
    confirm = List.objects.create(realm=realm, number=1, name="Confirm")
    instant = List.objects.create(
        realm=realm,
        number=2,
        name="Instant",
        direct_link_mode=DirectLinkMode.INSTANT,
        limit_hour=2_000_000_000,
    )
    server = List.objects.create(
        realm=realm, number=3, name="Server", whitelist=["10.0.0.0/8", "127.0.0.1"]
    )
    for each in (confirm, server):
        List.objects.filter(pk=each.pk).update(plain_download=True)
    open_door(realm)
    secret = make_secret("hd")
    DownloadKey.objects.create(
        optout_list=confirm,
        label="bench",
        secret_digest=secret.digest,
        hint=secret.hint,
        may_see_clear=True,
    )
    return Installation(confirm, instant, server, secret.text)


# ── Requests ──────────────────────────────────────────────────────────────────────────────────────────


def _scenarios(installation: Installation) -> dict[str, tuple[int, Callable[[int], bytes]]]:
    """Name → the status that is right, and the request number n. Every opt-out is of a new address."""
    start = time.time_ns()
    confirm, instant, server = installation.confirm, installation.instant, installation.server

    def address(n: int) -> str:
        return f"person{start + n}@example.com"

    def agent(n: int) -> str:
        return f"User-Agent: {AGENTS[n % len(AGENTS)]}\r\n"

    return {
        "one-click POST": (
            200,
            lambda n: http_request(
                "POST", f"/o/{make_token(confirm.pk, address(n))}", "", "List-Unsubscribe=One-Click"
            ),
        ),
        "direct link, instant": (
            303,
            lambda n: http_request(
                "GET", f"/u/{instant.public_id}?item={address(n)}", agent(n) + BROWSER
            ),
        ),
        "pixel": (
            200,
            lambda n: http_request(
                "GET",
                f"/u/{instant.public_id}.gif?item={address(n)}",
                agent(n) + "Sec-Fetch-Dest: image\r\n",
            ),
        ),
        "whitelisted server": (
            200,
            lambda n: http_request(
                "GET",
                f"/u/{server.public_id}?item={address(n)}",
                "User-Agent: curl/8.9\r\nAccept: */*\r\n",
                ip="10.1.2.3",
            ),
        ),
        "hosted page GET": (
            200,
            lambda n: http_request("GET", f"/u/{confirm.public_id}", agent(n) + BROWSER),
        ),
    }


def _measure_requests(
    installation: Installation, port: int, seconds: float, only: str
) -> list[str]:
    missed: list[str] = []
    upserts = [postgres.upserts_per_second(settings.DATABASES["default"], 3)]
    print(f"{'':24}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of pgbench':>12}")
    for name, (right_status, make_request) in _scenarios(installation).items():
        if only not in name:
            continue
        run_load(
            port, (make_request(-1 - n) for n in range(200)), seconds=2
        )  # warm up: plans, templates, connections
        prepared = [make_request(n) for n in range(PREPARED)]
        load = run_load(port, iter(prepared), seconds)
        upserts.append(postgres.upserts_per_second(settings.DATABASES["default"], 2))
        ratio = load.rate / statistics.mean(upserts[-2:])
        print(
            f"{name:24}{load.rate:12,.0f}{load.percentile(50):9.1f}{load.percentile(99):9.1f}{ratio:12.3f}"
        )
        missed += _judge(name, right_status, load, ratio)
    print(f"{'pgbench upserts, 8 clients':24}{statistics.median(upserts):10,.0f}")
    return missed


def _measure_memory(master: int) -> list[str]:
    print(f"\nmemory per worker: {_memory(master)}")
    return ["memory per worker"] if max(worker_memory(master)) > AIM_WORKER_MB else []


def _memory(master: int) -> str:
    return ", ".join(f"{each:.0f} MB" for each in worker_memory(master))


def _judge(name: str, right_status: int, load: Load, ratio: float) -> list[str]:
    wrong = {status: count for status, count in load.statuses.items() if status != right_status}
    if wrong:
        sample = next(load.samples[status] for status in wrong)
        raise SystemExit(
            f"{name}: answered {dict(load.statuses)}, not {right_status}:\n{sample.decode(errors='replace')}"
        )
    missed = []
    if name == "one-click POST" and ratio < AIM_ONE_CLICK:
        missed.append(f"{name} ({ratio:.3f} of pgbench, aim {AIM_ONE_CLICK})")
    if load.percentile(99) >= AIM_P99_MS:
        missed.append(f"{name} (p99)")
    return missed


# ── Bytes a row ──────────────────────────────────────────────────────────────────────────────────────────


def _measure_rows(installation: Installation) -> list[str]:
    """Fill empty tables the way requests do, in small random batches, and divide their size by their rows."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE optout_suppression, optout_optout")
    dice, now = random.Random(1), datetime.now(UTC)
    lists = [
        snapshot(each) for each in (installation.confirm, installation.instant, installation.server)
    ]
    for _batch in range(2_000):
        record_optouts([_realistic_intent(dice, dice.choice(lists), now) for _ in range(100)])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM optout_suppression, optout_optout")
        cursor.execute(
            "SELECT pg_total_relation_size('optout_suppression')::float / (SELECT count(*) FROM optout_suppression),"
            " pg_total_relation_size('optout_optout')::float / (SELECT count(*) FROM optout_optout)"
        )
        suppression, ledger = cursor.fetchone()
    print(f"bytes per suppression, with index: {suppression:.0f} (aim {AIM_SUPPRESSION_BYTES})")
    print(f"bytes per ledger row, with indexes: {ledger:.0f} (aim {AIM_LEDGER_BYTES})")
    return [
        name
        for name, value, aim in (
            ("bytes per suppression", suppression, AIM_SUPPRESSION_BYTES),
            ("bytes per ledger row", ledger, AIM_LEDGER_BYTES),
        )
        if value > aim
    ]


def _realistic_intent(
    dice: random.Random, optout_list: ListSnapshot, now: datetime
) -> OptOutIntent:
    """Names and providers of usual length, a browser's agent, every tenth address IPv6."""
    address = parse_email(realistic_address(dice))
    ip = "2001:db8::1" if dice.random() < 0.1 else f"203.0.113.{dice.randrange(256)}"
    return intent_for(
        optout_list,
        address,
        channel=Channel.DIRECT_LINK,
        assurance=Assurance.PREFILLED,
        requested_at=now,
        evidence=Evidence.of(ip_address(ip), dice.choice(AGENTS)),
    )


# ── Download ──────────────────────────────────────────────────────────────────────────────────────────

# What a line is, for PostgreSQL alone.
_LINES = {
    "txt": "address",
    "md5": "md5(address)",
    "sha256": "encode(sha256(convert_to(address, 'UTF8')), 'hex')",
}
_FILL = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT now(), {list_id}, 4, 1, 1, 1, substr(sha256(address::bytea), 1, 16), address
FROM (SELECT 'person' || n || '@example.com' AS address FROM generate_series(1, {rows}) n) a
"""


def _measure_download(installation: Installation, port: int, rows: int) -> list[str]:
    database = settings.DATABASES["default"]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE optout_suppression")
        cursor.execute(_FILL.format(list_id=installation.confirm.pk, rows=rows))
        cursor.execute("VACUUM ANALYZE optout_suppression")
    missed = []
    for form, column in _LINES.items():
        query = f"SELECT {column} FROM optout_suppression WHERE optout_list_id = {installation.confirm.pk}"
        seconds, copies = [], []
        for _ in range(4):
            copies.append(postgres.copy_out_seconds(database, query))
            seconds.append(_download_seconds(installation, port, form, rows))
        took, copied = statistics.median(seconds[1:]), statistics.median(copies[1:])
        ratio = copied / took
        print(
            f"download {form + ':':8}{rows / took:12,.0f} rows/s, {ratio:.2f} of COPY TO of the same lines"
        )
        if ratio < AIM_DOWNLOAD:
            missed.append(f"download {form} ({ratio:.2f} of COPY, aim {AIM_DOWNLOAD})")
    return missed


def _download_seconds(installation: Installation, port: int, form: str, rows: int) -> float:
    """A whole download by a client that only counts lines: what psql does beside it is no more."""
    path = f"/d/{installation.confirm.public_id}?key={installation.key}&format={form}"
    started = time.perf_counter()
    lines, buffer = 0, memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        got = link.recv_into(buffer)
        head, _, rest = bytes(buffer[:got]).partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(f"the download in {form}: {head.decode(errors='replace')}")
        lines += rest.count(b"\n")
        while got := link.recv_into(buffer):
            lines += bytes(buffer[:got]).count(b"\n")
    if lines != rows:
        raise SystemExit(f"the download in {form} has {lines} lines, not {rows}")
    return time.perf_counter() - started


def _server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        return f"PostgreSQL {cursor.fetchone()[0]}"
