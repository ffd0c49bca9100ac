"""The REST API over real sockets: calls that scripts rely on, keys that show up nowhere, outages, and kill -9."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lists.models import List, Realm
from optout.models import OptOut, Suppression
from tests import make
from tests.system.servers import Web, ask, columns_with, files_with, kill_workers, running_web
from tests.system.test_gunicorn import missing_table

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

PROBLEM = "application/problem+json"


@pytest.fixture
def key(realm: Realm, optout_list: List) -> str:
    return make.make_api_key(realm)


@contextmanager
def connected(web: Web) -> Iterator[socket.socket]:
    host, _, port = web.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as link:
        yield link


def exchange(web: Web, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these very bytes and nothing more; the status, the headers, and all that came until gunicorn hung up."""
    with connected(web) as link:
        link.sendall(request)
        link.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: link.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(unchunked(body))
    return int(status.split(" ")[1]), headers, body


def unchunked(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        yield rest[:length]
        body = rest[length + 2 :] if length else b""


def call(
    web: Web, method: str, path: str, key: str, body: Any = None, *, version: str = "1.1"
) -> Any:
    """A call as a script sends it; its status, headers and what its JSON says."""
    octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/{version}",
        "Host: localhost",
        f"Authorization: Bearer {key}",
        "Connection: close",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(octets)}"]
    status, headers, said = exchange(web, "\r\n".join([*lines, "", ""]).encode() + octets)
    is_json = "json" in headers.get("content-type", "")
    return status, headers, json.loads(said) if is_json else said


class TestPathsThatScriptsRelyOn:
    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    def test_they_do_what_they_say(
        self, realm: Realm, key: str, tmp_path: Path, version: str
    ) -> None:
        jane, digits = "jane+news@example.com", "+14155550123"
        with running_web(tmp_path) as web:

            def do(method: str, path: str, body: Any = None) -> Any:
                status, headers, said = call(web, method, path, key, body, version=version)
                assert status in {200, 204}, said
                if status == 204:
                    assert not {"content-type", "content-length"} & set(headers)
                assert "set-cookie" not in headers
                assert headers["ratelimit-limit"] and headers["ratelimit-remaining"]
                return said

            lists = do("GET", "/api/v1/lists")["lists"]
            assert [(each["number"], each["name"]) for each in lists] == [
                (0, "Do Not Mail"),
                (1, "Garden letters"),
            ]
            added = do("POST", "/api/v1/lists/1/suppressions", {"addresses": [jane, digits]})
            assert (added["recorded"], added["new"]) == (2, 2)
            sent = {"list": 1, "addresses": [jane, "joe@example.com"]}
            assert do("POST", "/api/v1/lookup", sent) == {
                "results": [
                    {"address": jane, "suppressed": True, "scope": "list"},
                    {"address": "joe@example.com", "suppressed": False, "scope": None},
                ]
            }
            for plus in ("+", "%2B"):
                path = f"/api/v1/lookup?list=1&address=jane{plus}news@example.com"
                assert do("GET", path)["suppressed"] is True

            page = do("GET", "/api/v1/changes?cursor=&limit=10&wait=0")
            assert [(each["type"], each["list"], each["channel"]) for each in page["changes"]] == [
                ("opt_out", 1, "rest"),
                ("opt_out", 1, "rest"),
            ]
            assert {each["address"] for each in page["changes"]} == {jane, digits}
            again = do("GET", f"/api/v1/changes?cursor={page['cursor']}&limit=10&wait=1")
            assert again["changes"] == []

            contact = make.make_contact(realm, "ann@example.com")
            (found,) = do("GET", "/api/v1/contacts?email=ann@example.com")["contacts"]
            assert found["id"] == str(contact.pk)
            assert do("DELETE", f"/api/v1/contacts/{found['id']}") == b""
            (gone,) = do("GET", "/api/v1/do-not-mail")["do_not_mail"]
            assert gone["address"] == "ann@example.com"
            assert b"ann@example.com" in do("GET", "/api/v1/do-not-mail.csv")
            assert do("GET", "/api/v1/do-not-mail.txt").split() == [b"ann@example.com"]

    def test_a_body_in_chunks_is_read_and_one_cut_short_is_not_acted_on(
        self, key: str, tmp_path: Path
    ) -> None:
        body = b'{"addresses": ["jane@example.com"]}'
        head = (
            "POST /api/v1/lists/1/suppressions HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        ).encode()
        with running_web(tmp_path) as web:
            cut = exchange(web, head + b"Content-Length: 99\r\n\r\n" + body)
            bad = exchange(web, head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + body)
            assert not OptOut.objects.exists()
            chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[n : n + 1]) for n in range(len(body)))
            whole = exchange(
                web, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
            )

        assert (cut[0], bad[0], whole[0]) == (400, 400, 200)
        assert cut[1]["content-type"] == PROBLEM
        assert Suppression.objects.get().address == "jane@example.com"

    def test_what_is_refused_is_a_problem_with_a_place_on_the_page(
        self, key: str, tmp_path: Path
    ) -> None:
        with running_web(tmp_path) as web:
            for method, path, wrong, status in (
                ("GET", "/api/v1/lists", "hk_wrong", 401),
                ("GET", "/api/v1/lists?limti=5", key, 422),
                ("GET", "/api/v1/lists/7/suppressions", key, 404),
                ("PUT", "/api/v1/lists", key, 405),
                ("GET", "/api/v1/nothing", key, 404),
            ):
                answered, headers, problem = call(web, method, path, wrong)
                assert (answered, headers["content-type"]) == (status, PROBLEM), path
                assert problem["status"] == status
                assert "/api/v1/docs#problem-" in problem["type"]


