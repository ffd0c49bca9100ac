import pytest

from lists.models import List, Realm
from reporting import list_facts
from reporting.list_facts import read_list_facts
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one number is the time."""
    now = [1_000.0]
    monkeypatch.setattr(list_facts, "monotonic", lambda: now[0])
    monkeypatch.setattr(list_facts, "MANY", 3)
    return now


def contacts(optout_list: List) -> int:
    (facts,) = read_list_facts(optout_list.realm_id, [optout_list.pk])
    return facts.contacts


def test_few_contacts_are_counted_each_time(
    realm: Realm, optout_list: List, clock: list[float]
) -> None:
    for number in (1, 2, 3):
        make.make_contact(realm, f"p{number}@example.com", optout_list)
        assert contacts(optout_list) == number


def test_many_are_counted_once_a_minute(
    realm: Realm, optout_list: List, clock: list[float]
) -> None:
    for number in range(3):
        make.make_contact(realm, f"p{number}@example.com", optout_list)
    assert contacts(optout_list) == 3
    make.make_contact(realm, "new@example.com", optout_list)
    clock[0] += 59
    assert contacts(optout_list) == 3
    clock[0] += 1
    assert contacts(optout_list) == 4


def test_each_list_has_its_own_number(realm: Realm, optout_list: List, clock: list[float]) -> None:
    second = make.make_list(realm, 2)
    for number in range(3):
        make.make_contact(realm, f"p{number}@example.com", optout_list)
    make.make_contact(realm, "joe@example.com", second)
    for _ in range(2):
        found = read_list_facts(realm.pk, None, limit=10)
        assert [(each.number, each.contacts) for each in found] == [(0, 0), (1, 3), (2, 1)]
