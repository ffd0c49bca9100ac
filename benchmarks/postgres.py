"""What PostgreSQL itself can do on this machine, in the same run: the measure for everything else."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.database import server_binaries

# Rows of the shape of a suppression, one a statement, as pgbench sends it.
_TABLE = """
DROP TABLE IF EXISTS bench_upsert;
CREATE TABLE bench_upsert (LIKE optout_suppression INCLUDING ALL)
"""
_UPSERT = r"""
\set id random(1, 1000000000)
INSERT INTO bench_upsert (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
VALUES (
    now(), 1, 4, 1, 1, 1, substr(sha256((:id)::text::bytea), 1, 16), 'person' || :id || '@example.com'
) ON CONFLICT (optout_list_id, digest) DO UPDATE SET suppressed_at = excluded.suppressed_at;
"""


def _connection(database: dict[str, Any]) -> list[str]:
    host, user, name = (str(database[key]) for key in ("HOST", "USER", "NAME"))
    return ["-h", host, "-U", user, name]


def psql(database: dict[str, Any], statement: str) -> str:
    """What psql prints for a statement, unaligned."""
    command = [str(server_binaries() / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement]
    return _output([*command, *_connection(database)]).strip()


def upserts_per_second(database: dict[str, Any], seconds: int) -> float:
    """Single-row upserts by pgbench at 8 clients."""
    psql(database, _TABLE)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_UPSERT)
        script.flush()
        rate = _transactions_per_second(database, seconds, "-f", script.name)
    psql(database, "DROP TABLE bench_upsert")
    return rate


@contextmanager
def accounts(database: dict[str, Any]) -> Iterator[None]:
    """While the block runs, the million rows that `selects_per_second` reads."""
    command = [str(server_binaries() / "pgbench"), "-i", "-q", "-s", "10", *_connection(database)]
    _output(command)
    try:
        yield
    finally:
        tables = ("accounts", "branches", "history", "tellers")
        psql(database, "DROP TABLE " + ", ".join(f"pgbench_{each}" for each in tables))


def selects_per_second(database: dict[str, Any], seconds: int) -> float:
    """Single-row reads (`pgbench -S`) at 8 clients; within `accounts`."""
    return _transactions_per_second(database, seconds, "-S")


def _transactions_per_second(database: dict[str, Any], seconds: int, *script: str) -> float:
    clients = ["-c", "8", "-j", "2", "-T", str(seconds)]
    command = [str(server_binaries() / "pgbench"), "-n", *clients, *script, *_connection(database)]
    output = _output(command)
    found = re.search(r"tps = ([\d.]+)", output)
    assert found, output
    return float(found[1])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def copy_out_seconds(database: dict[str, Any], query: str) -> float:
    """How long `COPY (query) TO STDOUT` takes through psql, thrown away as it comes."""
    command = [str(server_binaries() / "psql"), "-qX", "-c", f"COPY ({query}) TO STDOUT"]
    started = time.perf_counter()
    with Path("/dev/null").open("wb") as nowhere:
        subprocess.run([*command, *_connection(database)], check=True, stdout=nowhere)
    return time.perf_counter() - started
