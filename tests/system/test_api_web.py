"""`api_web` over real sockets: old scripts byte for byte, passwords that show up nowhere, guessers, and kill -9."""

import logging
import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.log import AdminEmailHandler

from lists.models import Contact, List, Realm
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.calls import PASSWORD, make_password
from tests.optout.channels.api_web.replay import Recorded, read_recorded
from tests.optout.channels.api_web.test_recorded import JANE, JOHN, make_world
from tests.system.servers import Answer, Web, ask, columns_with, files_with, running_web
from tests.system.test_gunicorn import missing_table

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

FORM = [("Content-Type", "application/x-www-form-urlencoded")]
REFUSED = (
    "FAILURE: Password doesn't match entry for API user credentials in database"
    " or address isn't an approved IP"
)


def exchange(web: Web, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these very bytes and nothing more; the status, the headers, and all that came until gunicorn hung up."""
    host, _, port = web.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as link:
        link.sendall(request)
        link.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: link.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split(" ")[1]), headers, body


def command(password: str = PASSWORD, **given: Any) -> str:
    """An `unsub` of the realm acme with that password, url-encoded."""
    fields = {"r": "acme", "p": password, "c": "unsub", "list_id": 1, "optout": 1}
    return urlencode({**fields, "data": f"email^{JANE}", **given})


def post(web: Web, encoded: str, source: str = "127.0.0.1", behind: str = "") -> Answer:
    """Post that body from that loopback address, which may be a proxy's: then from `behind` it."""
    headers = [*FORM, ("X-Forwarded-For", behind)] if behind else FORM
    body = encoded.encode()
    return ask(web.address, "POST", "/bin/api_web", headers=headers, body=body, source=source)


# ── Byte for byte ─────────────────────────────────────────────────────────────────────────────────────


def remake_world() -> dict[str, int]:
    """The world of the recorded requests, as new; the numbers of the contacts that answers name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE lists_realm, lists_list, lists_contact, lists_subscription,"
            " optout_suppression, optout_optout CASCADE"
        )
    make_world()
    return {
        name: Contact.objects.get(address=address).pk
        for name, address in (("jane", JANE), ("john", JOHN))
    }


def expected(recorded: Recorded, numbers: dict[str, int]) -> bytes:
    answer = recorded.answer
    for name, number in numbers.items():
        answer = answer.replace(f"{{{name}}}", str(number))
    return answer.encode()


def chunked(request: bytes) -> bytes:
    """The same request with its body in chunks of 7 bytes, and no length."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", chunks + b"0\r\n\r\n"])


def without_host(request: bytes) -> bytes:
    """The same request by HTTP/1.0, which knows no Host."""
    lines = request.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1).split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"Host:"))


class TestRecorded:
    def test_every_answer_is_byte_for_byte(self, tmp_path: Path) -> None:
        """S4.1–S4.20 through real gunicorn; what else the requests change is looked at in test_recorded.py."""
        every = read_recorded()
        shapes: list[tuple[Recorded, Callable[[bytes], bytes]]] = [
            *((recorded, bytes) for recorded in every),
            *((recorded, chunked) for recorded in every if recorded.request.startswith(b"POST")),
            *((recorded, without_host) for recorded in every),
        ]
        wrong = {}
        with running_web(tmp_path) as web:
            for recorded, shape in shapes:
                numbers = remake_world()
                status, headers, body = exchange(web, shape(recorded.request))
                right = expected(recorded, numbers)
                length = headers.get("content-length")
                if (status, length, body) != (200, str(len(right)), right):
                    wrong[recorded.name, shape.__name__] = (status, length, body)

        assert wrong == {}
        assert len(every) > 40


# ── Passwords that show up nowhere ────────────────────────────────────────────────────────────────────

RIGHT, WRONG = "hr_canary'right-4d1e\"over-5ac9", "canary'wrong-8b2f\"past-e07d"
# Looked for one by one: a quote may be written in many ways, and what reads a line may stop there.
PARTS = ("right-4d1e", "over-5ac9", "wrong-8b2f", "past-e07d")


