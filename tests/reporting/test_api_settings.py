"""The realm's API settings: passwords shown once or never, and the rules of calls (S4.13, S4.20, security.md §5)."""

import re
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from lists.api_auth import (
    TooManyFailuresError,
    WrongPasswordError,
    authenticate,
    digest_password,
)
from lists.credentials import bring_password, make_password, revoke_password
from lists.models import AuditEntry, PasswordFailure, Realm, RealmCredential, User
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.reporting.portal import signed_in, signed_in_long_ago

PATH = "/manage/settings/api"
PASSWORDS = f"{PATH}/passwords"
OWN = f"{PASSWORDS}/own"
CANARY = "Canary-Gnome 1999"
FULL = "Two passwords are active already"


def revoke_path(row: RealmCredential) -> str:
    return f"{PASSWORDS}/{row.pk}/revoke"


def shown_password(response: Any) -> str:
    found = re.search(r'id="password">(hr_[\w-]{32})<', response.content.decode())
    assert found is not None
    return found.group(1)


def kept_anywhere(text: str) -> bool:
    """Whether the text is in the audit, a password's row or a session."""
    rows = [*AuditEntry.objects.values(), *RealmCredential.objects.values()]
    sessions = [each.get_decoded() for each in Session.objects.all()]
    return text in str([rows, sessions])


def let_in(name: str, password: str) -> bool:
    try:
        authenticate(name, password, None, make.NOW)
    except WrongPasswordError:
        return False
    return True


@pytest.mark.django_db
class TestTheScreen:
    def test_it_has_the_address_and_the_realm_to_copy(self, alice: User, settings) -> None:
        settings.BASE_URL = "https://optout.acme.example"
        screen = open_screen(signed_in(alice), PATH)

        assert screen.heading == "API settings"
        assert 'id="address">https://optout.acme.example/api_web<' in screen.html
        assert 'id="realm-name">acme<' in screen.html
        assert "Service page" in screen.text and "/bin/api_web" in screen.text
        assert "change all contacts and opt-outs of all lists of this realm" in screen.text

    def test_the_tabs_of_the_settings_lead_here_and_back(self, alice: User) -> None:
        client = signed_in(alice)
        assert PATH in open_screen(client, "/manage/settings/").links
        assert "/manage/settings/" in open_screen(client, PATH).links

    def test_without_a_password_it_says_what_that_means(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PATH)
        assert "No password is active. Until there is one, every command is refused." in screen.text
        assert OWN in screen.links

    def test_a_password_is_told_by_its_end_and_its_last_use(
        self, realm: Realm, alice: User
    ) -> None:
        new = make_password(realm, actor=alice)
        client = signed_in(alice)
        screen = open_screen(client, PATH)
        assert new.row.hint in screen.text and "Active" in screen.text
        assert "Never used" in screen.text

        RealmCredential.objects.update(last_used_at=make.NOW)
        screen = open_screen(client, PATH)
        assert "4 Mar 2026, 12:00" in screen.text and "Never used" not in screen.text
        assert "12:00 from" not in screen.text

        RealmCredential.objects.update(last_used_ip="203.0.113.9")
        assert "4 Mar 2026, 12:00 from 203.0.113.9" in open_screen(client, PATH).text
        path = revoke_path(new.row)
        assert "12:00 UTC from 203.0.113.9" in open_screen(client, path).text

    def test_revoked_ones_are_folded_below(self, realm: Realm, alice: User) -> None:
        now = timezone.now()
        for days in (91, 1):
            row = make_password(realm, actor=alice).row
            revoke_password(realm, row.pk, actor=alice, now=now - timedelta(days=days))
        screen = open_screen(signed_in(alice), PATH)
        assert "Revoked in the last 90 days (1)" in screen.text
        assert "No password is active." in screen.text

    def test_another_realms_passwords_are_not_there(self, alice: User) -> None:
        row = make_password(make.make_realm("other"), actor=alice).row
        assert row.hint not in open_screen(signed_in(alice), PATH).text

    def test_it_takes_few_queries(
        self, realm: Realm, alice: User, django_assert_max_num_queries
    ) -> None:
        for number in range(2):
            bring_password(realm, f"{CANARY} {number}", actor=alice)
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            client.get(PATH)

    def test_for_everybody_else_it_does_not_exist(
        self, realm: Realm, alice: User, bob: User, charlie: User
    ) -> None:
        row = make_password(realm, actor=alice).row
        for path in (PATH, OWN, revoke_path(row)):
            assert signed_in(bob).get(path).status_code == 404
            assert signed_in(bob).post(path, {"password": CANARY}).status_code == 404
        assert signed_in(bob).post(PASSWORDS).status_code == 404
        assert signed_in(charlie).get(revoke_path(row)).status_code == 404
        signed_in(charlie).post(PATH, {"refuses_get": "on"})  # changes charlie's own realm
        realm.refresh_from_db()
        assert not realm.refuses_get
        assert RealmCredential.objects.filter(revoked_at=None).count() == 1


