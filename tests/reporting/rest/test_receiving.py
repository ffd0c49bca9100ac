"""The programs that take webhooks in, against messages that were really signed: they are run as they stand."""

import asyncio
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from lists.models import List, Realm
from reporting.rest.receiving import receiving
from reporting.webhooks.sender import Sender
from tests import make
from tests.reporting.rest.webhooks import Program

ID = "msg_0123456789abcdef0123456789abcdef"
BODY = '{"type":"opt_out.recorded","data":{"address":"jané@example.com"}}'.encode()
SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
OLD = "whsec_" + b64encode(bytes(range(1, 33))).decode()
COMMANDS = {
    "python": [sys.executable, "webhook"],
    "php": ["php", "-S", "127.0.0.1:0", "webhook"],
    "node": ["node", "webhook.mjs"],
}


def signed(
    *secrets: str, age: timedelta = timedelta(0), body: bytes = BODY, name: str = ID
) -> dict[str, str]:
    """The headers with which a message was sent that long ago."""
    moment = datetime.now(UTC) - age
    signatures = [Webhook(each).sign(name, moment, body.decode()) for each in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def signed_with_nothing() -> dict[str, str]:
    """As anybody can, where the secret is missing."""
    moment = str(int(datetime.now(UTC).timestamp()))
    digest = hmac.digest(b"", f"{ID}.{moment}.".encode() + BODY, "sha256")
    signature = f"v1,{b64encode(digest).decode()}"
    return signed(SECRET) | {"webhook-timestamp": moment, "webhook-signature": signature}


def good() -> dict[str, dict[str, str]]:
    """Headers that are right, and why."""
    return {
        "as it is": signed(SECRET),
        "while the secret is rotated, by the new one": signed(SECRET, OLD),
        "while the secret is rotated, by the old one": signed(OLD, SECRET),
        "a minute old": signed(SECRET, age=timedelta(minutes=1)),
    }


def bad() -> dict[str, dict[str, str]]:
    """Headers that are wrong, and why."""
    return {
        "another secret": signed(OLD),
        "old": signed(SECRET, age=timedelta(minutes=6)),
        "from tomorrow": signed(SECRET, age=timedelta(days=-1)),
        "of another body": signed(SECRET, body=b"{}"),
        "of another message": signed(SECRET) | {"webhook-id": "msg_other"},
        "at another time": signed(SECRET) | {"webhook-timestamp": "1700000000"},
        "no time": signed(SECRET) | {"webhook-timestamp": ""},
        "a time that is a program": signed(SECRET) | {"webhook-timestamp": "a[$(touch /tmp/x)]"},
        "another version": {k: v.replace("v1,", "v2,") for k, v in signed(SECRET).items()},
        "an empty signature": signed(SECRET) | {"webhook-signature": "v1,"},
        "a strange signature": signed(SECRET) | {"webhook-signature": "v1,\xe9 v1 \xff,"},
        "unsigned": {"Content-Type": "application/json"},
    }


@contextmanager
def running(language: str, folder: Path, secret: str = SECRET) -> Iterator[int]:
    """The port at which the program listens."""
    command = COMMANDS[language]
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    inbox = folder / "inbox"
    inbox.mkdir()
    (folder / command[-1]).write_text(receiving()[language])
    environment = {"WEBHOOK_SECRET": secret, "WEBHOOK_INBOX": str(inbox), "PORT": "0"}
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | environment,
    )
    try:
        assert server.stdout
        said = ""
        for line in server.stdout:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                yield int(found[1])
                return
        pytest.fail(said)
    finally:
        server.kill()
        server.communicate()


