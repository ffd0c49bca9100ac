"""Running something beside the test, on a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from django.db import connection


def in_thread(work: Callable[[], Any]) -> "Future[Any]":
    """Start `work` at once; its result or error is the future's."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  handed to whoever asks for the result
            future.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=run, daemon=True).start()
    return future
