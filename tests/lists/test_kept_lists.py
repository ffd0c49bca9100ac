import gc
import tracemalloc

import pytest

from lists.choices import Language
from lists.kept_lists import KeptLists
from lists.lookup import get_list, get_list_by_id, get_list_by_number, snapshot
from lists.models import List, Realm
from tests import make


@pytest.fixture
def kept(settings, monkeypatch: pytest.MonkeyPatch) -> KeptLists:
    """What this process remembers, as if it had just begun."""
    settings.LIST_CACHE_SECONDS = 60
    kept = KeptLists(most_lists=10_000, most_bytes=64_000_000)
    monkeypatch.setattr("lists.lookup._kept", kept)
    return kept


def in_all_languages(text: str) -> dict[str, str]:
    return {code: f"{text} {code} " + "x" * 250 for code in Language.values}


@pytest.mark.django_db
class TestMemoryOfLists:
    def test_three_keys_lead_to_one_snapshot(self, kept: KeptLists, optout_list: List) -> None:
        found = get_list(optout_list.public_id)
        size = kept.size

        assert get_list_by_id(optout_list.pk) is found
        assert get_list_by_number(optout_list.realm_id, 1) is found
        assert kept.size == size > 0

    def test_lists_share_what_their_realm_says(self, kept: KeptLists, realm: Realm) -> None:
        Realm.objects.update(
            thank_you_texts=in_all_languages("Thanks"),
            own_texts={"message": in_all_languages("Hello")},
            reasons={"en": ["Moved"]},
        )
        one, two = make.make_list(realm, 1, "One"), make.make_list(realm, 2, "Two")
        german = make.make_list(realm, 3, "Three", thank_you_texts={"de": "Danke"})

        first = snapshot(one)
        size = kept.size
        second, third = snapshot(two), snapshot(german)

        assert second.thank_you_texts is first.thank_you_texts
        assert second.own_texts["message"] is first.own_texts["message"]
        assert second.reasons is first.reasons
        assert third.thank_you_texts == first.thank_you_texts | {"de": "Danke"}
        assert kept.size < size * 1.8  # for the two others together

        for each in (one, two, german):
            kept.forget(each.pk)
        assert kept.size == 0

    def test_what_was_read_longest_ago_leaves_alone(self, kept: KeptLists, realm: Realm) -> None:
        lists = [
            make.make_list(realm, number, own_texts={"message": in_all_languages(f"{number}")})
            for number in (1, 2, 3)
        ]
        snapshot(lists[0])
        kept.most_bytes = int(kept.size * 2.5)
        snapshot(lists[1])
        snapshot(lists[0])

        snapshot(lists[2])

        assert [each.public_id in kept.by_key for each in lists] == [True, False, True]
        assert kept.size <= kept.most_bytes

    def test_a_changed_list_takes_the_place_of_what_it_was(
        self, kept: KeptLists, optout_list: List, settings
    ) -> None:
        get_list_by_number(optout_list.realm_id, 1)
        List.objects.filter(pk=optout_list.pk).update(
            number=57, own_texts={"message": in_all_languages("New")}
        )
        settings.LIST_CACHE_SECONDS = 0

        found = get_list(optout_list.public_id)

        assert [entry for _read_at, entry in kept.by_key.values()] == [found]

    def test_no_more_lists_than_allowed_are_remembered(self, kept: KeptLists, realm: Realm) -> None:
        kept.most_lists = 1
        for number in (1, 2):
            snapshot(make.make_list(realm, number))

        assert [found.number for _read_at, found in kept.by_key.values()] == [2]

    def test_the_bytes_are_about_those_that_python_takes(
        self, kept: KeptLists, realm: Realm
    ) -> None:
        wide = dict.fromkeys(Language.values, "ж" * 280)  # two bytes a character
        lists = [
            make.make_list(realm, number, own_texts={"message": wide}, thank_you_texts=wide)
            for number in range(1, 11)
        ]
        snapshot(lists[0])  # with the statement, and all that is made once
        kept.clear()
        assert kept.size == 0
        gc.collect()
        tracemalloc.start()
        for each in lists:
            get_list_by_id(each.pk)
        taken, _peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert kept.size == pytest.approx(taken, rel=0.5)
