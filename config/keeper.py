"""The keeper: a small process that starts the embedded PostgreSQL, and stops it when nobody uses it.

Run by `config.embedded` as a program, with the standard library only: it outlives whoever started
it, and must not carry a whole Django along. Every process that uses the server holds a shared lock
on `<data>.lock`. The keeper tries for the exclusive one; it can only get it when the last user is
gone, however that one went (exit, Ctrl-C, kill -9).
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from config.server_user import Identity, KeeperError, choose_identity

POLL_SECONDS = 0.2
STOP_SECONDS = 60
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path is 108 bytes on Linux and 104 on macOS, with the closing NUL.
SOCKET_PATH_BYTES = 103
LOG_BYTES = 5_000_000
# The same sort order and case rules on every machine, whatever its C library.
BUILTIN_LOCALE_SINCE = 17

# Given on the command line, not written into postgresql.conf: an update of Heed brings its own values. Sized for a
# machine of two cores and 4 GB that does other things too.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# A test database is made anew after a crash, so nothing has to reach the disk.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}

# The application is no superuser: SQL that should not have run must not reach the machine (COPY … PROGRAM).
FIRST_STATEMENTS = """\
CREATE ROLE heed LOGIN CREATEDB;
GRANT pg_checkpoint TO heed;
CREATE DATABASE heed OWNER heed;
"""


# --- files beside the data folder -------------------------------------------------------------------------------------


def beside(data: Path, ending: str) -> Path:
    """`<state>/pg` and "lock" give `<state>/pg.lock`."""
    return data.with_name(f"{data.name}.{ending}")


def open_beside(data: Path, ending: str) -> int:
    """Open (or make) a file beside the data folder; a descriptor that no child process inherits."""
    descriptor = os.open(beside(data, ending), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    if os.geteuid() == 0:
        # Root who starts it in somebody else's checkout must not lock the owner out of it afterwards.
        folder = data.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock if it is free now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- a running server -------------------------------------------------------------------------------------------------


def postmaster(data: Path) -> tuple[int, Path, bool] | None:
    """Process id, socket folder and readiness from postmaster.pid, or None when there is no complete one."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(lines) < 5 or not lines[0].strip().lstrip("-").isdigit():
        return None
    return int(lines[0]), Path(lines[4]), len(lines) > 7 and lines[7].strip() == "ready"


def is_server_process(pid: int, data: Path) -> bool:
    """Whether `pid` is a postmaster of this data folder, rather than whatever got its number after a crash."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    entry = Path(f"/proc/{pid}")
    try:
        if entry.exists():
            # A server makes its data folder its working directory.
            return (entry / "cwd").resolve() == data.resolve() and "postgres" in (
                entry / "comm"
            ).read_text()
    except OSError:
        return False
    listed = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in listed.stdout


def running_pid(data: Path) -> int | None:
    found = postmaster(data)
    return found[0] if found and is_server_process(found[0], data) else None


def private_socket_folder(data: Path) -> Path:
    """The data folder, or where its path is too long for a socket, a private folder below the system's temp folder."""
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_BYTES:
        return data
    owner = data.stat()
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- private (checked below)
        folder = parent / f"heed-{owner.st_uid}-{key}"
        if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES:
            continue
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, owner.st_uid, owner.st_gid)
        seen = folder.lstat()
        if seen.st_mode & 0o170777 != 0o040700 or seen.st_uid != owner.st_uid:
            raise KeeperError(f"{folder} is not a private folder of the server's user: remove it.")
        return folder
    raise KeeperError("No folder with a path short enough for a socket: set TMPDIR to a short one.")


# --- start and stop ---------------------------------------------------------------------------------------------------