@pytest.mark.django_db
class TestRefusedCalls:
    def refuse(self, name: str, times: int, ip: str = "203.0.113.9", minutes: int = 1) -> None:
        """So many wrong passwords, a few minutes ago."""
        when = timezone.now() - timedelta(minutes=minutes)
        for _ in range(times):
            with suppress(WrongPasswordError, TooManyFailuresError):
                authenticate(name, CANARY, ip_address(ip), when)

    def test_none_is_one_line(self, alice: User) -> None:
        assert "No refused call is known." in open_screen(signed_in(alice), PATH).text

    def test_a_network_is_shown_with_its_tries_and_why(self, realm: Realm, alice: User) -> None:
        self.refuse("acme", 3)
        password = make_password(realm, actor=alice).text
        Realm.objects.update(approved_ips=["192.0.2.10"])
        with suppress(WrongPasswordError):
            authenticate("acme", password, ip_address("198.51.100.7"), timezone.now())

        text = open_screen(signed_in(alice), PATH).text

        row = re.search(r"198\.51\.100\.7 (\d+) .*? (IP not approved) 203\.0\.113\.9 (\d+) ", text)
        assert row is not None and row.groups() == ("1", "IP not approved", "3")
        assert "Wrong password" in text and "Locked" not in text and "or more" not in text

    def test_a_locked_one_says_until_when(self, realm: Realm, alice: User) -> None:
        self.refuse("acme", 25, minutes=2)
        since = PasswordFailure.objects.get().window_started_at
        text = open_screen(signed_in(alice), PATH).text
        assert f"20 or more {since:%-d %b, %H:%M} Wrong password" in text
        assert f"Locked until {since + timedelta(minutes=10):%H:%M}" in text

    def test_the_lock_is_over_and_the_row_stays_for_a_day(self, realm: Realm, alice: User) -> None:
        self.refuse("acme", 20, minutes=11)
        self.refuse("acme", 1, "203.0.113.77", minutes=24 * 60 + 1)
        text = open_screen(signed_in(alice), PATH).text
        assert "203.0.113.9 20 or more" in text and "Locked" not in text
        assert "203.0.113.77" not in text

    def test_a_wrong_realm_name_is_shown_to_nobody(self, realm: Realm, alice: User) -> None:
        self.refuse("acmee", 3)
        self.refuse(CANARY, 3)
        screen = open_screen(signed_in(alice), PATH)
        assert "No refused call is known." in screen.text
        assert "acmee" not in screen.html and CANARY not in screen.html