class TestKeysInLogs:
    def test_neither_key_nor_address_is_printed_or_kept_in_clear(
        self, key: str, tmp_path: Path
    ) -> None:
        """AT-26: the right key, a wrong one, and addresses in every place; for 200, 204, 400, 401, 404, 422, 500 and 503."""
        wrong, person = "hk_canary7f1c9e", "canary-person"
        address = f"{person}@example.com"
        statuses = set()

        def ask_all(web: Web) -> None:
            for secret in (key, wrong):
                for method, path, body in (
                    ("GET", f"/api/v1/lookup?list=1&address={address}", None),
                    ("GET", f"/api/v1/lookup?list=1&address={address}&{address}={secret}", None),
                    ("GET", f"/api/v1/contacts?email={address}", None),
                    ("DELETE", f"/api/v1/contacts/{address}", None),
                    ("GET", f"/api/v1/lists?key={secret}", None),
                    ("GET", f"/api/v1/{address}", None),
                    ("GET", f"/api/v1/changes?cursor={secret}", None),
                    ("POST", "/api/v1/lookup", {"list": 1, "addresses": [address]}),
                    ("POST", "/api/v1/lists/1/suppressions", {"addresses": [address]}),
                    ("POST", "/api/v1/lists/1/suppressions", {"addresses": [address], address: 1}),
                    ("POST", "/api/v1/lists/1/suppressions", address),
                    ("POST", "/api/v1/lists/1/suppressions", f'{{"{address}": '.encode()),
                    ("POST", "/api/v1/contacts", {"address": f"new-{address}", "lists": [1]}),
                ):
                    status, _headers, said = call(web, method, path, secret, body)
                    statuses.add(status)
                    text = said.decode() if isinstance(said, bytes) else json.dumps(said)
                    assert secret not in text
                    assert status < 400 or person not in text, path

        with running_web(tmp_path) as web:
            ask_all(web)
            with missing_table("optout_suppression"):
                ask_all(web)
            printed = web.printed()
        with running_web(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none") as web:
            ask_all(web)
            printed += web.printed()

        assert {200, 400, 401, 404, 422, 500, 503} <= statuses
        for secret in (key, wrong, person):
            assert secret not in printed
        assert files_with(key, tmp_path) == files_with(wrong, tmp_path) == []
        assert columns_with(key) == columns_with(wrong) == set()


class TestOutage:
    def test_without_the_database_nothing_is_said_to_be_free_or_done(
        self, key: str, tmp_path: Path
    ) -> None:
        """Promise 8: 503, a problem, and when to come back; from every operation, and for every key."""
        with running_web(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none") as web:
            for method, path, body in (
                ("GET", "/api/v1/lists", None),
                ("GET", "/api/v1/lookup?list=1&address=jane@example.com", None),
                ("POST", "/api/v1/lookup", {"list": 1, "addresses": ["jane@example.com"]}),
                ("POST", "/api/v1/lists/1/suppressions", {"addresses": ["jane@example.com"]}),
                ("GET", "/api/v1/changes", None),
                ("GET", "/api/v1/do-not-mail.csv", None),
                ("DELETE", "/api/v1/contacts/1", None),
            ):
                status, headers, problem = call(web, method, path, key, body)
                assert (status, headers["content-type"]) == (503, PROBLEM), path
                assert int(headers["retry-after"]) > 0
                assert problem["type"].endswith("#problem-unavailable")
                assert "suppressed" not in json.dumps(problem)
            assert ask(web.address, "GET", "/api/v1/openapi.json").status == 200

    def test_one_that_fails_on_the_way_is_an_error_and_no_answer(
        self, key: str, tmp_path: Path
    ) -> None:
        with running_web(tmp_path) as web:
            sent = {"list": 1, "addresses": ["jane@example.com"]}
            assert call(web, "POST", "/api/v1/lookup", key, sent)[0] == 200  # its key is remembered
            with missing_table("optout_suppression"):
                for method, path, body in (
                    ("POST", "/api/v1/lookup", sent),
                    ("GET", "/api/v1/lookup?list=1&address=jane@example.com", None),
                ):
                    status, headers, problem = call(web, method, path, key, body)
                    assert (status, headers["content-type"]) == (500, PROBLEM)
                    assert "results" not in problem and "suppressed" not in problem


class TestKilledWorker:
    def test_what_was_answered_is_there(self, key: str, tmp_path: Path) -> None:
        """A success is given after the commit: `kill -9` of a web process under bulk adds loses nothing that was promised."""
        promised: list[str] = []
        with running_web(tmp_path) as web:

            def send(sender: int) -> None:
                for n in range(60):
                    addresses = [f"s{sender}n{n}k{each}@example.com" for each in range(20)]
                    try:
                        path, body = "/api/v1/lists/1/suppressions", {"addresses": addresses}
                        status, _headers, said = call(web, "POST", path, key, body)
                    except (OSError, ValueError, KeyError, IndexError):
                        continue  # the killed worker's own connections: no whole answer, no promise
                    assert status == 200 and said["recorded"] == 20
                    promised.extend(addresses)

            kill_workers(web, send, promised, every=600)

        assert len(promised) > 2_000
        assert set(promised) <= set(Suppression.objects.values_list("address", flat=True))
