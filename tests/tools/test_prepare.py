import json
from pathlib import Path
from typing import Any

import pytest

from lists.models import Contact, Realm, User
from tools.prepare import NEWEST_KEY, demo


@pytest.fixture
def state(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_DIR = tmp_path
    return tmp_path


@pytest.mark.django_db
class TestDemo:
    def test_it_is_loaded_once(self, state: Path) -> None:
        first = demo()
        assert isinstance(first, dict)
        assert NEWEST_KEY in first
        User.objects.filter(email=first["users"]["owner"]["email"]).update(name="Somebody")

        assert demo() == first
        assert User.objects.filter(name="Somebody").exists()

    def test_one_of_an_earlier_release_is_completed(self, state: Path) -> None:
        newest = demo()
        assert isinstance(newest, dict)
        kept = state / "demo.json"
        kept.write_text(json.dumps({key: newest[key] for key in newest if key != NEWEST_KEY}))
        Contact.objects.update(fields={})

        assert demo() == newest
        assert json.loads(kept.read_text()) == newest
        assert not Contact.objects.filter(fields={}).exists()

    def test_a_database_in_which_people_are_gets_none(self, state: Path) -> None:
        Realm.objects.create(name="acme", sender_name="Acme Garden")

        assert demo() is None
        assert Realm.objects.count() == 1

    def test_a_demo_whose_people_were_removed_stays_away(self, state: Path) -> None:
        Realm.objects.create(name="acme", sender_name="Acme Garden")
        old = {"users": {"owner": {"email": "owner@green-valley.example"}}}
        (state / "demo.json").write_text(json.dumps(old))

        assert demo() is None
        assert Realm.objects.count() == 1
