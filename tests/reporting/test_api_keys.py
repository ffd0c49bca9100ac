"""Settings › API keys: made and shown once, replaced, revoked (S2.3, security.md §5)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from lists.api_keys import EndedKeyError, find_caller
from lists.models import ApiKey, AuditEntry, List, Realm, User
from lists.networks import IpAddress
from tests import make
from tests.lists.screens import look_at, open_screen
from tests.reporting.portal import signed_in, signed_in_long_ago

PATH = "/manage/settings/api-keys"
NEW = f"{PATH}/new"
FILLED = {"label": "Web shop", "scopes": ["read"], "reach": "whole", "expiry": "never"}


def path_of(row: ApiKey, action: str) -> str:
    return f"{PATH}/{row.pk}/{action}"


def shown_key(response: Any) -> str:
    found = re.search(r'id="key">(hk_[\w-]{32})<', response.content.decode())
    assert found is not None
    return found.group(1)


def kept_anywhere(text: str) -> bool:
    """Whether the text is in the audit, a key's row or a session."""
    rows = [*AuditEntry.objects.values(), *ApiKey.objects.values()]
    sessions = [each.get_decoded() for each in Session.objects.all()]
    return text in str([rows, sessions])


def let_in(text: str, ip: IpAddress | None = None) -> bool:
    try:
        find_caller(text, ip, timezone.now())
    except EndedKeyError:
        return False
    return True


def a_key(realm: Realm, *lists: List, **fields: Any) -> ApiKey:
    make.make_api_key(realm, *lists, **fields)
    return ApiKey.objects.latest("pk")


