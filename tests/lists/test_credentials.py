"""lists/credentials.py: at most two passwords, each known to nobody but who was shown it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address

import pytest
from django.db import connection

from lists.api_auth import WrongPasswordError, authenticate
from lists.credentials import (
    MOST_REVOKED,
    RevokedPasswordError,
    SamePasswordError,
    TooManyPasswordsError,
    bring_password,
    make_password,
    passwords_of,
    revoke_password,
)
from lists.models import AuditEntry, Realm, RealmCredential, User
from tests import make

IP = ip_address("192.0.2.7")
OWN = "Garden-Gnome 1999"


def opens(realm: Realm, password: str) -> bool:
    """Whether a program with this password is let in."""
    try:
        return authenticate(realm.name, password, IP, make.NOW).realm_id == realm.pk
    except WrongPasswordError:
        return False


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.django_db
class TestMaking:
    def test_the_password_opens_the_realm_and_only_its_digest_is_kept(
        self, realm: Realm, alice: User
    ) -> None:
        new = make_password(realm, actor=alice)

        assert opens(realm, new.text)
        assert new.text.startswith("hr_") and len(new.text) == 35
        row = RealmCredential.objects.get()
        assert (row.hint, row.is_chosen, row.revoked_at) == (new.text[-4:], False, None)
        assert new.text.encode() not in bytes(row.secret_digest)

    def test_it_is_audited_without_the_secret(self, realm: Realm, alice: User) -> None:
        new = make_password(realm, actor=alice)

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("make_api_password", alice, realm)
        assert entry.detail == {"credential": new.row.pk}

    def test_a_third_is_refused_until_one_is_revoked(self, realm: Realm, alice: User) -> None:
        first = make_password(realm, actor=alice)
        make_password(realm, actor=alice)
        with pytest.raises(TooManyPasswordsError):
            make_password(realm, actor=alice)
        with pytest.raises(TooManyPasswordsError):
            bring_password(realm, OWN, actor=alice)
        assert RealmCredential.objects.count() == AuditEntry.objects.count() == 2

        revoke_password(realm, first.row.pk, actor=alice, now=make.NOW)
        make_password(realm, actor=alice)

    def test_another_realms_passwords_do_not_count(self, realm: Realm, alice: User) -> None:
        other = make.make_realm("other")
        for _ in range(2):
            make_password(other, actor=alice)
        make_password(realm, actor=alice)


@pytest.mark.django_db
class TestBringing:
    def test_it_opens_the_realm_and_no_character_of_it_is_kept(
        self, realm: Realm, alice: User
    ) -> None:
        row = bring_password(realm, OWN, actor=alice)

        assert opens(realm, OWN)
        row.refresh_from_db()
        assert (row.hint, row.is_chosen) == ("", True)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.detail) == ("bring_api_password", {"credential": row.pk})

    def test_the_same_one_twice_is_refused(self, realm: Realm, alice: User) -> None:
        bring_password(realm, OWN, actor=alice)
        with pytest.raises(SamePasswordError):
            bring_password(realm, OWN, actor=alice)
        assert RealmCredential.objects.count() == 1

    def test_two_realms_may_have_the_same_one(self, realm: Realm, alice: User) -> None:
        other = make.make_realm("other")
        bring_password(realm, OWN, actor=alice)
        bring_password(other, OWN, actor=alice)
        assert opens(realm, OWN) and opens(other, OWN)

    def test_a_revoked_one_does_not_come_back(self, realm: Realm, alice: User) -> None:
        """It may have leaked. Rows of earlier releases may hold it twice: the last time is told."""
        row = bring_password(realm, OWN, actor=alice)
        revoke_password(realm, row.pk, actor=alice, now=make.NOW)
        row.pk, row.revoked_at = None, make.NOW - timedelta(days=40)
        row.save(force_insert=True)

        with pytest.raises(RevokedPasswordError, match="revoked on 4 March 2026"):
            bring_password(realm, OWN, actor=alice)

        assert not opens(realm, OWN)
        assert audited() == ["bring_api_password", "revoke_api_password"]

    def test_one_that_another_realm_revoked_is_taken(self, realm: Realm, alice: User) -> None:
        other = make.make_realm("other")
        row = bring_password(other, OWN, actor=alice)
        revoke_password(other, row.pk, actor=alice, now=make.NOW)
        bring_password(realm, OWN, actor=alice)
        assert opens(realm, OWN)


@pytest.mark.django_db
class TestRevoking:
    def test_it_opens_nothing_any_more_and_the_other_one_does(
        self, realm: Realm, alice: User
    ) -> None:
        old, new = (make_password(realm, actor=alice) for _ in range(2))

        assert revoke_password(realm, old.row.pk, actor=alice, now=make.NOW)

        assert not opens(realm, old.text) and opens(realm, new.text)
        old.row.refresh_from_db()
        assert old.row.revoked_at == make.NOW
        assert audited()[-1] == "revoke_api_password"

    def test_this_process_refuses_it_at_once(
        self, realm: Realm, alice: User, settings, django_capture_on_commit_callbacks: Callable
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        new = make_password(realm, actor=alice)
        assert opens(realm, new.text)

        with django_capture_on_commit_callbacks(execute=True):
            revoke_password(realm, new.row.pk, actor=alice, now=make.NOW)

        assert not opens(realm, new.text)

    def test_a_second_time_nothing_happens(self, realm: Realm, alice: User) -> None:
        row = make_password(realm, actor=alice).row
        revoke_password(realm, row.pk, actor=alice, now=make.NOW)
        assert not revoke_password(realm, row.pk, actor=alice, now=make.NOW + timedelta(days=1))
        row.refresh_from_db()
        assert row.revoked_at == make.NOW
        assert len(audited()) == 2

    def test_another_realms_is_not_there(self, realm: Realm, alice: User) -> None:
        row = make_password(make.make_realm("other"), actor=alice).row
        assert not revoke_password(realm, row.pk, actor=alice, now=make.NOW)
        assert not revoke_password(realm, 10**22, actor=alice, now=make.NOW)
        row.refresh_from_db()
        assert row.revoked_at is None


@pytest.mark.django_db
class TestListing:
    def test_active_ones_and_those_revoked_in_the_last_90_days(
        self, realm: Realm, alice: User
    ) -> None:
        rows = []
        for days in (91, 89, 1):
            rows.append(make_password(realm, actor=alice).row)
            revoke_password(realm, rows[-1].pk, actor=alice, now=make.NOW - timedelta(days=days))
        active = make_password(realm, actor=alice).row
        make_password(make.make_realm("other"), actor=alice)

        found = passwords_of(realm, make.NOW)

        assert found.active == [active] and found.may_add
        assert found.revoked == [rows[2], rows[1]]

    def test_the_active_ones_are_there_however_many_were_revoked(
        self, realm: Realm, alice: User
    ) -> None:
        old = make_password(realm, actor=alice).row
        for _ in range(MOST_REVOKED + 5):
            row = make_password(realm, actor=alice).row
            revoke_password(realm, row.pk, actor=alice, now=make.NOW)

        found = passwords_of(realm, make.NOW)

        assert found.active == [old]
        assert len(found.revoked) == MOST_REVOKED


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_six_admins_at_once_make_two(self, realm: Realm, alice: User) -> None:
        start = threading.Barrier(6)
        refused: list[int] = []

        def run(number: int) -> None:
            try:
                start.wait()
                if number % 2:
                    make_password(realm, actor=alice)
                else:
                    bring_password(realm, f"{OWN} {number}", actor=alice)
            except TooManyPasswordsError:
                refused.append(number)
            finally:
                connection.close()

        workers = [threading.Thread(target=run, args=(number,)) for number in range(6)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()

        assert RealmCredential.objects.filter(revoked_at=None).count() == 2
        assert len(refused) == 4
