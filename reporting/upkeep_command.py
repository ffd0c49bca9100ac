"""The management commands of upkeep: a line to read, or `--json`; 0 when it worked, 1 when it did not."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone


class UpkeepCommand(BaseCommand):
    """Runs one piece of upkeep now."""

    @staticmethod
    def work(now: datetime) -> dict[str, int]:
        """The function of upkeep.py."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.work(timezone.now())
        except OSError as error:
            raise CommandError(f"The mail server cannot be used: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write(
                ", ".join(f"{name.replace('_', ' ')}: {n}" for name, n in result.items())
            )