def assert_nowhere(state: Path) -> None:
    """Neither password is in a file, which is also where gunicorn prints to, nor in the database."""
    for part in PARTS:
        assert files_with(part, state) == []
        assert columns_with(part) == set()


def parts_in(text: str) -> list[str]:
    return [part for part in PARTS if part in text]


def try_everything(web: Web, password: str) -> dict[str, int]:
    """Send the password in each place and each shape that a script may; the status of each answer."""
    query, source = command(password), "127.0.0.2"
    quoted = command("PASSWORD").replace("PASSWORD", password)  # as old scripts send it
    leaking = [("Referer", f"http://localhost/?{query}"), ("Cookie", f"p={password}")]
    multipart = (
        "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("r", "acme"), ("p", password), ("c", "unsub"))
        )
        + "--x--\r\n"
    )
    typed = [("Content-Type", "multipart/form-data; boundary=x")]
    host = "HTTP/1.1\r\nHost: localhost\r\n"

    def asked(method: str, path: str, headers: Any = leaking, body: str = "") -> int:
        body_sent = body.encode()
        return ask(web.address, method, path, headers=headers, body=body_sent, source=source).status

    return {
        "get": asked("GET", f"/api_web?{query}"),
        "get of the old path": asked("GET", f"/bin/api_web?{query}"),
        "get with quotes": asked("GET", f"/api_web?{quoted}"),
        "post": asked("POST", "/bin/api_web", FORM, query),
        "post in the url": asked("POST", f"/bin/api_web?{query}"),
        "multipart": asked("POST", "/bin/api_web", typed, multipart),
        "two that differ": asked("GET", f"/api_web?{query}&password={password}x"),
        "in every parameter": asked(
            "GET", f"/api_web?{command(password, data=password, list_id=password)}"
        ),
        "as the realm": asked("GET", f"/api_web?r={password}&p={password}&c=unsub"),
        "as an address": asked("GET", f"/api_web?{command(password, data=f'email^{password}')}"),
        "head": asked("HEAD", f"/api_web?{query}"),
        "below the path": asked("GET", f"/api_web/x?{query}"),
        "below the path with quotes": asked("GET", f"/api_web/x?{quoted}"),
        "without a question mark": asked("GET", f"/bin/api_web&{query}"),
        "without one, with quotes": asked("GET", f"/bin/api_web&{quoted}"),
        "without one, with a space": asked("GET", f"/bin/api_web&p=one%20{password}"),
        "put": asked("PUT", f"/api_web?{query}", FORM, query),
        "a space in the url": exchange(web, f"GET /u/x?{query} &x=1 {host}\r\n".encode())[0],
        "quotes and a space": exchange(web, f"GET /u/x?{quoted} &x=1 {host}\r\n".encode())[0],
        "a line too long": exchange(
            web, f"GET /api_web?{query}&x={'x' * 9000} {host}\r\n".encode()
        )[0],
        "a header that is none": exchange(
            web, f"GET /api_web?{query} {host}Pass word: {password}\r\n\r\n".encode()
        )[0],
        "bad chunks": exchange(
            web,
            f"POST /api_web?{query} {host}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{query}\r\n0\r\n\r\n".encode(),
        )[0],
    }


