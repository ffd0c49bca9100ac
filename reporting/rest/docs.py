"""The documentation pages of the REST API, and its description for programs. All are public, and alike for everybody."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from optout.channels.rest.problems import DOCS, Kind
from reporting.rest.examples import EXAMPLES
from reporting.rest.following import asking_copy, copying, following
from reporting.rest.openapi import (
    EVERYWHERE,
    TAGS,
    Json,
    describe,
    described,
    kinds_of,
    scope_of,
)
from reporting.rest.programs import LANGUAGES, Call, programs_of
from reporting.rest.receiving import receiving
from reporting.rest.refusals import ADVICE
from reporting.rest.webhook_messages import HEADERS, MESSAGES, TEST_NUMBER, shown_messages

# Nothing from elsewhere, no script or style in the page itself.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ORDER = ("post", "get", "put", "patch", "delete")  # what people come for first
_WEBHOOKS = "webhooks"  # the chapter that has a page of its own
FRESH = "public, max-age=300"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    kind: str
    about: SafeString
    is_required: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A program in one language, under an id for its Copy button."""

    id: str
    language: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What the page says about one operation."""

    id: str
    method: str
    path: str
    summary: str
    about: list[SafeString]
    scope: str
    parameters: list[Field]
    sent: list[Field]
    answered: list[Field]
    programs: list[Program]
    status: str
    answer: str
    kinds: list[Kind]


@dataclass(frozen=True, slots=True)
class Chapter:
    """The operations about one thing."""

    id: str
    title: str
    about: str
    operations: list[Operation] = field(default_factory=list)


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The description in OpenAPI 3.1. Any web page may read it: so do viewers of such descriptions."""
    text, etag = described(settings.BASE_URL)
    response = HttpResponse(text, content_type="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return _kept(request, response, etag)


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    """The guide to the REST API, and its reference."""
    return _shown(request, *_page(settings.BASE_URL))


@require_safe
def webhooks_page(request: HttpRequest) -> HttpResponse:
    """How to take webhooks in, and the calls about them. A page of its own: with it the other one would be too heavy."""
    return _shown(request, *_webhooks_page(settings.BASE_URL))


def _shown(request: HttpRequest, text: bytes, etag: str) -> HttpResponse:
    response = HttpResponse(text)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return _kept(request, response, etag)


def _kept(request: HttpRequest, response: HttpResponse, etag: str) -> HttpResponse:
    """The answer, or 304 for who has it already."""
    response.headers["Cache-Control"] = FRESH
    response.headers["ETag"] = etag
    answer = cast("HttpResponse", get_conditional_response(request, etag, None, response))
    if request.method == "HEAD" and answer.content:  # the server would warn of a body
        answer.headers["Content-Length"] = str(len(answer.content))
        answer.content = b""
    return answer


@cache
def _page(base_url: str) -> tuple[bytes, str]:
    """The page for an installation at that address, and its ETag."""
    context = {
        "base_url": base_url,
        "root": f"{base_url}/api/v1",
        "docs": DOCS,
        "languages": LANGUAGES,
        "first": _programs(Call("GET", "/api/v1/lists"), base_url, "first"),
        "following": _as_programs(following(f"{base_url}/api/v1"), "following"),
        "copying": _as_programs(copying(f"{base_url}/api/v1", 1), "copying"),
        "asking_copy": _as_programs(asking_copy(1), "asking-copy"),
        "naming": _programs(
            replace(EXAMPLES["add_suppressions"].call, is_named=True), base_url, "naming"
        ),
        "chapters": [each for each in _all_chapters(base_url) if each.id != _WEBHOOKS],
        "everywhere": EVERYWHERE,
        "problems": [(kind, *ADVICE[kind]) for kind in Kind],
    }
    return _rendered("reporting/rest_docs.html", context)


@cache
def _webhooks_page(base_url: str) -> tuple[bytes, str]:
    """The same of the page about webhooks."""
    context = {
        "base_url": base_url,
        "languages": LANGUAGES,
        "messages": MESSAGES,
        "shown": shown_messages(),
        "test_number": TEST_NUMBER,
        "headers": [(name, _marked(about)) for name, (about, _) in HEADERS.items()],
        "receiving": _receiving(),
        "chapter": next(each for each in _all_chapters(base_url) if each.id == _WEBHOOKS),
        "problems_at": DOCS,
    }
    return _rendered("reporting/rest_docs_webhooks.html", context)


def _rendered(template: str, context: dict[str, Any]) -> tuple[bytes, str]:
    with translation.override("en"):  # these pages pass no middleware of the portal
        text = loader.render_to_string(template, context).encode()
    return text, f'"{sha256(text).hexdigest()[:32]}"'


def _all_chapters(base_url: str) -> list[Chapter]:
    return chapters(describe(base_url), base_url)


def chapters(description: Json, base_url: str) -> list[Chapter]:
    """The reference, in the order of TAGS."""
    found = {name: Chapter(name, _title(name), about) for name, about in TAGS.items()}
    for path, operations in description["paths"].items():
        for method in ORDER:
            if method in operations:
                operation = operations[method]
                chapter = found[operation["tags"][0]]
                shown = _operation(operation, method, path, description, base_url)
                chapter.operations.append(shown)
    return [each for each in found.values() if each.operations]


def _operation(
    operation: Json, method: str, path: str, description: Json, base_url: str
) -> Operation:
    name = operation["operationId"]
    status = next(each for each in operation["responses"] if each.startswith("2"))
    example = EXAMPLES.get(name)
    return Operation(
        id=name,
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=_paragraphs(operation["description"]),
        scope=scope_of(operation, method),
        parameters=[_parameter(each, description) for each in operation["parameters"]],
        sent=list(_fields_of(operation.get("requestBody", {}), description)),
        answered=list(_fields_of(operation["responses"][status], description)),
        programs=_programs(example.call, base_url, name) if example else [],
        status=status,
        answer=example.shown() if example else "",
        kinds=[kind for kind in kinds_of(operation, method, path) if kind not in EVERYWHERE],
    )


def _paragraphs(text: str) -> list[SafeString]:
    """Paragraphs with what stands in backquotes as code."""
    return [_marked(each) for each in text.split("\n\n") if each]


def _marked(text: str) -> SafeString:
    parts = text.split("`")
    said = (format_html("<code>{}</code>" if n % 2 else "{}", part) for n, part in enumerate(parts))
    return format_html_join("", "{}", ((each,) for each in said))


def _parameter(parameter: Json, description: Json) -> Field:
    schema = parameter["schema"]
    kind = _kind_of(schema.get("items", schema), description)
    return Field(
        parameter["name"],
        f"{kind}, may be repeated" if "items" in schema else kind,
        _marked(parameter.get("description", "")),
        is_required=bool(parameter.get("required")),
        where=parameter["in"],
    )


def _fields_of(content: Json, description: Json) -> Iterator[Field]:
    media = content.get("content", {}).get("application/json")
    if media:
        yield from _fields(media["schema"], description)


def _fields(schema: Json, description: Json, before: str = "") -> Iterator[Field]:
    """The fields of an object and of what is in it: `changes[].id`."""
    schema = _resolved(schema, description)
    required = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        inner = _resolved(each, description)
        yield Field(
            before + name,
            _kind_of(each, description),
            _marked(each.get("description") or inner.get("description", "")),
            is_required=name in required,
        )
        if inner.get("type") == "array":
            yield from _fields(inner.get("items", {}), description, f"{before}{name}[].")
        elif inner.get("type") == "object":
            yield from _fields(inner, description, f"{before}{name}.")


def _resolved(schema: Json, description: Json) -> Json:
    """What a reference leads to; of something that may be null, the other thing."""
    if "$ref" in schema:
        return cast("Json", description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return _resolved(others[0], description) if len(others) == 1 else schema


def _kind_of(schema: Json, description: Json) -> str:
    """A type in words: `integer, 1 to 1,000`."""
    if "anyOf" in schema:
        kinds = [_kind_of(each, description) for each in schema["anyOf"]]
        return " or ".join(dict.fromkeys(kinds))
    schema = _resolved(schema, description)
    if "enum" in schema:
        words = " | ".join(str(each) for each in schema["enum"])
        return f"{words}; default {schema['default']}" if "default" in schema else words
    if "const" in schema:
        return str(schema["const"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        of = _kind_of(schema.get("items", {}), description).partition(",")[0]
        if "enum" in schema.get("items", {}):
            return f"array of {_bounds(schema, 'minItems', 'maxItems')} of {of}"
        return " ".join(
            filter(None, ["array of", _bounds(schema, "minItems", "maxItems"), f"{of}s"])
        )
    if schema.get("format") == "date-time":
        return "date or time"
    said = [kind, _bounds(schema, "minimum", "maximum")]
    default = schema.get("default")
    if default is True:
        said.append("default true")
    elif default and isinstance(default, int | str):
        said.append(f"default {default:,}" if isinstance(default, int) else f"default {default}")
    return ", ".join(filter(None, said))


def _bounds(schema: Json, low: str, high: str) -> str:
    """Those that somebody chose; not what just fits a column."""
    most = schema.get(high)
    return "" if most is None or most >= 2**31 - 1 else f"{schema.get(low, 0):,} to {most:,}"


def _programs(call: Call, base_url: str, name: str) -> list[Program]:
    return _as_programs(programs_of(call, base_url), name)


def _receiving() -> list[Program]:
    """In the shell nothing is taken in: there it is only checked."""
    programs = _as_programs(receiving(), "receiving")
    return [
        replace(each, label="A kept message, with openssl") if each.language == "curl" else each
        for each in programs
    ]


def _as_programs(texts: dict[str, str], name: str) -> list[Program]:
    return [
        Program(f"{name}-{language}", language, LANGUAGES[language], text)
        for language, text in texts.items()
    ]


def _title(tag: str) -> str:
    """`do-not-mail` as people read it."""
    titles: dict[str, str] = {"do-not-mail": "Do Not Mail", "opt-outs": "Opt-outs"}
    return titles.get(tag, tag.replace("-", " ").capitalize())
