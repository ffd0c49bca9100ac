"""What several calls are asked for in the same way: times, and pages with their ETag."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from pydantic import AfterValidator, BeforeValidator

from reporting.asked import RefusedError, parse_since
from reporting.downloads import SAFETY, next_since


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


def _look_back(moment: datetime | None) -> datetime | None:
    """Somewhat earlier: what was being recorded at a program's last call carries a time before it."""
    try:
        return None if moment is None else moment - SAFETY
    except OverflowError:  # there is nothing earlier
        return moment


ModifiedSince = Annotated[
    datetime | None, BeforeValidator(_read_moment), AfterValidator(_look_back)
]


def telling_next_since[Answer: HttpResponseBase](
    view: Callable[..., Answer],
) -> Callable[..., Answer]:
    """Have a view's answers say which `modified_since` to send next: rather some rows twice than one never."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **values: Any) -> Answer:
        following = next_since(timezone.now())  # before the data are read
        response = view(request, *args, **values)
        response.headers["Next-Since"] = following
        return response

    return answer


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
