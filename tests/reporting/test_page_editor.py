import base64
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import MultiValueDict

from lists.logos import store_logo
from lists.lookup import get_list
from lists.models import AuditEntry, List, Logo, Realm, User
from lists.pictures import MOST_UPLOADED
from optout.preview import STATES
from reporting.page_editor import Sent
from tests import make
from tests.lists.pictures import picture
from tests.lists.screens import Screen, look_at, open_screen
from tests.pages import check_html
from tests.reporting.portal import signed_in

OWN = {"name": {"de": "Gartenbriefe"}, "message": {"en": "Before you go", "fr": "Avant"}}


def path(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/page/{rest}"


def typed(**changed: Any) -> dict[str, Any]:
    """What the form of Garden letters sends, in English; `text_name="…"` is the field text-name."""
    sent = {
        "language": "en",
        "text-name": "Garden letters",
        "asks_reason": "on",
        "state": "form",
    }
    return sent | {name.replace("text_", "text-"): value for name, value in changed.items()}


def draft_of(screen: Screen) -> dict[str, dict[str, str]]:
    return json.loads(screen.fields.get("draft", ["{}"])[0])


def upload(content: bytes = b"", name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or picture(), "image/png")


def locked(asked: CaptureQueriesContext) -> list[str]:
    """The tables whose rows were locked, in that order."""
    statements = [each["sql"] for each in asked if "FOR NO KEY UPDATE" in each["sql"]]
    return [statement.partition(' FROM "')[2].partition('"')[0] for statement in statements]


@pytest.fixture
def client(bob: User) -> Client:
    return signed_in(bob)


@pytest.mark.django_db
class TestTheEditor:
    def test_it_shows_a_language_and_marks_those_with_texts(
        self, client: Client, optout_list: List, django_assert_max_num_queries
    ) -> None:
        List.objects.update(own_texts=OWN, thank_you_texts={"ar": "شكرا"})
        with django_assert_max_num_queries(10):
            screen = open_screen(client, path(optout_list, "?lang=de&state=done"))
        assert screen.fields["text-name"] == ["Gartenbriefe"]
        assert "Deutsch , has texts" in screen.text and "Français , has texts" in screen.text
        assert "العربية , has texts" in screen.text and "Polski , has texts" not in screen.text
        assert f'src="{path(optout_list)}preview?state=done&amp;lang=de' in screen.html
        assert "Empty: “Garden letters”." in screen.text

    def test_it_says_of_the_message_everywhere_where_it_stands(
        self, client: Client, optout_list: List
    ) -> None:
        written = "Before you go"

        def page(state: str) -> str:
            sent = typed(text_message=written, state=state)
            return client.post(path(optout_list, "preview"), sent).content.decode()

        for state in ("form", "confirm", "join", "preferences"):
            assert written in page(state)
        assert written not in page("done")
        says = "wherever they unsubscribe, sign up or choose what they get"
        assert says in open_screen(client, path(optout_list)).text

    def test_every_state_can_be_chosen_by_a_name(self, client: Client, optout_list: List) -> None:
        html = open_screen(client, path(optout_list)).html
        assert all(f'<option value="{state}"' in html for state in STATES)
        assert 'label="More"' not in html, "a state without a name in reporting/page_states.py"

    def test_of_do_not_mail_there_is_no_name_and_nothing_to_join(
        self, alice: User, realm: Realm
    ) -> None:
        screen = open_screen(signed_in(alice), path(make.do_not_mail(realm)))
        assert "text-name" not in screen.fields and "text-frequency" not in screen.fields
        assert 'value="join"' not in screen.html and 'value="closed"' not in screen.html
        assert 'name="text-message"' in screen.html


@pytest.mark.django_db
class TestSaving:
    def test_each_text_goes_where_readers_of_its_language_find_it(
        self, client: Client, bob: User, optout_list: List
    ) -> None:
        List.objects.update(own_texts=OWN, reasons={"fr": ["Trop"]})
        answer = client.post(
            path(optout_list),
            typed(
                text_name="Rose letters",
                text_frequency="once a week",
                text_message="",
                text_thanks="Bye\r\nBye",
                text_consent="Send me roses.",
                text_reasons="Too many\n\n Too  many\nToo few ",
                sender_name="Roses Ltd",
                colour="#aa0033",
                privacy_url="https://acme.example/privacy",
                locked_language="de",
                state="done",
            ),
        )
        assert answer["Location"] == f"{path(optout_list)}?lang=en&state=done"
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.frequency) == ("Rose letters", "once a week")
        assert optout_list.own_texts == {
            "name": {"de": "Gartenbriefe"},
            "message": {"fr": "Avant"},
            "consent": {"en": "Send me roses."},
        }
        assert optout_list.thank_you_texts == {"en": "Bye\nBye"}
        assert optout_list.reasons == {"fr": ["Trop"], "en": ["Too many", "Too few"]}
        assert (optout_list.sender_name, optout_list.colour) == ("Roses Ltd", "#aa0033")
        found = get_list(optout_list.public_id)
        assert found is not None and found.locked_language == "de"
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_list", bob)
        assert entry.detail["changes"]["name"] == ["Garden letters", "Rose letters"]
        assert (
            entry.detail["changes"]["own_texts"] is None
        )  # long, and somebody's name may stand in it

    def test_a_form_as_it_came_changes_nothing(self, client: Client, optout_list: List) -> None:
        List.objects.update(own_texts=OWN, asks_reason=True)
        answer = client.post(path(optout_list), typed(text_message="Before you go"), follow=True)
        assert "Nothing was changed." in look_at(answer).text
        assert not AuditEntry.objects.exists()

    def test_another_default_language_keeps_what_was_written_in_the_old_one(
        self, client: Client, optout_list: List
    ) -> None:
        List.objects.update(own_texts={"name": {"de": "Gartenbriefe"}})
        client.post(path(optout_list), typed(text_description="Roses", default_language="de"))
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.description) == ("Gartenbriefe", "Roses")
        assert optout_list.own_texts == {
            "name": {"en": "Garden letters"},
            "description": {"en": "Roses"},
        }

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("text-name", "", "Enter a name."),
            ("text-name", "do not mail", "named Do Not Mail"),
            ("text-name", "a\nb", "one line"),
            ("text-message", "x" * 301, "300 characters"),
            ("text-reasons", "\n".join("abcdefghi"), "At most 8 reasons"),
            ("text-reasons", "x" * 81, "at most 80 characters"),
            ("colour", "mauve", "colour like"),
            ("privacy_url", "ftp://acme.example/", "begin with https://"),
            ("default_language", "tlh", "valid choice"),
            ("contact", "a\x00b", "ull characters"),
        ],
    )
    def test_a_mistake_is_named_and_what_was_typed_is_kept(
        self, client: Client, optout_list: List, field: str, value: str, says: str
    ) -> None:
        answer = client.post(path(optout_list), typed(sender_name="Kept") | {field: value})
        screen = look_at(answer)
        assert answer.status_code == 422 and says in screen.text
        assert screen.fields["sender_name"] == ["Kept"]
        assert any(link.startswith("#id_") for link in screen.links)
        assert not AuditEntry.objects.exists()


