"""As whom the embedded PostgreSQL runs, and from where. The standard library only: see `keeper.py`.

PostgreSQL refuses to run as root. So that `make run` works for root too, also in a checkout below a
folder that is closed to everyone else, the server runs as root inside a user namespace of its own,
where it is an ordinary user: the files it may touch are exactly root's, and no folder has to be
opened to anybody. Where the kernel refuses namespaces (some containers) the server gets a system
user, with data (and if need be a copy of the programs) of its own below /var/lib/heed.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SYSTEM_USER = "heed"
SYSTEM_FOLDER = Path("/var/lib/heed")


class KeeperError(Exception):
    """The server cannot run; the message is for the person at the terminal."""


class Identity(NamedTuple):
    """As whom the server's programs run, on which data, from which programs."""

    become: Callable[[], None] | None
    data: Path
    binaries: Path


def enter_namespace() -> None:
    """Become an ordinary user by name while staying root by right, in a namespace of this process only.

    The outer root is mapped to the id of some existing account (initdb wants a name for it). All that is root's stays
    accessible as its owner; what belongs to others is out of reach, as it would be for any ordinary user.
    """
    account = next(
        entry for entry in pwd.getpwall() if 0 < entry.pw_uid < 65534 and entry.pw_gid > 0
    )
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{account.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{account.pw_gid} 0 1")


def can_live(become: Callable[[], None], data: Path, binaries: Path) -> bool:
    """Whether a server could run like that: allowed by the kernel, programs and data within reach."""
    target = data if data.exists() else data.parent
    script = '"$0" --version && test -r "$1" && test -w "$1" && test -x "$1"'
    try:
        probe = subprocess.run(
            ["/bin/sh", "-c", script, binaries / "postgres", target],
            preexec_fn=become,
            cwd="/",
            capture_output=True,
            check=False,
        )
    except (AttributeError, OSError, subprocess.SubprocessError):
        return False
    return probe.returncode == 0


def become_user(uid: int, gid: int) -> Callable[[], None]:
    def become() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    return become


def system_account() -> pwd.struct_passwd:
    """The system user for servers that root starts where namespaces are refused; made on first need."""
    attempts = (
        ["useradd", "--system", "--no-create-home", "--home-dir", str(SYSTEM_FOLDER), SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", "-h", str(SYSTEM_FOLDER), SYSTEM_USER],
    )
    for attempt in attempts:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        with contextlib.suppress(OSError):
            subprocess.run(attempt, capture_output=True, check=False)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    raise KeeperError(
        "PostgreSQL does not run as root, and neither a user namespace nor a system user can be made here.\n"
        "Run Heed as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
    )


def move_out(data: Path, binaries: Path) -> Identity:
    """Data below /var/lib/heed, for a system user; `data` becomes a link to it."""
    account = system_account()
    home = SYSTEM_FOLDER / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, account.pw_uid, account.pw_gid)
    if data.exists() and not data.is_symlink():
        raise KeeperError(
            f"{data} belongs to root, but PostgreSQL cannot run as root here. Move it away."
        )
    if not data.is_symlink():
        data.symlink_to(home / "pg")
    become = become_user(account.pw_uid, account.pw_gid)
    if not can_live(become, home, binaries):
        binaries = copy_of_programs(binaries)
    return Identity(become, home / "pg", binaries)


def copy_of_programs(binaries: Path) -> Path:
    """A copy of the wheel's programs that any user may run, for a checkout that is closed to others.

    The libraries that the wheel brings lie beside the package, and are found relative to the programs.
    """
    package, name = binaries.parent.parent, binaries.parent.name
    version = f"{binaries}-{binaries.stat().st_mtime_ns}"
    copied = SYSTEM_FOLDER / f"programs-{hashlib.sha256(os.fsencode(version)).hexdigest()[:16]}"
    if not copied.exists():
        fresh = SYSTEM_FOLDER / f"copying-{os.getpid()}"
        bare = shutil.ignore_patterns("include")
        shutil.copytree(package / name, fresh / package.name / name, symlinks=True, ignore=bare)
        for libraries in (f"{package.name}.libs", f"{package.name}/.dylibs"):
            if (package.parent / libraries).exists():
                shutil.copytree(package.parent / libraries, fresh / libraries, symlinks=True)
        open_for_all(fresh)
        with contextlib.suppress(OSError):  # another keeper was quicker
            fresh.rename(copied)
        shutil.rmtree(fresh, ignore_errors=True)
    return copied / package.name / name / binaries.name


def open_for_all(folder: Path) -> None:
    """Make our copy of the programs readable, whatever the umask was under which they were installed."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o755 if path.is_dir() or mode & 0o100 else mode | 0o644)


def choose_identity(data: Path, binaries: Path) -> Identity:
    """As whom to run: whoever we are; for root see the top of this file."""
    if os.geteuid() != 0:
        return Identity(None, data, binaries)
    if data.is_symlink():
        return move_out(data, binaries)
    if data.exists() and data.stat().st_uid != 0:
        # Somebody's own data, started by root this once: it stays theirs.
        owner = data.stat()
        return Identity(become_user(owner.st_uid, owner.st_gid), data, binaries)
    if can_live(enter_namespace, data, binaries):
        return Identity(enter_namespace, data, binaries)
    return move_out(data, binaries)
