"""Text messages: the file of a list's recipients, each with a link of their own, as the Send editor gives it (S3.6)."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest

from benchmarks.server import worker_memory
from lists.choices import ListKind, Role
from lists.models import List, Membership, Realm, User

NAME = "sms: recipients' file with links"
AIM_ROWS = 50_000  # a second
AIM_MB = 10.0  # by which a worker may grow
TEXT = "Spring sale: 20% off all seeds until Sunday. No more texts: {optout}"
_TOKEN = "a" * 32
_FAR = 20  # of so many on the list one has opted out, half of them of everything

# As many email addresses beside them, as a realm has; every hundredth of those is on the list, too.
_FILL = """
INSERT INTO lists_contact (realm_id, digest, medium, address, created_at)
SELECT {realm}, substr(sha256(address::bytea), 1, 16), medium, address, now()
FROM (
    SELECT '+1' || 2000000000 + n AS address, 2 AS medium FROM generate_series(1, {rows}) n
    UNION ALL SELECT 'subscriber' || n || '@example.com', 1 FROM generate_series(1, {rows}) n
) c;
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)
SELECT {list}, digest, now() FROM lists_contact WHERE realm_id = {realm} AND (medium = 2 OR id % 100 = 0);
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT now(), CASE WHEN n % {far2} = 0 THEN {everywhere} ELSE {list} END, 16, 1, 2, 1,
    substr(sha256(address::bytea), 1, 16), address
FROM (SELECT n, '+1' || 2000000000 + n AS address FROM generate_series({far}, {rows}, {far}) n) s
"""
# What an import of hashes leaves: then each number is asked for by its MD5 and SHA-1 as well.
_HASHES = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, full_hash)
SELECT now(), {everywhere}, 13, 1, 2, 3, decode(md5(n::text), 'hex'), decode(md5(n::text), 'hex')
FROM generate_series(1, {hashes}) n
"""


def measure_recipients(realm: Realm, port: int, master: int, rows: int, only: str) -> list[str]:
    """Print how fast the file comes and by how much a worker grows, and give back which aims were missed."""
    if only not in NAME:
        return []
    optout_list = List.objects.create(realm=realm, number=90, name="Texts")
    everywhere = List.objects.get(realm=realm, kind=ListKind.GLOBAL)
    numbers = {"realm": realm.pk, "list": optout_list.pk, "everywhere": everywhere.pk}
    _run(_FILL.format(rows=rows, far=_FAR, far2=2 * _FAR, **numbers))
    left = rows - rows // _FAR
    sender = _Sender(optout_list, port, _sign_in(realm))
    print(f"\n{NAME}, {rows:,} on the list, {rows - left:,} of them suppressed")
    missed = _measure(sender, master, left, "")
    _run(_HASHES.format(everywhere=everywhere.pk, hashes=rows // 10))
    what = f", with {rows // 10:,} suppressions known by a hash alone"
    return missed + _measure(sender, master, left, what)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Somebody who has just signed in, and the list that they send to."""

    optout_list: List
    port: int
    cookie: str


def _measure(sender: _Sender, master: int, left: int, what: str) -> list[str]:
    before = highest = max(worker_memory(master))
    started = time.perf_counter()
    lines = 0
    for number, piece in enumerate(_file(sender)):
        lines += bytes(piece).count(b"\n")
        if number % 100 == 0:
            highest = max(highest, *worker_memory(master))
    took = time.perf_counter() - started
    if lines != left:
        raise SystemExit(f"the recipients' file has {lines:,} rows, not {left:,}")
    rate, grown = left / took, highest - before
    print(
        f"{rate:10,.0f} rows/s (aim {AIM_ROWS:,}){what}; a worker grew by {grown:.0f} MB (aim {AIM_MB:.0f})"
    )
    missed = [f"{NAME}{what} ({rate:,.0f} rows/s)"] if rate < AIM_ROWS else []
    return missed + ([f"memory for the {NAME}"] if grown > AIM_MB else [])


def _file(sender: _Sender) -> Iterator[memoryview]:
    """The file as it comes, without its first line."""
    given = {
        "kind": "list",
        "optout_list": sender.optout_list.public_id,
        "text": TEXT,
        "csrfmiddlewaretoken": _TOKEN,
    }
    body = urlencode(given)
    head = (
        f"POST /manage/send/recipients HTTP/1.0\r\nHost: localhost\r\n{sender.cookie}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    buffer = memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", sender.port)) as link:
        link.sendall(f"{head}{body}".encode())
        got = link.recv_into(buffer)
        answer, _, rest = bytes(buffer[:got]).partition(b"\r\n\r\n")
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise SystemExit(f"the recipients' file: {answer.decode(errors='replace')}")
        yield memoryview(rest.partition(b"\n")[2] if rest else rest)
        is_begun = bool(rest)
        while got := link.recv_into(buffer):
            yield buffer[:got] if is_begun else memoryview(bytes(buffer[:got]).partition(b"\n")[2])
            is_begun = True


def _sign_in(realm: Realm) -> str:
    """The cookies of somebody who manages the realm and has just signed in."""
    user = User.objects.create(email="sender@example.com")
    Membership.objects.create(user=user, realm=realm, role=Role.ADMIN)
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, settings.AUTHENTICATION_BACKENDS[0])
    request.session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    request.session.save()
    return (
        f"Cookie: sessionid={request.session.session_key}; {settings.CSRF_COOKIE_NAME}={_TOKEN}\r\n"
    )


def _run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)
        cursor.execute("VACUUM ANALYZE lists_contact, lists_subscription, optout_suppression")
