"""`make test`: see that there is a Chromium, then pytest with the given arguments.

Without arguments (but `-q`) the whole suite: what can share a database server in several processes, then the rest in one; with
`--quick` neither browser nor system tests. The exit code is pytest's, of the first run that failed; 2 if browser tests cannot
run and HEED_BROWSER_TESTS is not "skip".
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.chromium import ADVICE, find_chromium

ROOT = Path(__file__).resolve().parent.parent
MOST_PROCESSES = 4  # each has a database of its own


def main() -> int:
    arguments = sys.argv[1:]
    is_quick = "--quick" in arguments
    arguments = [each for each in arguments if each != "--quick"]
    has_browser = not is_quick and os.environ.get("HEED_BROWSER_TESTS") != "skip"
    if has_browser:
        chromium = find_chromium()
        if chromium is None:
            print(ADVICE, flush=True)
            return 2
        print(f"Browser tests use {chromium}.", flush=True)
        os.environ["HEED_CHROMIUM"] = chromium
    where = (
        "the server of DATABASE_URL"
        if os.environ.get("DATABASE_URL")
        else "the embedded PostgreSQL"
    )
    print(f"Database tests use {where}.", flush=True)
    if set(arguments) <= {"-q"}:
        return whole(arguments, is_quick=is_quick, has_browser=has_browser)
    return run(arguments if has_browser else [*arguments, "-m", "not browser"])


def whole(arguments: list[str], *, is_quick: bool, has_browser: bool) -> int:
    """The suite in two runs; the second one also after a failure of the first."""
    processes = str(min(MOST_PROCESSES, os.cpu_count() or 1))
    shared = ["-n", processes, "--dist", "worksteal"]
    rest = ["alone", *([] if is_quick else ["system"]), *(["browser"] if has_browser else [])]
    first = run([*arguments, *shared, "-m", "not browser and not system and not alone"])
    second = run([*arguments, "-m", " or ".join(rest), *files_with(rest)])
    return first or second


def files_with(marks: list[str]) -> list[str]:
    """The test files with one of these marks: pytest takes seconds to collect all tests, and these are few.

    A mark stands in the file of its tests (tests/conftest.py sees to it), so whoever reads the file finds it.
    """
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(each.relative_to(ROOT)) for each in files if any(has_mark(each, mark) for mark in marks)
    ]


def has_mark(file: Path, mark: str) -> bool:
    """Whether `pytest.mark.<mark>` stands in the file."""
    return f"pytest.mark.{mark}" in file.read_text(encoding="utf-8")


def run(arguments: list[str]) -> int:
    """pytest with these arguments; its exit code."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


def environment() -> dict[str, str]:
    """Ours, with what Python compiled kept in the state folder, even where it is told to keep none beside the sources.

    pytest rewrites each assertion before it compiles: 5 seconds, in each process.
    """
    state = Path(os.environ.get("HEED_STATE") or ROOT / ".heed").resolve()
    found = {"PYTHONPYCACHEPREFIX": str(state / "compiled")} | os.environ
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


if __name__ == "__main__":
    sys.exit(main())
