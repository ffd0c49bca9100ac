"""lists/api_auth.py: who a program is, and how guessing is stopped without stopping anybody else (AT-27)."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lists.api_auth import (
    MOST_FAILURES,
    ApiCaller,
    TooManyFailuresError,
    WrongPasswordError,
    authenticate,
    prune_failures,
)
from lists.credentials import bring_password, make_password, revoke_password
from lists.lookup import forget_all_lists
from lists.models import PasswordFailure, Realm, RealmCredential, User
from tests import make

IP = ip_address("192.0.2.7")
ELSEWHERE = ip_address("198.51.100.9")
OWN = "Garden-Gnome 1999"
WRONG = "hr_nobody-has-this-one"

REFUSALS = (WrongPasswordError, TooManyFailuresError)


@pytest.fixture
def password(realm: Realm, alice: User) -> str:
    """One that we made."""
    return make_password(realm, actor=alice).text


@pytest.fixture
def chosen(realm: Realm, alice: User) -> str:
    """One that was brought along."""
    bring_password(realm, OWN, actor=alice)
    return OWN


def ask(name: str, password: str, ip=IP, now: datetime = make.NOW) -> ApiCaller:
    return authenticate(name, password, ip, now)


def guess(name: str, times: int, ip=IP, now: datetime = make.NOW) -> None:
    """So many wrong passwords, refused in whatever way."""
    for _ in range(times):
        with suppress(*REFUSALS):
            ask(name, WRONG, ip, now)


@pytest.mark.django_db
class TestLettingIn:
    def test_the_right_password_tells_the_realm_and_its_wishes(
        self, realm: Realm, password: str
    ) -> None:
        Realm.objects.update(uses_customer_key=True, refuses_get=True, approved_ips=[str(IP)])
        assert ask("acme", password) == ApiCaller(
            realm_id=realm.pk,
            credential_id=RealmCredential.objects.get().pk,
            uses_customer_key=True,
            refuses_get=True,
            approved_ips=(str(IP),),
        )

    def test_both_active_ones_are_right(self, realm: Realm, password: str, chosen: str) -> None:
        made, brought = ask("acme", password), ask("acme", chosen)
        assert made.realm_id == brought.realm_id == realm.pk
        assert made.credential_id != brought.credential_id

    def test_two_realms_with_the_same_password_are_told_apart(
        self, realm: Realm, alice: User, chosen: str, settings
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        other = make.make_realm("other")
        bring_password(other, chosen, actor=alice)
        for _ in range(2):
            assert ask("acme", chosen).realm_id == realm.pk
            assert ask("other", chosen).realm_id == other.pk

    @pytest.mark.parametrize(
        ("approved", "ip", "is_let_in"),
        [
            ([], None, True),
            (["192.0.2.0/24"], "192.0.2.7", True),
            (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
            (["192.0.2.0/24"], "192.0.3.7", False),
            (["192.0.2.0/24"], None, False),
            (["spoilt"], "192.0.2.7", False),
        ],
    )
    def test_approved_ips_bind_as_soon_as_there_is_one(
        self, realm: Realm, password: str, approved: list[str], ip: str | None, is_let_in: bool
    ) -> None:
        Realm.objects.update(approved_ips=approved)
        address = ip_address(ip) if ip else None
        if is_let_in:
            assert ask("acme", password, address).realm_id == realm.pk
        else:
            with pytest.raises(WrongPasswordError):
                ask("acme", password, address)


@pytest.mark.django_db
class TestRefusing:
    @pytest.fixture
    def wrongs(self, realm: Realm, alice: User, password: str) -> dict[str, Callable[[], object]]:
        """Every kind of wrong, each from a network of its own."""
        revoked = make_password(realm, actor=alice)
        revoke_password(realm, revoked.row.pk, actor=alice, now=make.NOW)
        picky = make.make_realm("picky", approved_ips=["203.0.113.1"])
        theirs = make_password(picky, actor=alice).text
        make.make_realm("empty")
        tries = {
            "wrong": ("acme", WRONG),
            "empty": ("acme", ""),
            "cut short": ("acme", password[:-1]),
            "revoked": ("acme", revoked.text),
            "another realm's": ("acme", theirs),
            "unknown realm": ("nobody", password),
            "name in capitals": ("ACME", password),
            "a realm without passwords": ("empty", WRONG),
            "unapproved IP": ("picky", theirs),
        }
        return {
            kind: partial(ask, name, text, ip_address(f"198.51.100.{number}"))
            for number, (kind, (name, text)) in enumerate(tries.items())
        }

    def test_every_kind_of_wrong_is_the_same_error_after_the_same_queries(
        self, wrongs: dict[str, Callable[[], object]]
    ) -> None:
        for kind, attempt in wrongs.items():
            with (
                CaptureQueriesContext(
                    connection,
                ) as asked,
                pytest.raises(WrongPasswordError) as error,
            ):
                attempt()
            assert (kind, len(asked), error.value.args) == (kind, 2, ())

    def test_and_so_is_the_block_after_too_many(
        self, wrongs: dict[str, Callable[[], object]]
    ) -> None:
        for kind, attempt in wrongs.items():
            for _ in range(MOST_FAILURES):
                with suppress(WrongPasswordError):
                    attempt()
            with CaptureQueriesContext(connection) as asked, pytest.raises(TooManyFailuresError):
                attempt()
            assert (kind, len(asked)) == (kind, 1)

    def test_the_password_goes_into_no_statement(self, realm: Realm, password: str) -> None:
        with CaptureQueriesContext(connection) as asked:
            ask("acme", password)
            guess("acme", 1)
        text = str(asked.captured_queries)
        assert password not in text and WRONG not in text


@pytest.mark.django_db
class TestGuessing:
    def test_after_20_wrong_ones_the_network_waits_for_that_realm(
        self, realm: Realm, chosen: str
    ) -> None:
        for _ in range(MOST_FAILURES):
            with pytest.raises(WrongPasswordError):
                ask("acme", WRONG)
        later = make.NOW + timedelta(minutes=4)

        with pytest.raises(TooManyFailuresError) as error:
            ask("acme", WRONG, now=later)

        assert error.value.wait == timedelta(minutes=6)

    def test_other_networks_and_realms_go_on(self, realm: Realm, alice: User, chosen: str) -> None:
        other = make.make_realm("other")
        bring_password(other, OWN, actor=alice)
        guess("acme", MOST_FAILURES + 5)

        with pytest.raises(TooManyFailuresError):
            ask("acme", chosen)
        assert ask("acme", chosen, ELSEWHERE).realm_id == realm.pk
        assert ask("acme", chosen, None).realm_id == realm.pk
        assert ask("other", OWN).realm_id == other.pk
        with pytest.raises(WrongPasswordError):
            ask("nobody", OWN)

    def test_one_household_of_ipv6_is_one_network(self, realm: Realm, chosen: str) -> None:
        for number in range(MOST_FAILURES):
            guess("acme", 1, ip_address(f"2001:db8:1:2::{number:x}"))
        with pytest.raises(TooManyFailuresError):
            ask("acme", chosen, ip_address("2001:db8:1:2:ffff::1"))
        ask("acme", chosen, ip_address("2001:db8:1:3::1"))

    def test_all_whose_ip_is_unknown_are_one_network(self, realm: Realm, chosen: str) -> None:
        guess("acme", MOST_FAILURES, None)
        with pytest.raises(TooManyFailuresError):
            ask("acme", chosen, None)

    def test_a_password_that_we_made_passes_during_a_block_and_a_chosen_one_does_not(
        self, realm: Realm, password: str, chosen: str
    ) -> None:
        """It cannot be guessed; and another script on the same server, with an old password, must not shut it out."""
        guess("acme", MOST_FAILURES)

        assert ask("acme", password).realm_id == realm.pk
        for _ in range(2):
            with pytest.raises(TooManyFailuresError):
                ask("acme", chosen)

    def test_the_right_password_of_an_unapproved_ip_is_blocked_as_well(
        self, realm: Realm, password: str
    ) -> None:
        Realm.objects.update(approved_ips=["203.0.113.1"])
        for _ in range(MOST_FAILURES):
            with suppress(WrongPasswordError):
                ask("acme", password)
        with pytest.raises(TooManyFailuresError):
            ask("acme", password)

    def test_after_10_minutes_it_begins_anew(self, realm: Realm, chosen: str) -> None:
        guess("acme", MOST_FAILURES + 5)
        later = make.NOW + timedelta(minutes=10)

        assert ask("acme", chosen, now=later).realm_id == realm.pk
        with pytest.raises(WrongPasswordError):
            ask("acme", WRONG, now=later)
        assert PasswordFailure.objects.get().failures == 1

    def test_tries_during_a_block_do_not_make_it_longer(self, realm: Realm, chosen: str) -> None:
        guess("acme", MOST_FAILURES)
        guess("acme", 50, now=make.NOW + timedelta(minutes=9))
        assert PasswordFailure.objects.get().failures == MOST_FAILURES
        ask("acme", chosen, now=make.NOW + timedelta(minutes=10))

    def test_right_ones_count_nothing(self, realm: Realm, password: str, chosen: str) -> None:
        for _ in range(MOST_FAILURES + 1):
            ask("acme", chosen)
            ask("acme", password)
        assert not PasswordFailure.objects.exists()

    def test_made_up_names_do_not_fill_the_table(self, db: None, monkeypatch) -> None:
        monkeypatch.setattr("lists.api_auth.BUCKETS", 3)
        for number in range(30):
            guess(f"realm-{number}", 1)
        assert PasswordFailure.objects.count() <= 3

    def test_counts_are_forgotten_after_a_day(self, db: None) -> None:
        guess("acme", 3)
        guess("acme", 3, ELSEWHERE, make.NOW + timedelta(minutes=5))

        later = make.NOW + timedelta(hours=24, minutes=2)
        assert prune_failures(later) == 1
        assert PasswordFailure.objects.get().network == "198.51.100.9/32"
        assert prune_failures(later) == 0


@pytest.mark.django_db
class TestNotingUse:
    def used_at(self) -> datetime | None:
        return RealmCredential.objects.get().last_used_at

    def test_it_is_written_once_a_minute(self, realm: Realm, password: str) -> None:
        assert self.used_at() is None
        ask("acme", password)
        assert self.used_at() == make.NOW
        assert RealmCredential.objects.get().last_used_ip == str(IP)
        ask("acme", password, now=make.NOW + timedelta(seconds=60))
        assert self.used_at() == make.NOW
        later = make.NOW + timedelta(seconds=61)
        ask("acme", password, now=later)
        assert self.used_at() == later

    def test_a_call_within_that_minute_is_one_query(
        self, realm: Realm, password: str, django_assert_num_queries
    ) -> None:
        ask("acme", password)
        with django_assert_num_queries(1):
            ask("acme", password, now=make.NOW + timedelta(seconds=30))

    @pytest.mark.parametrize(
        ("ip", "noted"),
        [("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::1"), (None, None)],
    )
    def test_it_tells_from_where(
        self, realm: Realm, password: str, ip: str | None, noted: str | None
    ) -> None:
        RealmCredential.objects.update(last_used_ip="203.0.113.9")
        ask("acme", password, ip_address(ip) if ip else None)
        assert RealmCredential.objects.get().last_used_ip == noted

    def test_a_refused_call_is_no_use(self, realm: Realm, password: str) -> None:
        Realm.objects.update(approved_ips=["203.0.113.1"])
        with pytest.raises(WrongPasswordError):
            ask("acme", password)
        assert self.used_at() is None


@pytest.mark.django_db
class TestRemembering:
    @pytest.fixture(autouse=True)
    def _remember(self, settings) -> None:
        settings.LIST_CACHE_SECONDS = 60

    def test_a_caller_is_looked_up_once(
        self, realm: Realm, password: str, django_assert_num_queries
    ) -> None:
        first = ask("acme", password)
        with django_assert_num_queries(0):
            assert ask("acme", password, ELSEWHERE) == first

    def test_until_everything_is_forgotten(self, realm: Realm, password: str) -> None:
        ask("acme", password)
        Realm.objects.update(refuses_get=True)
        RealmCredential.objects.update(revoked_at=None)

        forget_all_lists()

        assert ask("acme", password).refuses_get
        RealmCredential.objects.update(revoked_at=make.NOW)
        forget_all_lists()
        with pytest.raises(WrongPasswordError):
            ask("acme", password)

    def test_a_remembered_caller_still_has_to_call_from_an_approved_ip(
        self, realm: Realm, password: str
    ) -> None:
        Realm.objects.update(approved_ips=[str(IP)])
        ask("acme", password)
        with pytest.raises(WrongPasswordError):
            ask("acme", password, ELSEWHERE)

    def test_a_chosen_password_is_remembered_for_its_network_alone(
        self, realm: Realm, chosen: str
    ) -> None:
        """Elsewhere it is looked at how often it was guessed at."""
        ask("acme", chosen)
        guess("acme", MOST_FAILURES, ELSEWHERE)
        with pytest.raises(TooManyFailuresError):
            ask("acme", chosen, ELSEWHERE)
        ask("acme", chosen)

    def test_wrong_ones_are_not_remembered(
        self, realm: Realm, password: str, django_assert_num_queries
    ) -> None:
        for _ in range(2):
            with django_assert_num_queries(2), pytest.raises(WrongPasswordError):
                ask("acme", WRONG)

    def test_the_memory_is_bounded(self, realm: Realm, password: str, monkeypatch) -> None:
        monkeypatch.setattr("lists.api_auth._CACHE_SIZE", 1)
        ask("acme", password)
        ask("acme", password, ELSEWHERE)
        forget_all_lists()
        ask("acme", password)


HOSTILE = (
    "",
    "\x00",
    "acme\x00",
    "\ud800",
    "acme\n",
    "a" * 64,
    "x" * 1_000_000,
    "٣",
    "%s%(name)s",
    "🦊",
)


@pytest.mark.django_db
class TestHostileInput:
    @pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
    def test_names_and_passwords_may_be_anything(
        self, realm: Realm, password: str, text: str
    ) -> None:
        for name, tried in ((text, password), ("acme", text), (text, text)):
            with pytest.raises(WrongPasswordError):
                ask(name, tried, ELSEWHERE)

    def test_a_line_break_does_not_move_from_the_password_to_the_name(
        self, realm: Realm, alice: User, settings
    ) -> None:
        """What is remembered is found by a digest of both."""
        settings.LIST_CACHE_SECONDS = 60
        bring_password(realm, OWN, actor=alice)
        ask("acme", OWN)
        for name, tried in (("", f"acme\n{OWN}"), (f"acme\n{OWN}", ""), ("acme\n", OWN)):
            with pytest.raises(WrongPasswordError):
                ask(name, tried)
