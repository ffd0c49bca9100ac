"""What went wrong, as RFC 9457 problems: the only way in which the REST API says no."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]{0,39}")

CONTENT_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"


class Kind(Enum):
    """The kinds of problems: status, name in the `type` URI, title. A program may go by either."""

    MALFORMED = 400, "malformed", "The request cannot be read"
    UNAUTHORIZED = 401, "unauthorized", "A valid API key is needed"
    FORBIDDEN = 403, "forbidden", "This key may not do that"
    IP_NOT_APPROVED = 403, "ip-not-approved", "This key is not let in from here"
    NOT_FOUND = 404, "not-found", "There is no such thing"
    NOT_ALLOWED = 405, "method-not-allowed", "This method is not allowed here"
    CONFLICT = 409, "conflict", "That is being done right now"
    OPTED_OUT = 409, "opted-out", "The address has opted out"
    CURSOR_GONE = 410, "cursor-gone", "This cursor no longer leads anywhere"
    TOO_LARGE = 413, "too-large", "The request is too large"
    UNSUPPORTED = 415, "unsupported-media-type", "The body must be JSON"
    INVALID = 422, "invalid", "The request says something impossible"
    KEY_REUSED = 422, "idempotency-key-reused", "This Idempotency-Key was used for another request"
    RATE_LIMITED = 429, "rate-limited", "Too many calls"
    INTERNAL = 500, "internal", "Something went wrong on our side"
    UNAVAILABLE = 503, "unavailable", "The service is not available right now"

    def __init__(self, status: int, slug: str, title: str) -> None:
        self.status = status
        self.slug = slug
        self.title = title


class ProblemError(Exception):
    """A refusal. `detail` is a sentence for whoever writes the program; it repeats no secret.

    `errors`: what is wrong where, as {"pointer": "#/addresses/3", "detail": …}. `wait`: when to try again.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[dict[str, str]] = (),
        wait: timedelta | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.wait = wait
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        """The answer: application/problem+json."""
        body: dict[str, Any] = {
            "type": f"{settings.BASE_URL}{DOCS}#problem-{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        response = HttpResponse(
            json.dumps(body, ensure_ascii=False),
            status=self.kind.status,
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )
        if self.wait is not None:
            response.headers["Retry-After"] = str(seconds_up(self.wait))
        if self.kind is Kind.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="Heed"'
        return response


def seconds_up(wait: timedelta) -> int:
    """A time as headers say it: whole seconds, never too few, at least one."""
    return max(1, -(-wait // timedelta(seconds=1)))


def shown_name(name: str) -> str:
    """The name of a field or a parameter, to be repeated in an answer; what may be an address or a key is not."""
    is_name = _NAME.fullmatch(name) and not name.startswith(("hk_", "hd_"))
    return name if is_name else "(a name)"


def unavailable(_request: HttpRequest) -> HttpResponse:
    """503: nothing was saved, nothing was looked up, and trying again is right (promise 8: look-ups fail closed)."""
    return ProblemError(
        Kind.UNAVAILABLE,
        "Nothing was saved or looked up. Please send the request again.",
        wait=timedelta(seconds=30),
    ).response()
