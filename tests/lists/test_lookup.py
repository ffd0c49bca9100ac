import pytest

from lists.lookup import forget_list, get_list, get_list_by_id, get_list_by_number, snapshot
from lists.models import List, Realm
from tests import make


@pytest.mark.django_db
class TestGettingAList:
    def test_it_is_found_by_public_id_and_by_key(self, optout_list: List) -> None:
        found = get_list(optout_list.public_id)

        assert found is not None
        assert found == get_list_by_id(optout_list.pk)
        assert (found.id, found.name) == (optout_list.pk, "Garden letters")
        assert found.do_not_mail_id == make.do_not_mail(optout_list.realm).pk

    def test_an_unknown_one_is_none(self, db: None) -> None:
        assert get_list("23456789abcdefgh") is None
        assert get_list_by_id(1_000_000) is None

    def test_the_realm_speaks_where_the_list_is_silent(self, realm: Realm) -> None:
        """S0.8: system default, realm default, list message; a blank text is none."""
        Realm.objects.filter(pk=realm.pk).update(
            thank_you_texts={"en": "Realm", "de": "Reich"}, support_address="help@acme.example"
        )
        made = make.make_list(realm, thank_you_texts={"en": " ", "de": "Liste"})

        found = snapshot(made)

        assert found.thank_you_texts == {"en": "Realm", "de": "Liste"}
        assert (found.sender, found.contact) == ("Acme Garden", "help@acme.example")


@pytest.mark.django_db
class TestKeepingAList:
    def test_it_is_asked_for_once_while_fresh(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60

        with django_assert_num_queries(1):
            assert get_list(optout_list.public_id) == get_list(optout_list.public_id)

    def test_a_change_is_seen_after_forgetting(self, optout_list: List, settings) -> None:
        settings.LIST_CACHE_SECONDS = 60
        get_list(optout_list.public_id)
        get_list_by_id(optout_list.pk)
        List.objects.filter(pk=optout_list.pk).update(name="Roses")

        forget_list(optout_list)

        for found in (get_list(optout_list.public_id), get_list_by_id(optout_list.pk)):
            assert found is not None
            assert found.name == "Roses"

    def test_its_old_number_leads_nowhere_after_forgetting(
        self, optout_list: List, settings
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        realm = optout_list.realm
        assert get_list_by_number(realm.pk, 1) is not None
        optout_list.number = 57
        optout_list.save(update_fields=["number"])

        forget_list(optout_list)

        found = get_list_by_number(realm.pk, 57)
        assert found is not None and found.id == optout_list.pk
        assert get_list_by_number(realm.pk, 1) is None

    def test_guesses_do_not_fill_the_memory(
        self, db: None, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60

        with django_assert_num_queries(2):
            get_list("nosuchlist234567")
            get_list("nosuchlist234567")
