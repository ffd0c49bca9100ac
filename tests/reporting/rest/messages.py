"""A program that calls the operations about text messages, and the message that the examples name."""

import json
from typing import Any

from django.test import Client

from lists.models import List, Realm, SmsNumber
from reporting.models.messages import TextMessage
from reporting.rest.example_text_messages import MESSAGE_ID
from tests import make

NUMBER = "+18005550199"


class Program:
    """Calls with a key of the realm, for these lists (none: for all)."""

    def __init__(self, realm: Realm, *lists: List, **fields: Any) -> None:
        self.key = make.make_api_key(realm, *lists, **fields)
        self.client = Client(headers={"authorization": f"Bearer {self.key}"})

    def get(self, path: str, query: Any = None, headers: Any = None) -> Any:
        """The answer to a GET below /api/v1."""
        return self.client.get(f"/api/v1{path}", query, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to a POST below /api/v1."""
        return self.client.post(
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            "application/json",
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )


def make_example_message(optout_list: List) -> TextMessage:
    """A message to that list, which is being sent; somebody who could get one is on the list."""
    make.make_contact(optout_list.realm, "+12025550143", optout_list)
    SmsNumber.objects.create(realm=optout_list.realm, number=NUMBER)
    return TextMessage.objects.create(
        realm=optout_list.realm,
        public_id=MESSAGE_ID,
        optout_list=optout_list,
        text="Sale. {optout}",
        sender=NUMBER,
        created_at=make.NOW,
        recipient_count=1_200,
    )