def post(port: int, headers: dict[str, str], body: bytes = BODY) -> int:
    """What it answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("language", COMMANDS)
class TestReceivers:
    def test_they_keep_what_is_genuine_and_nothing_else(
        self, tmp_path: Path, language: str
    ) -> None:
        with running(language, tmp_path) as port:
            for why, headers in bad().items():
                assert post(port, headers) == 401, why
            assert post(port, signed(SECRET), BODY + b" ") == 401
            assert not list((tmp_path / "inbox").iterdir())
            for why, headers in good().items():
                assert post(port, headers) == 204, why

        kept = list((tmp_path / "inbox").iterdir())
        assert [each.read_bytes() for each in kept] == [BODY] * len(good())
        assert all(each.name.endswith(ID) for each in kept)

    def test_sorted_by_name_they_are_in_order(self, tmp_path: Path, language: str) -> None:
        names = [f"msg_{n}" for n in (3, 1, 2, 5, 4)]
        with running(language, tmp_path) as port:
            for name in names:
                assert post(port, signed(SECRET, name=name)) == 204
        kept = sorted(each.name for each in (tmp_path / "inbox").iterdir())
        assert [each.partition("-")[2] for each in kept] == names

    def test_what_could_not_be_kept_is_not_taken(self, tmp_path: Path, language: str) -> None:
        with running(language, tmp_path) as port:
            (tmp_path / "inbox").rmdir()
            try:
                assert post(port, signed(SECRET)) == 500
            except ConnectionError:
                assert language == "python"  # the connection just ends

    def test_without_a_secret_nobody_can_sign(self, tmp_path: Path, language: str) -> None:
        """Else whoever knows that it is empty could."""
        if language == "php":
            with running(language, tmp_path, secret="") as port:
                assert post(port, signed_with_nothing()) == 500
        else:
            failure = pytest.raises(pytest.fail.Exception, match="not a whole secret")
            with failure, running(language, tmp_path, secret=""):
                pass


class TestShell:
    def check(self, folder: Path, headers: dict[str, str], secret: str = SECRET) -> str:
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        (folder / "headers").write_text("POST / HTTP/1.1\r\n" + "".join(lines) + "\r\n")
        (folder / "body").write_bytes(BODY)
        (folder / "program").write_text(receiving()["curl"])
        finished = subprocess.run(
            ["sh", "program"],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=folder,
            env=os.environ | {"WEBHOOK_SECRET": secret},
        )
        assert (finished.returncode == 0) is (finished.stdout == "genuine\n")
        return finished.stdout

    @pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
    def test_it_tells_what_is_genuine(self, tmp_path: Path) -> None:
        for why, headers in good().items():
            assert self.check(tmp_path, headers), why
        for why, headers in bad().items():
            assert not self.check(tmp_path, headers), why
        assert not self.check(tmp_path, signed_with_nothing(), secret="")


@pytest.mark.alone  # it reads the feed
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", COMMANDS)
class TestWithTheSender:
    def test_what_is_really_sent_is_kept_also_while_the_secret_is_rotated(
        self, settings: Settings, realm: Realm, optout_list: List, tmp_path: Path, language: str
    ) -> None:
        settings.WEBHOOK_ALLOW_CIDRS = ["127.0.0.1/32"]
        program = Program(realm)
        made = program.make(url="http://127.0.0.1:9/")
        path = f"/{made['id']}"
        with running(language, tmp_path, made["secret"]) as port:
            program("PATCH", path, {"url": f"http://127.0.0.1:{port}/"})
            make.make_optout(optout_list, "jané@example.com")
            make.make_optout(optout_list, "+14155550123")
            send()
            program("POST", f"{path}/rotate", {"overlap_hours": 1})
            program("POST", f"{path}/test")
            send()
            program("POST", f"{path}/rotate", {"overlap_hours": 1})
            make.make_optout(optout_list, "refused@example.com")
            send()

        kept = [each.read_text("utf-8") for each in sorted((tmp_path / "inbox").iterdir())]
        told = [json.loads(each) for each in kept]
        assert {each["data"]["address"] for each in told[:2]} == {
            "jané@example.com",
            "+14155550123",
        }
        assert [each["type"] for each in told] == [*["opt_out.recorded"] * 2, "webhook.test"]
        log = program.read(f"{path}/deliveries")["deliveries"]
        assert [each["status"] for each in log] == [401, 204, 204, 204]


def send() -> None:
    """Have all that is due sent."""
    asyncio.run(Sender().drain())
