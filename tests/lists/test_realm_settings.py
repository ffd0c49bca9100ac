import pytest
from django.test import Client

from lists.lookup import get_list
from lists.models import AuditEntry, List, Realm, User
from tests import make
from tests.lists.screens import Screen, look_at, open_screen, sign_in

PATH = "/manage/settings/"
FIELDS = {
    "sender_name": "Acme Flowers",
    "support_address": "help@acme.example",
    "default_language": "de",
    "default_region": "de",
    "thank_you_en": "Thank you.\r\nSee you.",
    "thank_you_de": "",
    "thank_you_ar": "شكرا",
}


@pytest.mark.django_db
class TestRealmSettings:
    def test_a_realm_admin_changes_them_for_every_list(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        client = sign_in(alice)
        assert open_screen(client, PATH).heading == "Project Settings"

        answer = client.post(PATH, FIELDS, follow=True)

        assert "Saved." in look_at(answer).text
        realm.refresh_from_db()
        assert (realm.sender_name, realm.default_language, realm.default_region) == (
            "Acme Flowers",
            "de",
            "DE",
        )
        assert realm.thank_you_texts == {"en": "Thank you.\nSee you.", "ar": "شكرا"}
        found = get_list(optout_list.public_id)
        assert found is not None and found.sender == "Acme Flowers"

    def test_another_default_language_moves_the_texts_of_the_lists_that_have_none(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        """Readers of each language read on what they read; what is written next in the new one is what they read then."""
        List.objects.filter(number=1).update(
            description="Monthly", own_texts={"name": {"de": "Gartenbriefe", "fr": "Lettres"}}
        )
        own = make.make_list(realm, 2, "Own", default_language="en")
        client = sign_in(alice)
        client.post(PATH, FIELDS)

        everything = make.do_not_mail(realm)
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.description) == ("Gartenbriefe", "Monthly")
        assert optout_list.own_texts == {
            "name": {"en": "Garden letters", "fr": "Lettres"},
            "description": {"en": "Monthly"},
        }
        own.refresh_from_db()
        assert (own.name, own.own_texts) == ("Own", {})
        assert (everything.name, everything.own_texts) == ("Do Not Mail", {})
        page = f"/manage/lists/{optout_list.public_id}/page/"
        written = {"language": "de", "text-name": "Neuer Name", "asks_reason": "on"}
        assert client.post(page, written).status_code == 302
        for language, name in (("de", "Neuer Name"), ("en", "Garden letters"), ("fr", "Lettres")):
            html = Client().get(f"/u/{optout_list.public_id}?lang={language}").content.decode()
            assert name in html

    def test_the_audit_tells_what_changed_but_no_address(self, alice: User) -> None:
        sign_in(alice).post(PATH, FIELDS)

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_realm", alice)
        assert entry.detail["changes"]["sender_name"] == ["Acme Garden", "Acme Flowers"]
        assert entry.detail["changes"]["support_address"] is None
        assert "help@" not in str(entry.detail)

    def test_a_countrys_name_is_not_cut_to_another_countrys_letters(self, alice: User) -> None:
        html = open_screen(sign_in(alice), PATH).html
        field = html[html.index('name="default_region"') :].partition(">")[0]
        assert "maxlength" not in field

    def test_saving_the_same_again_writes_nothing(self, alice: User) -> None:
        client = sign_in(alice)
        client.post(PATH, FIELDS)
        answer = client.post(PATH, FIELDS, follow=True)
        assert "Nothing was changed." in look_at(answer).text
        assert AuditEntry.objects.count() == 1

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("sender_name", "", "Enter a sender name."),
            ("sender_name", "a\nBcc: x", "one line"),
            ("default_region", "XX", "two letters"),
            ("default_region", "deu", "two letters"),
            ("default_region", "Germany", "DE for Germany"),
            ("default_language", "tlh", "valid choice"),
            ("thank_you_en", "x" * 601, "600 characters"),
            ("support_address", "a\x00b", "ull characters"),
        ],
    )
    def test_a_mistake_is_named_and_what_was_typed_is_kept(
        self, alice: User, realm: Realm, field: str, value: str, says: str
    ) -> None:
        client = sign_in(alice)
        answer = client.post(PATH, {**FIELDS, field: value})

        screen: Screen = look_at(answer)
        assert says in screen.text and f"#id_{field}" in screen.links
        assert "Acme Flowers" in screen.html or field == "sender_name"
        realm.refresh_from_db()
        assert realm.sender_name == "Acme Garden"
        assert not AuditEntry.objects.exists()

    def test_for_everybody_else_they_do_not_exist(
        self, bob: User, charlie: User, realm: Realm
    ) -> None:
        led_on = sign_in(bob).get(PATH)
        assert (led_on.status_code, led_on["Location"] != PATH) == (302, True)
        assert sign_in(bob).post(PATH, FIELDS).status_code == 404
        sign_in(charlie).post(PATH, FIELDS)  # changes charlie's own realm
        realm.refresh_from_db()
        assert realm.sender_name == "Acme Garden"
