"""A program that calls the REST API with a key."""

from typing import Any

from django.test import Client

from lists.models import List, Realm
from tests import make


class Program:
    """Holds a key of the realm, for these lists (none: for all)."""

    def __init__(self, realm: Realm, *lists: List, **fields: Any) -> None:
        self.key = make.make_api_key(realm, *lists, **fields)
        self.client = Client(raise_request_exception=True)

    def get(self, path: str, query: Any = None, headers: Any = None, method: str = "GET") -> Any:
        """The answer to a call below /api/v1."""
        headers = {"authorization": f"Bearer {self.key}", **(headers or {})}
        ask = self.client.get if method == "GET" else self.client.head
        return ask(f"/api/v1{path}", query, headers=headers)

    def read(self, path: str, **query: Any) -> Any:
        """The JSON of a call that must succeed."""
        answer = self.get(path, query)
        assert answer.status_code == 200, answer.content
        return answer.json()
