"""`make bench`: requests and records a second, latencies, memory, downloads, bytes a row, beside PostgreSQL itself.

Bounded: it stops by itself after about six minutes, talks to 127.0.0.1 only, and removes its database at the end.
`--seconds 2` makes each load shorter; `--rows 200000` the tables smaller, `--lines 500000` the report.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path


def main() -> None:
    """Make a scratch installation, measure, print, remove it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--rows", type=int, default=1_000_000, help="suppressions in the download")
    parser.add_argument(
        "--lines", type=int, default=5_000_000, help="lines of the Global Unsubscribe report"
    )
    parser.add_argument("--only", default="", help="just the requests whose name has this in it")
    options = parser.parse_args()

    # On the disk of the checkout: a system's temporary folder may be memory, where durability costs nothing.
    home = Path(os.environ.get("HEED_STATE", Path(__file__).parent.parent / ".heed"))
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix="bench-", dir=home))
    os.environ.pop("DATABASE_URL", None)
    os.environ |= {
        "HEED_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "WARNING",
        # Each request comes from a client of its own, as behind a proxy.
        "TRUSTED_PROXIES": "127.0.0.1",
        # One key makes all calls.
        "API_CALLS_PER_MINUTE": "1000000000",
    }
    import django

    try:
        django.setup()
        from benchmarks.scenarios import measure_everything

        measure_everything(options.seconds, options.rows, options.lines, options.only)
    finally:
        from django.db import connections

        from config.database import leave_server

        connections.close_all()
        leave_server()
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
