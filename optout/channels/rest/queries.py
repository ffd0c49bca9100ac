"""Reading queries strictly: a parameter that is unknown, or says two things, must not widen an answer (AT-35–43)."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.operation import Operation

from optout.channels.rest.problems import Kind, ProblemError, shown_name

# Of these an empty value says nothing, as in `?cursor=&limit=`. Of others, such as `list`, it would widen an answer.
SAY_NOTHING_WHEN_EMPTY = frozenset(
    {"cursor", "limit", "wait", "modified_since", "since", "until", "raw", "state"}
)


def check_query(
    sent: Mapping[str, list[str]], known: frozenset[str], lists: frozenset[str]
) -> None:
    """Raises ProblemError 422 unless every parameter is among `known`, and only those among `lists` have several values.

    The same value twice is no contradiction.
    """
    errors = []
    for name, values in sent.items():
        if name not in known:
            detail = "This call has no such parameter."
        elif any("\0" in each for each in values):
            detail = "A NUL is part of no value."
        elif name not in lists and len(set(values)) > 1:
            detail = "Sent twice, with different values."
        else:
            continue
        errors.append({"pointer": shown_name(name), "detail": detail})
    if errors:
        said = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors[:3])
        raise ProblemError(Kind.INVALID, said, errors=errors[:20])


def with_known_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same for an operation of django-ninja, by what it declares. `NinjaAPI.add_decorator` puts it around each."""
    known, lists = declared_parameters(view._ninja_operation)  # type: ignore[attr-defined]  # noqa: SLF001

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **values: Any) -> Any:
        if request.META.get("QUERY_STRING"):
            check_query(dict(request.GET.lists()), known, lists)
        return view(request, *args, **values)

    return checked


def declared_parameters(operation: Operation) -> tuple[frozenset[str], frozenset[str]]:
    """The names of an operation's parameters in the query; and those that may be repeated."""
    known: set[str] = set()
    lists: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            known |= set(model.__ninja_flatten_map__)
            lists |= set(model.__ninja_collection_fields__)
    for each in (operation.openapi_extra or {}).get("parameters", ()):
        if each["in"] == "query":  # read by the operation itself
            known.add(each["name"])
            if each.get("schema", {}).get("type") == "array":
                lists.add(each["name"])
    return frozenset(known), frozenset(lists)
