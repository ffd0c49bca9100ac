"""The limiter in several real processes on one database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from lists.models import List
from optout.models import LimitCounter, UnsignedHour
from tests.system.servers import ROOT, test_database_url

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
HITS = 500
LIMIT = 100

# Says when it is up, waits for a line, then brings its own addresses as fast as it can; prints how many were admitted.
HITTER = f"""
import sys
import django
django.setup()
from django.utils import timezone
from lists.lookup import get_list
from optout.addresses import digest_of
from optout.choices import Traffic
from optout.limits import Admission, judge_unsigned
who, public_id = sys.argv[1:]
found = get_list(public_id)
print("ready", flush=True)
sys.stdin.readline()
digests = [digest_of(f"{{who}}-{{n}}@example.com") for n in range({HITS})]
admissions = [
    judge_unsigned(found, Traffic.DIRECT, "192.0.2.7/32", digest, timezone.now()).admission
    for digest in digests
]
print({HITS} - admissions.count(Admission.REFUSE))
"""


class TestAcrossProcesses:
    def test_exactly_the_limit_is_admitted(self, optout_list: List, tmp_path: Path) -> None:
        """AT-10: 4 processes × 500 hits on a limit of 100."""
        List.objects.update(limit_confirm=LIMIT, limit_block=LIMIT, limit_block_day=10_000)
        variables = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": test_database_url(),
            "HEED_STATE": str(tmp_path),
            "SECRET_KEY": settings.SECRET_KEY,
            "LINK_SECRETS": settings.LINK_SECRETS,
            "SECRET_PEPPER": settings.SECRET_PEPPER,
            "LIST_CACHE_SECONDS": "60",
        }
        hitters = [
            subprocess.Popen(
                [sys.executable, "-c", HITTER, str(n), optout_list.public_id],
                cwd=ROOT,
                env=variables,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for n in range(PROCESSES)
        ]
        try:
            for each in hitters:
                assert each.stdout is not None and each.stdout.readline() == "ready\n"
            for each in hitters:
                assert each.stdin is not None
                each.stdin.write("go\n")
                each.stdin.flush()
            admitted = [int(each.communicate(timeout=60)[0]) for each in hitters]
        finally:
            for each in hitters:
                each.kill()
                each.communicate()

        assert sum(admitted) == LIMIT
        counter = LimitCounter.objects.get()
        assert len(counter.digests) == LIMIT
        assert counter.refused == PROCESSES * HITS - LIMIT
        assert UnsignedHour.objects.get().requests == LIMIT