@pytest.mark.django_db
class TestLanguages:
    def test_looking_at_another_language_loses_nothing_and_saves_nothing(
        self, client: Client, optout_list: List
    ) -> None:
        answer = client.post(path(optout_list), typed(text_name="Rosen", colour="mauve", to="de"))
        german = look_at(answer)
        assert answer.status_code == 200
        assert german.fields["language"] == ["de"] and german.fields["text-name"] == [""]
        assert german.fields["colour"] == ["mauve"] and "colour like" not in german.text
        assert draft_of(german)["en"]["name"] == "Rosen"
        assert "Not saved yet: English" in german.text
        assert not AuditEntry.objects.exists()

        sent = typed(language="de", text_name="Rosenbriefe", draft=german.fields["draft"][0])
        back = look_at(client.post(path(optout_list), sent | {"to": "en"}))
        assert back.fields["text-name"] == ["Rosen"]
        assert draft_of(back) == {"de": draft_of(back)["de"]}

        sent = typed(text_name="Roses", draft=back.fields["draft"][0])
        assert client.post(path(optout_list), sent).status_code == 302
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.own_texts) == (
            "Roses",
            {"name": {"de": "Rosenbriefe"}},
        )

    def test_a_mistake_in_a_language_that_is_not_shown_is_shown(
        self, client: Client, optout_list: List
    ) -> None:
        draft = json.dumps({"fr": {"message": "x" * 999}})
        answer = client.post(path(optout_list), typed(text_name="Roses", draft=draft))
        screen = look_at(answer)
        assert answer.status_code == 422 and screen.fields["language"] == ["fr"]
        assert draft_of(screen)["en"]["name"] == "Roses"
        optout_list.refresh_from_db()
        assert optout_list.name == "Garden letters"

    def test_all_mistakes_are_named_at_once_and_each_can_be_gone_to(
        self, client: Client, optout_list: List
    ) -> None:
        draft = json.dumps({"fr": {"message": "x" * 999}, "de": {"name": "x" * 101}})
        sent = typed(text_name="", colour="mauve", draft=draft)
        answer = client.post(path(optout_list), sent)
        screen = look_at(answer)
        assert answer.status_code == 422 and screen.fields["language"] == ["en"]
        for each in (
            "Name: Enter a name.",
            "Colour: ",
            "Français , Your message: ",
            "Deutsch , Name: ",
        ):
            assert each in screen.text

        sent["draft"] = screen.fields["draft"][0]
        german = look_at(client.post(path(optout_list), sent | {"mend": "de"}))
        assert german.fields["language"] == ["de"] and german.fields["colour"] == ["mauve"]
        assert "Deutsch , Name" not in german.text and "at most 100 characters" in german.text
        assert "English , Name: " in german.text and "Français , Your message: " in german.text
        assert not AuditEntry.objects.exists()

    def test_whoever_goes_to_a_mistake_that_is_mended_by_then_saves_nothing(
        self, client: Client, optout_list: List
    ) -> None:
        answer = client.post(path(optout_list), typed(text_name="Roses", mend="de"))
        assert answer.status_code == 200
        assert look_at(answer).fields["language"] == ["de"]
        assert not AuditEntry.objects.exists()

    def test_what_others_saved_in_other_languages_meanwhile_stays(self, optout_list: List) -> None:
        sent = Sent(optout_list, typed(text_message="Oh!"), MultiValueDict())
        List.objects.update(own_texts={"message": {"fr": "Adieu"}})
        with CaptureQueriesContext(connection) as asked:
            sent.save(None)
        optout_list.refresh_from_db()
        assert optout_list.own_texts == {"message": {"fr": "Adieu", "en": "Oh!"}}
        # As whoever gives a list another number or a realm another default language: they would wait for each other.
        assert locked(asked) == ["lists_realm", "lists_list"]

    def test_a_draft_longer_than_all_texts_is_not_read(
        self, client: Client, optout_list: List
    ) -> None:
        draft = json.dumps({"fr": {"message": "Adieu"}, "x": "x" * 200_000})
        client.post(path(optout_list), typed(draft=draft))
        assert not AuditEntry.objects.exists()

    def test_of_a_draft_only_what_can_be_written_travels_on(
        self, client: Client, optout_list: List
    ) -> None:
        draft = json.dumps({"de": {"message": "Halt", "kind": "x"}})
        screen = look_at(client.post(path(optout_list), typed(draft=draft, to="fr")))
        assert draft_of(screen) == {"de": {"message": "Halt"}}

    @pytest.mark.parametrize(
        "draft",
        ["{", "[]", "7", '{"xx":{"name":"a"}}', '{"de":{"kind":"a","name":7}}', "[" * 99_999],
    )
    def test_a_draft_can_be_anything(self, client: Client, optout_list: List, draft: str) -> None:
        assert client.post(path(optout_list), typed(draft=draft)).status_code == 302
        assert not AuditEntry.objects.exists()


