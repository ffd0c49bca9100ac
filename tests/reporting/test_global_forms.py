"""Project Settings › Global › Forms: what a website links to by its UUID alone (S1.16)."""

import re
import uuid
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lists.global_unsubscribe import EMAIL, PHONE
from lists.models import AuditEntry, GlobalUnsubscribe, Publisher, Realm, StoredForm, User
from optout.channels.global_unsubscribe.preview import STATES
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.reporting.portal import signed_in

PATH = "/manage/settings/global/forms"
NEW = f"{PATH}/new"


@pytest.fixture
def publisher(realm: Realm) -> Publisher:
    return make.make_publisher(realm)


@pytest.fixture
def door(realm: Realm) -> GlobalUnsubscribe:
    return make.make_global_unsubscribe(realm)


def filled(publisher: Publisher, **fields: Any) -> dict[str, Any]:
    """What the browser sends of a form that asks for both addresses."""
    return {
        "name": "Footer",
        "publisher": publisher.pk,
        "product": "",
        "website": "",
        "place_email": "1",
        "place_phoneNumber": "2",
        **fields,
    }


def preview_of(screen: Screen) -> str:
    found = re.search(r'<iframe class="preview" name="preview" src="([^"]+)"', screen.html)
    assert found is not None
    return unescape(found.group(1))


@pytest.mark.django_db
class TestTheList:
    def test_without_a_publisher_that_comes_first(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PATH)
        assert "First a publisher" in screen.text and NEW not in screen.links
        assert "/manage/settings/global/publishers/new" in screen.links

    def test_each_is_shown_with_its_uuid_to_copy(
        self, realm: Realm, alice: User, publisher: Publisher, django_assert_max_num_queries
    ) -> None:
        product = make.make_product(realm, 5, name="Letters")
        form = make.make_form(realm, publisher, product=product)
        make.make_form(realm, publisher, name="Old", is_active=False)
        other = make.make_realm("other")
        make.make_form(other, make.make_publisher(other), name="Theirs")
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            screen = open_screen(client, PATH)
        assert f'id="uuid-{form.pk}">{form.uuid}<' in screen.html
        assert f'data-copy="uuid-{form.pk}"' in screen.html
        assert f"Shop form Shop Letters 5 {form.uuid}" in screen.text
        assert "Old Not active" in screen.text and "Theirs" not in screen.text


