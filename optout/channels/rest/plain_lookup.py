"""The plain look-up of one address, past Ninja's machinery: the call that a mailer makes before each message.

Ninja takes half of such a call's time. Whatever is unusual goes on to its operation, which says what is wrong: in one place.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from optout.channels.rest.door import authenticate
from optout.channels.rest.lookups import answer_one

# Both parameters once, in either order. `%00` is refused.
_QUERY = re.compile(
    r"(?!.*%00)(?:list=(\d{1,9})&address=[^&]+|address=[^&]+&list=(\d{1,9}))", re.ASCII
)
_KEY = re.compile(r"Bearer (hk_[A-Za-z0-9_-]+)")


def with_plain_lookup(
    operation: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Ninja's view of `/lookup`, which is asked only for what is not plain."""

    @wraps(operation)
    def look_up(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        query = _QUERY.fullmatch(request.META.get("QUERY_STRING", ""))
        key = _KEY.fullmatch(request.META.get("HTTP_AUTHORIZATION", ""))
        if request.method != "GET" or query is None or key is None:
            return operation(request, *args, **values)
        request.auth = authenticate(request, key[1])  # type: ignore[attr-defined]
        return answer_one(request, int(query[1] or query[2]))

    return look_up
