from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lists.lookup import ListSnapshot, get_list_by_id
from lists.models import Contact, List, Realm
from lists.prepared import fetch
from reporting import list_contacts
from reporting.list_contacts import page_of_changed_contacts
from tests import make

pytestmark = pytest.mark.django_db


def snapshot(optout_list: List) -> ListSnapshot:
    found = get_list_by_id(optout_list.pk)
    assert found is not None
    return found


def change(contact: Contact, minutes: int) -> None:
    at = make.NOW + timedelta(minutes=minutes)
    Contact.objects.filter(pk=contact.pk).update(changed_at=at)


def after_each_statement(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    def wrapped(*sent: Any) -> Any:
        rows = fetch(*sent)
        happens()
        return rows

    monkeypatch.setattr(list_contacts, "fetch", wrapped)


class TestChanged:
    def test_a_change_while_a_page_is_read_hides_nobody(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two that are not on the list are looked through; one of them changes just then, and is the last from now on."""
        monkeypatch.setattr(list_contacts, "LOOKED_THROUGH", 2)
        first = make.make_contact(realm, "first@example.com")
        second = make.make_contact(realm, "second@example.com")
        jane = make.make_contact(realm, "jane@example.com", optout_list)
        for minutes, each in enumerate((first, second, jane)):
            change(each, minutes)
        after_each_statement(monkeypatch, lambda: change(first, 60))

        found, position = page_of_changed_contacts(snapshot(optout_list), make.NOW, None, 5)
        assert (found, position) == ([], (make.NOW + timedelta(minutes=1), second.pk))
        found, _position = page_of_changed_contacts(snapshot(optout_list), make.NOW, position, 5)
        assert [each.id for each in found] == [jane.pk]
