"""How gunicorn serves Heed: `gunicorn -c python:config.gunicorn config.wsgi`. Threads, not asyncio: measured."""

import gc
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.urls import get_resolver
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from config.logs import NoQueryStrings, without_secret_paths, without_secrets
from config.request_lines import OldScriptsRequest, write_error
from config.written_answers import AnswerInOnePiece, http_date
from optout.turns import TurnPool
from reporting.rest.long_polls import wait_while_running


class NoBrokenRequests(logging.Filter):
    """Of a request that gunicorn cannot read, its line quotes a part: kept is who sent it, never the words (AT-26)."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Invalid request from ip="):
            record.msg = str(record.msg).split(": ", 1)[0]
        return True


class PathLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Lines without query strings and addresses (security.md §5, AT-26), one line per request."""

    def setup(self, cfg: Any) -> None:
        """gunicorn's set-up; what it says about a broken request quotes the whole request line."""
        super().setup(cfg)
        self.error_log.addFilter(NoBrokenRequests())
        self.error_log.addFilter(NoQueryStrings())

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """Time, method, path, status, milliseconds; nothing for health checks, which come every few seconds for ever.

        Written here and not from gunicorn's format, which looks at every header first, nor through `logging`, which collects
        twenty facts about each line: each a tenth of a quick request. The path is quoted again, since a decoded %0A would begin
        a line.
        """
        path = environ.get("PATH_INFO", "")
        if path.startswith("/health/"):
            return
        path = without_secret_paths(path, "[...]")
        if any(mark in path for mark in "@?+") or not path.isascii() or not path.isprintable():
            path = quote(without_secrets(path), safe="/[]:")
        milliseconds = request_time.seconds * 1000 + request_time.microseconds // 1000
        status = str(resp.status)[:3]
        line = f"{self.now()} {environ['REQUEST_METHOD']} {path} {status} {milliseconds} ms"
        self._write(line)

    def _write(self, line: str) -> None:
        """Into the file or stream that gunicorn opened. Nobody's request fails for a full disk."""
        handlers = self.access_log.handlers
        if not all(isinstance(each, logging.StreamHandler) for each in handlers):
            self.access_log.info("%s", line)  # syslog
            return
        for handler in handlers:
            with handler.lock, suppress(OSError, ValueError):
                handler.stream.write(f"{line}\n")
                handler.stream.flush()


class TurnWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threads, of which no more work at once than do so well."""

    def get_thread_pool(self) -> TurnPool:
        return TurnPool(settings.WEB_THREADS, self.cfg.threads)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

wsgi_app = "config.wsgi"
worker_class = TurnWorker
workers = settings.WEB_WORKERS
# Of which WEB_THREADS work at once; the others are those of whoever waits or sends a long answer.
threads = settings.WEB_THREADS + settings.LONG_POLLS_AT_ONCE + settings.DOWNLOADS_AT_ONCE
# Each worker loads the application itself: a restart of one is clean, and database connections are never shared.
preload_app = False

bind = ["127.0.0.1:8000"]
# gunicorn has no setting for any of these.
http_parser = "python"
RequestParser.mesg_class = OldScriptsRequest
util.write_error = write_error
wsgi.Response = AnswerInOnePiece
util.http_date = http_date
# A direct link may carry an address, a thank-you page and a campaign; Django answers what is too long for us.
limit_request_line = 8190
keepalive = 5
timeout = 60
# How long a stop waits for running requests, in seconds; a mailer whose download is cut off asks again.
graceful_timeout = 20
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# Method, path, status, milliseconds. Never the query or the referrer: both hold addresses.
logger_class = PathLogger
accesslog = "-"
errorlog = "-"
loglevel = "info"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """What was loaded stays: the collector need not look through it again and again, nor after every 2,000 new objects."""
    wait_while_running(lambda: bool(worker.alive))
    get_resolver().url_patterns  # noqa: B018  loads every view now, not during somebody's first request
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
