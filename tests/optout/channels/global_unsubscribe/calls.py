"""Calling the Global Unsubscribe as scripts of a website do."""

from typing import Any
from urllib.parse import urlencode

from tests.pages import SERVER, URLENCODED, PublicClient

PATH = "/unsubscribe/unsubscribe"


def call(query: str = "", *, path: str = PATH, **given: Any) -> Any:
    """GET with `responseType=api`, a query string as it is, and parameters."""
    return get("&".join(filter(None, ("responseType=api", query, urlencode(given)))), path=path)


def get(query: str, *, path: str = PATH, headers: dict[str, str] = SERVER, **more: Any) -> Any:
    """GET with exactly this query string, whatever characters it has."""
    octets = query.encode("utf-8", "surrogatepass").decode("latin-1")
    return PublicClient(headers).generic("GET", path, QUERY_STRING=octets, **more)


def post(body: str | bytes, query: str = "", *, path: str = PATH, kind: str = URLENCODED) -> Any:
    """POST exactly this body."""
    return PublicClient(SERVER).generic("POST", path, body, kind, QUERY_STRING=query)