@pytest.mark.django_db
class TestMaking:
    def test_it_asks_in_the_order_of_the_places(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        product = make.make_product(realm, 5)
        client = signed_in(alice)
        sent = filled(
            publisher,
            product=product.pk,
            website="https://me@Shop.Example/garden/?utm=1",
            place_email="3",
            place_phoneNumber="1",
            place_customField2="2",
            label_customField2="Country",
        )
        answer = client.post(NEW, sent, follow=True)

        form = StoredForm.objects.get()
        assert answer.redirect_chain == [(f"{PATH}/{form.uuid}", 302)]
        assert (form.realm, form.publisher, form.product) == (realm, publisher, product)
        assert form.fields == [PHONE, "customField2", EMAIL]
        assert form.labels == {"customField2": "Country"}
        assert form.website == "shop.example/garden"
        screen = look_at(answer)
        assert f"unsubscribe?uuid={form.uuid}<" in screen.html
        assert preview_of(screen) == f"/g/{door.key}/unsubscribe/preview?uuid={form.uuid}"
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("make_form", alice)

    def test_what_was_made_is_what_readers_see(
        self, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        sent = filled(publisher, place_customField1="3", label_customField1="Your country")
        answer = signed_in(alice).post(NEW, sent, follow=True)
        for path in (
            preview_of(look_at(answer)),
            f"/g/{door.key}/unsubscribe/unsubscribe?uuid={StoredForm.objects.get().uuid}",
        ):
            page = Client().get(path, headers={"accept": "text/html"})
            assert page.status_code == 200 and "Your country" in page.content.decode()

    def test_sent_twice_it_is_made_once(self, alice: User, publisher: Publisher) -> None:
        client = signed_in(alice)
        draft = re.search(r'name="draft" value="([^"]+)"', client.get(NEW).content.decode())
        assert draft is not None
        for _ in range(2):
            sent = filled(publisher, draft=draft.group(1))
            assert client.post(NEW, sent).status_code == 302
        assert str(StoredForm.objects.get().uuid) == draft.group(1)

    @pytest.mark.parametrize(
        "typed",
        ["0B8F6A52-4C1D-4F7E-9A3B-5D2E1F0C9B8A", "0b8f6a524c1d4f7e9a3b5d2e1f0c9b8a"],
    )
    def test_websites_keep_the_uuid_that_they_have(
        self, alice: User, publisher: Publisher, typed: str
    ) -> None:
        sent = filled(publisher, own_uuid=typed, draft=str(uuid.uuid4()))
        signed_in(alice).post(NEW, sent)
        assert str(StoredForm.objects.get().uuid) == "0b8f6a52-4c1d-4f7e-9a3b-5d2e1f0c9b8a"

    @pytest.mark.parametrize(
        ("fields", "says", "where"),
        [
            ({"name": ""}, "Enter a name.", "name"),
            ({"publisher": ""}, "Choose one.", "publisher"),
            ({"own_uuid": "7"}, "This is no UUID.", "own_uuid"),
            ({"own_uuid": "{0b8f6a52}"}, "This is no UUID.", "own_uuid"),
            (
                {"place_email": "", "place_phoneNumber": ""},
                "must ask for an email address or a phone number",
                "place_email",
            ),
            (
                {"place_phoneNumber": "1"},
                "Phone number: Email address and Phone number have the same place, the 1st.",
                "place_phoneNumber",
            ),
            (
                {f"place_customField{n}": "4" for n in (1, 2, 3)},
                "Custom field 1, Custom field 2 and Custom field 3 have the same place, the 4th.",
                "place_customField3",
            ),
            ({"place_customField1": "3"}, "Enter a label", "label_customField1"),
            ({"label_customField1": "x" * 41}, "at most 40", "label_customField1"),
            ({"label_customField1": "a\x07b"}, "one line", "label_customField1"),
            ({"place_email": "9"}, "Select a valid choice", "place_email"),
            ({"website": "x" * 201}, "at most 200", "website"),
        ],
    )
    def test_a_mistake_is_named_and_what_was_typed_is_kept(
        self, alice: User, publisher: Publisher, fields: dict[str, str], says: str, where: str
    ) -> None:
        sent = filled(publisher, label_customField3="Reason") | fields
        answer = signed_in(alice).post(NEW, sent)
        assert answer.status_code == 422
        screen = look_at(answer)
        assert says in screen.text and f"#id_{where}" in screen.links
        assert screen.fields["label_customField3"] == ["Reason"]
        assert not StoredForm.objects.exists()

    def test_a_uuid_that_another_form_has_is_named(
        self, realm: Realm, alice: User, publisher: Publisher
    ) -> None:
        there = make.make_form(realm, publisher, name="Header")
        answer = signed_in(alice).post(NEW, filled(publisher, own_uuid=str(there.uuid)))
        assert answer.status_code == 422
        assert "The form “Header” has this UUID already." in look_at(answer).text

    def test_what_another_realm_has_cannot_be_chosen(
        self, alice: User, publisher: Publisher
    ) -> None:
        other = make.make_realm("other")
        theirs = make.make_publisher(other, "t1", "Theirs")
        product = make.make_product(other, 9, name="Theirs, too")
        client = signed_in(alice)
        assert "Theirs" not in open_screen(client, NEW).text
        for sent in (filled(theirs), filled(publisher, product=product.pk)):
            assert client.post(NEW, sent).status_code == 422
        assert not StoredForm.objects.exists()


@pytest.mark.django_db
class TestChanging:
    def test_it_shows_what_is_there_and_saves_what_is_typed(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        form = make.make_form(
            realm,
            publisher,
            fields=["customField1", EMAIL],
            labels={"customField1": "Country"},
        )
        client = signed_in(alice)
        path = f"{PATH}/{form.uuid}"
        screen = open_screen(client, path)
        assert screen.heading == "Change form Shop form"
        assert screen.fields["label_customField1"] == ["Country"]
        assert '<option value="1" selected>' in screen.html.partition("place_customField1")[2]
        assert "own_uuid" not in screen.fields

        sent = filled(publisher, name="Header", own_uuid=str(uuid.uuid4()), is_active="on")
        assert "Saved." in look_at(client.post(path, sent, follow=True)).text
        changed = StoredForm.objects.get()
        assert (changed.uuid, changed.name) == (form.uuid, "Header")
        assert (changed.fields, changed.labels, changed.is_active) == ([EMAIL, PHONE], {}, True)
        again = client.post(path, sent, follow=True)
        assert "Nothing was changed." in look_at(again).text
        assert AuditEntry.objects.count() == 1

    def test_one_that_is_not_active_says_what_its_link_does(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        form = make.make_form(realm, publisher, is_active=False, website="shop.example")
        screen = open_screen(signed_in(alice), f"{PATH}/{form.uuid}")
        assert "The form is not active: the link shows the usual form." in screen.text
        assert "is_active" not in screen.fields
        assert "website=shop.example" in preview_of(screen)  # its uuid would show the usual form

    def test_it_takes_few_queries(
        self,
        realm: Realm,
        alice: User,
        publisher: Publisher,
        door: GlobalUnsubscribe,
        django_assert_max_num_queries,
    ) -> None:
        product = make.make_product(realm)
        form = make.make_form(realm, publisher, product=product)
        client = signed_in(alice)
        for path in (f"{PATH}/{form.uuid}", NEW):
            with django_assert_max_num_queries(10):
                client.get(path)
            with django_assert_max_num_queries(10):
                client.post(path, filled(publisher, product=product.pk, preview="1"))

    @pytest.mark.parametrize("name", ["0", "nonsense", str(uuid.UUID(int=0))])
    def test_one_that_is_not_there(self, alice: User, name: str) -> None:
        assert signed_in(alice).get(f"{PATH}/{name}").status_code == 404


@pytest.mark.django_db
class TestPreview:
    def test_it_shows_what_is_typed_and_saves_nothing(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        form = make.make_form(realm, publisher)
        product = make.make_product(realm, 5)
        sent = filled(
            publisher,
            name="",
            product=product.pk,
            website="shop.example/a b",
            place_email="",
            place_customField1="1",
            label_customField1="Land & Ort",
            preview="1",
        )
        for path in (f"{PATH}/{form.uuid}", NEW):
            answer = signed_in(alice).post(path, sent)
            assert answer.status_code == 200
            screen = look_at(answer)
            assert "There is a problem" not in screen.text and "Not saved yet." in screen.text
            assert screen.fields["label_customField1"] == ["Land & Ort"]
            assert preview_of(screen) == (
                f"/g/{door.key}/unsubscribe/preview?fields=customField1,phoneNumber"
                "&fieldLabel[customField1]=Land%20%26%20Ort&website=shop.example%2Fa%20b&productId=5"
            )
        form.refresh_from_db()
        assert form.fields == [EMAIL, PHONE]
        assert not AuditEntry.objects.exists() and StoredForm.objects.count() == 1

    def test_each_of_its_states_is_a_link_into_the_frame(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        form = make.make_form(realm, publisher)
        screen = open_screen(signed_in(alice), f"{PATH}/{form.uuid}")
        preview = f"/g/{door.key}/unsubscribe/preview?uuid={form.uuid}"
        assert [each for each in screen.links if each.startswith(f"{preview}&state=")] == [
            f"{preview}&state={state}" for state in STATES
        ]
        assert screen.html.count('target="preview"') == len(STATES)
        assert '<iframe class="preview" name="preview"' in screen.html
        for state in STATES:
            assert Client().get(f"{preview}&state={state}").status_code in {200, 429}

    def test_what_it_does_to_labels_is_said_until_they_are_saved(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        """Its address is open to everybody: it must not show words as the owner's that are not saved."""
        said = "Labels are shown here as those of any link are"
        label = {"place_customField1": "3", "label_customField1": "Visit www.evil.example now"}
        client = signed_in(alice)
        screen = look_at(client.post(NEW, filled(publisher, **label, preview="1")))
        assert said in screen.text
        page = Client().get(preview_of(screen), headers={"accept": "text/html"}).content.decode()
        assert "Visit now" in page and "evil" not in page

        screen = look_at(client.post(NEW, filled(publisher, **label), follow=True))
        assert said not in screen.text
        page = Client().get(preview_of(screen), headers={"accept": "text/html"}).content.decode()
        assert "Visit www.evil.example now" in page
        assert said not in look_at(client.post(NEW, filled(publisher, preview="1"))).text

    def test_while_there_is_no_key_there_is_none(self, alice: User, publisher: Publisher) -> None:
        screen = open_screen(signed_in(alice), NEW)
        assert "<iframe" not in screen.html and "Show preview" not in screen.text
        assert "Switch the Global Unsubscribe on once" in screen.text

    def test_our_own_pages_may_frame_it(
        self, realm: Realm, alice: User, publisher: Publisher, door: GlobalUnsubscribe
    ) -> None:
        answer = Client().get(preview_of(open_screen(signed_in(alice), NEW)))
        assert answer.status_code == 200
        assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
        assert answer.get("X-Frame-Options", "SAMEORIGIN") == "SAMEORIGIN"
