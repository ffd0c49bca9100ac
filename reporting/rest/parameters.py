"""What several calls are asked for in the same way: times, and pages with their ETag."""

import hashlib
from datetime import datetime
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from pydantic import BeforeValidator

from reporting.asked import RefusedError, parse_since


def _read_moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_since(value.strip())
    except RefusedError:
        raise ValueError(
            "Write a date such as 2026-03-04, or a time such as 2026-03-04T10:00:00Z."
        ) from None


# An ISO 8601 date or time, in UTC where it names no zone.
Moment = Annotated[datetime | None, BeforeValidator(_read_moment)]


def answer_unchanged(request: HttpRequest, body: str) -> HttpResponse:
    """A JSON answer with its ETag; 304 for whoever has it already."""
    octets = body.encode()
    etag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
    answer = HttpResponse(octets, content_type="application/json")
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Authorization"
    return cast("HttpResponse", get_conditional_response(request, etag=etag, response=answer))


def json_answer(body: str) -> HttpResponse:
    """An answer whose JSON the database has written."""
    return HttpResponse(body, content_type="application/json")
