"""Requests as a browser, a server or a script sends them, answered within this process, for the Service page's test.

They do not leave the process, but they pass all of it: middleware, view, limits, database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from optout.guard import TOKEN_FIELD
from optout.tokens import make_form_token
from reporting.entries import REHEARSAL_AGENT

TEST_IP = "192.0.2.53"  # RFC 5737: nobody's
_ADDRESS_FIELDS = {"item", "email", "phone", "phoneNumber"}
_READING_TIME = timedelta(seconds=30)  # robots fill in forms faster

BROWSER = {
    "ACCEPT": "text/html,application/xhtml+xml",
    "SEC_FETCH_MODE": "navigate",
    "SEC_FETCH_DEST": "document",
    "SEC_FETCH_SITE": "same-origin",
    "USER_AGENT": f"Mozilla/5.0 ({REHEARSAL_AGENT})",
}
IMAGE = {**BROWSER, "ACCEPT": "image/*", "SEC_FETCH_MODE": "no-cors", "SEC_FETCH_DEST": "image"}
SERVER = {"ACCEPT": "*/*", "USER_AGENT": f"curl/8 ({REHEARSAL_AGENT})"}
SCRIPT = {"USER_AGENT": f"PHP/8 ({REHEARSAL_AGENT})"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; as a text its status, and in a few words what it says."""

    status: int
    body: str
    location: str
    optout_status: str

    def __str__(self) -> str:
        said = self.optout_status or _heading(self.body)
        return f"{self.status}, {said}" if said else str(self.status)


def submit(token_for: int, address: str, url: str, shown: Answer) -> Answer:
    """Fill in the form that was shown at the URL and press its button, as a person would.

    What comes is the answer, or the page that it leads to. The form's guard, bound to the list with the primary key `token_for`,
    believes that half a minute went by.
    """
    form = _Form(shown.body)
    if form.action is None:
        return shown
    fields = dict(form.fields)
    fields[TOKEN_FIELD] = make_form_token(token_for, timezone.now() - _READING_TIME)
    if form.address_field:
        fields[form.address_field] = address
    answer = call(
        "POST",
        urljoin(url, form.action),
        {**BROWSER, "ORIGIN": "null"},
        body=urlencode(fields, quote_via=quote).encode(),
    )
    return call("GET", urljoin(url, answer.location), BROWSER) if answer.location else answer


def call(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    body: bytes = b"",
    kind: str = "application/x-www-form-urlencoded",
    ip: str = TEST_IP,
) -> Answer:
    """One request through the whole of the application, within this process. `kind`: of a body."""
    parts = urlsplit(url)
    base = urlsplit(settings.BASE_URL)
    request = WSGIRequest(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "REMOTE_ADDR": ip,
            "SERVER_NAME": base.hostname or "localhost",
            "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
            "HTTP_HOST": parts.netloc,
            "CONTENT_TYPE": kind if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": base.scheme,
            **{f"HTTP_{name}": value for name, value in headers.items()},
        }
    )
    response = _application().get_response(request)
    return Answer(
        response.status_code,
        _body(response),
        response.headers.get("Location", ""),
        response.headers.get("Optout-Status", ""),
    )


def _body(response: HttpResponseBase) -> str:
    if response.headers.get("Content-Type", "").startswith("image/"):
        return ""
    content: bytes = getattr(response, "content", b"")
    return content.decode(errors="replace")


@lru_cache(maxsize=1)
def _application() -> BaseHandler:
    handler = BaseHandler()
    handler.load_middleware()
    return handler


def _heading(page: str) -> str:
    """What a page says first, or the one line of a text."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    said = re.sub(r"<[^>]+>", "", found.group(1)) if found else page
    return " ".join(said.split())[:120] if found or "<" not in said else ""


class _Form(HTMLParser):
    """The first form of a page that is sent by POST: where to, its fields, and which of them wants the address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.address_field = ""
        self._is_inside = self._has_button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and given.get("method", "").lower() == "post":
            self.action = given.get("action", "")
            self._is_inside = True
        elif self._is_inside and tag in {"input", "button"} and given.get("name"):
            self._take(tag, given)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "submit" if tag == "button" else "text")
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        if kind == "submit":  # one button is pressed: the first
            if self._has_button:
                return
            self._has_button = True
        if name in _ADDRESS_FIELDS and kind != "hidden" and not self.address_field:
            self.address_field = name
        self.fields.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
