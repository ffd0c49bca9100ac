"""The addresses of a call: those that are usable, and what is wrong with the others."""

from collections.abc import Sequence
from typing import Annotated

from ninja import Field, Schema

from optout.addresses import Accepts, Address, AddressError, parse_address
from optout.channels.rest.problems import Kind, ProblemError

MOST_ADDRESSES = 10_000
_SHOWN = 20

Addresses = Annotated[list[str], Field(min_length=1, max_length=MOST_ADDRESSES)]


class Rejected(Schema):
    """An address that cannot be used: where it stood, from 0, and why."""

    index: int
    detail: str


def read_addresses(texts: Sequence[str], region: str) -> tuple[list[Address], list[Rejected]]:
    """The usable ones in their order, and the others. Raises ProblemError 422 when none is usable."""
    usable, rejected = [], []
    for index, text in enumerate(texts):
        try:
            usable.append(parse_address(text, "either", region))
        except AddressError as error:
            rejected.append(Rejected(index=index, detail=str(error)))
    if not usable:
        errors = [
            {"pointer": f"#/addresses/{each.index}", "detail": each.detail}
            for each in rejected[:_SHOWN]
        ]
        raise ProblemError(
            Kind.INVALID, "None of the addresses can be used. Nothing was done.", errors=errors
        )
    return usable, rejected


def read_address(text: str, region: str, pointer: str, *, accepts: Accepts = "either") -> Address:
    """The one address that a call is about; `pointer` says where it stands. Raises ProblemError 422."""
    try:
        return parse_address(text, accepts, region)
    except AddressError as error:
        detail = str(error)
        raise ProblemError(
            Kind.INVALID, detail, errors=[{"pointer": pointer, "detail": detail}]
        ) from None
