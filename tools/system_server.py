"""Run a command on a temporary server made from the machine's own PostgreSQL programs, through DATABASE_URL.

`python -m tools.system_server COMMAND …`; without a command it only says whether there is such a server (exit code 3 if
there is none). The server and its data are gone afterwards, whatever happens.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from config.embedded import ensure_server, leave_server
from config.keeper import server_version

OLDEST = 15
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
)


def newest() -> tuple[int, Path] | None:
    """Major version and folder of the newest server programs that are installed and new enough."""
    folders = [one for pattern in FOLDERS for one in Path("/").glob(pattern.removeprefix("/"))]
    complete = [one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()]
    versions = [(int(server_version(one)), one) for one in complete]
    return max((found for found in versions if found[0] >= OLDEST), default=None)


def main() -> int:
    installed = newest()
    if installed is None:
        return 3
    if not sys.argv[1:]:
        return 0
    version, programs = installed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="heed-system-"))
    try:
        socket = ensure_server(folder / "pg", durable=False, binaries=programs)
        print(f"On the machine's PostgreSQL {version} ({programs}):", flush=True)
        os.environ["DATABASE_URL"] = f"postgresql://heed@/heed?host={quote(str(socket), safe='')}"
        return subprocess.run(sys.argv[1:], check=False).returncode
    finally:
        leave_server()
        # Where root could not use a namespace, the data is elsewhere, behind a link.
        shutil.rmtree((folder / "pg").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
