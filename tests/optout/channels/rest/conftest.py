import pytest

from lists.models import Contact, List, Realm
from tests import make


@pytest.fixture
def key(realm: Realm) -> str:
    return make.make_api_key(realm)


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    contact = make.make_contact(realm, "jane@example.com", optout_list, first="Jane")
    Contact.objects.update(created_at=make.NOW, changed_at=make.NOW)
    return contact
