"""`make check`: format, lint, types, import rules, templates, migrations, settings, translations.

One line per tool with its seconds; the output of those that complain. Exit code 1 if any does.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = (sys.executable, "-W", "ignore", "manage.py")


class Tool(NamedTuple):
    """One check: what it is called, the command, and what its environment needs beyond ours."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}


def production_like(state: str) -> dict[str, str]:
    """Settings as on a server, so that `check --deploy` looks at what will run there.

    The database is named but never asked: these checks look at the code.
    """
    return {
        "BASE_URL": "https://optout.example.com",
        "DATABASE_URL": "postgresql://heed@127.0.0.1:1/heed",
        "DEBUG": "false",
        "EMAIL_URL": "smtp+tls://heed:secret@mail.example.com:587",
        "HEED_STATE": state,
        "MAIL_FROM": "Heed <heed@example.com>",
        "SECRET_KEY": "only-for-make-check-" + "0123456789abcdef" * 4,
    }


def templates() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / "templates").rglob("*.html"))]


def tools(state: str) -> list[Tool]:
    """The slowest first: two run at a time."""
    offline = production_like(state)
    found = [
        Tool("mypy", (str(BIN / "mypy"),), offline),
        Tool("migrations", (*MANAGE, "makemigrations", "--check", "--dry-run"), offline),
        Tool("deploy check", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING"), offline),
        Tool("import rules", (str(BIN / "lint-imports"), "--no-cache")),
        Tool("ruff lint", (str(BIN / "ruff"), "check", "--output-format", "concise")),
        Tool("translations", (sys.executable, "-m", "tools.translations")),
        Tool("ruff format", (str(BIN / "ruff"), "format", "--check", "--output-format", "concise")),
    ]
    if names := templates():
        found.append(
            Tool("djade", (str(BIN / "djade"), "--check", "--target-version", "6.1", *names))
        )
    return found


def run(tool: Tool) -> bool:
    """Run it and say in one line how it went; what it printed only if it complains."""
    started = time.monotonic()
    done = subprocess.run(
        tool.command,
        cwd=ROOT,
        env=os.environ | tool.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    is_fine = done.returncode == 0
    line = f"{tool.name:<14} {'ok' if is_fine else 'FAILED':<7} {seconds:5.1f} s"
    print(line if is_fine else f"{line}\n{done.stdout.rstrip()}", flush=True)
    return is_fine


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as state, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, tools(state)))
    failures = results.count(False)
    verdict = "All fine" if not failures else f"{failures} of {len(results)} complain"
    print(f"{verdict} after {time.monotonic() - started:.0f} s.", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
