"""The receiver's process: listens, remembers what came, and tells it under /_… ; says its ports in a line of JSON.

Ends when its standard input does, and so with whoever started it.
"""

import argparse
import asyncio
import json
import ssl
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any, TextIO
from urllib.parse import parse_qsl

from tests.receiver import HOST, INNER_HOST, PATIENCE
from tests.receiver.behaviours import OK, Later, answer_json, behave
from tests.receiver.connection import Connection, Request

REMEMBERED = 20_000  # whole requests; of all others only the id


@dataclass(slots=True)
class Switch:
    """Requests below `path` are treated as if they were for `to`, so many times."""

    path: str
    to: str
    times: float


@dataclass(slots=True)
class Memory:
    """What came since the last reset."""

    requests: "deque[tuple[Request, float]]" = field(
        default_factory=lambda: deque(maxlen=REMEMBERED)
    )
    ids: list[tuple[str, str]] = field(default_factory=list)  # path, webhook-id
    switches: list[Switch] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"requests": 0, "connections": 0, "inner": 0}
    )


def is_below(target: str, path: str) -> bool:
    """Whether a request is for that path or one below it, whatever its query."""
    path = path.rstrip("/")
    return target.startswith(path) and target[len(path) : len(path) + 1] in {"", "/", "?"}


class Program:
    """The receiver: its memory, and who answers a request."""

    def __init__(self, ids_to: TextIO | None) -> None:
        self.memory = Memory()
        self.inner_url = ""
        self._ids_to = ids_to
        self._news = asyncio.Event()

    def meet(self, kind: str) -> None:
        self.memory.counts[kind] += 1

    def handle(self, request: Request, connection: Connection) -> bytes | Later:
        if request.target.startswith("/_"):
            self.memory.counts["connections"] -= not connection.is_asking
            connection.is_asking = True
            return self._command(request, connection)
        memory = self.memory
        memory.counts["requests"] += 1
        memory.requests.append((request, time()))
        webhook_id = request.headers.get("webhook-id", "")
        memory.ids.append((request.target, webhook_id))
        if self._ids_to is not None:
            self._ids_to.write(f"{webhook_id}\n")
        self._news.set()
        target = self._switched(request.target) if memory.switches else request.target
        return behave(target, connection, self.inner_url)

    def _switched(self, target: str) -> str:
        for switch in self.memory.switches:
            if switch.times > 0 and is_below(target, switch.path):
                switch.times -= 1
                return switch.to
        return target

    def _command(self, request: Request, connection: Connection) -> bytes | Later:
        parameters = dict(parse_qsl(request.target.partition("?")[2]))
        path = parameters.get("path", "/")
        match request.path:
            case "/_got":
                return answer_json(self._got(path))
            case "/_wait":
                return self._wait(
                    connection,
                    path,
                    int(parameters["count"]),
                    float(parameters.get("seconds", PATIENCE)),
                )
            case "/_ids":
                return answer_json(
                    [each for target, each in self.memory.ids if is_below(target, path)]
                )
            case "/_counts":
                return answer_json(self.memory.counts)
            case "/_switch":
                times = float(parameters.get("times", "inf"))
                self.memory.switches.insert(0, Switch(path, parameters["to"], times))
            case "/_reset":
                self.memory = Memory()
            case _:
                return answer_json({"error": "no such command"})
        return answer_json({})

    def _got(self, path: str) -> list[dict[str, Any]]:
        return [
            {
                "method": request.method,
                "path": request.target,
                "headers": request.headers,
                "body": request.body.decode("latin-1"),
                "at": at,
            }
            for request, at in self.memory.requests
            if is_below(request.target, path)
        ]

    async def _wait(self, connection: Connection, path: str, count: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while sum(is_below(target, path) for target, _ in self.memory.ids) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass
        await connection.write(answer_json(self._got(path)))


async def _serve(certificates: dict[str, str], ids_to: TextIO | None) -> None:
    loop = asyncio.get_running_loop()
    program = Program(ids_to)

    async def listen(host: str = HOST, context: ssl.SSLContext | None = None) -> int:
        server = await loop.create_server(
            lambda: Connection(program.handle, lambda: program.meet("connections")),
            host,
            0,
            ssl=context,
            backlog=1000,
        )
        return int(server.sockets[0].getsockname()[1])

    inner = await loop.create_server(
        lambda: Connection(lambda *_: OK, lambda: program.meet("inner")), INNER_HOST, 0
    )
    inner_port = inner.sockets[0].getsockname()[1]
    program.inner_url = f"http://{INNER_HOST}:{inner_port}/ok"
    ports = {"port": await listen(), "inner": inner_port, "tls": {}}
    for name, path in certificates.items():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        ports["tls"][name] = await listen(context=context)
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.receiver")
    parser.add_argument("--tls", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--ids-to", type=Path)
    options = parser.parse_args()
    certificates = dict(each.split("=", 1) for each in options.tls)
    ids_to = options.ids_to.open("a", buffering=1) if options.ids_to else None
    asyncio.run(_serve(certificates, ids_to))


if __name__ == "__main__":
    main()
