"""`make test`: see that there is a Chromium, then pytest with the given arguments.

The exit code is pytest's; 2 if browser tests cannot run and HEED_BROWSER_TESTS is not "skip".
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.chromium import ADVICE, find_chromium

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = sys.argv[1:]
    if os.environ.get("HEED_BROWSER_TESTS") == "skip":
        arguments += ["-m", "not browser"]
    else:
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
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
