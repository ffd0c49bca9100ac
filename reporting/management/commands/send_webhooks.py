import asyncio
import json
import resource
import signal
from dataclasses import asdict
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from reporting.webhooks.sender import Sender
from reporting.webhooks.serving import Summary
from reporting.webhooks.session import SessionLostError

OPEN_FILES = 16_384


class Command(BaseCommand):
    help = "The sender: tells webhook endpoints of opt-outs, until it is told to stop. Beside web and worker; several may run."

    # The others load every view, which a process that answers nobody needs no memory for.
    requires_system_checks = (Tags.security, Tags.models)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="send what is due now, and end: nothing that is due later",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            summary = asyncio.run(_send(once=options["once"]))
        except (SessionLostError, DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database cannot be used: {type(error).__name__}") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(summary)))
        else:
            self.stdout.write(
                ", ".join(f"{name.replace('_', ' ')}: {n}" for name, n in asdict(summary).items())
            )


def allow_connections() -> None:
    """Each try is an open file, and so is each connection that is kept for the next one. Systems allow 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _send(*, once: bool) -> Summary:
    allow_connections()
    sender = Sender()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sender.stop)
    if once:
        return await sender.drain()
    await sender.run()
    return sender.summary
