"""Every operation of the REST API, as it stands in the description."""

from functools import cache
from typing import Any

from reporting.rest.openapi import METHODS, describe


@cache  # making the description takes 20 ms, and it is asked for hundreds of times
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation, by its id. To be read only."""
    return {
        path[method]["operationId"]: (method.upper(), template, path[method])
        for template, path in describe()["paths"].items()
        for method in METHODS
        if method in path
    }


def operation_ids() -> list[str]:
    return sorted(operations())