@pytest.mark.django_db
class TestMaking:
    def test_it_is_shown_in_this_one_answer(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        response = client.post(PASSWORDS)

        assert "change all contacts and opt-outs of all lists" in look_at(response).text
        password = shown_password(response)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        row = RealmCredential.objects.get()
        assert bytes(row.secret_digest) == digest_password("acme", password)
        assert (row.realm, row.is_chosen) == (realm, False)
        assert let_in("acme", password)
        assert password not in client.get(PATH).content.decode()
        assert not kept_anywhere(password)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("make_api_password", alice)

    def test_the_other_one_is_named_as_going_on(self, realm: Realm, alice: User) -> None:
        old = make_password(realm, actor=alice)
        screen = look_at(signed_in(alice).post(PASSWORDS))
        assert f"The other password ( …{old.row.hint} )" in screen.text
        assert "goes on working until you revoke it" in screen.text

    def test_a_third_is_refused(self, realm: Realm, alice: User) -> None:
        for _ in range(2):
            make_password(realm, actor=alice)
        client = signed_in(alice)
        screen = open_screen(client, PATH)
        assert "There can be no third. Give one of them to all scripts, best" in screen.text
        assert OWN not in screen.links

        response = client.post(PASSWORDS)

        assert response.status_code == 422
        assert FULL in look_at(response).text
        assert RealmCredential.objects.count() == 2

    def test_it_asks_for_the_password_after_a_while(self, alice: User) -> None:
        response = signed_in_long_ago(alice).post(PASSWORDS)
        assert "reauthenticate" in response["Location"]
        assert not RealmCredential.objects.exists()

    def test_and_goes_on_when_it_is_confirmed(self, alice: User) -> None:
        client = signed_in_long_ago(alice)
        asked = client.post(PASSWORDS)

        response = client.post(asked["Location"], {"password": make.PASSWORD})

        password = shown_password(response)
        assert "no-store" in response["Cache-Control"]
        assert let_in("acme", password) and not kept_anywhere(password)

    def test_reloading_what_the_confirmation_showed_makes_no_second(self, alice: User) -> None:
        client = signed_in_long_ago(alice)
        asked = client.post(PASSWORDS)
        for _ in range(2):
            answer = client.post(asked["Location"], {"password": make.PASSWORD}, follow=True)
        assert answer.redirect_chain == [(PASSWORDS, 302), (PATH, 302)]
        assert "Nothing was done." in look_at(answer).text
        assert RealmCredential.objects.count() == 1

    def test_looking_makes_none(self, alice: User) -> None:
        answer = signed_in(alice).get(PASSWORDS, follow=True)
        assert answer.redirect_chain == [(PATH, 302)]
        assert "Nothing was done. Press the button once more." in look_at(answer).text
        assert not RealmCredential.objects.exists()


@pytest.mark.django_db
class TestBringing:
    def test_the_scripts_password_lets_them_in_and_is_kept_nowhere(
        self, realm: Realm, alice: User
    ) -> None:
        client = signed_in(alice)
        page = open_screen(client, OWN)
        assert "can be guessed" in page.text and "acme" in page.text

        response = client.post(OWN, {"password": CANARY}, follow=True)

        screen = look_at(response)
        assert "let in from now on" in screen.text and "Your own" in screen.text
        assert let_in("acme", CANARY)
        row = RealmCredential.objects.get()
        assert (row.is_chosen, row.hint) == (True, "")
        assert CANARY not in screen.html
        assert not kept_anywhere(CANARY)
        assert AuditEntry.objects.get().action == "bring_api_password"

    @pytest.mark.parametrize(
        ("password", "says"),
        [
            ("", "Type the password"),
            ("Gnome", "It has 5 characters"),
            ("Gnome" * 41, "It has 205 characters"),
            (f" {CANARY}", "begins or ends with a space"),
            (f"{CANARY} ", "begins or ends with a space"),
            (f"{CANARY}\n", "cannot be seen"),
            (f"Canary\r\n{CANARY}", "cannot be seen"),
            (f"{CANARY}\x00", "ull characters"),
            (f"{CANARY}\u200b", "cannot be seen"),
            (f"{CANARY}\u00a0", "cannot be seen"),
        ],
    )
    def test_a_mistake_is_named_and_never_echoed(
        self, alice: User, password: str, says: str
    ) -> None:
        response = signed_in(alice).post(OWN, {"password": password})

        screen: Screen = look_at(response)
        assert response.status_code == 422
        assert says in screen.text and "#id_password" in screen.links
        assert screen.fields["password"] == [""]
        assert "Gnome" not in screen.html
        assert not RealmCredential.objects.exists() and not AuditEntry.objects.exists()

    @pytest.mark.parametrize("password", ["gnome1", "G" * 200, "Gärten & Blümen+%^", "a b c d e"])
    def test_what_scripts_send_is_taken_as_it_is(self, alice: User, password: str) -> None:
        assert signed_in(alice).post(OWN, {"password": password}).status_code == 302
        assert let_in("acme", password)

    def test_the_field_does_not_cut_what_is_pasted(self, alice: User) -> None:
        assert "maxlength" not in open_screen(signed_in(alice), OWN).html.partition("<main")[2]

    def test_the_same_one_twice_is_refused(self, realm: Realm, alice: User) -> None:
        bring_password(realm, CANARY, actor=alice)
        response = signed_in(alice).post(OWN, {"password": CANARY})
        assert response.status_code == 422
        screen = look_at(response)
        assert "This password is active already." in screen.text
        assert CANARY not in screen.html

    def test_a_revoked_one_is_refused(self, realm: Realm, alice: User) -> None:
        row = bring_password(realm, CANARY, actor=alice)
        revoke_password(realm, row.pk, actor=alice, now=make.NOW)
        response = signed_in(alice).post(OWN, {"password": CANARY})
        assert response.status_code == 422
        screen = look_at(response)
        assert "This password was revoked on 4 March 2026. Choose another" in screen.text
        assert CANARY not in screen.html and not let_in("acme", CANARY)

    def test_a_third_is_refused(self, realm: Realm, alice: User) -> None:
        for _ in range(2):
            make_password(realm, actor=alice)
        client = signed_in(alice)

        response = client.post(OWN, {"password": CANARY})

        assert response.status_code == 422
        screen = look_at(response)
        assert FULL in screen.text and CANARY not in screen.html
        assert FULL in look_at(client.get(OWN, follow=True)).text
        assert RealmCredential.objects.count() == 2

    def test_after_a_while_the_own_password_is_asked_for_before_typing(self, alice: User) -> None:
        response = signed_in_long_ago(alice).get(OWN)
        assert "reauthenticate" in response["Location"]

    def test_what_was_typed_after_a_while_does_not_wait_in_the_session(self, alice: User) -> None:
        """AT-26: the sign-in is confirmed first; a request kept for later would be in the database, in clear."""
        client = signed_in_long_ago(alice)

        response = client.post(OWN, {"password": CANARY})

        assert response["Location"] == OWN
        assert not kept_anywhere(CANARY)
        asked = client.get(OWN, follow=True)
        screen = look_at(asked)
        assert "First your own Heed password; then the scripts’ password again." in screen.text
        assert "Your Heed password" in screen.text
        assert screen.fields["password"] == [""]
        assert not RealmCredential.objects.exists()


@pytest.mark.django_db
class TestRevoking:
    def test_it_is_confirmed_first(self, realm: Realm, alice: User) -> None:
        new = make_password(realm, actor=alice)
        RealmCredential.objects.update(last_used_at=make.NOW)
        client = signed_in(alice)

        page = open_screen(client, revoke_path(new.row))

        assert "4 Mar 2026, 12:00 UTC" in page.text
        assert "stop working within a second" in page.text and "not recorded" in page.text
        assert "the only active password" in page.text
        new.row.refresh_from_db()
        assert new.row.revoked_at is None

        screen = look_at(client.post(revoke_path(new.row), follow=True))
        assert "Revoked. Scripts that still send it are refused within a second." in screen.text
        assert not let_in("acme", new.text)
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.actor) == ("revoke_api_password", alice)
        assert entry.detail == {"credential": new.row.pk}

    def test_one_that_was_never_used_will_not_be_missed(self, realm: Realm, alice: User) -> None:
        rows = [make_password(realm, actor=alice).row for _ in range(2)]
        page = open_screen(signed_in(alice), revoke_path(rows[0]))
        assert "No script has used it" in page.text
        assert "only active" not in page.text

    @pytest.mark.parametrize(
        ("seconds", "says"), [(0, "within a second"), (2.5, "within 3 seconds")]
    )
    def test_it_says_truly_how_soon(
        self, realm: Realm, alice: User, settings, seconds: float, says: str
    ) -> None:
        settings.LIST_CACHE_SECONDS = seconds
        row = make_password(realm, actor=alice).row
        RealmCredential.objects.update(last_used_at=make.NOW)
        assert says in open_screen(signed_in(alice), revoke_path(row)).text

    def test_it_asks_for_the_password_after_a_while(self, realm: Realm, alice: User) -> None:
        row = make_password(realm, actor=alice).row
        response = signed_in_long_ago(alice).post(revoke_path(row))
        assert "reauthenticate" in response["Location"]
        row.refresh_from_db()
        assert row.revoked_at is None

    def test_a_second_press_changes_nothing(self, realm: Realm, alice: User) -> None:
        row = make_password(realm, actor=alice).row
        client = signed_in(alice)
        client.post(revoke_path(row))
        row.refresh_from_db()
        revoked_at = row.revoked_at

        screen = look_at(client.post(revoke_path(row), follow=True))

        assert "revoked already" in screen.text
        row.refresh_from_db()
        assert row.revoked_at == revoked_at
        assert AuditEntry.objects.filter(action="revoke_api_password").count() == 1