class TestSecrets:
    """AT-26: a right and a wrong password, of which nothing is left but an HMAC."""

    def test_they_are_in_no_line_file_or_column(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        make_password(realm, RIGHT)
        with running_web(tmp_path, LOG_LEVEL="DEBUG") as web:
            tried = [try_everything(web, password) for password in (RIGHT, WRONG)]
            guessed = [post(web, command(WRONG), "127.0.0.3") for _ in range(25)]
            answered = [post(web, command(RIGHT)).body, post(web, command(WRONG)).body]

        for statuses in tried:
            assert statuses["get"] == statuses["post"] == statuses["multipart"] == 200
            assert statuses["get with quotes"] == 200
            assert statuses["below the path"] == statuses["without a question mark"] == 404
            assert statuses["put"] == 405
            assert statuses["a space in the url"] == statuses["a header that is none"] == 400
            assert statuses["a line too long"] == 414
            assert set(statuses.values()) == {200, 400, 404, 405, 414}
        assert {answer.status for answer in guessed} == {200, 429}
        assert answered[0].startswith("SUCCESS: ") and answered[1] == REFUSED
        assert_nowhere(tmp_path)
        assert "POST /bin/api_web 200" in web.printed(), "the access log itself is on"
        assert OptOut.objects.exists()

    def test_an_answer_to_what_cannot_be_read_repeats_nothing(self, tmp_path: Path) -> None:
        query = command(RIGHT)
        with running_web(tmp_path) as web:
            answers = [
                exchange(web, request.encode("latin-1"))
                for request in (
                    f"GET /u/x?{query} &x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    f"GET /u/x?{query}\xf6 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    f"GET {query} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    f"GET /api_web?{query} HTTPS/x\r\nHost: localhost\r\n\r\n",
                    f"GET /api_web?{query} HTTP/1.1\r\n{query} x\r\n\r\n",
                    f"GET /api_web?{query}{'x' * 9000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                )
            ]

        for status, headers, body in answers:
            assert status in {400, 414, 505}
            assert body.startswith(b"FAILURE: ") and body.count(b":") == 1
            assert parts_in(body.decode()) == [] and b"jane" not in body
            assert headers["content-length"] == str(len(body))

    def test_nor_when_something_breaks(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        """A table is missing: the password's own, then the one that a good command writes to; 500 and a traceback."""
        make_password(realm, RIGHT)
        statuses = []
        with running_web(tmp_path, LOG_LEVEL="DEBUG") as web:
            for table, passwords in (
                ("lists_realmcredential", (RIGHT, WRONG)),
                ("lists_passwordfailure", (RIGHT, WRONG)),
                ("optout_suppression", (RIGHT,)),
            ):
                with missing_table(table):
                    for password in passwords:
                        path = f"/api_web?{command(password)}"
                        statuses.append(ask(web.address, "GET", path).status)
                        statuses.append(post(web, command(password)).status)

        assert set(statuses) == {500}
        assert web.printed().count("Traceback") >= len(statuses)
        assert_nowhere(tmp_path)

    def test_nor_in_an_outage(self, realm: Realm, optout_list: List, tmp_path: Path) -> None:
        nowhere = "postgresql://nobody@127.0.0.1:9/none"
        with running_web(tmp_path, LOG_LEVEL="DEBUG", DATABASE_URL=nowhere) as web:
            answers = [
                each
                for password in (RIGHT, WRONG)
                for each in (
                    ask(web.address, "GET", f"/api_web?{command(password)}"),
                    post(web, command(password)),
                )
            ]

        assert {answer.status for answer in answers} == {503}
        assert not any(parts_in(answer.body) for answer in answers)
        assert_nowhere(tmp_path)

    def test_nor_in_the_mail_about_an_error(
        self,
        realm: Realm,
        optout_list: List,
        settings: Any,
        mailoutbox: list[Any],
    ) -> None:
        """Heed sends none; an operator who adds Django's handler for it gets a report without what was sent."""
        make_password(realm, RIGHT)
        settings.ADMINS = ["operator@example.com"]
        handler, logger = AdminEmailHandler(include_html=True), logging.getLogger("django.request")
        logger.addHandler(handler)
        client = Client(raise_request_exception=False)
        try:
            with missing_table("optout_suppression"):
                statuses = [
                    client.get(f"/api_web?{command(RIGHT)}").status_code,
                    client.generic("POST", "/api_web", command(RIGHT), FORM[0][1]).status_code,
                ]
        finally:
            logger.removeHandler(handler)

        assert statuses == [500, 500]
        assert len(mailoutbox) == 2
        for mail in mailoutbox:
            assert "optout_suppression" in mail.body
            assert parts_in(mail.message().as_string()) == []
            assert not any(parts_in(html) for html, _type in mail.alternatives)


# ── Guessers ──────────────────────────────────────────────────────────────────────────────────────────

TRIES = 1_500
FRIEND = "198.51.100.7"


def wrong_tries() -> Iterator[bytes]:
    """A wrong password and an unknown realm by turns; of each four, one from where the good calls come from."""
    for n in range(TRIES):
        body = command(f"guess{n}", r="acme" if n % 2 else f"realm{n}").encode()
        ip = FRIEND if n % 4 == 1 else f"10.{n % 3}.{n // 256}.{n % 256}"
        yield (
            f"POST /bin/api_web HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {ip}\r\n"
            f"Content-Type: {FORM[0][1]}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )


class TestGuessers:
    def test_good_calls_stay_quick(self, realm: Realm, optout_list: List, tmp_path: Path) -> None:
        """AT-27: beside a storm of wrong passwords, also from the caller's own IP, whose guesses are soon cut off."""
        from benchmarks.load import Load, run_load

        make_password(realm)
        storms: list[Load] = []
        took: list[float] = []
        lines: list[str] = []
        with running_web(tmp_path, TRUSTED_PROXIES="127.0.0.1") as web:
            port = int(web.address.rpartition(":")[2])
            storm = threading.Thread(
                target=lambda: storms.append(run_load(port, wrong_tries(), seconds=60))
            )
            storm.start()
            while storm.is_alive():
                started = time.perf_counter()
                good = command(data=f"email^person{len(lines)}@example.com")
                lines.append(post(web, good, behind=FRIEND).body)
                took.append(time.perf_counter() - started)
            storm.join()
            guesses = [post(web, command("guess"), behind=FRIEND) for _ in range(2)]

        assert storms[0].statuses[200] + storms[0].statuses[429] == TRIES
        assert storms[0].statuses[429] > TRIES // 5
        assert [each.status for each in guesses] == [429, 429]
        assert len(lines) > 10
        assert all(line.startswith("SUCCESS: 1 record(s) processed.") for line in lines)
        assert Suppression.objects.count() == len(lines)
        # a few milliseconds each; so much room is for a machine that has other things to do
        assert statistics.median(took) < 1
        assert max(took) < 10


# ── kill -9 ───────────────────────────────────────────────────────────────────────────────────────────


# Five new addresses in each command, of which every other is a `delete`.
BATCHES = [[f"n{n}r{r}@example.com" for r in range(5)] for n in range(2_000)]
SENDERS = 4


def is_delete(n: int) -> bool:
    return n // SENDERS % 2 == 1


def send_batches(web: Web, sender: int, answered: list[int], far: threading.Event) -> None:
    """Every fourth batch, until nobody answers any more; which were answered."""
    for n in range(sender, len(BATCHES), SENDERS):
        given = {"c": "delete"} if is_delete(n) else {}
        try:
            line = post(web, command(**given, data="email^" + "^".join(BATCHES[n]))).body
        except OSError:
            return  # no answer, no promise
        if line.startswith("SUCCESS: 5 record(s)"):
            answered.append(n)
        if len(answered) > 100:
            far.set()


class TestKilled:
    def test_what_was_answered_is_there(
        self, realm: Realm, optout_list: List, tmp_path: Path
    ) -> None:
        """Promise 1, for commands of many records: the whole web is killed, and no answered record is missing.

        Nor is any command half done: all of its records or none.
        """
        make_password(realm)
        for batch in BATCHES[:100]:
            make.make_contact(realm, batch[0], optout_list)
        answered: list[int] = []
        far = threading.Event()
        with running_web(tmp_path) as web:
            senders = [
                threading.Thread(target=send_batches, args=(web, n, answered, far))
                for n in range(SENDERS)
            ]
            for each in senders:
                each.start()
            came_far = far.wait(60)
            for pid in (web.pid, *web.workers()):
                os.kill(pid, signal.SIGKILL)
            for each in senders:
                each.join()

        # one snapshot: a statement that nobody waits for any more may still end
        with transaction.atomic():
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            kept = set(Suppression.objects.values_list("address", flat=True))
            contacts = set(Contact.objects.values_list("address", flat=True))
        assert came_far and len(answered) < len(BATCHES)
        assert {len(kept.intersection(batch)) for batch in BATCHES} == {0, 5}
        for n in answered:
            assert kept.issuperset(BATCHES[n])
            assert not is_delete(n) or contacts.isdisjoint(BATCHES[n])