@pytest.mark.django_db
class TestLogo:
    def test_it_is_stored_shown_and_removed(self, client: Client, optout_list: List) -> None:
        saved = look_at(client.post(path(optout_list), typed(logo=upload()), follow=True))
        logo = Logo.objects.get(optout_list=optout_list)
        assert "Saved." in saved.text and 'alt="The logo"' in saved.html
        assert "remove_logo" in saved.html
        client.post(path(optout_list), typed(remove_logo="on"))
        assert not Logo.objects.exists()
        actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["set_logo", "remove_logo"] and logo.width == 200

    def test_one_that_was_chosen_travels_to_the_next_language(
        self, client: Client, optout_list: List
    ) -> None:
        answer = client.post(path(optout_list), typed(logo=upload(), to="de"))
        screen = look_at(answer)
        kept = screen.fields["kept_logo"][0]
        assert "Not saved yet: Logo" in screen.text and base64.b64decode(kept)
        assert not Logo.objects.exists()
        preview = client.post(path(optout_list, "preview"), typed(kept_logo=kept))
        assert "data:image/png;base64," in preview.content.decode()
        client.post(path(optout_list), typed(language="de", kept_logo=kept))
        assert Logo.objects.get().optout_list == optout_list

    @pytest.mark.parametrize("kept", ["!", "AAAA", base64.b64encode(b"<svg/>").decode()])
    def test_what_travels_can_be_anything(
        self, client: Client, optout_list: List, kept: str
    ) -> None:
        assert client.post(path(optout_list), typed(kept_logo=kept)).status_code == 302
        assert not Logo.objects.exists()

    def test_what_is_no_picture_is_refused_with_what_was_typed(
        self, client: Client, optout_list: List
    ) -> None:
        for content, says in (
            (b"<svg/>", "cannot be read as a picture"),
            (b"\x89PNG" + bytes(MOST_UPLOADED), "larger than 1 MB"),
        ):
            answer = client.post(path(optout_list), typed(text_name="Kept", logo=upload(content)))
            screen = look_at(answer)
            assert answer.status_code == 422 and says in screen.text
            assert screen.fields["text-name"] == ["Kept"]
        elsewhere = client.post(path(optout_list), typed(logo=upload(b"<svg/>"), to="de"))
        assert "cannot be read as a picture" in look_at(elsewhere).text
        assert not Logo.objects.exists()