@pytest.mark.django_db
class TestCalls:
    def save(self, client: Client, **fields: str) -> Any:
        return client.post(PATH, fields, follow=True)

    def test_they_are_saved_and_audited(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        answer = self.save(
            client,
            refuses_get="on",
            approved_ips="192.0.2.10, 198.51.100.7/24\r\n2001:db8::1",
            uses_customer_key="on",
        )

        assert "Saved. It holds within a second." in look_at(answer).text
        realm.refresh_from_db()
        assert (realm.refuses_get, realm.uses_customer_key) == (True, True)
        assert realm.approved_ips == ["192.0.2.10", "198.51.100.0/24", "2001:db8::1"]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_realm", alice)
        assert entry.detail["changes"]["refuses_get"] == [False, True]
        screen = open_screen(client, PATH)
        assert screen.fields["refuses_get"] == screen.fields["uses_customer_key"] == ["on"]
        assert "198.51.100.0/24\n2001:db8::1" in screen.html

        self.save(client)
        realm.refresh_from_db()
        assert (realm.refuses_get, realm.uses_customer_key) == (False, False)
        assert realm.approved_ips == []

    def test_saving_the_same_again_writes_nothing(self, alice: User) -> None:
        assert "Nothing was changed." in look_at(self.save(signed_in(alice))).text
        assert not AuditEntry.objects.exists()

    def test_the_other_settings_of_the_realm_stay(self, realm: Realm, alice: User) -> None:
        self.save(signed_in(alice), refuses_get="on")
        realm.refresh_from_db()
        assert realm.sender_name == "Acme Garden"

    @pytest.mark.parametrize(
        ("typed", "says"),
        [
            ("192.0.2.1, example.com", "Not an IP address or network: example.com."),
            ("10.0.0.0/7", "Too wide"),
            ("192.0.02.1", "leading zeros"),
            ("1.1.1.1 " * 5000, "too long"),
            ("\x00", "ull characters"),
        ],
    )
    def test_a_mistake_is_named_and_what_was_typed_is_kept(
        self, realm: Realm, alice: User, typed: str, says: str
    ) -> None:
        response = signed_in(alice).post(PATH, {"approved_ips": typed, "refuses_get": "on"})

        assert response.status_code == 422
        screen = look_at(response)
        assert says in screen.text and "#id_approved_ips" in screen.links
        assert screen.fields["refuses_get"] == ["on"]
        realm.refresh_from_db()
        assert (realm.approved_ips, realm.refuses_get) == ([], False)

    def test_it_tells_the_own_ip_and_warns_where_it_is_not_approved(
        self, realm: Realm, alice: User
    ) -> None:
        client = signed_in(alice)
        screen = open_screen(client, PATH)
        assert "Your IP as we see it: 127.0.0.1." in screen.text
        assert "is not among them" not in screen.text

        Realm.objects.update(approved_ips=["192.0.2.10"])
        assert "is not among them" in open_screen(client, PATH).text
        Realm.objects.update(approved_ips=["127.0.0.0/8"])
        assert "is not among them" not in open_screen(client, PATH).text

    def test_who_shuts_out_themselves_hears_so_beside_saved(
        self, realm: Realm, alice: User
    ) -> None:
        client = signed_in(alice)
        for approved, is_warned in (("192.0.2.10", True), ("127.0.0.1", False), ("", False)):
            screen = look_at(self.save(client, approved_ips=approved))
            said = "Your own IP, 127.0.0.1, is not among the approved ones" in screen.text
            assert ("Saved." in screen.text, said) == (True, is_warned)

    def test_an_ip_that_cannot_be_known_is_not_approved(
        self, realm: Realm, alice: User, settings
    ) -> None:
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        Realm.objects.update(approved_ips=["127.0.0.1"])
        screen = open_screen(signed_in(alice), PATH)
        assert "it is not among them" in screen.text
        assert "Your own IP cannot be told" in screen.text
        assert "as we see it" not in screen.text

    def test_changing_the_ips_asks_for_the_password_after_a_while(
        self, realm: Realm, alice: User
    ) -> None:
        Realm.objects.update(approved_ips=["192.0.2.10"])
        client = signed_in_long_ago(alice)
        for typed in ("192.0.2.11", ""):
            response = client.post(PATH, {"approved_ips": typed})
            assert "reauthenticate" in response["Location"]
        realm.refresh_from_db()
        assert realm.approved_ips == ["192.0.2.10"]

        response = client.post(PATH, {"approved_ips": "192.0.2.10", "refuses_get": "on"})
        assert response["Location"] == PATH
        realm.refresh_from_db()
        assert realm.refuses_get
