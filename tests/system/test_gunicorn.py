"""Real gunicorn processes on the test's PostgreSQL."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

from lists.models import List, User
from optout.links import make_token
from optout.models import OptOut, Suppression
from tests import make
from tests.system.servers import (
    Web,
    ask,
    columns_with,
    files_with,
    kill_workers,
    name_static_files,
    running_web,
)

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

# Where the address of somebody who opted out may stand.
ADDRESS_COLUMNS = {
    "optout_optout.address",
    "optout_suppression.address",
    "optout_quarantinedoptout.address",
}
AGENT = [("User-Agent", "curl/8.9.1"), ("Accept", "*/*")]
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def post_one_click(web: Web, optout_list: List, address: str) -> int:
    path = f"/o/{make_token(optout_list.pk, address)}"
    return ask(web.address, "POST", path, headers=FORM, body=ONE_CLICK).status


def sign_in(web: Web, user: User, password: str) -> int:
    """The status after sending the sign-in form with that password."""
    token = "x" * 32  # any will do, if cookie and form agree
    fields = {"login": user.email, "password": password, "csrfmiddlewaretoken": token}
    headers = [*FORM, ("Cookie", f"csrftoken={token}")]
    body = urlencode(fields).encode()
    return ask(web.address, "POST", "/manage/account/login/", headers=headers, body=body).status


@contextmanager
def missing_table(name: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO out_of_reach")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE out_of_reach RENAME TO {name}")


class TestOneClick:
    def test_a_mail_provider_may_post_for_thousands_of_users(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        """AT-09: 5,000 posts with 5,000 tokens from one IP address are all answered 200 and all recorded."""
        from benchmarks.load import run_load

        requests = (
            f"POST /o/{make_token(optout_list.pk, f'p{n}@example.com')} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(ONE_CLICK)}\r\n\r\n".encode()
            + ONE_CLICK
            for n in range(5_000)
        )
        with running_web(tmp_path) as web:
            load = run_load(int(web.address.rpartition(":")[2]), requests, seconds=60)

        assert dict(load.statuses) == {200: 5_000}
        assert Suppression.objects.count() == OptOut.objects.count() == 5_000

    def test_what_was_answered_survives_a_killed_worker(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        """A success is given after the commit, so `kill -9` of a web process loses nothing that was promised.

        Just that: the database goes on running. That a commit is on disk is the database's part of promise 1; see
        tests/config/test_database.py::TestDurability for what we ask of it.
        """
        promised: list[str] = []
        with running_web(tmp_path) as web:

            def send(sender: int) -> None:
                for n in range(60):
                    address = f"s{sender}n{n}@example.com"
                    try:
                        if post_one_click(web, optout_list, address) == 200:
                            promised.append(address)
                    except OSError:
                        pass  # the killed worker's own connections: no answer, no promise

            kill_workers(web, send, promised, every=40)

        kept = set(Suppression.objects.values_list("address", flat=True))
        assert len(promised) > 100
        assert set(promised) <= kept


class TestWhitelistedServer:
    def test_it_is_told_by_its_own_address(self, optout_list: List, tmp_path: Path) -> None:
        """S0.12: the same call acts from a listed server and is refused, and kept, from any other."""
        List.objects.filter(pk=optout_list.pk).update(whitelist=["127.0.0.2"])
        path = f"/u/{optout_list.public_id}?item=jane@example.com"
        agent = [("User-Agent", "curl/8.9.1"), ("Accept", "*/*")]
        with running_web(tmp_path) as web:
            refused = ask(web.address, "GET", path, headers=agent, source="127.0.0.3")
            accepted = ask(web.address, "GET", path, headers=agent, source="127.0.0.2")

        assert (refused.status, refused.headers["optout-status"]) == (403, "quarantined")
        assert (accepted.status, accepted.body) == (200, "OK")
        assert str(OptOut.objects.get().ip) == "127.0.0.2"


class TestSecretsInLogs:
    def test_no_query_string_address_or_key_is_printed(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        """AT-26: a canary in every place where secrets travel; 0 hits in what was printed."""
        canary = "canary-7f1c"
        key, _row = make.make_download_key(optout_list)
        statuses = set()
        with running_web(tmp_path) as web:
            for path in (
                f"/u/{optout_list.public_id}?item={canary}@example.com",
                f"/u/{optout_list.public_id}?item={canary}@example.com&item=other@example.com",
                f"/u/{optout_list.public_id}.gif?item={canary}@example.com",
                f"/u/nolist23456789?item={canary}@example.com",
                f"/u/{canary}@example.com",
                f"/d/{optout_list.public_id}?key={canary}",
                f"/d/{optout_list.public_id}?key={key}&format={canary}",
                f"/d/{optout_list.public_id}?key={key}",
                f"/o/{canary}?p={canary}",
                f"/{canary}%40example.com?p={canary}",
            ):
                for method in ("GET", "POST", "PUT"):
                    headers = [
                        ("Referer", f"http://localhost/?p={canary}"),
                        ("User-Agent", "curl/8.9"),
                    ]
                    statuses.add(ask(web.address, method, path, headers=headers).status)
            printed = web.printed()
        # no database: every answer is a 503, and the traceback in the log says nothing either
        with running_web(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none") as web:
            path = f"/u/{optout_list.public_id}?item={canary}@example.com"
            statuses.add(ask(web.address, "GET", path).status)
            printed += web.printed()

        assert {200, 404, 405, 503} <= statuses
        assert 500 not in statuses
        assert f"/u/{optout_list.public_id}" in printed, "the access log itself is on"
        assert f"{canary}@" not in printed.replace("%40", "@")
        assert f"p={canary}" not in printed
        assert f"key={canary}" not in printed
        assert key not in printed

    def test_the_traceback_of_a_real_error_holds_none_either(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        """AT-26 for 500: a table is missing, so that the statement with the address in it fails."""
        canary = "canary-7f1c"
        List.objects.filter(pk=optout_list.pk).update(whitelist=["127.0.0.2"])
        query = f"?item={canary}@example.com&note={canary}"
        with running_web(tmp_path) as web, missing_table("optout_suppression"):
            answers = [
                ask(
                    web.address,
                    "GET",
                    f"/u/{optout_list.public_id}{query}",
                    headers=[("User-Agent", "curl/8.9"), ("Referer", f"http://localhost/{query}")],
                    source="127.0.0.2",
                ),
                ask(
                    web.address,
                    "POST",
                    f"/o/{make_token(optout_list.pk, f'{canary}@example.com')}",
                    headers=[*FORM, ("Cookie", f"sessionid={canary}")],
                    body=ONE_CLICK + f"&note={canary}".encode(),
                ),
            ]

        printed = web.printed()
        assert [answer.status for answer in answers] == [500, 500]
        assert "Traceback" in printed and "optout_suppression" in printed
        assert canary not in printed
        assert not any(canary in answer.body for answer in answers)
        assert files_with(canary, tmp_path) == []


class TestSecretsAtRest:
    def test_keys_and_passwords_are_nowhere_and_addresses_only_where_they_belong(
        self, optout_list: List, alice: User, tmp_path: Path
    ) -> None:
        """AT-26: the whole database and the state folder after right and wrong keys, sign-ins and opt-outs."""
        List.objects.filter(pk=optout_list.pk).update(whitelist=["127.0.0.2"])
        right_key, _row = make.make_download_key(optout_list)
        wrong_key, wrong_password, person = (
            "hd_canary-key-9c2e",
            "canary-password-51",
            "canary-person",
        )
        path = f"/u/{optout_list.public_id}?item={person}@example.com"
        name_static_files(tmp_path)
        alice.password = Argon2PasswordHasher().encode(make.PASSWORD, "salt-for-the-test")
        alice.save()
        with running_web(tmp_path) as web:
            statuses = [
                ask(web.address, "GET", path, headers=AGENT, source="127.0.0.2").status,
                ask(web.address, "GET", path, headers=AGENT, source="127.0.0.3").status,
                *(
                    ask(
                        web.address,
                        "GET",
                        f"/d/{optout_list.public_id}",
                        headers=[("Authorization", f"Bearer {key}")],
                        source="127.0.0.2",
                    ).status
                    for key in (right_key, wrong_key)
                ),
                *(sign_in(web, alice, password) for password in (wrong_password, make.PASSWORD)),
            ]

        assert statuses == [200, 403, 200, 401, 200, 302]
        for secret in (right_key, wrong_key, wrong_password, make.PASSWORD):
            assert columns_with(secret) == set()
            assert files_with(secret, tmp_path) == []
        assert columns_with(person) == ADDRESS_COLUMNS
        assert files_with(person, tmp_path) == []


class TestUnreadableRequests:
    def test_what_they_say_is_not_printed(self, optout_list: List, tmp_path: Path) -> None:
        """An unencoded space cuts the request line, and gunicorn would quote the rest of it, key and all."""
        canary = "hd_canary7f1c"
        path = f"/d/{optout_list.public_id}?since=2026-11-01 10:00:00&key={canary}"
        with running_web(tmp_path) as web:
            head = send_raw(web, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            printed = web.printed()

        assert head.startswith(b"HTTP/1.1 400")
        assert canary not in printed
        assert "Invalid request from ip=127.0.0.1" in printed

    def test_a_body_cut_into_bad_chunks_is_refused(self, optout_list: List, tmp_path: Path) -> None:
        with running_web(tmp_path) as web:
            for path in (
                f"/u/{optout_list.public_id}",
                f"/u/{optout_list.public_id}.gif",
                f"/o/{make_token(optout_list.pk, 'jane@example.com')}",
            ):
                head = send_raw(
                    web,
                    f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "ZZ\r\nitem=jane@example.com\r\n0\r\n\r\n".encode(),
                )
                assert head.startswith(b"HTTP/1.1 400"), path
            assert "jane@example.com" not in web.printed()
        assert not OptOut.objects.exists()

    def test_signed_links_and_reset_keys_are_not_printed(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        token = make_token(optout_list.pk, "jane@example.com")
        with running_web(tmp_path) as web:
            ask(web.address, "GET", f"/o/{token}")
            ask(web.address, "GET", "/manage/account/password/reset/key/5-canary7f1c/")
            printed = web.printed()

        assert token not in printed
        assert "canary7f1c" not in printed
        assert "GET /o/" in printed


def send_raw(web: Web, request: bytes) -> bytes:
    """The beginning of the answer to these very bytes."""
    host, _, port = web.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as link:
        link.sendall(request)
        return link.recv(4096)
