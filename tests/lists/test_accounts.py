import base64
import hmac
import re
import struct
import time
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from lists.invitations import MAIL_PASSWORD_RESET
from lists.models import User
from reporting import upkeep
from tests import make
from tests.jobs import do_jobs, waiting_jobs
from tests.lists.screens import look_at, open_screen, sign_in

LOGIN = "/manage/account/login/"


def code(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    number = struct.unpack(">I", mac[mac[-1] & 15 :][:4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def try_to_sign_in(password: str, user: User, **meta: Any) -> str:
    """ "signed in", or what the screen says."""
    client = Client()
    answer = client.post(LOGIN, {"login": user.email, "password": password}, **meta)
    return "signed in" if answer.status_code == 302 else look_at(answer).text


@pytest.mark.django_db
class TestSigningIn:
    def test_an_email_and_a_password_lead_to_the_overview(self, alice: User) -> None:
        client = Client()
        screen = open_screen(client, LOGIN)
        assert screen.heading == "Sign in"

        answer = client.post(LOGIN, {"login": "ALICE@acme.example", "password": make.PASSWORD})

        assert answer.headers["Location"] == "/manage/"
        assert get_user(client) == alice

    def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(self, alice: User) -> None:
        answers = [
            Client().post(LOGIN, {"login": email, "password": "wrong"})
            for email in (alice.email, "nobody@acme.example")
        ]

        screens = [look_at(answer) for answer in answers]
        assert all("There is a problem" in screen.text for screen in screens)
        assert screens[0].text == screens[1].text

    def test_a_screen_asks_to_sign_in_and_then_goes_on(self, alice: User) -> None:
        client = Client()
        asked = client.get("/manage/team/")
        assert asked.headers["Location"] == f"{LOGIN}?next=/manage/team/"

        answer = client.post(
            asked.headers["Location"],
            {"login": alice.email, "password": make.PASSWORD, "next": "/manage/team/"},
        )
        assert answer.headers["Location"] == "/manage/team/"

    def test_signing_out_takes_a_post(self, alice: User) -> None:
        client = sign_in(alice)

        open_screen(client, "/manage/account/logout/")
        assert get_user(client) == alice
        client.post("/manage/account/logout/")
        assert not get_user(client).is_authenticated

    def test_nobody_signs_up(self, db: None) -> None:
        assert "by invitation" in open_screen(Client(), "/manage/account/signup/").heading
        Client().post("/manage/account/signup/", {"email": "x@y.example", "password1": "a" * 20})
        assert not User.objects.exists()

    def test_a_new_password_is_set_by_mail(self, alice: User) -> None:
        client = Client()
        open_screen(client, "/manage/account/password/reset/")
        client.post("/manage/account/password/reset/", {"email": alice.email})
        open_screen(client, "/manage/account/password/reset/done/")

        assert mail.outbox == []  # an answer that takes longer would tell who has an account
        assert do_jobs(MAIL_PASSWORD_RESET) == [True]
        link = re.search(r"/manage/account/password/reset/key/\S+", str(mail.outbox[0].body))
        assert link is not None
        form = client.get(link.group(), follow=True)
        assert look_at(form).heading == "Set a new password"
        path = form.redirect_chain[-1][0]
        client.post(
            path, {"password1": "new horse new battery", "password2": "new horse new battery"}
        )
        open_screen(client, "/manage/account/password/reset/key/done/")
        sign_in(alice, "new horse new battery")

    def test_an_old_link_says_so(self, db: None) -> None:
        screen = open_screen(Client(), "/manage/account/password/reset/key/1-abc/")
        assert screen.heading == "This link does not work"

    def test_an_unknown_address_gets_the_same_page_and_no_account(self, db: None) -> None:
        answer = Client().post("/manage/account/password/reset/", {"email": "no@acme.example"})
        assert answer.headers["Location"] == "/manage/account/password/reset/done/"
        assert not waiting_jobs(MAIL_PASSWORD_RESET)
        assert not User.objects.exists()


@pytest.mark.django_db
class TestSecondFactor:
    def set_up(self, client: Client) -> tuple[str, list[str]]:
        """Confirm who it is, scan, enter the code; the secret and the recovery codes."""
        client.post("/manage/account/reauthenticate/", {"password": make.PASSWORD})
        screen = open_screen(client, "/manage/account/2fa/totp/activate/")
        found = re.search(r'id="totp-secret">(\w+)<', screen.html)
        assert found is not None
        client.post("/manage/account/2fa/totp/activate/", {"code": code(found.group(1))})
        codes = open_screen(client, "/manage/account/2fa/recovery-codes/")
        listed = re.search(r'id="recovery-codes">([^<]+)<', codes.html)
        assert listed is not None
        return found.group(1), listed.group(1).split()

    def test_it_is_asked_for_from_then_on(self, alice: User) -> None:
        client = sign_in(alice)
        assert "Off" in open_screen(client, "/manage/account/2fa/").text
        asked = client.get("/manage/account/2fa/totp/activate/")
        assert look_at(client.get(asked.headers["Location"])).heading == "Confirm that it is you"
        _secret, codes = self.set_up(client)
        assert "On" in open_screen(client, "/manage/account/2fa/").text

        other = Client()
        answer = other.post(LOGIN, {"login": alice.email, "password": make.PASSWORD})
        assert answer.headers["Location"].startswith("/manage/account/2fa/authenticate/")
        assert not get_user(other).is_authenticated
        screen = open_screen(other, answer.headers["Location"])
        assert screen.heading == "Enter the code"
        wrong = other.post(answer.headers["Location"], {"code": "000000"})
        assert "There is a problem" in look_at(wrong).text
        other.post(answer.headers["Location"], {"code": codes[0]})
        assert get_user(other) == alice

    def test_it_can_be_switched_off_again(self, alice: User) -> None:
        client = sign_in(alice)
        self.set_up(client)
        open_screen(client, "/manage/account/2fa/recovery-codes/generate/")
        screen = open_screen(client, "/manage/account/2fa/totp/deactivate/")
        assert screen.heading == "Switch off the authenticator app"

        client.post("/manage/account/2fa/totp/deactivate/")

        assert "Off" in open_screen(client, "/manage/account/2fa/").text


@pytest.mark.django_db
class TestOwnAccount:
    @pytest.mark.parametrize("path", ["password/change/", "email/", "2fa/", "logout/"])
    def test_its_screens_have_our_look(self, alice: User, path: str) -> None:
        screen = open_screen(sign_in(alice), f"/manage/account/{path}")
        assert "Overview" in screen.text and "Sign out" in screen.text

    def test_a_password_is_changed_with_the_old_one(self, alice: User) -> None:
        client = sign_in(alice)
        fields = {"password1": "new horse new battery", "password2": "new horse new battery"}

        wrong = client.post("/manage/account/password/change/", {"oldpassword": "wrong", **fields})
        assert "There is a problem" in look_at(wrong).text
        client.post("/manage/account/password/change/", {"oldpassword": make.PASSWORD, **fields})

        sign_in(alice, "new horse new battery")


@pytest.mark.django_db
class TestGuessing:
    def test_five_wrong_passwords_stop_the_sixth_try(self, alice: User) -> None:
        for _ in range(5):
            Client().post(LOGIN, {"login": alice.email, "password": "wrong"})

        answer = Client().post(LOGIN, {"login": alice.email, "password": make.PASSWORD})

        assert answer.status_code == 200
        assert "Too many" in look_at(answer).text

    def test_the_victim_signs_in_from_elsewhere(self, alice: User) -> None:
        """security.md §4: wrong passwords slow down one (person, network) only."""
        for _ in range(6):
            try_to_sign_in("wrong", alice, REMOTE_ADDR="198.51.100.7")

        assert "Too many" in try_to_sign_in(make.PASSWORD, alice, REMOTE_ADDR="198.51.100.7")
        assert try_to_sign_in(make.PASSWORD, alice, REMOTE_ADDR="198.51.100.8") == "signed in"

    def test_an_ipv6_network_is_one_caller(self, alice: User) -> None:
        for n in range(5):
            try_to_sign_in("wrong", alice, REMOTE_ADDR=f"2001:db8:1:2::{n}")

        assert "Too many" in try_to_sign_in(make.PASSWORD, alice, REMOTE_ADDR="2001:db8:1:2::99")
        assert try_to_sign_in(make.PASSWORD, alice, REMOTE_ADDR="2001:db8:1:3::1") == "signed in"

    def test_what_was_counted_outlives_many_other_counts(self, alice: User) -> None:
        for _ in range(5):
            try_to_sign_in("wrong", alice)
        for n in range(500):
            cache.set(f"somebody-else-{n}", [1.0], 900)

        assert "Too many" in try_to_sign_in(make.PASSWORD, alice)

    def test_only_counts_that_no_longer_hold_are_thrown_away(self, alice: User) -> None:
        for _ in range(5):
            try_to_sign_in("wrong", alice)
        cache.set("long-ago", [1.0], -1)

        assert upkeep.tend_limits(timezone.now())["sign_ins_forgotten"] == 1

        assert "Too many" in try_to_sign_in(make.PASSWORD, alice)


@pytest.mark.django_db
class TestBehindAProxy:
    """The limits of signing in take the caller's address from where everything else does (security.md §2)."""

    def test_two_people_behind_one_proxy_do_not_share_the_limit(
        self, alice: User, settings: Any
    ) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.1"]
        proxy: Any = {"REMOTE_ADDR": "10.0.0.1"}
        for n in range(61):  # more than an address may fail, and than it may try
            fields = {"login": f"guess{n}@acme.example", "password": "wrong"}
            answer = Client().post(LOGIN, fields, HTTP_X_FORWARDED_FOR="198.51.100.7", **proxy)
        assert answer.status_code == 429

        seen = try_to_sign_in(make.PASSWORD, alice, HTTP_X_FORWARDED_FOR="203.0.113.9", **proxy)

        assert seen == "signed in"

    def test_a_forged_header_gives_nobody_a_fresh_limit(self, alice: User) -> None:
        for n in range(5):
            try_to_sign_in("wrong", alice, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")

        assert "Too many" in try_to_sign_in(
            make.PASSWORD, alice, HTTP_X_FORWARDED_FOR="203.0.113.99"
        )

    @pytest.mark.parametrize("trusted", [["unix"], []], ids=["named", "not named"])
    def test_people_who_come_through_a_unix_socket_can_sign_in(
        self, alice: User, settings: Any, trusted: list[str]
    ) -> None:
        settings.TRUSTED_PROXIES = trusted
        seen = try_to_sign_in(
            make.PASSWORD, alice, REMOTE_ADDR="", HTTP_X_FORWARDED_FOR="203.0.113.9"
        )
        assert seen == "signed in"

    def test_an_address_that_cannot_be_read_may_sign_in_and_is_limited(
        self, alice: User, settings: Any
    ) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.1"]
        garbage = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "nonsense"}
        assert try_to_sign_in(make.PASSWORD, alice, **garbage) == "signed in"
        for _ in range(5):
            try_to_sign_in("wrong", alice, **garbage)

        assert "Too many" in try_to_sign_in(make.PASSWORD, alice, **garbage)


@pytest.mark.django_db
class TestTooManyChanges:
    def test_too_many_changes_of_a_password_are_told_so_in_our_look(self, alice: User) -> None:
        client = sign_in(alice)
        path = "/manage/account/password/change/"
        answers = [client.post(path, {"oldpassword": "wrong"}) for _ in range(12)]
        assert answers[-1].status_code == 429
        assert look_at(answers[-1]).heading == "Too many tries"
