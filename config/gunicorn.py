"""How gunicorn serves Heed: `gunicorn -c python:config.gunicorn config.wsgi`. Threads, not asyncio: measured."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from gunicorn.glogging import Logger

from config.logs import NoQueryStrings, without_secrets


class PathLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Lines without query strings and addresses (security.md §5, AT-26), one line per request."""

    def setup(self, cfg: Any) -> None:
        """gunicorn's set-up; what it says about a broken request quotes the whole request line."""
        super().setup(cfg)
        self.error_log.addFilter(NoQueryStrings())

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """gunicorn's access line, but none for health checks: they come every few seconds, for ever."""
        if not str(environ.get("PATH_INFO", "")).startswith("/health/"):
            super().access(resp, req, environ, request_time)

    def atoms(self, *arguments: Any) -> dict[str, Any]:
        """gunicorn's values for a line. The path is quoted again: a decoded %0A would begin a line."""
        values: dict[str, Any] = super().atoms(*arguments)
        values["U"] = quote(without_secrets(str(values["U"])), safe="/[]:")
        return values


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

wsgi_app = "config.wsgi"
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
# Each worker loads the application itself: a restart of one is clean, and database connections are never shared.
preload_app = False

bind = ["127.0.0.1:8000"]
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
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(M)s ms"
errorlog = "-"
loglevel = "info"
control_socket_disable = True
