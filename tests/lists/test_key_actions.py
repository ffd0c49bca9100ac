"""lists/key_actions.py and lists/known_keys.py: keys that are shown once, replaced with an overlap, and revoked."""

from datetime import timedelta
from ipaddress import ip_address

import pytest
import time_machine
from django.utils import timezone

from lists.api_keys import EndedKeyError, KeyCaller, UnknownKeyError, find_caller
from lists.key_actions import (
    KeyEndedError,
    LabelTakenError,
    NewKey,
    make_api_key,
    revoke_api_key,
    rotate_api_key,
)
from lists.known_keys import KeyState, api_keys_of, find_api_key, may_any_write
from lists.models import ApiKey, AuditEntry, List, Realm, User
from tests import make
from tests.threads import in_thread

DAY = timedelta(days=1)


def made(realm: Realm, label: str = "Shop", **fields: object) -> NewKey:
    values = {"may_read": True, "may_write": True, "lists": None, "expires_at": None, "actor": None}
    return make_api_key(realm, label, **{**values, **fields})  # type: ignore[arg-type]


def caller(text: str) -> KeyCaller:
    return find_caller(text, ip_address("192.0.2.7"), timezone.now())


@pytest.mark.django_db
class TestMaking:
    def test_it_lets_a_program_in_and_only_its_digest_is_kept(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        new = made(realm, may_write=False, lists=[optout_list], actor=alice)

        assert new.text.startswith("hk_") and len(new.text) == 35
        found = caller(new.text)
        assert (found.realm_id, found.may_read, found.may_write) == (realm.pk, True, False)
        assert found.list_ids == frozenset({optout_list.pk})
        assert new.text.encode() not in bytes(new.row.secret_digest)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("make_api_key", alice, realm)
        assert new.text not in str(entry.detail)

    def test_it_is_for_lists_of_its_own_realm_and_for_one_at_least(self, realm: Realm) -> None:
        foreign = make.make_list(make.make_realm("other"))
        for lists in ([], [foreign]):
            with pytest.raises(ValueError, match="own realm"):
                made(realm, lists=lists)
        assert not ApiKey.objects.exists()

    def test_a_label_is_one_active_keys(self, realm: Realm) -> None:
        first = made(realm)
        with pytest.raises(LabelTakenError):
            made(realm)
        made(realm, "Shop 2")
        made(make.make_realm("other"))

        second = rotate_api_key(realm, first.row.pk, overlap=DAY, actor=None, now=timezone.now())
        with pytest.raises(LabelTakenError):
            made(realm)
        revoke_api_key(realm, second.row.pk, actor=None, now=timezone.now())
        with pytest.raises(LabelTakenError):  # the first one goes on, and may be replaced again
            made(realm)
        revoke_api_key(realm, first.row.pk, actor=None, now=timezone.now())
        third = made(realm)
        ApiKey.objects.filter(pk=third.row.pk).update(expires_at=timezone.now())
        made(realm)


@pytest.mark.django_db(transaction=True)
class TestMakingAtOnce:
    def test_a_form_that_is_sent_twice_makes_one(self, realm: Realm) -> None:
        def try_it() -> bool:
            try:
                made(realm)
            except LabelTakenError:
                return False
            return True

        assert sorted(each.result(10) for each in [in_thread(try_it), in_thread(try_it)]) == [
            False,
            True,
        ]
        assert ApiKey.objects.count() == 1


@pytest.mark.django_db
class TestReplacing:
    def test_both_are_let_in_until_the_old_one_ends(self, realm: Realm, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            old = made(realm, may_write=False, lists=[optout_list])
            new = rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=make.NOW)

            assert caller(old.text).key_id == old.row.pk
            found = caller(new.text)
            assert (found.may_read, found.may_write) == (True, False)
            assert found.list_ids == frozenset({optout_list.pk})
            assert (new.row.label, new.row.expires_at) == ("Shop", None)

            clock.shift(DAY)
            with pytest.raises(EndedKeyError):
                caller(old.text)
            assert caller(new.text).key_id == new.row.pk

    def test_at_once_means_at_once(self, realm: Realm) -> None:
        old = made(realm)
        caller(old.text)
        rotate_api_key(realm, old.row.pk, overlap=timedelta(0), actor=None, now=timezone.now())
        with pytest.raises(EndedKeyError):
            caller(old.text)

    def test_the_new_one_lasts_as_long_as_the_old_one_was_made_for(self, realm: Realm) -> None:
        with time_machine.travel(make.NOW, tick=False):
            old = made(realm, expires_at=make.NOW + 90 * DAY)
        later = make.NOW + 89 * DAY

        new = rotate_api_key(realm, old.row.pk, overlap=7 * DAY, actor=None, now=later)

        assert new.row.expires_at == later + 90 * DAY
        old.row.refresh_from_db()
        assert old.row.expires_at == make.NOW + 90 * DAY  # no longer than it would have lasted

    def test_what_has_ended_or_was_replaced_is_not_replaced_again(self, realm: Realm) -> None:
        now = timezone.now()
        old = made(realm)
        expired = made(realm, "Expired", expires_at=now)
        revoked = made(realm, "Revoked")
        revoke_api_key(realm, revoked.row.pk, actor=None, now=now)
        rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=now)
        for each in (old, expired, revoked):
            with pytest.raises(KeyEndedError):
                rotate_api_key(realm, each.row.pk, overlap=DAY, actor=None, now=now)
        with pytest.raises(ApiKey.DoesNotExist):
            rotate_api_key(make.make_realm("other"), old.row.pk, overlap=DAY, actor=None, now=now)
        assert ApiKey.objects.count() == 4


