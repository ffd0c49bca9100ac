"""Reading JSON strictly: a body that says something twice, or in no known encoding, says nothing."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja import Schema
from ninja.parser import Parser
from pydantic import ConfigDict

from optout.channels.rest.problems import Kind, ProblemError


class Body(Schema):
    """What a program sends: an unknown field is a mistake to be told, not to be passed over."""

    model_config = ConfigDict(extra="forbid")


class StrictParser(Parser):
    """JSON only; no field twice (AT-35–43), no NaN."""

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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProblemError(Kind.MALFORMED, "The body names a field twice.")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN is no JSON")