def run_program(who: Identity, *arguments: str | Path, statements: str | None = None) -> None:
    done = subprocess.run(
        [who.binaries / arguments[0], *arguments[1:]],
        preexec_fn=who.become,
        input=statements or "",
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise KeeperError(f"{arguments[0]} failed:\n{done.stderr.strip()[-2000:]}")


def make_cluster(who: Identity, *, durable: bool) -> None:
    """initdb, role and database, beside the final place; the rename is what makes it count."""
    fresh = who.data.with_name(f"{who.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    options = [
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    ]
    if int(server_version(who.binaries)) >= BUILTIN_LOCALE_SINCE:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        options += ["--no-sync"]
    run_program(who, "initdb", *options, "-D", fresh)
    sync = [] if durable else ["-c", "fsync=off"]
    run_program(
        who, "postgres", "--single", *sync, "-D", fresh, "postgres", statements=FIRST_STATEMENTS
    )
    fresh.rename(who.data)


def clear_leftovers(data: Path, *, durable: bool) -> None:
    """What a crash left: the pid file of a dead server; a throwaway cluster that may be damaged."""
    if durable:
        found = postmaster(data)
        # PostgreSQL trusts the process number alone; after a restart of a container it is often somebody else's.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if found:
            (found[1] / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
    elif (data / "postmaster.pid").exists():
        shutil.rmtree(data.resolve())


def check_version(who: Identity, *, durable: bool) -> None:
    """PostgreSQL opens only data of its own major version."""
    version = (who.data / "PG_VERSION").read_text().strip()
    if version == server_version(who.binaries):
        return
    if not durable:
        shutil.rmtree(who.data)
        return
    raise KeeperError(
        f"{who.data} was written by PostgreSQL {version}, the installed one is {server_version(who.binaries)}.\n"
        "Dump it with the old Heed (pg_dump), move the folder away, start once, and load the dump."
    )


def server_version(binaries: Path) -> str:
    done = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1].split(".")[0]


def start_server(who: Identity, *, durable: bool) -> subprocess.Popen[bytes]:
    """Start the server and wait until it takes connections (after a crash: until it has recovered)."""
    values = SETTINGS | (DURABLE if durable else THROWAWAY)
    values["unix_socket_directories"] = str(private_socket_folder(who.data))
    options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [who.binaries / "postgres", "-D", who.data, *options],
        preexec_fn=who.become,  # noqa: PLW1509 -- the keeper has one thread
        stdin=subprocess.DEVNULL,
        cwd="/",
    )
    while server.poll() is None:
        found = postmaster(who.data)
        if found and found[0] == server.pid and found[2]:
            return server
        time.sleep(0.02)
    raise KeeperError("PostgreSQL stopped while starting.")


def start_patiently(who: Identity, *, durable: bool) -> subprocess.Popen[bytes]:
    """Processes of a killed server need a moment to notice; until then a new one is refused."""
    for _ in range(4):
        with contextlib.suppress(KeeperError):
            return start_server(who, durable=durable)
        time.sleep(1)
    return start_server(who, durable=durable)


class Kept:
    """A server that we started, or took over from a keeper that was killed."""

    def __init__(self, data: Path, *, durable: bool, binaries: Path) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.data = data
        pid = running_pid(data)
        if pid is None:
            who = choose_identity(data, binaries)
            if who.data.exists():
                clear_leftovers(who.data, durable=durable)
            if who.data.exists():
                check_version(who, durable=durable)
            if not who.data.exists():
                make_cluster(who, durable=durable)
            self.child = start_patiently(who, durable=durable)
            pid = self.child.pid
        self.pid = pid

    def is_running(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        return is_server_process(self.pid, self.data)

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything committed is on disk."""
        for sent in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sent)
            patience = time.monotonic() + STOP_SECONDS
            while time.monotonic() < patience:
                if not self.is_running():
                    return
                time.sleep(0.02)


def keep(data: Path, *, durable: bool, binaries: Path, tell: Callable[[str], None]) -> None:
    """Start the server, tell "ready", and stop it when no process holds `<data>.lock` any more."""
    fcntl.flock(open_beside(data, "keeper"), fcntl.LOCK_EX)
    users = open_beside(data, "lock")
    asked_to_stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked_to_stop.append(number))
    server = Kept(data, durable=durable, binaries=binaries)
    tell("ready")
    while server.is_running():
        if asked_to_stop or try_lock(users, fcntl.LOCK_EX):
            server.stop()
            return
        time.sleep(POLL_SECONDS)
    print("The server stopped by itself; see above.", flush=True)


def end_of_log(data: Path) -> str:
    lines = beside(data, "log").read_text(errors="replace").splitlines()
    return "\n".join(["", *lines[-8:]]) if lines else ""


def main() -> None:
    """`-m config.keeper <data folder> <durable|throwaway> <folder of programs>`: return when the server is ready.

    The keeper itself goes on in the background. On failure: exit code 1 and the reason on stderr.
    """
    data, durable, binaries = Path(sys.argv[1]), sys.argv[2] == "durable", Path(sys.argv[3])
    heard, said = os.pipe()
    if os.fork() > 0:
        os.close(said)
        with os.fdopen(heard) as pipe:
            answer = pipe.read()
        sys.exit(
            None
            if answer == "ready"
            else answer or "The keeper of the embedded PostgreSQL ended at once."
        )
    os.close(heard)
    os.chdir("/")
    log = open_beside(data, "log")
    if os.fstat(log).st_size > LOG_BYTES:
        os.ftruncate(log, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)

    def tell(message: str) -> None:
        os.write(said, message.encode())
        os.close(said)

    try:
        keep(data, durable=durable, binaries=binaries, tell=tell)
    except (KeeperError, OSError, subprocess.SubprocessError) as problem:
        tell(f"The embedded PostgreSQL did not start: {problem}{end_of_log(data)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