@pytest.mark.django_db
class TestReplacingAgain:
    """The new key leaked, or nobody kept it, and it was revoked: the old one must not run out without another."""

    @pytest.mark.parametrize("days", [None, 90])
    def test_the_old_one_gets_another_that_lasts_as_long(
        self, realm: Realm, days: int | None
    ) -> None:
        lifetime = None if days is None else days * DAY
        with time_machine.travel(make.NOW, tick=False) as clock:
            old = made(realm, expires_at=lifetime and make.NOW + lifetime)
            clock.shift(10 * DAY)
            now = timezone.now()
            first = rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=now)
            revoke_api_key(realm, first.row.pk, actor=None, now=now)
            known = find_api_key(realm, old.row.pk, now)
            assert known is not None and known.may_be_replaced and known.ends_soon

            second = rotate_api_key(realm, old.row.pk, overlap=7 * DAY, actor=None, now=now)

            assert second.row.expires_at == (lifetime and now + lifetime)
            old.row.refresh_from_db()
            assert old.row.expires_at == now + 7 * DAY
            with pytest.raises(KeyEndedError):
                rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=now)
            assert caller(second.text).key_id == second.row.pk

    def test_not_longer_than_it_was_made_for(self, realm: Realm) -> None:
        with time_machine.travel(make.NOW, tick=False):
            old = made(realm, expires_at=make.NOW + 5 * DAY)
            first = rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=make.NOW)
            revoke_api_key(realm, first.row.pk, actor=None, now=make.NOW)
            rotate_api_key(realm, old.row.pk, overlap=30 * DAY, actor=None, now=make.NOW)
        old.row.refresh_from_db()
        assert old.row.expires_at == make.NOW + 5 * DAY

    def test_not_while_one_of_its_line_goes_on(self, realm: Realm) -> None:
        now = timezone.now()
        old = made(realm)
        first = rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=now)
        rotate_api_key(realm, first.row.pk, overlap=DAY, actor=None, now=now)
        revoke_api_key(realm, first.row.pk, actor=None, now=now)
        with pytest.raises(KeyEndedError):
            rotate_api_key(realm, old.row.pk, overlap=DAY, actor=None, now=now)


@pytest.mark.django_db
class TestRevoking:
    def test_it_opens_nothing_any_more(self, realm: Realm, alice: User) -> None:
        new = made(realm)
        caller(new.text)
        assert not revoke_api_key(
            make.make_realm("other"), new.row.pk, actor=alice, now=timezone.now()
        )
        assert revoke_api_key(realm, new.row.pk, actor=alice, now=timezone.now())
        with pytest.raises(EndedKeyError):
            caller(new.text)
        with pytest.raises(UnknownKeyError):
            caller(f"{new.text}x")
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.detail) == ("revoke_api_key", {"key": new.row.pk})
        assert not revoke_api_key(realm, new.row.pk, actor=alice, now=timezone.now())


@pytest.mark.django_db
class TestKnowing:
    def test_active_ones_and_those_that_ended_lately(self, realm: Realm) -> None:
        now = timezone.now()
        keys = {name: made(realm, name).row.pk for name in ("old", "used", "gone", "out")}
        ApiKey.objects.filter(pk=keys["out"]).update(expires_at=now - DAY)
        revoke_api_key(realm, keys["gone"], actor=None, now=now - 91 * DAY)
        revoke_api_key(realm, keys["used"], actor=None, now=now - 2 * DAY)
        rotate_api_key(realm, keys["old"], overlap=DAY, actor=None, now=now)
        made(make.make_realm("other"), "theirs")

        found = api_keys_of(realm, now)

        assert [(each.row.label, each.state) for each in found.active] == [
            ("old", KeyState.ACTIVE),
            ("old", KeyState.REPLACED),
        ]
        assert [(each.row.label, each.state) for each in found.ended] == [
            ("out", KeyState.EXPIRED),
            ("used", KeyState.REVOKED),
        ]
        assert find_api_key(make.make_realm("third"), keys["old"], now) is None

    def test_what_it_is_for_and_when_it_ends(self, realm: Realm, optout_list: List) -> None:
        now = timezone.now()
        second = make.make_list(realm, 2)
        some = made(realm, "Some", lists=[second, optout_list], expires_at=now + 10 * DAY)
        whole = made(realm, "Whole", may_read=False)

        one = find_api_key(realm, some.row.pk, now)
        other = find_api_key(realm, whole.row.pk, now)

        assert one is not None and other is not None
        assert (one.lists, other.lists) == ((optout_list, second), None)
        assert (one.scopes, other.scopes) == ("Read and write", "Write")
        assert (one.ends_soon, other.ends_soon) == (True, False)
        assert (one.has_ended, other.lifetime) == (False, None)

    def test_whether_any_may_write_to_a_list(self, realm: Realm, optout_list: List) -> None:
        now = timezone.now()
        second = make.make_list(realm, 2)
        made(realm, "Reader", may_write=False)
        made(realm, "Other list", lists=[second])
        made(realm, "Over", expires_at=now)
        assert not may_any_write(optout_list, now)
        assert may_any_write(second, now)
        made(realm, "Ours", lists=[optout_list])
        assert may_any_write(optout_list, now)
