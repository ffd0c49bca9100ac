"""Logs and error reports that hold no query string, no address and no secret (security.md §5, AT-26)."""

import logging
import re
from typing import Any

from django.views.debug import ExceptionReporter

QUERY = re.compile(r"\?[^\s'\"]*")
ADDRESS = re.compile(r"[^\s@<>'\"(),;:/?=&]+@[^\s@<>'\"(),;:/?=&]+\.[^\s@<>'\"(),;:/?=&]+")


def without_secrets(text: str) -> str:
    """The text with query strings and email addresses taken out."""
    return ADDRESS.sub("[address]", QUERY.sub("?[…]", text))


class NoQueryStrings(logging.Filter):
    """Cleans every line that goes to the console, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        record.msg, record.args = without_secrets(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = without_secrets(logging.Formatter().formatException(record.exc_info))
        return True


class ShortReporter(ExceptionReporter):
    """The report of an error: the traceback, without settings, parameters and local variables."""

    def get_traceback_data(self) -> dict[str, Any]:
        data = super().get_traceback_data()
        for frame in data.get("frames", ()):
            frame["vars"] = []
        for name in (
            "filtered_POST_items",
            "request_GET_items",
            "request_FILES_items",
            "request_COOKIES_items",
        ):
            data[name] = []
        data["request_meta"] = {}
        data["settings"] = {}
        data["request_insecure_uri"] = without_secrets(str(data.get("request_insecure_uri") or ""))
        data["exception_value"] = without_secrets(str(data.get("exception_value", "")))
        return data
