"""Logs and error reports that hold no query string, no address and no secret (security.md §5, AT-26)."""

import logging
import re
from types import SimpleNamespace
from typing import Any

from django.views.debug import ExceptionReporter

# To the next space: a quote is legal in a URL, and so in a password that stands there.
QUERY = re.compile(r"\?\S*")
ADDRESS = re.compile(r"[^\s@<>'\"(),;:/?=&]+@[^\s@<>'\"(),;:/?=&]+\.[^\s@<>'\"(),;:/?=&]+")


# Paths that are themselves a secret: whoever has a signed link, or a short one, may unsubscribe its recipient or end a report.
# And an old script's request in which the question mark is missing, so that password or phone number stand in the path: all that
# follows is taken out, since a path is logged as it reads, with spaces, line ends and all. (A traceback names our own files below
# `api_web/`: they stay.)
SECRET_PATH = re.compile(
    r"(/o/|/s/|/p/|/j/|/n/|/password/reset/key/|/(?:api_web|unsubscribe/(?:unsubscribe|done))(?!/\w+\.py)(?=.{1,2000}=))"
    r"(?:(?<=/api_web).+|(?<=/unsubscribe).+|(?<=/done).+|\S+)",
    re.IGNORECASE | re.DOTALL,
)
# Of the Global Unsubscribe our own paths are kept. Whatever else stands below `/unsubscribe` and `/g/` may be an address, however
# it was encoded: all that follows is taken out. (Within quotes it is our code in a traceback, or a file of ours: it stays.)
_METHOD = r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT)"
_OWN_PATH = r"/+(?:g/+(?=[0-9]*[a-z])[a-z0-9]{8,32}/+)?unsubscribe/+(?:unsubscribe|done|preview)"
_END_OF_LINE = r"/?(?:\s(?:\d{3}(?: \d+ ms)?|HTTP/\d\.\d\"?(?: \d{3} \d+)?))?\Z"
GLOBAL_PATH = re.compile(
    rf"((?:(?<![\w.\-\]}})/\"'])|https?://[^\s/]*|{_METHOD} ['\"])"
    rf"(?!{_OWN_PATH}{_END_OF_LINE})(?:{_OWN_PATH}|/+(?:unsubscribe|g(?=/)))).+",
    re.IGNORECASE | re.DOTALL,
)
PHONE = re.compile(r"\+[0-9]{7,15}\b")
# A key of ours, put by mistake where a name or a number belongs: clients of the v1 shape have `KEY%USER` for a user name.
KEY = re.compile(r"\bh[dkr]_[A-Za-z0-9_-]{6,}")
# A user name of the v1 shape is a realm's name. Whatever else stands there may be the credentials themselves.
USER_PATH = re.compile(r"(/ws/customers/)(?![a-z0-9_-]{2,63}(?:[/\s'\"]|\Z))[^/\s]+")
# What stands in the place of a contact's id, and is none, may be an address in any spelling.
CONTACT_PATH = re.compile(
    r"(/(?:ws/customers/[^/\s]+|v2|api/v1)/contacts/)(?!(?:[0-9]{1,19}|[0-9a-f]{32})(?:[/\s'\"]|\Z)).+",
    re.IGNORECASE | re.DOTALL,
)
# What a report may show of the request, the settings and the source of a template: nothing.
_LEFT_OUT: dict[str, Any] = {
    "request_GET_items": [],
    "filtered_POST_items": [],
    "request_FILES_items": [],
    "request_COOKIES_items": [],
    "request_meta": {},
    "settings": {},
    "template_info": None,
    "unicode_hint": "",
    "user_str": "",
}


def without_secret_paths(text: str, mark: str = "[…]") -> str:
    """The text with `mark` for whatever stands in a path where a secret or an address may be."""
    for pattern in (SECRET_PATH, GLOBAL_PATH, CONTACT_PATH, USER_PATH):
        text = pattern.sub(rf"\1{mark}", text)
    return KEY.sub(mark, text)


def without_secrets(text: str) -> str:
    """The text with query strings, email addresses and phone numbers (as we write them: +14155550123) taken out."""
    text = QUERY.sub("?[…]", without_secret_paths(text))
    return PHONE.sub("[address]", ADDRESS.sub("[address]", text))


class NoQueryStrings(logging.Filter):
    """Cleans every line that goes to the console, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        record.msg, record.args = without_secrets(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = without_secrets(logging.Formatter().formatException(record.exc_info))
        return True


class ShortReporter(ExceptionReporter):
    """The report of an error: what Django says of it, without what the request, the variables and the settings hold.

    It is used by the page that DEBUG shows, and by a handler that mails errors, if somebody configures one; what goes to the
    console is cleaned by NoQueryStrings. Left are the lines of code, the request's method and path, and the messages of the
    exceptions, without query strings and addresses. A secret inside a message would not be recognised: never write one there.
    """

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        for frame in data["frames"]:
            frame["vars"] = []
            if frame.get("exc_cause"):
                frame["exc_cause"] = without_secrets(str(frame["exc_cause"]))
        for name in ("exception_value", "exception_notes", "request_insecure_uri"):
            if name in data:
                data[name] = without_secrets(str(data[name] or ""))
        if self.request is not None:
            data["request"] = SimpleNamespace(
                path_info=without_secrets(self.request.path_info),
                META={"REQUEST_METHOD": self.request.method},
            )
        return data | _LEFT_OUT
