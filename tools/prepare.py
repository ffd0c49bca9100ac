"""What comes before the first request: tables, static files, and on the first run the demo.

Prints one JSON object: {"demo": what `seed_demo --json` printed, or null if there is no demo}.
"""

import io
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError

from config.state import remember_address

NEWEST_KEY = "sms"  # of what `seed_demo --json` prints


def demo() -> object:
    """The demo's addresses and sign-ins: made now if the database holds nobody yet, else as made then.

    One that an earlier release loaded is completed once: what was printed then may not open everything now.
    """
    from lists.models import Realm

    kept: Path = settings.STATE_DIR / "demo.json"
    found = read_demo(kept)
    if not Realm.objects.exists() or (found and NEWEST_KEY not in found):
        print("Loading demo data ...", file=sys.stderr, flush=True)
        printed = io.StringIO()
        call_command("seed_demo", "--json", stdout=printed)
        kept.touch(mode=0o600)
        kept.write_text(printed.getvalue())
        found = read_demo(kept)
    return found


def read_demo(kept: Path) -> dict[str, object] | None:
    """What was printed when the demo was loaded, if it is in this database."""
    from lists.models import User

    try:
        found: dict[str, object] = json.loads(kept.read_text())
        emails = [user["email"] for user in found["users"].values()]  # type: ignore[attr-defined]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    # Another database than the one the demo was loaded into, or people who were removed since.
    return found if User.objects.filter(email__in=emails).exists() else None


def prepare() -> dict[str, object]:
    """Tables, static files, demo. The checks look at the server, too: its version, for one."""
    call_command("migrate", verbosity=0, interactive=False, skip_checks=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    remember_address(settings.STATE_DIR, settings.BASE_URL)
    return {"demo": demo()}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        # Whatever a command prints is for people; the answer goes alone to stdout.
        with redirect_stdout(sys.stderr):
            answer = prepare()
    except (OperationalError, SystemCheckError) as problem:
        sys.exit(f"{problem}".strip())
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
