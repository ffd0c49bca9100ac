"""What the OpenAPI description says once, and operations refer to: headers, the problem, and the answers that are one."""

from http import HTTPStatus
from typing import Any

from optout.channels.rest.problems import CONTENT_TYPE, DOCS, Kind

type Json = dict[str, Any]

# name → what it says, its type, an example
_HEADERS: dict[str, tuple[str, str, str | int]] = {
    "RateLimit-Limit": ("Calls that this key may make in a minute.", "integer", 300000),
    "RateLimit-Remaining": ("Calls that are left in this minute.", "integer", 299998),
    "RateLimit-Reset": ("Seconds until the minute is over.", "integer", 42),
    "ETag": ("What this answer is: send it back as If-None-Match.", "string", '"5f2c8a0d"'),
    "Retry-After": ("Seconds after which to send the request again.", "integer", 30),
    "Next-Since": (
        "The time to send as `modified_since` next; of several pages that of the first.",
        "string",
        "2026-11-22T09:28:00Z",
    ),
    "WWW-Authenticate": ("Bearer.", "string", 'Bearer realm="Heed"'),
    "Allow": ("The methods that this address has.", "string", "GET, POST"),
    "Idempotent-Replayed": (
        "`true` where this is the answer to an earlier request with the same Idempotency-Key.",
        "string",
        "true",
    ),
}
ALLOWANCE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

# Where no key was read yet, nothing is known of its calls.
_HEADERS_OF = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After", *ALLOWANCE),
    503: ("Retry-After",),
}

PROBLEM: Json = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Go by `status` or `type`; `detail` is for people.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem."},
        "title": {"type": "string", "description": "The kind of problem, in words."},
        "status": {"type": "integer", "description": "The status of the answer."},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "errors": {
            "type": "array",
            "description": "What is wrong where, if it is about single fields.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "`#/addresses/3` in the body, or the name of a parameter.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def described_headers() -> Json:
    """The headers of answers, by name."""
    return {
        name: {"description": about, "schema": {"type": kind}, "example": example}
        for name, (about, kind, example) in _HEADERS.items()
    }


def to_header(name: str) -> Json:
    """Where an answer has this header."""
    return {"$ref": f"#/components/headers/{name}"}


def described_refusals(base: str) -> Json:
    """What is answered with a problem, by name, for an installation at that address."""
    return {
        _name(status): _refusal(status, base) for status in sorted({kind.status for kind in Kind})
    }


def to_refusal(status: int) -> Json:
    """Where an operation may answer with this status."""
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _refusal(status: int, base: str) -> Json:
    kinds = [kind for kind in Kind if kind.status == status]
    examples = {
        kind.slug: {
            "value": {
                "type": f"{base}{DOCS}#problem-{kind.slug}",
                "title": kind.title,
                "status": status,
                "detail": "A sentence about this very request.",
            }
        }
        for kind in kinds
    }
    return {
        "description": "; ".join(kind.title for kind in kinds) + ".",
        "headers": {name: to_header(name) for name in _HEADERS_OF.get(status, ())},
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }


def _name(status: int) -> str:
    """A component's name: `NotFound`."""
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())
