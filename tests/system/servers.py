"""Real processes for system tests: gunicorn as `make run` starts it, and nginx in front of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds for a process to come up; it is over as soon as it answers


@dataclass
class Web:
    """A running gunicorn: where it listens, its master's process id, and what it has printed."""

    address: str  # host:port, or unix:/path
    pid: int
    log: Path

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def ask(
    address: str,
    method: str,
    path: str,
    *,
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    source: str = "127.0.0.1",
) -> Answer:
    """One HTTP request to host:port, with exactly these headers, from that loopback address."""
    host, _, port = address.rpartition(":")
    client = HTTPConnection(host, int(port), timeout=20, source_address=(source, 0))
    try:
        names_host = any(name == "Host" for name, _ in headers or [])
        client.putrequest(method, path, skip_host=names_host, skip_accept_encoding=True)
        for name, value in headers or []:
            client.putheader(name, value)
        client.putheader("Content-Length", str(len(body)))
        client.endheaders(body)
        answer = client.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, text
        )
    finally:
        client.close()


def kill_workers(
    web: Web, send: Callable[[int], None], promised: Sequence[str], *, every: int
) -> None:
    """Let four threads `send`, and kill three workers the hard way meanwhile: one whenever so much more was promised."""
    senders = [Thread(target=send, args=(n,)) for n in range(4)]
    for each in senders:
        each.start()
    killed = 0
    while any(each.is_alive() for each in senders) and killed < 3:
        if len(promised) > every * (killed + 1):
            workers = web.workers()
            if workers:
                os.kill(workers[0], signal.SIGKILL)
                killed += 1
    for each in senders:
        each.join()
    assert killed == 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_database_url() -> str:
    """The database of the running test, for another process."""
    chosen = connection.settings_dict
    login = quote(str(chosen["USER"]), safe="")
    if chosen["PASSWORD"]:
        login += ":" + quote(str(chosen["PASSWORD"]), safe="")
    query = {"host": chosen["HOST"]}
    if chosen["PORT"]:
        query["port"] = str(chosen["PORT"])
    return f"postgresql://{login}@/{chosen['NAME']}?{urlencode(query)}"


test_database_url.__test__ = False  # type: ignore[attr-defined]


def columns_with(text: str) -> set[str]:
    """`table.column` of every text, bytes or JSON in the database that holds `text` somewhere, as it is or in base64."""
    needles = [text.encode()]
    # What base64 makes of it depends on where it begins; the ends are mixed with their neighbours.
    for before in range(3):
        coded = b64encode(b"x" * before + text.encode())
        needles.append(coded[4 if before else 0 : -4])
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT table_name, column_name, data_type FROM information_schema.columns
            JOIN information_schema.tables USING (table_schema, table_name)
            WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
              AND data_type IN ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb', 'ARRAY')
        """)
        for table, column, kind in cursor.fetchall():
            value = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
            cursor.execute(
                f'SELECT 1 FROM "{table}" WHERE '
                + " OR ".join(f"position(%s::bytea IN {value}) > 0" for _ in needles)
                + " LIMIT 1",
                needles,
            )
            if cursor.fetchone():
                found.add(f"{table}.{column}")
    return found


def files_with(text: str, folder: Path) -> list[str]:
    """The files below a folder that hold `text`, or have it in their name."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and (text in str(path.relative_to(folder)) or text.encode() in path.read_bytes())
    ]


def name_static_files(state: Path) -> None:
    """What `collectstatic` writes down, without copying: portal pages need a name for each file that they link."""
    names = [name for finder in get_finders() for name, _ in finder.list([])]
    manifest = {"paths": {name: name for name in names}, "version": "1.1", "hash": ""}
    (state / "static").mkdir()
    (state / "static" / "staticfiles.json").write_text(json.dumps(manifest))


@contextmanager
def running_web(folder: Path, *, bind: str | None = None, **environment: str) -> Iterator[Web]:
    """Gunicorn on the test's database while the block runs; with the same secrets as the test itself."""
    address = bind or f"127.0.0.1:{free_port()}"
    log = folder / "web.log"
    variables = os.environ | {
        "DATABASE_URL": test_database_url(),
        "HEED_STATE": str(folder),
        "SECRET_KEY": settings.SECRET_KEY,
        "LINK_SECRETS": settings.LINK_SECRETS,
        "SECRET_PEPPER": settings.SECRET_PEPPER,
        "LIST_CACHE_SECONDS": "0",
        **environment,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn", "-b", address]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(address, process, log)
        yield Web(address, process.pid, log)
    finally:
        _stop(process)


@contextmanager
def running_nginx(
    folder: Path,
    upstream: str,
    forwarded: str = "$proxy_add_x_forwarded_for",
    version: str = "1.1",
) -> Iterator[str]:
    """nginx in front of `upstream` (host:port or unix:/path), to which it speaks that version of HTTP, while the block runs;
    where it listens."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    address = f"127.0.0.1:{free_port()}"
    # Its workers must get to sockets in a folder that is only ours.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen {address};
        location / {{
            proxy_pass http://{upstream};
            proxy_http_version {version};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For {forwarded};
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
""")
    command = [
        program,
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "start.log"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(address, process, folder / "start.log")
        yield address
    finally:
        _stop(process)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it did not start:\n{log.read_text(errors='replace')[-3000:]}")
        with suppress(OSError):
            if address.startswith("unix:"):
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(address.removeprefix("unix:"))
                return
            with socket.create_connection(
                ("127.0.0.1", int(address.rpartition(":")[2])), timeout=1
            ):
                return
        time.sleep(0.02)  # polling another process, not waiting a fixed time
    raise AssertionError(f"it does not listen on {address}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