@pytest.mark.django_db
class TestPreview:
    def test_every_state_in_a_language_saves_nothing(
        self, client: Client, optout_list: List
    ) -> None:
        for state in STATES:
            page = client.get(path(optout_list, f"preview?state={state}&lang=ar"))
            html = page.content.decode()
            policy = page.headers["Content-Security-Policy"]
            check_html(html, policy.replace("form-action 'none'", "form-action 'self'"))
            assert page.status_code == 200 and 'lang="ar" dir="rtl"' in html, state
            assert "frame-ancestors 'self'" in policy and "form-action 'none'" in policy

    def test_it_shows_what_is_typed(self, client: Client, optout_list: List) -> None:
        page = client.post(
            path(optout_list, "preview"),
            typed(
                language="de",
                text_name="Rosen & Briefe",
                text_thanks="Auf Wiedersehen",
                sender_name="Rosen GmbH",
                colour="#aa0033",
                contact="hilfe@acme.example",
                state="done",
            ),
        )
        html = page.content.decode()
        assert 'lang="de"' in html and "Rosen GmbH" in html and "#aa0033" in html
        assert "Auf Wiedersehen" in html and "hilfe@acme.example" in html
        page = client.post(path(optout_list, "preview"), typed(text_name="", colour="mauve"))
        assert "Garden letters" in page.content.decode() and "mauve" not in page.content.decode()
        assert not AuditEntry.objects.exists()
        optout_list.refresh_from_db()
        assert optout_list.sender_name == ""

    def test_it_shows_the_realms_where_the_list_says_nothing(
        self, client: Client, realm: Realm, optout_list: List
    ) -> None:
        Realm.objects.update(
            own_texts={"message": {"en": "Before you go"}},
            thank_you_texts={"en": "Farewell"},
            privacy_url="https://acme.example/privacy",
        )
        List.objects.filter(pk=optout_list.pk).update(
            own_texts={"message": {"de": "Halt"}}, thank_you_texts={"de": "Danke"}
        )

        def page(**said: str) -> str:
            return client.post(path(optout_list, "preview"), typed(**said)).content.decode()

        form = page()
        assert "Before you go" in form and 'href="https://acme.example/privacy"' in form
        assert "Farewell" in page(state="done")
        store_logo(realm, optout_list, picture(), actor=None)
        assert 'src="data:image/' in page()
        assert 'src="data:image/' not in page(remove_logo="on")

    def test_with_another_default_language_it_shows_what_would_be_saved(
        self, client: Client, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(own_texts={"name": {"de": "Gartenbriefe"}})
        sent = typed(language="fr", text_name="", default_language="de")
        page = client.post(path(optout_list, "preview"), sent).content.decode()
        assert "Gartenbriefe" in page and "Garden letters" not in page

    def test_do_not_mail_keeps_its_name_whatever_is_sent(self, alice: User, realm: Realm) -> None:
        everything, client = make.do_not_mail(realm), signed_in(alice)
        sent = typed(language="de", default_language="de", draft='{"en": {"name": "Stolen"}}')
        page = client.post(path(everything, "preview"), sent).content.decode()
        assert "Stolen" not in page
        assert client.post(path(everything), sent).status_code == 302
        everything.refresh_from_db()
        assert (everything.name, everything.own_texts) == ("Do Not Mail", {})

    def test_light_and_dark(self, client: Client, optout_list: List) -> None:
        light, dark = (
            client.get(path(optout_list, f"preview?scheme={scheme}")).content.decode()
            for scheme in ("light", "dark")
        )
        assert "@media not all{" in light and "color-scheme:light;" in light
        assert "@media all{" in dark and "color-scheme:dark;" in dark

    def test_nobody_else_sees_it(self, charlie: User, optout_list: List) -> None:
        for rest in ("", "preview"):
            assert signed_in(charlie).get(path(optout_list, rest)).status_code == 404
            assert signed_in(charlie).post(path(optout_list, rest), typed()).status_code == 404
