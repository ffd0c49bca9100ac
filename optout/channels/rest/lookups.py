"""Is this address suppressed? Whatever happens, the answer is never a "no" that we do not know (promise 8).

The database is asked each time: whoever was told that an opt-out is recorded finds it here at once (promise 2).
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from lists.lookup import ListSnapshot
from optout.addresses import Address, AddressError, parse_address
from optout.channels.rest.addresses import Addresses
from optout.channels.rest.bodies import Body
from optout.channels.rest.door import find_list, reader_of
from optout.channels.rest.paging import PlainNumber
from optout.channels.rest.problems import Kind, ProblemError
from optout.decoding import decode_address
from optout.queries import find_scope, find_scopes

UNUSABLE = "unusable"

router = Router(tags=["look-up"])


class Lookup(Body):
    """Addresses, and the list that somebody wants to contact them for; 0 is Do Not Mail."""

    number: Annotated[int, Field(alias="list", strict=True)]
    addresses: Addresses


class LookupQuery(Body):
    """One address, and the list."""

    number: Annotated[PlainNumber, Field(alias="list")]
    address: str


class Result(Schema):
    """Whether an address must not be contacted, and why: for the list, for the whole realm, or because it is no address."""

    address: str = Field(description="As it was sent.")
    suppressed: bool
    scope: Literal["list", "global", "unusable"] | None


class Results(Schema):
    """One result for each address, in the order sent."""

    results: list[Result]


@router.post("/lookup", response=Results)
def look_up(request: HttpRequest, sent: Lookup) -> HttpResponse:
    """Look up to 10,000 addresses up."""
    optout_list = find_list(reader_of(request), sent.number)
    return _answer({"results": _results(optout_list, sent.addresses)})


@router.get("/lookup", response=Result)
def look_up_one(request: HttpRequest, sent: Query[LookupQuery]) -> HttpResponse:
    """Look one address up. A `+` in it stays a plus."""
    return answer_one(request, sent.number)


def answer_one(request: HttpRequest, number: int) -> HttpResponse:
    """The answer about the address in the query, for whoever `KeyAuth` let in. Raises ProblemError."""
    optout_list = find_list(reader_of(request), number)
    return _answer(_result(optout_list, _address_of(request)))


def _results(optout_list: ListSnapshot, texts: Sequence[str]) -> list[dict[str, Any]]:
    addresses = [_read(optout_list, text) for text in texts]
    scopes = iter(find_scopes(optout_list, [each for each in addresses if each is not None]))
    return [
        _told(text, UNUSABLE if address is None else next(scopes))
        for text, address in zip(texts, addresses, strict=True)
    ]


def _result(optout_list: ListSnapshot, text: str) -> dict[str, Any]:
    address = _read(optout_list, text)
    return _told(text, UNUSABLE if address is None else find_scope(optout_list, address))


def _read(optout_list: ListSnapshot, text: str) -> Address | None:
    """The address; None for what cannot be read as one, to which nothing may be sent."""
    try:
        return parse_address(text, "either", optout_list.region)
    except AddressError:
        return None


def _told(address: str, scope: str | None) -> dict[str, Any]:
    return {"address": address, "suppressed": scope is not None, "scope": scope}


def _answer(body: dict[str, Any]) -> HttpResponse:
    """As JSON at once: Ninja would look at each of ten thousand results again."""
    return HttpResponse(json.dumps(body), content_type="application/json")


def _address_of(request: HttpRequest) -> str:
    """The address as it stands in the query string, where `+` is no space. Raises ProblemError."""
    query = request.META.get("QUERY_STRING", "")
    given = {part[8:] for part in query.split("&") if part.startswith("address=")}
    if len(given) != 1:
        raise ProblemError(Kind.INVALID, "Give address once.")
    return decode_address(given.pop())
