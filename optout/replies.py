"""Answers to programs: text, JSON, the pixel. What they say is in the status code and in `Optout-Status` (security.md §3)."""

import base64
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from optout.languages import Reading
from optout.visits import Visit, takes_html

RECORDED = "recorded"
CONFIRM_REQUIRED = "confirm-required"
QUARANTINED = "quarantined"
REJECTED = "rejected"

DONE = "You are unsubscribed."  # to a program that acted for one person

METHODS = ("GET", "HEAD", "POST")

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")  # 1×1

# On every public answer (pages.md). The language and the form of an answer depend on two headers.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Accept-Language",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
}


def with_headers(response: HttpResponse, optout_status: str = "") -> HttpResponse:
    """`response` with what every public answer carries; headers that it has already are kept."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if optout_status:
        response.headers["Optout-Status"] = optout_status
    return response


def text(message: str, status: int = 200, optout_status: str = "") -> HttpResponse:
    """One line of plain text, without a line end: old scripts compare the whole body."""
    response = HttpResponse(message, content_type="text/plain; charset=utf-8", status=status)
    return with_headers(response, optout_status)


def gif(status: int = 200, optout_status: str = "") -> HttpResponse:
    """The pixel, whatever happened: an image place shows nothing else."""
    return with_headers(HttpResponse(GIF, content_type="image/gif", status=status), optout_status)


def to_program(visit: Visit, message: str, status: int, optout_status: str) -> HttpResponse:
    """The answer in the form that the program asked for: the pixel, JSON or one line of text."""
    if visit.image_path:
        return gif(status, optout_status)
    if not _prefers_json(visit.request):
        return text(message, status, optout_status)
    content = {"status": optout_status, "list": visit.optout_list.public_id}
    if status != 200:
        content["message"] = message
    return with_headers(JsonResponse(content, status=status), optout_status)


def not_allowed(methods: Iterable[str] = METHODS) -> HttpResponse:
    """405: what is allowed instead."""
    response = text("This method is not allowed here.", 405)
    response.headers["Allow"] = ", ".join(methods)
    return response


def see_other(
    path: str, reading: Reading, query: Iterable[tuple[str, str]] = (), optout_status: str = ""
) -> HttpResponse:
    """303 to another page of ours, in the language that the reader chose."""
    lang = [("lang", reading.code)] if reading.chosen else []
    said = urlencode([*query, *lang])
    response = HttpResponse(status=303)
    response.headers["Location"] = f"{path}?{said}" if said else path
    return with_headers(response, optout_status)


def retry_after(response: HttpResponse, delay: timedelta) -> HttpResponse:
    """`response`, telling programs when to come back: whole seconds, at least one."""
    response.headers["Retry-After"] = str(max(1, int(delay.total_seconds())))
    return response


def _prefers_json(request: HttpRequest) -> bool:
    accept = str(request.META.get("HTTP_ACCEPT") or "").lower()
    before, found, _after = accept.partition("application/json")
    return bool(found) and "text/plain" not in before and not takes_html(request)