@pytest.mark.django_db
class TestTheScreen:
    def test_it_has_a_tab_and_the_address_to_copy(self, alice: User, settings: Any) -> None:
        settings.BASE_URL = "https://optout.acme.example"
        client = signed_in(alice)
        screen = open_screen(client, PATH)

        assert screen.heading == "API keys"
        assert 'id="api-url">https://optout.acme.example/api/v1<' in screen.html
        assert "https://optout.acme.example/api/v1/docs" in screen.links
        assert "No key is active" in screen.text and NEW in screen.links
        for other in ("/manage/settings/", "/manage/settings/api"):
            assert PATH in open_screen(client, other).links

    def test_a_key_is_told_by_what_it_may_and_when_it_was_used(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        row = a_key(realm, optout_list)
        client = signed_in(alice)
        text = open_screen(client, PATH).text
        assert (
            f"a program hk_…{row.hint} Active Read and write Garden letters and, to read, Do Not Mail "
            "Never used Never"
        ) in text

        ApiKey.objects.update(
            last_used_at=make.NOW,
            last_used_ip="203.0.113.9",
            expires_at=timezone.now() + timedelta(days=10),
            list_ids=None,
            may_write=False,
        )
        text = open_screen(client, PATH).text
        assert "Active Read Whole realm 4 Mar 2026, 12:00 from 203.0.113.9" in text
        assert "Soon" in text

    def test_those_that_ended_are_folded_below(self, realm: Realm, alice: User) -> None:
        now = timezone.now()
        a_key(realm, revoked_at=now - timedelta(days=91))
        a_key(realm, revoked_at=now - timedelta(days=1))
        a_key(realm, expires_at=now - timedelta(days=2))
        screen = open_screen(signed_in(alice), PATH)
        assert "Ended in the last 90 days (2)" in screen.text
        assert "Revoked Read and write" in screen.text and "Expired Read and write" in screen.text
        assert "No key is active" in screen.text

    def test_another_realms_keys_are_not_there(self, alice: User) -> None:
        row = a_key(make.make_realm("other"))
        client = signed_in(alice)
        assert row.hint not in open_screen(client, PATH).text
        for action in ("replace", "revoke"):
            assert client.get(path_of(row, action)).status_code == 404
            assert client.post(path_of(row, action), {"old_ends": "0"}).status_code == 404
        row.refresh_from_db()
        assert (row.revoked_at, row.replaced_by) == (None, None)

    def test_it_says_from_where_programs_may_call(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        assert "Anywhere: the realm has no approved IPs." in open_screen(client, PATH).text
        Realm.objects.update(approved_ips=["203.0.113.5"])
        assert "1 approved address only; yours" in open_screen(client, PATH).text
        assert "a call with an API key is refused with 403" in (
            open_screen(client, "/manage/settings/api").text
        )

    def test_it_takes_few_queries(
        self, realm: Realm, optout_list: List, alice: User, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(10):
            a_key(realm, optout_list, made_by=alice, expires_at=make.NOW if number % 2 else None)
        client = signed_in(alice)
        with django_assert_max_num_queries(7):
            client.get(PATH)

    def test_every_page_of_the_portal_leads_to_the_documentation(self, bob: User) -> None:
        assert "/api/v1/docs" in open_screen(signed_in(bob), "/manage/").links


@pytest.mark.django_db
class TestMaking:
    def test_it_is_shown_in_this_one_answer(self, realm: Realm, alice: User, settings: Any) -> None:
        settings.BASE_URL = "https://optout.acme.example"
        client = signed_in(alice)
        assert open_screen(client, NEW).fields["scopes"] == ["read"]

        response = client.post(NEW, FILLED)

        key = shown_key(response)
        screen = look_at(response)
        assert "no-store" in response["Cache-Control"]
        assert "Copy the key now" in screen.text
        assert "curl &#x27;https://optout.acme.example/api/v1/lists&#x27; -H @-" in screen.html
        assert "read -rs HEED_KEY" in screen.text and screen.html.count(key) == 1
        row = ApiKey.objects.get()
        assert (row.realm, row.label, row.made_by) == (realm, "Web shop", alice)
        assert (row.may_read, row.may_write) == (True, False)
        assert (row.list_ids, row.expires_at) == (None, None)
        assert let_in(key)
        assert key not in client.get(PATH).content.decode()
        assert not kept_anywhere(key)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("make_api_key", alice)

    def test_for_some_lists_to_write_for_ninety_days(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        sent = {"scopes": ["write"], "reach": "some", "lists": [optout_list.pk], "expiry": "90"}
        with time_machine.travel(make.NOW, tick=False):
            screen = look_at(signed_in(alice).post(NEW, {**FILLED, **sent}))

        row = ApiKey.objects.get()
        assert (row.may_read, row.may_write) == (False, True)
        assert row.list_ids == [optout_list.pk]
        assert row.expires_at == make.NOW + timedelta(days=90)
        assert "For Garden letters Expires" in screen.text  # it may not read
        assert "/api/v1/lists/1/suppressions" in screen.html
        assert "It is real: nobody@example.com opts out." in screen.text

    def test_whoever_may_read_reads_do_not_mail(self, optout_list: List, alice: User) -> None:
        client = signed_in(alice)
        help_text = "a key that may read reads it whichever lists are ticked. To write to it, tick"
        assert help_text in open_screen(client, NEW).text

        sent = {"scopes": ["read"], "reach": "some", "lists": [optout_list.pk]}
        text = look_at(client.post(NEW, {**FILLED, **sent})).text

        assert "For Garden letters and, to read, Do Not Mail" in text
        assert "and with Do Not Mail, which every key that may read can read." in text

    def test_a_day_is_its_last(self, alice: User) -> None:
        with time_machine.travel(make.NOW, tick=False):
            signed_in(alice).post(NEW, {**FILLED, "expiry": "day", "day": "2026-03-04"})
        assert ApiKey.objects.get().expires_at == datetime(2026, 3, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            ({"label": " "}, "Say which program will use it."),
            ({"label": "x" * 101}, "at most 100 characters"),
            ({"scopes": []}, "Tick one of them at least."),
            ({"scopes": ["admin"]}, "not one of the available choices"),
            ({"reach": "some"}, "Tick one list at least."),
            ({"reach": "some", "lists": ["0"]}, "not one of the available choices"),
            ({"reach": "some", "lists": ["FOREIGN"]}, "not one of the available choices"),
            ({"reach": "whole", "lists": ["OWN"]}, "Choose one of the two."),
            ({"reach": ""}, "required"),
            ({"expiry": "day"}, "Enter the last day."),
            ({"expiry": "day", "day": "2026-01-01"}, "This day is over."),
            ({"expiry": "day", "day": "9999-12-31"}, "Enter a day that will come."),
            ({"expiry": "day", "day": "nonsense"}, "Enter a valid date."),
            ({"expiry": "7"}, "not one of the available choices"),
        ],
    )
    def test_a_mistake_is_named_and_makes_none(
        self, optout_list: List, alice: User, sent: dict[str, Any], says: str
    ) -> None:
        foreign = make.make_list(make.make_realm("other"))
        names = {"OWN": str(optout_list.pk), "FOREIGN": str(foreign.pk)}
        if "lists" in sent:
            sent = {**sent, "lists": [names.get(each, each) for each in sent["lists"]]}
        with time_machine.travel(make.NOW, tick=False):
            response = signed_in(alice).post(NEW, {**FILLED, **sent})

        assert response.status_code == 422
        assert says in look_at(response).text
        assert not ApiKey.objects.exists()

    def test_sending_it_twice_makes_one(self, alice: User) -> None:
        client = signed_in(alice)
        client.post(NEW, FILLED)
        response = client.post(NEW, FILLED)
        assert response.status_code == 422
        assert "An active key has this label already." in look_at(response).text
        assert ApiKey.objects.count() == 1

    def test_it_asks_for_the_password_after_a_while_and_then_goes_on(self, alice: User) -> None:
        client = signed_in_long_ago(alice)
        assert client.get(NEW).status_code == 200
        asked = client.post(NEW, FILLED)
        assert "reauthenticate" in asked["Location"] and not ApiKey.objects.exists()

        response = client.post(asked["Location"], {"password": make.PASSWORD})

        key = shown_key(response)
        assert "no-store" in response["Cache-Control"]
        assert let_in(key) and not kept_anywhere(key)


@pytest.mark.django_db
class TestReplacing:
    @pytest.fixture
    def client(self, alice: User) -> Client:
        return signed_in(alice)

    @pytest.mark.parametrize(
        ("old_ends", "hours"), [("0", 0), ("24h", 24), ("7d", 168), ("30d", 720)]
    )
    def test_the_old_one_goes_on_for_as_long_as_was_chosen(
        self, realm: Realm, alice: User, old_ends: str, hours: int
    ) -> None:
        old = a_key(realm, may_write=False)
        with time_machine.travel(timezone.now(), tick=False):
            client = signed_in(alice)
            screen = open_screen(client, path_of(old, "replace"))
            assert screen.fields["old_ends"] == ["24h"] and "never expires" in screen.text

            response = client.post(path_of(old, "replace"), {"old_ends": old_ends})

            old.refresh_from_db()
            assert old.expires_at == timezone.now() + timedelta(hours=hours)
        assert let_in(shown_key(response))
        said = look_at(response).text
        assert ("has ended." if hours == 0 else "is let in until") in said
        new = old.replaced_by
        assert new is not None
        assert (new.label, new.may_write, new.made_by) == (old.label, False, alice)
        assert AuditEntry.objects.get().action == "rotate_api_key"
        assert "Replaced" in open_screen(client, PATH).text

    def test_twice_makes_one(self, realm: Realm, client: Client) -> None:
        old = a_key(realm)
        client.post(path_of(old, "replace"), {"old_ends": "7d"})
        again = client.post(path_of(old, "replace"), {"old_ends": "7d"}, follow=True)
        assert "This key was replaced already." in look_at(again).text
        assert ApiKey.objects.count() == 2

    def test_what_has_ended_is_not_replaced(self, realm: Realm, client: Client) -> None:
        old = a_key(realm, expires_at=make.NOW)
        said = look_at(client.get(path_of(old, "replace"), follow=True)).text
        assert "This key has ended, on 4 March 2026." in said

    def test_it_must_be_said_when_the_old_one_ends(self, realm: Realm, client: Client) -> None:
        old = a_key(realm)
        for sent in ({}, {"old_ends": "99d"}):
            assert client.post(path_of(old, "replace"), sent).status_code == 422
        assert ApiKey.objects.count() == 1

    def test_it_asks_for_the_password_after_a_while(self, realm: Realm, alice: User) -> None:
        old = a_key(realm)
        client = signed_in_long_ago(alice)
        response = client.post(path_of(old, "replace"), {"old_ends": "0"})
        assert "reauthenticate" in response["Location"] and ApiKey.objects.count() == 1


@pytest.mark.django_db
class TestRevoking:
    def test_it_says_what_stops_and_ends_it(self, realm: Realm, alice: User) -> None:
        text = make.make_api_key(realm)
        row = ApiKey.objects.get()
        let_in(text)
        client = signed_in(alice)
        screen = open_screen(client, path_of(row, "revoke"))
        assert "What they report is not recorded" in screen.text
        assert "Their look-ups get no answer" in screen.text
        assert let_in(text)

        answer = client.post(path_of(row, "revoke"), follow=True)

        assert "Programs that still send it are refused within a second." in look_at(answer).text
        assert not let_in(text)
        assert AuditEntry.objects.get().action == "revoke_api_key"
        again = client.post(path_of(row, "revoke"), follow=True)
        assert "This key has ended, on " in look_at(again).text
        assert AuditEntry.objects.count() == 1

    def test_of_one_that_nobody_used_it_says_so(self, realm: Realm, alice: User) -> None:
        row = a_key(realm)
        screen = open_screen(signed_in(alice), path_of(row, "revoke"))
        assert "No program has used it" in screen.text and "by an operator’s command" in screen.text

    def test_one_that_was_replaced_can_be_ended_before_its_time(
        self, realm: Realm, alice: User
    ) -> None:
        old = a_key(realm)
        client = signed_in(alice)
        client.post(path_of(old, "replace"), {"old_ends": "30d"})
        client.post(path_of(old, "revoke"))
        old.refresh_from_db()
        assert old.revoked_at is not None
        assert old.replaced_by is not None and old.replaced_by.revoked_at is None

    def test_of_one_that_took_anothers_place_it_says_when_that_ends(
        self, realm: Realm, alice: User
    ) -> None:
        with time_machine.travel(make.NOW, tick=False):
            old = a_key(realm)
            client = signed_in(alice)
            client.post(path_of(old, "replace"), {"old_ends": "7d"})
            new = ApiKey.objects.latest("pk")
            screen = open_screen(client, path_of(new, "revoke"))
            assert f"hk_…{old.hint} . That key ends on 11 Mar 2026, 12:00 UTC all the same." in (
                screen.text
            )

            said = look_at(client.post(path_of(new, "revoke"), follow=True)).text

            ends = f"The key before it, hk_…{old.hint}, ends on 11 March 2026, at 12:00 UTC."
            assert ends in said
            assert path_of(old, "replace") in open_screen(client, PATH).links
            client.post(path_of(old, "replace"), {"old_ends": "30d"})
        assert ApiKey.objects.count() == 3
