"""What the tests of the Send editor have in common."""

import json
from collections.abc import Iterable
from typing import Any

from lists.models import List, Realm
from reporting.models import TextMessage
from reporting.send_editor.messages import make_message
from tests.lists.gateways import Gateway
from tests.make import NOW, make_contact, make_subscription

ANNA, BERT, CLEO = "+12025550101", "+12025550102", "+12025550103"


def numbered(count: int) -> list[str]:
    """So many phone numbers."""
    return [f"+1202555{n:04}" for n in range(count)]


def subscribe(optout_list: List, numbers: Iterable[str]) -> None:
    """Contacts on the list."""
    for number in numbers:
        if optout_list.realm.contacts.filter(address=number).exists():
            make_subscription(optout_list, number)
        else:
            make_contact(optout_list.realm, number, optout_list)


def make_text(target: List | Realm, text: str = "Sale! {optout}", **fields: Any) -> TextMessage:
    """A message to the list, or, where only the realm is given, to `number`."""
    realm, optout_list = (target.realm, target) if isinstance(target, List) else (target, None)
    values = {"actor": None, "now": NOW, **fields}
    return make_message(realm, optout_list=optout_list, text=text, **values)


def got(gateway: Gateway) -> list[dict[str, str]]:
    """What the gateway was given, in that order."""
    return [json.loads(body) for _path, _headers, body in gateway.requests]


def numbers_of(gateway: Gateway) -> list[str]:
    """Whom it was given messages to, sorted."""
    return sorted(each["to"] for each in got(gateway))
