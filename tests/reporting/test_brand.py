import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import MultiValueDict

from lists.logos import store_logo
from lists.lookup import get_list
from lists.models import AuditEntry, List, Logo, Realm, User
from reporting.page_editor import Sent
from tests import make
from tests.lists.pictures import picture
from tests.lists.screens import look_at, open_screen
from tests.reporting.portal import signed_in
from tests.reporting.test_page_editor import locked, upload

PATH = "/manage/settings/brand/"
FIELDS = {
    "language": "de",
    "text-message": "Schade!",
    "text-thanks": "Auf Wiedersehen",
    "text-reasons": "Zu viel\nZu wenig",
    "colour": "#aa0033",
    "contact": "help@acme.example",
    "privacy_url": "https://acme.example/privacy",
}


@pytest.mark.django_db
class TestBrand:
    def test_a_realm_admin_sets_it_for_every_list_without_its_own(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        Realm.objects.update(own_texts={"message": {"en": "Oh!"}}, thank_you_texts={"en": "Bye"})
        other = make.make_list(realm, 5, colour="#000000")
        answer = signed_in(alice).post(PATH, FIELDS | {"logo": upload()})

        assert answer["Location"] == f"{PATH}?lang=de"
        found, own = get_list(optout_list.public_id), get_list(other.public_id)
        assert found is not None and own is not None
        assert found.own_texts == {"message": {"en": "Oh!", "de": "Schade!"}}
        assert found.thank_you_texts == {"en": "Bye", "de": "Auf Wiedersehen"}
        assert found.reasons == {"de": ["Zu viel", "Zu wenig"]}
        assert (found.colour, own.colour) == ("#aa0033", "#000000")
        assert found.contact == "help@acme.example"
        assert found.logo_id == own.logo_id == Logo.objects.get(optout_list=None).pk
        change, logo = AuditEntry.objects.order_by("pk")
        assert (change.action, logo.action, change.actor) == ("change_realm", "set_logo", alice)
        assert change.detail["changes"]["support_address"] is None
        assert "Schade" not in str(change.detail)

    def test_the_screen_takes_at_most_ten_queries(
        self, alice: User, realm: Realm, optout_list: List, django_assert_max_num_queries
    ) -> None:
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            screen = open_screen(client, PATH)
        assert screen.heading == "Brand" and "text-name" not in screen.html
        assert "On the page of “Garden letters”" in screen.text

    def test_another_language_first_loses_nothing(self, alice: User, realm: Realm) -> None:
        screen = look_at(signed_in(alice).post(PATH, FIELDS | {"to": "fr"}))
        assert "Not saved yet: Deutsch" in screen.text and "Schade!" in screen.fields["draft"][0]
        assert screen.fields["colour"] == ["#aa0033"]
        assert not AuditEntry.objects.exists()

    def test_the_preview_shows_the_brand_and_not_the_lists_own(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        List.objects.update(colour="#123456", contact="own@acme.example")
        sent = FIELDS | {"state": "done", "logo": upload(picture(size=(100, 100)))}
        html = signed_in(alice).post(f"{PATH}preview", sent).content.decode()
        assert "#aa0033" in html and "#123456" not in html
        assert "help@acme.example" in html and "Auf Wiedersehen" in html
        assert 'src="data:image/' in html
        assert not Logo.objects.exists() and not AuditEntry.objects.exists()

    def test_the_preview_shows_nothing_that_was_emptied_and_no_lists_words(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        """But what a realm cannot say: the list's name, in the reader's language."""
        Realm.objects.update(own_texts={"message": {"de": "Vorher"}})
        List.objects.filter(pk=optout_list.pk).update(
            own_texts={"message": {"de": "Der Liste"}, "name": {"de": "Gartenbriefe"}}
        )
        sent = FIELDS | {"text-message": "", "state": "form"}
        html = signed_in(alice).post(f"{PATH}preview", sent).content.decode()
        assert "Gartenbriefe" in html
        assert "Vorher" not in html and "Der Liste" not in html

    def test_the_preview_shows_no_logo_that_is_to_go(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        store_logo(realm, None, picture(), actor=None)
        sent = FIELDS | {"state": "form"}
        client = signed_in(alice)
        assert b'src="data:image/' in client.post(f"{PATH}preview", sent).content
        sent["remove_logo"] = "on"
        assert b'src="data:image/' not in client.post(f"{PATH}preview", sent).content

    def test_what_others_saved_in_other_languages_meanwhile_stays(self, realm: Realm) -> None:
        sent = Sent(realm, FIELDS, MultiValueDict())
        Realm.objects.update(own_texts={"message": {"fr": "Adieu"}})
        with CaptureQueriesContext(connection) as asked:
            sent.save(None)
        realm.refresh_from_db()
        assert realm.own_texts == {"message": {"fr": "Adieu", "de": "Schade!"}}
        assert locked(asked)[0] == "lists_realm"

    def test_for_everybody_else_it_does_not_exist(self, bob: User, realm: Realm) -> None:
        for path in (PATH, f"{PATH}preview"):
            assert signed_in(bob).get(path).status_code == 404
            assert signed_in(bob).post(path, FIELDS).status_code == 404
        assert not AuditEntry.objects.exists()
