"""Calls about contacts, for the tests of what they answer."""

from typing import Any

from lists.models import Contact
from tests.optout.channels.rest.calls import call

JANE, JOE = "jane@example.com", "joe@example.com"


def find(key: str, query: str) -> Any:
    return call(key, "GET", "/contacts", query=query)


def get(key: str, contact_id: Any) -> Any:
    return call(key, "GET", f"/contacts/{contact_id}")


def post(key: str, **sent: Any) -> Any:
    return call(key, "POST", "/contacts", sent)


def put(key: str, contact: Contact, *lists: Any, **more: Any) -> Any:
    return call(key, "PUT", f"/contacts/{contact.pk}", {"lists": lists, **more})


def delete(key: str, contact_id: Any) -> Any:
    return call(key, "DELETE", f"/contacts/{contact_id}")


def shown(contact: Contact, **more: Any) -> dict[str, Any]:
    """Jane's, and what is different."""
    return {
        "id": str(contact.pk),
        "address": JANE,
        "medium": "email",
        "lists": [1],
        "fields": {"first": "Jane"},
        "customer_key": None,
        "created_at": "2026-03-04T12:00:00Z",
        "changed_at": "2026-03-04T12:00:00Z",
        "do_not_mail": False,
        **more,
    }
