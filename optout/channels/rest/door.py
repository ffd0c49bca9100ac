"""The door of the REST API: who calls, what every answer carries, and how what went wrong is said."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from lists.api_keys import (
    EndedKeyError,
    IpNotApprovedError,
    KeyCaller,
    UnknownKeyError,
    find_caller,
)
from lists.call_limits import CallAllowance, count_call
from lists.lookup import ListSnapshot, get_list_by_number
from lists.numbers import DO_NOT_MAIL_NUMBER, LARGEST_NUMBER
from optout.channels.rest.problems import (
    Kind,
    ProblemError,
    seconds_up,
    shown_name,
    unavailable,
)
from optout.client_ip import client_ip
from optout.evidence import Evidence
from optout.visits import BodyError, read_body

logger = logging.getLogger(__name__)

_ALLOWANCE = "heed.call_allowance"  # where `authenticate` leaves it

# On every answer that has no others: the documentation page has its own policy.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
}
_READY = ResponseHeaders(HEADERS)


class KeyAuth(HttpBearer):
    """`Authorization: Bearer hk_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> KeyCaller:
        """The key's caller, for `request.auth`. Raises ProblemError."""
        return authenticate(request, token.strip())

    def ask_again(self, request: HttpRequest) -> None:
        """Whether the key still holds, for a call that took its time; that is no call of its own. Raises ProblemError."""
        _scheme, _, token = str(request.headers.get(self.header) or "").partition(" ")
        _find_caller(request, token.strip())


def authenticate(request: HttpRequest, text: str) -> KeyCaller:
    """Whoever sends that key; this is a call of theirs.

    Raises ProblemError 401, 403 for a right key from an IP that is not approved, and 429 for one call too many.
    """
    caller = _find_caller(request, text)
    allowance = count_call(caller.key_id, timezone.now())
    request.META[_ALLOWANCE] = allowance
    if not allowance.is_allowed:
        detail = f"This API key may make {allowance.limit:,} calls a minute. Nothing was done."
        raise ProblemError(Kind.RATE_LIMITED, detail, wait=allowance.resets_in)
    return caller


def _find_caller(request: HttpRequest, text: str) -> KeyCaller:
    """Raises ProblemError 401 and 403."""
    ip = client_ip(request)
    try:
        return find_caller(text, ip, timezone.now())
    except UnknownKeyError:
        raise ProblemError(Kind.UNAUTHORIZED, "There is no such API key.") from None
    except EndedKeyError as error:
        how = "was revoked" if error.is_revoked else "expired"
        day = f"{error.ended_at:%-d %B %Y}"
        raise ProblemError(Kind.UNAUTHORIZED, f"This API key {how} on {day}.") from None
    except IpNotApprovedError:
        whose = f"yours ({ip})" if ip else "yours, which we cannot tell,"
        raise ProblemError(
            Kind.IP_NOT_APPROVED,
            f"This realm approved some IP addresses for its programs; {whose} is not among them.",
        ) from None


def add_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give an answer `HEADERS`, and tell whoever proved their key how many calls it may still make. Its own headers win.

    All at once, past Django's look at each: all but three are constant, and those are numbers. A quick call takes a sixth less.
    """
    allowance: CallAllowance | None = request.META.get(_ALLOWANCE)
    counts = {}
    if allowance is not None:
        counts = {
            "ratelimit-limit": ("RateLimit-Limit", str(allowance.limit)),
            "ratelimit-remaining": ("RateLimit-Remaining", str(allowance.remaining)),
            "ratelimit-reset": ("RateLimit-Reset", str(seconds_up(allowance.resets_in))),
        }
    response.headers._store = _READY._store | counts | response.headers._store  # noqa: SLF001


def caller_of(request: HttpRequest) -> KeyCaller:
    """Who calls; set by KeyAuth."""
    caller: KeyCaller = request.auth  # type: ignore[attr-defined]
    return caller


def reader_of(request: HttpRequest) -> KeyCaller:
    """Who calls, if they may read. Raises ProblemError 403."""
    caller = caller_of(request)
    if not caller.may_read:
        raise ProblemError(Kind.FORBIDDEN, "This API key may write, not read.")
    return caller


def writer_of(request: HttpRequest) -> KeyCaller:
    """Who calls, if they may write. Raises ProblemError 403."""
    caller = caller_of(request)
    if not caller.may_write:
        raise ProblemError(Kind.FORBIDDEN, "This API key may read, not write.")
    return caller


def reader_and_writer_of(request: HttpRequest) -> KeyCaller:
    """Who calls, if they may do both: for what writes, and shows or sends what can be read. Raises ProblemError 403."""
    reader_of(request)
    return writer_of(request)


def require_whole_realm(caller: KeyCaller) -> None:
    """For what is about no single list. Raises ProblemError 403."""
    if not caller.is_whole_realm:
        raise ProblemError(
            Kind.FORBIDDEN,
            "This API key is for some lists only; this needs one for the whole realm.",
        )


def find_list(caller: KeyCaller, number: int) -> ListSnapshot:
    """The list of that number, to be read. Raises ProblemError 404: what the key is not for does not exist (AT-31)."""
    found = None
    if 0 <= number <= LARGEST_NUMBER:
        found = get_list_by_number(caller.realm_id, number)
    if found is None or not caller.reads(found):
        raise ProblemError(Kind.NOT_FOUND, f"There is no list {number}.")
    return found


def find_own_list(caller: KeyCaller, number: int) -> ListSnapshot:
    """The list of that number, to be changed. Raises ProblemError 404, and 403 where the key may only read it: Do Not Mail."""
    found = find_list(caller, number)
    if not caller.covers(found.id):
        raise ProblemError(
            Kind.FORBIDDEN,
            "This API key is for some lists only, and Do Not Mail is none of them: it may not change it.",
        )
    return found


def readable_lists(caller: KeyCaller) -> list[int] | None:
    """The primary keys of the lists that the key may read; None for all of its realm."""
    if caller.list_ids is None:
        return None
    return sorted(caller.list_ids | {find_list(caller, DO_NOT_MAIL_NUMBER).id})


def evidence_of(request: HttpRequest, caller: KeyCaller) -> Evidence:
    """What proves a request of this caller: its IP, its program, its key."""
    agent = request.headers.get("User-Agent")
    return Evidence.of(client_ip(request), agent, api_key=caller.key_id)


def answer_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """The problem that an error is. What nobody foresaw is logged, and said to be ours."""
    if isinstance(error, HttpError) and isinstance(error.__cause__, ProblemError):
        error = error.__cause__  # the parser's: Ninja makes a 400 of each
    if isinstance(error, ProblemError):
        return error.response()
    if isinstance(error, ValidationError):
        return _invalid(error).response()
    if isinstance(error, AuthenticationError):
        problem = ProblemError(Kind.UNAUTHORIZED, "Send Authorization: Bearer and your API key.")
        return problem.response()
    if isinstance(error, BodyError):
        return _of_body(error).response()
    if isinstance(error, OperationalError | InterfaceError):
        raise error  # the middleware knows what to do about the connection
    if isinstance(error, Http404):
        return ProblemError(Kind.NOT_FOUND, "There is nothing at this address.").response()
    if isinstance(error, SuspiciousOperation):  # more parameters than Django reads
        return ProblemError(Kind.MALFORMED, "The request cannot be read.").response()
    if isinstance(error, HttpError) and error.status_code == 400:
        return ProblemError(Kind.MALFORMED, "The body is not readable JSON.").response()
    logger.error("A call of the REST API failed", exc_info=error)
    return ProblemError(
        Kind.INTERNAL, "This was logged. Nothing is known of your request."
    ).response()


def rest_view(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view below /api/: reads the body once and in bounds, and gives every answer its headers.

    Exempt from Django's CSRF check: a key in a header is nothing that a browser sends by itself (AT-17).
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method in {"POST", "PUT", "PATCH", "DELETE"}:
                read_body(request)
            response = view(request, *args, **kwargs)
            if response.status_code == 405:
                _count_anyway(request)
                response = _not_allowed(response.headers.get("Allow", "")).response()
        except Exception as error:  # noqa: BLE001  never Django's page for errors
            response = answer_error(request, error)
        if response.status_code == 204:  # there is nothing that could be JSON
            response.headers.pop("Content-Type", None)
        add_headers(request, response)
        return response

    return csrf_exempt(door)


def broken_address(request: HttpRequest) -> HttpResponseBase:
    """Whatever else is below /api/."""
    _count_anyway(request)
    raise ProblemError(Kind.NOT_FOUND, "There is nothing at this address.")


def _not_allowed(allowed: str) -> ProblemError:
    detail = f"Here only {allowed} will do." if allowed else "This method will not do here."
    return ProblemError(Kind.NOT_ALLOWED, detail, headers={"Allow": allowed} if allowed else {})


def _count_anyway(request: HttpRequest) -> None:
    """A call that there is not is one of its key's all the same. Raises ProblemError; without a key nothing happens."""
    KeyAuth()(request)


def outage(request: HttpRequest) -> HttpResponse:
    """503 as the API says it."""
    response = unavailable(request)
    add_headers(request, response)
    return response


def _of_body(error: BodyError) -> ProblemError:
    if error.status == 413:
        return ProblemError(
            Kind.TOO_LARGE, "The body is too large. Send fewer addresses at a time."
        )
    return ProblemError(Kind.MALFORMED, "The body was cut off on the way; nothing was done.")


def _invalid(error: ValidationError) -> ProblemError:
    """Pydantic's findings, without the values: those may be addresses."""
    errors = [
        {"pointer": _pointer(each["loc"]), "detail": _said(each)} for each in error.errors[:20]
    ]
    detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors[:3])
    return ProblemError(Kind.INVALID, detail, errors=errors)


def _said(finding: dict[str, Any]) -> str:
    if finding["type"] == "extra_forbidden":
        return "This call has no such field."
    if finding["type"] == "missing":
        return "It is missing, and this call needs it."
    if finding["type"] == "too_short":
        return f"Send at least {finding['ctx']['min_length']}."
    if finding["type"] == "too_long":
        return f"Send {finding['ctx']['max_length']:,} at most."
    return str(finding["msg"]).removeprefix("Value error, ")


def _pointer(location: tuple[Any, ...]) -> str:
    """`("body", "sent", "addresses", 3)` as `#/addresses/3`; of a parameter its name, whichever of its values it is."""
    where, *path = location
    if where == "body":
        names = [shown_name(each) if isinstance(each, str) else str(each) for each in path[1:]]
        return "#/" + "/".join(names)
    parameters = [each for each in path if isinstance(each, str)]
    return shown_name(parameters[-1]) if parameters else str(where)
