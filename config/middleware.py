"""What every request passes through, and what only the portal's do."""

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.exception import convert_exception_to_response
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from config.views import outage

PORTAL_PATHS = ("/manage/", "/ops/")
# Its texts are marked, but there is one language of them: a setting for recipients must not give it half of another.
PORTAL_LANGUAGE = "en"
# Which paths need nothing of the portal, and where their views are.
PUBLIC_PATHS = (
    "/u/",
    "/o/",
    "/s/",
    "/p/",
    "/j/",
    "/sms/",
    "/api_web",
    "/bin/api_web",
    "/unsubscribe",
    "/g/",
)
PROGRAM_PATHS = ("/api/", "/ws/", "/v2/")
# Programs compare what they get: it is English, whatever DEFAULT_LANGUAGE says.
_ENGLISH_PATHS = (*PROGRAM_PATHS, "/api_web", "/bin/api_web")

# A base URL that ends in a slash, and then `/unsubscribe/unsubscribe`
_TWO_SLASHES = re.compile(r"/{1,2}(?:g/\w{1,40}/{1,2})?unsubscribe/unsubscribe/?")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class PortalOnly(MiddlewareMixin):
    """A middleware that steps aside for paths outside the portal: recipients get no session, user or message."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(PORTAL_PATHS):
            return super().__call__(request)
        return self.get_response(request)


class PortalLanguage(PortalOnly):
    """The portal speaks English, whatever DEFAULT_LANGUAGE and the browser say (S0.8); then what was active is so again."""

    def __call__(self, request: HttpRequest) -> Any:
        with translation.override(PORTAL_LANGUAGE):
            return super().__call__(request)


class PortalNotStored(PortalOnly):
    """Portal pages hold addresses: no cache keeps them, and after signing out the back button shows none."""

    def process_response(
        self, _request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class PortalSessions(PortalOnly, SessionMiddleware):
    pass


class PortalCsrf(PortalOnly, CsrfViewMiddleware):
    """Reads and sets its cookie in the portal only. Elsewhere a POST that is not exempt is still refused: no cookie."""


class PortalAuthentication(PortalOnly, AuthenticationMiddleware):
    pass


class PortalMessages(PortalOnly, MessageMiddleware):
    pass


class PortalDeadEnds(PortalOnly):
    """Below /manage/ nobody stands before a bare 405, or is signed in again without hearing that nothing was saved.

    A browser comes by GET to an address for POST alone after signing in there, and when it reloads what such an address
    answered: it is sent to the page above. Other methods, and whoever is not signed in, get the 405.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not request.path_info.startswith("/manage/"):
            return response
        if request.method == "GET" and response.status_code == 405:
            return self._page_above(request) or response
        if request.method == "POST" and response.status_code == 302:
            target = response.headers["Location"]
            asks = target.startswith(f"{reverse('account_login')}?next=")
            if asks and not request.user.is_authenticated:
                _say_once(
                    request,
                    _("You were signed out, and nothing was saved. Sign in, and send it again."),
                )
        return response

    def _page_above(self, request: HttpRequest) -> HttpResponse | None:
        page = _above(request.path_info)
        if page is None or not request.user.is_authenticated:
            return None
        # once: the page above may be for POST alone, too
        _say_once(request, _("Nothing was done. Press the button once more."))
        return HttpResponseRedirect(quote(page))


def _say_once(request: HttpRequest, text: str) -> None:
    """Add a warning to the next page, unless it waits there already."""
    waiting = cast("BaseStorage", messages.get_messages(request))
    is_said = any(str(each) == text for each in waiting)
    waiting.used = False  # they were looked at, not shown
    if not is_said:
        messages.warning(request, text)


def _above(path: str) -> str | None:
    """The nearest address above this one that there is."""
    while path := path.rstrip("/").rpartition("/")[0]:
        for page in (f"{path}/", path):
            try:
                resolve(page)
            except Resolver404:
                continue
            return page
    return None


class WholeAnswers:
    """Every answer has its length, and an outage of the database is a plain 503: never a 500, never a false success.

    Without a length gunicorn sends chunks, which old scripts do not read. One-click clients and servers try again after a 503.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        has_body = response.status_code not in {204, 304}  # of which HTTP forbids a length
        if (
            has_body
            and isinstance(response, HttpResponse)
            and "Content-Length" not in response.headers
        ):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            close_broken_connection()
            return outage(request)
        return None


class RecipientsFirst:
    """Answers recipients and programs at once: what comes after is the portal's, and costs a one-click a seventh of it.

    The doors of `optout.urls` and `reporting.rest.urls` bring everything with them: their own guard, their own headers, no
    cookie (`optout/public.py`).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.answer = cast("GetResponse", convert_exception_to_response(self._answer))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "//" in request.path_info and _TWO_SLASHES.fullmatch(request.path_info):
            # before anything is made of it: `//unsubscribe/done` in an answer would be another host
            request.path_info = request.path_info.replace("//", "/")
            request.path = request.path.replace("//", "/")
        if request.path_info.startswith(PUBLIC_PATHS + PROGRAM_PATHS):
            if not request.path_info.startswith(_ENGLISH_PATHS):
                return self.answer(request)
            with translation.override("en"):
                return self.answer(request)
        return self.get_response(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        is_program = request.path_info.startswith(PROGRAM_PATHS)
        match = resolve(request.path_info, "reporting.rest.urls" if is_program else "optout.urls")
        request.resolver_match = match
        try:
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        except (OperationalError, InterfaceError):
            close_broken_connection()
            return outage(request)
        return response


def close_broken_connection() -> None:
    """Let the next request connect anew instead of meeting the same dead connection."""
    try:
        connection.close_if_unusable_or_obsolete()
    except DatabaseError:
        connection.connection = None
