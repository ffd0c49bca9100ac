"""What the receiver does, by the first part of the path:

/ok, /204, /500 … any status; with `?after=7` a Retry-After of seconds, with `?date=7` one of a date 7 seconds from now,
    `?type=` and `?text=` an answer with that text
/slow?seconds=0.2                       200, after that while
/hang                                   never answers
/drip, /drip-headers                    an octet of the body, or of the headers, every now and then, for ever
/redirect?to=…&status=302               elsewhere; by default to the inner listener
/big?size=10000000                      200 with so many octets
/endless, /endless-chunks, /endless-headers, /endless-line, /endless-continue    never ends, as fast as it can
/half                                   breaks off in the middle of the answer
/close, /reset                          closes the connection, with FIN or RST, without an answer
/answer-and-close                       200, and closes a connection that it called open; `/answer-and-reset` with RST
/extra                                  200, and a second answer (500) that nobody asked for
/garbage                                no HTTP
/bomb                                   200, gzip: 10 MB in 10 kB
/cookie                                 200, and asks to keep a cookie
"""

import asyncio
import gzip
import json
import struct
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET
from time import time
from typing import Any
from urllib.parse import parse_qsl

from tests.receiver.connection import Connection

DRIP = 0.02  # seconds between two octets
CHUNK = b"x" * 65536

type Parameters = dict[str, str]
type Later = Coroutine[Any, Any, None]


def answer(status: int = 200, body: bytes = b"", headers: str = "") -> bytes:
    """A whole answer; `headers` as lines, each with its line end."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus else "Some status"
    return (
        f"HTTP/1.1 {status} {reason}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def answer_json(value: object) -> bytes:
    return answer(200, json.dumps(value).encode(), "Content-Type: application/json\r\n")


OK = answer(200, b"ok")


def behave(target: str, connection: Connection, inner_url: str) -> bytes | Later:
    """What a request for that path gets."""
    path, _, query = target.partition("?")
    if path.startswith("/ok"):
        return OK
    name = path.split("/")[1]
    parameters = dict(parse_qsl(query))
    if name.isdecimal():
        return _status(int(name), parameters)
    if name == "redirect":
        to = parameters.get("to", inner_url)
        return answer(int(parameters.get("status", "302")), headers=f"Location: {to}\r\n")
    if name in _WHOLE:
        return _WHOLE[name]()
    if name in _BY_AND_BY:
        return _BY_AND_BY[name](connection, parameters)
    return answer(404)


def _status(status: int, parameters: Parameters) -> bytes:
    headers = ""
    if "after" in parameters:
        headers += f"Retry-After: {parameters['after']}\r\n"
    if "date" in parameters:
        headers += f"Retry-After: {formatdate(time() + float(parameters['date']), usegmt=True)}\r\n"
    if "type" in parameters:
        headers += f"Content-Type: {parameters['type']}\r\n"
    if status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:  # they have no body
        return f"HTTP/1.1 {status} Nothing\r\n{headers}\r\n".encode()
    return answer(status, parameters.get("text", "").encode(), headers)


def _bomb() -> bytes:
    return answer(200, gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip\r\n")


_WHOLE: dict[str, Callable[[], bytes]] = {
    "extra": lambda: OK + answer(500, b"nobody asked"),
    "garbage": lambda: b"SSH-2.0-OpenSSH_9.9\r\n\r\n" * 3,
    "bomb": _bomb,
    "cookie": lambda: answer(200, headers="Set-Cookie: seen=1; Path=/\r\n"),
}


async def _slow(connection: Connection, parameters: Parameters) -> None:
    await asyncio.sleep(float(parameters["seconds"]))
    await connection.write(OK)


async def _hang(_connection: Connection, _parameters: Parameters) -> None:
    await asyncio.Event().wait()


async def _drip(connection: Connection, _parameters: Parameters) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await connection.write(b".")
        await asyncio.sleep(DRIP)


async def _drip_headers(connection: Connection, _parameters: Parameters) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.write(b"A")
        await asyncio.sleep(DRIP)


async def _big(connection: Connection, parameters: Parameters) -> None:
    left = int(parameters.get("size", "10000000"))
    await connection.write(f"HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n".encode())
    while left:
        await connection.write(CHUNK[:left])
        left -= len(CHUNK[:left])


def _endless(begin: bytes, more: bytes) -> Callable[[Connection, Parameters], Later]:
    async def run(connection: Connection, _parameters: Parameters) -> None:
        await connection.write(begin)
        while True:
            await connection.write(more)
            await asyncio.sleep(0)

    return run


async def _half(connection: Connection, _parameters: Parameters) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    connection.transport.close()


async def _close(connection: Connection, _parameters: Parameters) -> None:
    connection.transport.close()


async def _reset(connection: Connection, _parameters: Parameters) -> None:
    socket = connection.transport.get_extra_info("socket")
    socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def _answer_and_close(connection: Connection, parameters: Parameters) -> None:
    await connection.write(OK)
    await _close(connection, parameters)


async def _answer_and_reset(connection: Connection, parameters: Parameters) -> None:
    await connection.write(OK)
    await asyncio.sleep(0)
    await _reset(connection, parameters)


_BY_AND_BY: dict[str, Callable[[Connection, Parameters], Later]] = {
    "slow": _slow,
    "hang": _hang,
    "drip": _drip,
    "drip-headers": _drip_headers,
    "big": _big,
    "endless": _endless(b"HTTP/1.1 200 OK\r\n\r\n", CHUNK),
    "endless-chunks": _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1;ext=" + CHUNK[:1000] + b"\r\nx\r\n",
    ),
    "endless-headers": _endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000),
    "endless-line": _endless(b"HTTP/1.1 200 OK\r\nX-Long: ", CHUNK),
    "endless-continue": _endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "half": _half,
    "close": _close,
    "reset": _reset,
    "answer-and-close": _answer_and_close,
    "answer-and-reset": _answer_and_reset,
}
