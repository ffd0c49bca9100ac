"""Settings › Text messages (S3.4): the screens, what they keep, and what they never show."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lists.choices import Language, SmsStopScope
from lists.models import AuditEntry, InboundEndpoint, List, Realm, SmsNumber, User
from lists.sealed import derive_secret, new_salt
from lists.sms_setup import SECRET_PURPOSE, rules_of, secret_of, tokens_of
from optout.addresses import digest_of
from optout.choices import Confirmation, Meaning
from optout.models import InboundMessage
from tests import make
from tests.reporting.portal import signed_in, signed_in_long_ago

HOME = "/manage/settings/sms/"
NUMBER = "+18005550199"
TOKEN = "0123456789abcdef0123456789abcdef"
RULES: dict[str, Any] = {
    "kept_keywords": ["arrêt", "remove", "stop all", "stopall"],
    "own_keywords": "",
    "confirmation_en": "",
}


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


@pytest.fixture
def admin(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def endpoint(realm: Realm) -> InboundEndpoint:
    return make.make_inbound_endpoint(realm, label="Main gateway")


@pytest.fixture
def twilio(realm: Realm) -> InboundEndpoint:
    return make.make_inbound_endpoint(realm, label="Twilio US", format="twilio")


def path_of(endpoint: InboundEndpoint, rest: str = "") -> str:
    return f"{HOME}inbound/{endpoint.public_id}{rest}"


def make_message(endpoint: InboundEndpoint, **fields: Any) -> InboundMessage:
    values = {
        "sender": "+12025550144",
        "digest": digest_of("+12025550144"),
        "texted": NUMBER,
        "meaning": Meaning.STOP,
        "received_at": timezone.now(),
        **fields,
    }
    return InboundMessage.objects.create(endpoint=endpoint, **values)


@pytest.mark.django_db
class TestTheScreen:
    def test_an_admin_finds_it_below_settings(self, admin: Client) -> None:
        assert f'<a href="{HOME}">Text messages</a>' in read(admin, "/manage/settings/")

    def test_with_nothing_set_up_it_says_what_holds(self, admin: Client) -> None:
        page = read(admin, HOME)
        for words in ("No numbers yet", "Nobody passes on messages yet", "You are unsubscribed"):
            assert words in page
        for word in ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"):
            assert f"<li><code>{word}</code></li>" in page

    def test_a_number_says_how_far_stop_reaches(self, admin: Client, realm: Realm) -> None:
        narrow = make.make_list(realm, 7, "Fair texts", sms_stop_scope=SmsStopScope.LIST)
        wide = make.make_list(realm, 8, "Garden texts")
        make.make_sms_number(realm, "12345", narrow)
        make.make_sms_number(realm, NUMBER, wide, label="Deliveries")

        page = read(admin, HOME)

        assert "The list <bdi>Fair texts</bdi>" in page
        assert "so says the list <bdi>Garden texts</bdi>" in page

    def test_an_endpoint_for_twilio_without_a_token_stands_out(
        self, admin: Client, twilio: InboundEndpoint
    ) -> None:
        assert "No auth token" in read(admin, HOME)
        assert "Every call is refused until" in read(admin, path_of(twilio))

    def test_without_a_gateway_it_says_that_nothing_is_confirmed(
        self, admin: Client, endpoint: InboundEndpoint, settings: Any
    ) -> None:
        assert "STOP is not confirmed" not in read(admin, HOME)
        settings.BASE_URL = "https://heed.example"
        assert "STOP is not confirmed" in read(admin, HOME)
        endpoint.confirms_by = "answer"
        endpoint.save(update_fields=["confirms_by"])
        assert "STOP is not confirmed" not in read(admin, HOME)

    def test_another_realms_set_up_is_not_shown(self, admin: Client) -> None:
        other = make.make_realm("other")
        theirs = make.make_inbound_endpoint(other, label="Theirs")
        number = make.make_sms_number(other, NUMBER)

        page = read(admin, HOME)

        assert "Theirs" not in page and NUMBER not in page
        read(admin, path_of(theirs), status=404)
        read(admin, f"{HOME}numbers/{number.pk}", status=404)

    def test_it_takes_few_queries(
        self, admin: Client, realm: Realm, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            make.make_inbound_endpoint(realm)
            own = make.make_list(realm, 10 + number)
            make.make_sms_number(realm, f"1234{number}", own)
        with django_assert_max_num_queries(8):
            read(admin, HOME)


@pytest.mark.django_db
class TestNumbers:
    def test_one_is_added_however_it_is_written(
        self, admin: Client, realm: Realm, optout_list: List
    ) -> None:
        values = {
            "number": "(800) 555-0199",
            "label": "Deliveries",
            "optout_list": optout_list.public_id,
        }

        response = admin.post(f"{HOME}numbers/new", values, follow=True)

        assert "The number +18005550199 is there." in response.content.decode()
        made = SmsNumber.objects.get()
        assert (made.number, made.label, made.optout_list) == (NUMBER, "Deliveries", optout_list)

    @pytest.mark.parametrize("number", ["", "12", "ACME", "+1 23", "\0", "٣"])
    def test_what_is_none_is_refused_and_kept_in_the_form(self, admin: Client, number: str) -> None:
        response = admin.post(f"{HOME}numbers/new", {"number": number})
        assert response.status_code == 422
        assert not SmsNumber.objects.exists()

    def test_one_that_is_there_is_named(self, admin: Client, realm: Realm) -> None:
        make.make_sms_number(realm)
        response = admin.post(f"{HOME}numbers/new", {"number": NUMBER, "label": "Again"})
        assert response.status_code == 422
        assert "+18005550199 is among the numbers already." in response.content.decode()

    def test_a_foreign_list_cannot_be_named(self, admin: Client) -> None:
        theirs = make.make_list(make.make_realm("other"))
        values = {"number": NUMBER, "optout_list": theirs.public_id}
        assert admin.post(f"{HOME}numbers/new", values).status_code == 422

    def test_none_is_given_away_that_other_lists_messages_came_from(
        self, admin: Client, realm: Realm, optout_list: List
    ) -> None:
        row = make.make_sms_number(realm)
        narrow = make.make_list(realm, 5, sms_stop_scope="list")
        make.make_text_message(optout_list, sender=NUMBER)
        values = {"number": NUMBER, "optout_list": narrow.public_id}

        response = admin.post(f"{HOME}numbers/{row.pk}", values)

        assert response.status_code == 422
        assert f"is being sent from {NUMBER}" in response.content.decode()
        row.refresh_from_db()
        assert row.optout_list is None

    def test_it_is_renamed_and_loses_its_list(
        self, admin: Client, realm: Realm, optout_list: List
    ) -> None:
        row = make.make_sms_number(realm, NUMBER, optout_list)
        page = read(admin, f"{HOME}numbers/{row.pk}")
        assert f'<option value="{optout_list.public_id}" selected>' in page

        values = {"number": NUMBER, "label": "Fair", "optout_list": ""}
        response = admin.post(f"{HOME}numbers/{row.pk}", values, follow=True)

        assert "Saved." in response.content.decode()
        row.refresh_from_db()
        assert (row.label, row.optout_list) == ("Fair", None)
        again = admin.post(f"{HOME}numbers/{row.pk}", values, follow=True)
        assert "Nothing was changed." in again.content.decode()

    def test_removing_asks_first(self, admin: Client, realm: Realm, alice: User) -> None:
        row = make.make_sms_number(realm)
        assert "Remove this number?" in read(admin, f"{HOME}numbers/{row.pk}/remove")
        assert SmsNumber.objects.exists()

        admin.post(f"{HOME}numbers/{row.pk}/remove")

        assert not SmsNumber.objects.exists()
        assert AuditEntry.objects.get().actor == alice


@pytest.mark.django_db
class TestRules:
    def test_they_are_kept_in_normal_form_and_shown_again(
        self, admin: Client, realm: Realm
    ) -> None:
        values = {
            **RULES,
            "kept_keywords": ["arrêt", "stopall"],
            "own_keywords": "BASTA!\nLass mich\n\nbasta\nStop",
            "start_lifts": "on",
            "confirmation_de": "Sie sind abgemeldet. {sender}",
        }

        response = admin.post(HOME, values, follow=True)

        rules = rules_of(realm.pk)
        assert rules.own_keywords == {"basta", "lass mich"}
        assert rules.dropped_keywords == {"remove", "stop all"}
        assert rules.start_lifts
        assert rules.confirmation_texts == {"de": "Sie sind abgemeldet. {sender}"}
        page = response.content.decode()
        assert "Saved. It holds from the next message on." in page
        assert "basta\nlass mich</textarea>" in page
        assert "Sie sind abgemeldet. {sender}</textarea>" in page

    def test_saving_what_is_there_changes_nothing(self, admin: Client) -> None:
        response = admin.post(HOME, RULES, follow=True)
        assert "Nothing was changed." in response.content.decode()
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize("word", ["stop", "unsubscribe", "opt out"])
    def test_the_first_seven_cannot_be_dropped(
        self, admin: Client, realm: Realm, word: str
    ) -> None:
        """What is no choice cannot be ticked, and what is not ticked is no choice."""
        page = read(admin, HOME)
        assert f'name="kept_keywords" value="{word}"' not in page
        admin.post(HOME, {})
        assert word not in rules_of(realm.pk).dropped_keywords

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("!!!", "has no letter and no digit"),
            ("x" * 41, "is too long"),
            ("Start please", "asks to get messages again"),
            ("\n".join(f"word {number}" for number in range(51)), "At most 50 words"),
        ],
    )
    def test_a_word_that_cannot_be_one_is_named(self, admin: Client, words: str, said: str) -> None:
        response = admin.post(HOME, {**RULES, "own_keywords": words})
        assert response.status_code == 422
        assert said in response.content.decode()

    def test_a_text_is_counted_as_it_is_sent(self, admin: Client, realm: Realm) -> None:
        sender = len(realm.sender_name)
        response = admin.post(HOME, {**RULES, "confirmation_en": "{sender}" + "x" * 160})
        assert response.status_code == 302
        page = read(admin, HOME)
        assert f"2 messages, {160 + sender} characters with the sender’s name, GSM-7" in page

    def test_where_none_is_written_ours_is_shown_as_it_is_sent(
        self, admin: Client, realm: Realm
    ) -> None:
        page = read(admin, HOME)
        assert f"You are unsubscribed from {realm.sender_name}. You will get no more" in page
        assert page.count("<q lang=") == len(Language)
        admin.post(HOME, {**RULES, "confirmation_en": "Bye"})
        assert read(admin, HOME).count("<q lang=") == len(Language) - 1

    def test_a_text_that_is_too_long_is_refused(self, admin: Client) -> None:
        response = admin.post(HOME, {**RULES, "confirmation_en": "{sendr} bye"})
        assert "There is no {sendr}; only {sender}." in response.content.decode()
        response = admin.post(HOME, {**RULES, "confirmation_ar": "x" * 481})
        assert response.status_code == 422
        assert "Write at most 480 characters" in response.content.decode()


@pytest.mark.django_db
class TestEndpoints:
    def test_making_one_shows_its_secret_once(self, admin: Client, alice: User) -> None:
        values = {
            "label": "Main",
            "format": "generic",
            "confirms_by": "answer",
            "allow_list": "192.0.2.77/24",
        }

        response = admin.post(f"{HOME}inbound/new", values)

        made = InboundEndpoint.objects.get()
        assert secret_of(made) in response.content.decode()
        assert "no-store" in response.headers["Cache-Control"]
        assert (made.label, made.confirms_by, made.allow_list) == (
            "Main",
            "answer",
            ["192.0.2.0/24"],
        )
        assert secret_of(made) not in read(admin, path_of(made))
        assert AuditEntry.objects.get().actor == alice

    def test_a_second_click_makes_no_second_one(self, admin: Client) -> None:
        values = {"format": "generic", "confirms_by": "gateway"}
        admin.post(f"{HOME}inbound/new", values)
        response = admin.post(f"{HOME}inbound/new", values)
        assert "was made a moment ago" in response.content.decode()
        assert InboundEndpoint.objects.count() == 1

    def test_one_for_twilio_leads_to_its_token(self, admin: Client) -> None:
        values = {"format": "twilio", "confirms_by": "nobody"}
        response = admin.post(f"{HOME}inbound/new", values)
        made = InboundEndpoint.objects.get()
        assert response.headers["Location"] == path_of(made, "/tokens")

    def test_what_is_wrong_is_named(self, admin: Client) -> None:
        values = {"format": "pigeon", "confirms_by": "gateway", "allow_list": "333.1.1.1"}
        response = admin.post(f"{HOME}inbound/new", values)
        assert response.status_code == 422
        assert "Not an IP address or network: 333.1.1.1." in response.content.decode()
        assert not InboundEndpoint.objects.exists()

    def test_its_page_says_how_a_gateway_calls_it(
        self, admin: Client, endpoint: InboundEndpoint, settings: Any
    ) -> None:
        page = read(admin, path_of(endpoint))
        url = f"{settings.BASE_URL}/sms/{endpoint.public_id}"
        assert url in page
        assert "&quot;secret&quot;: &quot;YOUR-SECRET&quot;" in page
        assert "Nothing came in yet" in page

    def test_the_log_shows_the_last_ones_newest_first(
        self, admin: Client, realm: Realm, endpoint: InboundEndpoint, optout_list: List
    ) -> None:
        now = timezone.now()
        everything = make.do_not_mail(realm)
        make_message(
            endpoint, sender="OLDEST", meaning=Meaning.NOTHING, received_at=now - timedelta(days=2)
        )
        for number in range(20):
            make_message(endpoint, received_at=now - timedelta(hours=number))
        make_message(
            endpoint,
            sender="+12025550177",
            optout_list=optout_list,
            confirmation=Confirmation.SENT,
            received_at=now + timedelta(seconds=1),
        )
        make_message(endpoint, optout_list=everything, meaning=Meaning.UNCLEAR, received_at=now)

        page = read(admin, path_of(endpoint))

        assert page.count('data-label="Understood as"') == 20
        assert page.index("this endpoint</span>") < page.index('id="log"'), "what one can do, first"
        assert "OLDEST" not in page
        assert page.index("+12025550177") < page.index("+12025550144")
        for words in ("May mean STOP", "Everything", "Garden letters", ">Sent<"):
            assert words in page

    def test_the_log_leaves_out_what_was_forgotten_but_for_its_name(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        make_message(endpoint, sender="", meaning=Meaning.START)
        assert "Nothing came in yet" in read(admin, path_of(endpoint))

    def test_a_refused_call_is_named(self, admin: Client, endpoint: InboundEndpoint) -> None:
        endpoint.last_refused_at = timezone.now()
        endpoint.last_refusal = "Wrong secret"
        endpoint.save(update_fields=["last_refused_at", "last_refusal"])
        assert "Wrong secret" in read(admin, path_of(endpoint))

    def test_it_is_changed_but_for_its_format(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        assert 'name="format"' not in read(admin, path_of(endpoint, "/change"))
        values = {"label": "Main", "confirms_by": "nobody", "format": "twilio", "allow_list": ""}

        response = admin.post(path_of(endpoint, "/change"), values, follow=True)

        assert "Saved." in response.content.decode()
        endpoint.refresh_from_db()
        assert (endpoint.label, endpoint.confirms_by, endpoint.format) == (
            "Main",
            "nobody",
            "generic",
        )

    def test_removing_asks_first_and_ends_it(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        assert "Remove this endpoint?" in read(admin, path_of(endpoint, "/remove"))
        admin.post(path_of(endpoint, "/remove"))
        read(admin, path_of(endpoint), status=404)
        endpoint.refresh_from_db()
        assert endpoint.removed_at is not None

    def test_a_name_that_no_endpoint_has_is_not_found(self, admin: Client) -> None:
        for name in ("x", "%00", "%F0%9F%8C%B1"):
            read(admin, f"{HOME}inbound/{name}", status=404)


@pytest.mark.django_db
class TestSecrets:
    def test_a_link_never_shows_it(self, admin: Client, endpoint: InboundEndpoint) -> None:
        response = admin.get(path_of(endpoint, "/secret"))
        assert response.headers["Location"] == path_of(endpoint)

    def test_a_button_does(self, admin: Client, endpoint: InboundEndpoint) -> None:
        response = admin.post(path_of(endpoint, "/secret"))
        assert secret_of(endpoint) in response.content.decode()
        assert "no-store" in response.headers["Cache-Control"]

    @pytest.mark.parametrize(
        ("rest", "data"),
        [
            ("/secret", {}),
            ("/rotate", {"old_ends": "0"}),
            ("/change", {"confirms_by": "gateway", "allow_list": "192.0.2.1"}),
        ],
    )
    def test_after_a_while_the_password_is_asked_for(
        self, alice: User, endpoint: InboundEndpoint, rest: str, data: dict[str, str]
    ) -> None:
        before = bytes(endpoint.salt)
        response = signed_in_long_ago(alice).post(path_of(endpoint, rest), data)
        assert response.status_code == 302
        assert "reauthenticate" in response.headers["Location"]
        endpoint.refresh_from_db()
        assert (bytes(endpoint.salt), endpoint.allow_list) == (before, [])

    def test_also_for_a_new_endpoint_and_for_tokens(
        self, alice: User, twilio: InboundEndpoint
    ) -> None:
        client = signed_in_long_ago(alice)
        for path, data in (
            (f"{HOME}inbound/new", {"format": "generic", "confirms_by": "gateway"}),
            (path_of(twilio, "/tokens"), {"token": TOKEN}),
        ):
            assert "reauthenticate" in client.post(path, data).headers["Location"]
        twilio.refresh_from_db()
        assert InboundEndpoint.objects.count() == 1
        assert tokens_of(twilio) == []

    def test_a_new_one_leaves_the_old_one_for_a_while(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        old = secret_of(endpoint)
        form = admin.get(path_of(endpoint, "/rotate")).context["form"]
        data = {"replaces": form.initial["replaces"], "old_ends": "24h"}

        page = admin.post(path_of(endpoint, "/rotate"), data).content.decode()

        endpoint.refresh_from_db()
        assert secret_of(endpoint) in page and old not in page
        assert "The old secret is taken as well until" in page
        assert endpoint.old_salt is not None
        assert derive_secret(SECRET_PURPOSE, endpoint.old_salt) == old
        assert "It ends at once when you make another one" in read(
            admin, path_of(endpoint, "/rotate")
        )

    def test_a_second_click_replaces_nothing(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        form = admin.get(path_of(endpoint, "/rotate")).context["form"]
        data = {"replaces": form.initial["replaces"], "old_ends": "0"}
        admin.post(path_of(endpoint, "/rotate"), data)
        endpoint.refresh_from_db()

        page = admin.post(path_of(endpoint, "/rotate"), data).content.decode()

        assert "A new secret was made already." in page
        assert secret_of(endpoint) in page

    def test_an_old_one_that_has_ended_is_not_spoken_of(
        self, admin: Client, endpoint: InboundEndpoint
    ) -> None:
        endpoint.old_salt, endpoint.old_salt_until = new_salt(), make.NOW - timedelta(days=900)
        endpoint.save(update_fields=["old_salt", "old_salt_until"])
        assert "The old one" not in read(admin, path_of(endpoint))

    def test_twilios_tokens_are_kept_and_never_shown(
        self, admin: Client, twilio: InboundEndpoint
    ) -> None:
        data = {"token": TOKEN, "other_token": TOKEN[::-1]}
        response = admin.post(path_of(twilio, "/tokens"), data, follow=True)
        page = response.content.decode()
        assert "2 tokens kept" in page
        twilio.refresh_from_db()
        assert tokens_of(twilio) == [TOKEN, TOKEN[::-1]]
        for rest in ("", "/tokens", "/change"):
            assert TOKEN not in read(admin, path_of(twilio, rest))
        assert TOKEN not in str(AuditEntry.objects.get().detail)

    @pytest.mark.parametrize("token", ["", "short", "with a space in it", "ключключключ"])
    def test_what_is_no_token_is_refused_and_not_sent_back(
        self, admin: Client, twilio: InboundEndpoint, token: str
    ) -> None:
        response = admin.post(path_of(twilio, "/tokens"), {"token": token})
        assert response.status_code == 422
        assert f'value="{token}"' not in response.content.decode() or not token

    def test_each_format_has_its_own_proof(
        self, admin: Client, endpoint: InboundEndpoint, twilio: InboundEndpoint
    ) -> None:
        assert admin.post(path_of(twilio, "/secret")).status_code == 404
        read(admin, path_of(twilio, "/rotate"), status=404)
        read(admin, path_of(endpoint, "/tokens"), status=404)
