"""Reading JSON strictly: a body that says something twice, or in no known encoding, says nothing."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja import Schema
from ninja.parser import Parser
from pydantic import ConfigDict

from optout.channels.rest.problems import Kind, ProblemError
from optout.channels.rest.queries import SAY_NOTHING_WHEN_EMPTY


class Body(Schema):
    """What a program sends: an unknown field is a mistake to be told, not to be passed over."""

    model_config = ConfigDict(extra="forbid")


class StrictParser(Parser):
    """JSON only; no field twice (AT-35–43), no NaN. Some parameters may be empty."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The object in the body. Raises ProblemError 400 or 415."""
        kind = (request.content_type or "").lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise ProblemError(Kind.UNSUPPORTED, "Send JSON, with Content-Type: application/json.")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise ProblemError(Kind.UNSUPPORTED, "Send the body as it is, not compressed.")
        try:
            parsed = json.loads(
                request.body.decode("utf-8-sig"),
                object_pairs_hook=_unique,
                parse_constant=_refuse_constant,
            )
        except (ValueError, RecursionError):
            raise ProblemError(Kind.MALFORMED, "The body is not readable JSON.") from None
        return parsed  # type: ignore[no-any-return]

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """The parameters, without those that say nothing."""
        found: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        return {
            name: value
            for name, value in found.items()
            if value != "" or name not in SAY_NOTHING_WHEN_EMPTY
        }


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProblemError(Kind.MALFORMED, "The body names a field twice.")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN is no JSON")
