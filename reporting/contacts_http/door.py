"""The door of both shapes: who calls, with which key, what may it do; and how no is said, which each shape has its own way of."""

import logging
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from lists.api_keys import PREFIX, KeyCaller
from lists.bounded import TookTooLongError, at_most
from optout.channels.rest import door as rest
from optout.channels.rest.problems import Kind, ProblemError
from optout.decoding import decode_query, has_too_many_fields
from optout.evidence import Evidence
from optout.visits import BodyError, read_body
from reporting.contacts_http.members import Members

READ_SECONDS = 15.0  # for one statement; a page takes a fraction of it

logger = logging.getLogger(__name__)

# The status of what the REST API says with another one: clients of these shapes know no 422.
_STATUS = {Kind.INVALID: 400}
UNAVAILABLE = ProblemError(
    Kind.UNAVAILABLE, "Nothing was saved or read. Please try again.", wait=timedelta(seconds=30)
)

type Handler = Callable[..., HttpResponse]
type Refuse = Callable[[int, Kind, str], HttpResponse]


@dataclass(frozen=True)
class Call:
    """One call of somebody who proved their key, and that it is for the whole realm."""

    request: HttpRequest
    caller: KeyCaller
    members: Members
    query: dict[str, list[str]]
    now: datetime
    body: bytes = b""

    @property
    def evidence(self) -> Evidence:
        return rest.evidence_of(self.request, self.caller)

    def parameter(self, name: str) -> str | None:
        """The value of a parameter, None if it was not sent. Raises ProblemError where it has several."""
        values = set(self.query.get(name, ()))
        if len(values) > 1:
            raise ProblemError(Kind.INVALID, f"The parameter {name} has more than one value.")
        return next(iter(values), None)


def answering(refuse: Refuse, **handlers: Handler) -> Callable[..., HttpResponseBase]:
    """The view of an address: `GET=…` and so on are what answers each method, and `refuse` is how no is said there.

    Exempt from Django's CSRF check, as the REST API. A browser may send the Basic password of v1 by itself, once somebody typed a
    key into it: but what writes says that it is XML, or comes by a method that no form has, and no other site may send either.
    """

    @csrf_exempt
    def view(request: HttpRequest, **where: str) -> HttpResponse:
        try:
            response = _answer(request, handlers, where)
        except (OperationalError, InterfaceError):
            raise  # the middleware knows what to do about the connection
        except Exception as error:  # noqa: BLE001  each is said in this shape, and what nobody foresaw is logged
            problem = _problem_of(error)
            status = _STATUS.get(problem.kind, problem.kind.status)
            response = refuse(status, problem.kind, problem.detail)
            for name, value in _headers_of(problem).items():
                response.headers[name] = value
        rest.add_headers(request, response)
        return response

    return view


def outage(refuse: Refuse) -> HttpResponse:
    """503 in that shape: nothing was saved, and trying again is right."""
    response = refuse(503, Kind.UNAVAILABLE, UNAVAILABLE.detail)
    for name, value in {**rest.HEADERS, **_headers_of(UNAVAILABLE)}.items():
        response.headers.setdefault(name, value)
    return response


def _problem_of(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, BodyError):
        kind = Kind.TOO_LARGE if error.status == 413 else Kind.MALFORMED
        return ProblemError(kind, "The body cannot be read; nothing was done.")
    if isinstance(error, TookTooLongError):
        return UNAVAILABLE
    logger.error("A call of contacts over HTTP failed", exc_info=error)
    return ProblemError(Kind.INTERNAL, "This was logged. It went wrong on our side.")


def _headers_of(problem: ProblemError) -> dict[str, str]:
    """`Allow` and `Retry-After`, as the REST API sends them."""
    told = problem.response().headers
    return {name: told[name] for name in ("Allow", "Retry-After") if name in told}


def _answer(
    request: HttpRequest, handlers: dict[str, Handler], where: dict[str, str]
) -> HttpResponse:
    if not handlers:
        raise ProblemError(Kind.NOT_FOUND, "There is nothing at this address.")
    handler = handlers.get(request.method or "")
    if handler is None:
        allowed = ", ".join(sorted(handlers))
        detail = f"Here only {allowed} will do."
        raise ProblemError(Kind.NOT_ALLOWED, detail, headers={"Allow": allowed})
    user = where.pop("user", None)
    caller = _find_caller(request, user)
    request.auth = caller  # type: ignore[attr-defined]
    if user is not None and user.lower() != caller.realm_name.lower():
        raise ProblemError(Kind.NOT_FOUND, "There is nothing at this address.")
    writes = request.method != "GET"
    if writes:
        rest.writer_of(request)
    if request.method != "DELETE":  # whose answer shows nothing
        rest.reader_of(request)
    rest.require_whole_realm(caller)
    query_string = request.META.get("QUERY_STRING", "")
    if has_too_many_fields(query_string):
        raise ProblemError(Kind.INVALID, "There are too many parameters.")
    query = decode_query(query_string)
    now = timezone.now()
    if writes:
        body = read_body(request)
        return handler(Call(request, caller, Members(caller.realm_id), query, now, body), **where)
    with at_most(READ_SECONDS):
        try:
            return handler(Call(request, caller, Members(caller.realm_id), query, now), **where)
        except ProblemError as problem:  # which is no failure of the transaction
            refused = problem
    raise refused


def _find_caller(request: HttpRequest, user: str | None) -> KeyCaller:
    """By `Bearer`; in v1, whose paths name a user, also by `Basic`. Raises ProblemError 401."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and text.strip():
        return rest.authenticate(request, text.strip())
    refused = ProblemError(Kind.UNAUTHORIZED, "Send your API key.")
    if scheme.lower() != "basic" or user is None:
        raise refused
    try:
        name, colon, password = b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:  # no base64, or no UTF-8
        raise refused from None
    key, percent, of_user = name.rpartition("%")
    if not percent:
        key, of_user = "", name
    # `APIKEY%USERNAME` and any password; or the key as the password, whatever stood before the user name
    text = key if key.startswith(f"{PREFIX}_") else password
    if not colon or not text:
        raise refused
    caller = rest.authenticate(request, text)
    if of_user.lower() != caller.realm_name.lower():
        raise refused
    return caller


def done() -> HttpResponse:
    """204."""
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    return response


def find_only[T](found: T | None) -> T:
    """The contact that was found. Raises ProblemError 404: another realm's does not exist (AT-31)."""
    if found is None:
        raise ProblemError(Kind.NOT_FOUND, "There is no such contact.")
    return found
