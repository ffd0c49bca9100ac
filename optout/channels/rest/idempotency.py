"""`Idempotency-Key`: a program that got no answer sends the call again, and it is carried out once."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Schema, Status

from optout.channels.rest.door import writer_of
from optout.channels.rest.problems import Kind, ProblemError
from optout.given_answers import WAIT, Answer, NameReusedError, StillAtItError, answer_once

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255

_NAME = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")

# For the documentation: `openapi_extra` of an operation that is `idempotent`.
DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "in": "header",
            "name": HEADER,
            "required": False,
            "description": "A name for this very call, new for each. Sent again within 24 hours it is answered as before and not"
            " carried out a second time.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST,
                "pattern": r"^[\x21-\x7e]+$",
            },
        }
    ]
}


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """A call that writes: carried out once for each `Idempotency-Key`, within 24 hours and for each API key.

    Only what was done is kept: a call that was refused did nothing, and is looked at anew. Raises ProblemError 409 and 422.
    """

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **values: Any) -> Any:
        name = request.headers.get(HEADER)
        if name is None:
            return view(request, *args, **values)
        key_id = writer_of(request).key_id
        if not _NAME.fullmatch(name):
            detail = f"An {HEADER} has 1 to {LONGEST} visible ASCII characters."
            raise ProblemError(Kind.INVALID, detail, errors=[{"pointer": HEADER, "detail": detail}])
        try:
            given = answer_once(
                key_id,
                name,
                _said(request),
                lambda: _answer(view(request, *args, **values)),
                now=timezone.now(),
            )
        except NameReusedError:
            raise ProblemError(
                Kind.KEY_REUSED, f"This {HEADER} was sent with another request before."
            ) from None
        except StillAtItError:
            raise ProblemError(
                Kind.CONFLICT,
                f"The same request is still being carried out, after {WAIT}. Send it once more.",
                wait=timedelta(seconds=1),
            ) from None
        response = HttpResponse(
            given.body, status=given.status, content_type="application/json; charset=utf-8"
        )
        if given.is_replayed:
            response.headers[REPLAYED] = "true"
        return response

    return once


def _said(request: HttpRequest) -> bytes:
    """All that makes two requests the same."""
    return f"{request.method} {request.get_full_path()}\n".encode() + request.body


def _answer(result: Any) -> Answer:
    """What Ninja would send."""
    if isinstance(result, Status):
        return Answer(result.status_code, _as_json(result.value))
    return Answer(200, _as_json(result))


def _as_json(said: Schema) -> str:
    return json.dumps(said.model_dump(mode="json"))
