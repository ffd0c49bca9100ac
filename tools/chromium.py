"""Which Chromium the browser tests use: one that is installed, or one that we install."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# The Arabic pages need a font; slim machines have none.
PACKAGES = ("chromium", "fonts-noto-core")
ADVICE = """\
The browser tests need Chromium, and none was found or could be installed here. Any one of these helps:

  Debian, Ubuntu    apt install chromium fonts-noto-core
  Fedora            dnf install chromium
  macOS             brew install --cask chromium
  anywhere          .venv/bin/python -m playwright install --with-deps chromium

To run the other tests without it: HEED_BROWSER_TESTS=skip make test"""


def say(text: str) -> None:
    print(text, flush=True)


def candidates() -> Iterator[str]:
    """Paths of installed browsers: named by the environment, on the path, Playwright's own."""
    if named := os.environ.get("HEED_CHROMIUM"):
        yield named
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    yield from (path for path in MACOS if Path(path).exists())
    with contextlib.suppress(Exception):
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            yield playwright.chromium.executable_path


def runs(path: str) -> bool:
    """Whether it starts: Ubuntu's chromium-browser may be a note to install a snap."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        seen = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
        return seen.returncode == 0
    return False


def install() -> None:
    """By the means that the machine offers."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"No Chromium found; installing the packages {' and '.join(PACKAGES)} ...")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": environment}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        if subprocess.run(install, check=False, **quiet).returncode == 0:  # type: ignore[call-overload]
            return
    say("No Chromium found; letting Playwright fetch its own ...")
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        stdin=subprocess.DEVNULL,
        check=False,
    )


def find_chromium() -> str | None:
    """The path of a Chromium that runs, installed now if need be; None where that is impossible."""
    for attempt in (1, 2):
        for path in candidates():
            if Path(path).exists() and runs(path):
                return path
        if attempt == 1:
            install()
    return None
