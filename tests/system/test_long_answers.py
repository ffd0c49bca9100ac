"""Long answers that break off, over real sockets: the client must not take half of one for the whole.

By HTTP/1.0 too, where nothing but the end of the connection says where an answer ends.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection

from lists.models import List, Realm
from tests import make
from tests.optout.channels.api_web.calls import PASSWORD, make_password
from tests.system.servers import ask, running_nginx, running_web

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

# The last row is the last in every order in which they may be read.
_FILL = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT %s, %s, 1, 1, 1, 1, CASE WHEN n = 50000 THEN %s ELSE substr(sha256(n::text::bytea), 1, 16) END,
    'person' || n || '@example.com'
FROM generate_series(1, 50000) n
"""
_LAST = b"\xff" * 16
# What each answer writes of a suppression, and asks nobody before.
_COLUMN = {"show_opt": ("address", "text"), "download": ("suppressed_at", "timestamptz")}
_NAMES = (
    "suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address, full_hash"
)


@contextmanager
def unreadable(name: str, kind: str) -> Iterator[None]:
    """That column of the last suppression cannot be read, as if the disk had an error just there."""
    broken = f"CASE WHEN digest = %s THEN (1 / (length(digest) - 16))::text::{kind} ELSE {name} END AS {name}"
    with connection.cursor() as cursor:
        # Read in order, and not by several processes.
        cursor.execute("ALTER TABLE optout_suppression SET (parallel_workers = 0)")
        cursor.execute("ALTER TABLE optout_suppression RENAME TO readable")
        try:
            cursor.execute(
                f"CREATE VIEW optout_suppression AS SELECT {_NAMES.replace(name, broken)} FROM readable",
                [_LAST],
            )
            yield
        finally:
            cursor.execute("DROP VIEW IF EXISTS optout_suppression")
            cursor.execute("ALTER TABLE readable RENAME TO optout_suppression")
            cursor.execute("ALTER TABLE optout_suppression RESET (parallel_workers)")


@pytest.fixture
def full(realm: Realm) -> List:
    make_password(realm)
    full = make.make_list(realm, plain_download=True)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [make.NOW, full.pk, _LAST])
    return full


def path_of(optout_list: List, what: str) -> str:
    if what == "download":
        text, _key = make.make_download_key(optout_list, may_see_clear=True)
        return f"/d/{optout_list.public_id}?{urlencode({'key': text, 'format': 'csv'})}"
    asked = {"r": "acme", "p": PASSWORD, "c": "show_opt", "list_id": optout_list.number}
    return f"/bin/api_web?{urlencode(asked)}"


def exchange(address: str, path: str, version: str) -> bytes:
    """All that comes until the connection ends."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as link:
        link.sendall(
            f"GET {path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        return b"".join(iter(lambda: link.recv(1 << 16), b""))


@pytest.mark.parametrize("what", ["show_opt", "download"])
class TestHTTP10:
    def test_half_an_answer_is_an_error_to_the_client(
        self, full: List, what: str, tmp_path: Path
    ) -> None:
        path = path_of(full, what)
        with running_web(tmp_path, WEB_WORKERS="1") as web:
            with unreadable(*_COLUMN[what]):
                for _ in range(3):  # its slot is free again
                    with pytest.raises(ConnectionResetError):
                        exchange(web.address, path, "1.0")
            # The server itself goes on, and a whole answer ends.
            whole = exchange(web.address, path, "1.0")

        assert whole.startswith(b"HTTP/1.0 200 OK")
        assert whole.count(b"@example.com") == 50_000
        assert "division by zero" in web.printed()

    def test_so_it_is_behind_a_proxy(self, full: List, what: str, tmp_path: Path) -> None:
        """nginx as it is by default speaks HTTP/1.0 to us."""
        path = path_of(full, what)
        with (
            running_web(tmp_path) as web,
            running_nginx(tmp_path, web.address, version="1.0") as proxy,
        ):
            with unreadable(*_COLUMN[what]), pytest.raises((HTTPException, OSError)):
                ask(proxy, "GET", path)
            assert ask(proxy, "GET", path).body.count("@example.com") == 50_000
