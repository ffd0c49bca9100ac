"""The sender's database session: one thread, one connection, and the advisory locks that it holds.

Whoever loses the connection has lost the locks, and somebody else may serve the endpoints by now. So a broken connection is never
replaced quietly, as it is elsewhere: all that the sender knows ends with it.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from django.db import DatabaseError, InterfaceError, connection, transaction

# A host that is gone without a word is noticed within a minute, on both sides; its locks are then free.
_IDLE, _EVERY, _PROBES = 20, 5, 4
_SET_UP = f"""
SELECT set_config('tcp_keepalives_idle', '{_IDLE}', false), set_config('tcp_keepalives_interval', '{_EVERY}', false),
    set_config('tcp_keepalives_count', '{_PROBES}', false), set_config('application_name', %s, false)
"""


class SessionLostError(Exception):
    """The connection broke, and with it went the locks."""


class Session:
    """An asynchronous context manager: within it the connection is there, or everything raises."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "database")
        self._driver: Any = None

    async def __aenter__(self) -> Self:
        try:
            await self._in_thread(self._open)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(DatabaseError, InterfaceError):
            await self._in_thread(_close)
        self._thread.shutdown(wait=False)

    async def run[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it in the thread, in a transaction of its own. Raises SessionLostError, and what `work` does."""
        return await self._in_thread(lambda: self._guarded(work, *args, **kwargs))

    def _guarded[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with transaction.atomic():
                if connection.connection is not self._driver:
                    raise SessionLostError
                return work(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            if self._driver.closed:
                raise SessionLostError from error
            raise

    def _open(self) -> None:
        connection.close()
        connection.ensure_connection()
        self._driver = connection.connection
        with connection.cursor() as cursor:
            cursor.execute(_SET_UP, [f"heed sender {os.getpid()}"])
        _watch(self._driver.fileno())

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _close() -> None:
    connection.close()  # this thread's: outside it the name is another connection


def _watch(descriptor: int) -> None:
    """Our side of the same: a server's host that is gone."""
    with socket.socket(fileno=os.dup(descriptor)) as link:
        if link.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", _IDLE),
            ("TCP_KEEPINTVL", _EVERY),
            ("TCP_KEEPCNT", _PROBES),
            ("TCP_USER_TIMEOUT", 1000 * (_IDLE + _EVERY * _PROBES)),
        ):
            if hasattr(socket, option):  # not every system has all of them
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
