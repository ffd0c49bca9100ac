"""Make the environment in .venv: find a Python that is new enough, install the pinned requirements.

Runs on any Python from 3.6 (so: no newer syntax here). Takes no time when there is nothing to do.
"""

import argparse
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time
from typing import Dict, Iterator, List, Optional, Set, Tuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
UV_VENV = os.path.join(ROOT, ".venv-uv")
REQUIREMENTS = os.path.join(ROOT, "requirements", "dev.txt")
OLDEST = (3, 12)
# What the pinned packages are known to run on, best first; anything newer is tried after these.
KNOWN = ("3.14", "3.13", "3.12")
FETCHED = "3.13"

PROBE = """
import sys, sysconfig
if sys.version_info < (3, 12) or sysconfig.get_config_var("Py_GIL_DISABLED"): sys.exit(3)
print("%d.%d" % sys.version_info[:2])
import ensurepip, ssl, venv
print(sys.executable)
"""

ADVICE = """
Heed needs Python 3.12 or newer, and none was found that works{missing}.
Any one of these helps; then run the same command again:

  Debian, Ubuntu    apt install python3 python3-venv     (Debian 13, Ubuntu 24.04 and newer)
  Fedora            dnf install python3.13
  macOS             brew install python@3.13
  pyenv             pyenv install 3.13
  uv                uv python install 3.13
"""


def say(text: str) -> None:
    print(text, flush=True)


def clean_environment() -> Dict[str, str]:
    """Without what would lead another Python's packages into ours."""
    unwanted = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def run(
    *command: str, stderr: Optional[int] = subprocess.DEVNULL, **variables: str
) -> Optional[str]:
    """Run it, with further environment variables; its output, or None if it fails or is not there."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(clean_environment(), **variables),
            cwd=ROOT,
            universal_newlines=True,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def places() -> Iterator[str]:
    """Where a Python may be, as (command or path): this one, the path, then version managers."""
    yield sys.executable
    for version in KNOWN:
        yield "python" + version
    yield "python3"
    home = os.path.expanduser("~")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    folders = [
        os.path.join(os.environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv"), "versions"),
        os.path.join(data, "uv", "python"),
        os.path.join(data, "mise", "installs", "python"),
        os.path.join(home, ".asdf", "installs", "python"),
        "/opt/homebrew/opt",
        "/usr/local/opt",
        os.path.join(UV_VENV, "python"),
    ]
    for version in KNOWN:
        for folder in folders:
            found = glob.glob(os.path.join(folder, "*", "bin", "python" + version))
            for path in sorted(found, key=patch_level, reverse=True):
                yield path
    for version in ("3.15", "3.16", "3.17"):
        yield "python" + version


def patch_level(path: str) -> List[int]:
    """3.12.10 is newer than 3.12.9."""
    digits = "".join(letter if letter.isdigit() else " " for letter in path)
    return [int(word) for word in digits.split()]


def usable(incomplete: List[str]) -> Iterator[Tuple[str, str]]:
    """Every Python that is new enough and really runs (a pyenv shim may exist and fail), each once.

    Versions that lack ensurepip (Debian's without python3-venv) are added to `incomplete`.
    """
    seen: Set[str] = set()
    for place in places():
        command = shutil.which(place) if os.sep not in place else place
        if not command:
            continue
        lines = run_partly(command, "-c", PROBE).split("\n")
        if not lines[0]:
            continue
        if len(lines) < 2 or not lines[1]:
            incomplete.append(lines[0])
            continue
        path = os.path.realpath(lines[1])
        if path not in seen:
            seen.add(path)
            yield lines[1], lines[0]


def run_partly(*command: str) -> str:
    """What it printed, whether or not it failed afterwards."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            cwd=ROOT,
            universal_newlines=True,
        )
    except OSError:
        return ""
    return done.stdout


def stamp() -> str:
    """What .venv must say about itself to be the right one. A venv cannot be moved, hence its path."""
    with open(REQUIREMENTS, "rb") as file:
        return hashlib.sha256(file.read() + VENV.encode("utf-8", "surrogateescape")).hexdigest()


def is_ready() -> bool:
    # The link is dead when the Python it was made from has been removed.
    if not os.path.exists(os.path.join(VENV, "bin", "python")):
        return False
    try:
        with open(os.path.join(VENV, "heed-requirements")) as file:
            return file.read() == stamp()
    except OSError:
        return False


def build(python: str, version: str) -> bool:
    """Make .venv with this Python; False, and the reason on the terminal, if that does not work."""
    say("Setting up .venv with Python {} (once; a minute or so) ...".format(version))
    started = time.time()
    if run(python, "-m", "venv", "--clear", VENV, stderr=None) is None:
        say("Python {} could not make an environment.".format(version))
        return False
    done = subprocess.run(
        [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--quiet"]
        + ["--disable-pip-version-check", "--no-input", "--require-hashes", "-r", REQUIREMENTS],
        stdin=subprocess.DEVNULL,
        env=clean_environment(),
        cwd=ROOT,
    )
    if done.returncode != 0:
        say("The requirements could not be installed with Python {}.".format(version))
        return False
    with open(os.path.join(VENV, "heed-requirements"), "w") as file:
        file.write(stamp())
    say("Ready after {:.0f} seconds.".format(time.time() - started))
    return True


def find_uv() -> Optional[str]:
    """An installed uv, or one put into a private environment from the pinned file; None if neither."""
    own = os.path.join(UV_VENV, "bin", "uv")
    for uv in ("uv", own, os.path.expanduser("~/.local/bin/uv")):
        if run(uv, "--version") is not None:
            return uv
    pins = os.path.join(ROOT, "requirements", "uv.txt")
    for python in (sys.executable, "python3", "/usr/bin/python3"):
        pip = os.path.join(UV_VENV, "bin", "pip")
        if (
            run(python, "-m", "venv", "--clear", UV_VENV) is not None
            and run(pip, "install", "--require-hashes", "-r", pins) is not None
            and run(own, "--version") is not None
        ):
            return own
    return None


def fetched() -> Optional[str]:
    """A Python that uv fetches, into a private folder; None if it cannot."""
    say("No Python 3.12 or newer found here; asking uv to fetch one ...")
    uv = find_uv()
    if not uv:
        return None
    folder = os.path.join(UV_VENV, "python")
    if run(uv, "python", "install", FETCHED, stderr=None, UV_PYTHON_INSTALL_DIR=folder) is None:
        return None
    found = run(uv, "python", "find", "--no-project", FETCHED, UV_PYTHON_INSTALL_DIR=folder)
    return found.strip() if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", action="store_true", help="only print where a uv is")
    if parser.parse_args().uv:
        uv = find_uv()
        say(uv or "uv is not installed and could not be fetched.")
        return 0 if uv else 2
    with open(REQUIREMENTS) as lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once: the second waits and is done
        if is_ready():
            return 0
        if os.path.islink(VENV):  # making it anew would empty what it leads to
            say("{} is a link to an environment that is not ours. Take the link away.".format(VENV))
            return 2
        incomplete: List[str] = []
        tried = 0
        for python, version in usable(incomplete):
            tried += 1
            if build(python, version):
                return 0
        if not tried:
            own = fetched()
            if own and build(own, FETCHED):
                return 0
            missing = " (Python {} is there, but without its venv module)"
            note = missing.format(", ".join(sorted(set(incomplete)))) if incomplete else ""
            say(ADVICE.format(missing=note))
        return 2


if __name__ == "__main__":
    sys.exit(main())
