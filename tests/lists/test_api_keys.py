"""lists/api_keys.py: which program sends a key, and whether it is let in (S2.3)."""

from datetime import timedelta
from ipaddress import ip_address

import pytest

from lists.api_keys import (
    EndedKeyError,
    IpNotApprovedError,
    KeyCaller,
    UnknownKeyError,
    find_caller,
)
from lists.key_actions import revoke_api_key, rotate_api_key
from lists.models import ApiKey, List, Realm, User
from tests import make

IP = ip_address("192.0.2.7")
ELSEWHERE = ip_address("198.51.100.9")
SECOND = timedelta(seconds=1)


def ask(text: str, ip=IP, now=make.NOW) -> KeyCaller:
    return find_caller(text, ip, now)


@pytest.mark.django_db
class TestLettingIn:
    def test_a_key_tells_its_realm_and_rights(self, realm: Realm, optout_list: List) -> None:
        text = make.make_api_key(realm, optout_list, may_write=False)
        assert ask(text) == KeyCaller(
            key_id=ApiKey.objects.get().pk,
            realm_id=realm.pk,
            realm_name="acme",
            region=realm.default_region,
            may_read=True,
            may_write=False,
            list_ids=frozenset({optout_list.pk}),
            approved_ips=(),
            expires_at=None,
            revoked_at=None,
        )

    def test_it_covers_its_lists_and_no_others(self, realm: Realm, optout_list: List) -> None:
        caller = ask(make.make_api_key(realm, optout_list))
        assert caller.covers(optout_list.pk)
        assert not caller.covers(make.do_not_mail(realm).pk)
        assert not caller.is_whole_realm

    def test_one_without_lists_covers_later_ones_too(self, realm: Realm) -> None:
        caller = ask(make.make_api_key(realm))
        assert caller.is_whole_realm
        assert caller.covers(make.make_list(realm).pk)


@pytest.mark.django_db
class TestRefusing:
    @pytest.mark.parametrize("text", ["", "hk_nobody-has-this-one", "hk_ü", "\0", "x" * 10_000])
    def test_a_key_that_nobody_has(self, realm: Realm, text: str) -> None:
        make.make_api_key(realm)
        with pytest.raises(UnknownKeyError):
            ask(text)

    def test_another_kind_of_key(self, optout_list: List) -> None:
        text, _row = make.make_download_key(optout_list)
        with pytest.raises(UnknownKeyError):
            ask(text)

    def test_one_that_was_revoked(self, realm: Realm, alice: User) -> None:
        text = make.make_api_key(realm)
        ask(text)
        revoke_api_key(realm, ApiKey.objects.get().pk, actor=alice, now=make.NOW)
        with pytest.raises(EndedKeyError) as refused:
            ask(text)
        assert refused.value.is_revoked and refused.value.ended_at == make.NOW

    def test_one_that_expired(self, realm: Realm) -> None:
        text = make.make_api_key(realm, expires_at=make.NOW)
        assert ask(text, now=make.NOW - SECOND).realm_id == realm.pk
        with pytest.raises(EndedKeyError) as refused:
            ask(text)
        assert not refused.value.is_revoked and refused.value.ended_at == make.NOW

    def test_one_that_was_replaced_once_its_time_is_up(self, realm: Realm, alice: User) -> None:
        text = make.make_api_key(realm)
        old = ApiKey.objects.get().pk
        day = timedelta(days=1)
        fresh = rotate_api_key(realm, old, overlap=day, actor=alice, now=make.NOW)
        assert ask(text, now=make.NOW + day - SECOND).key_id == old
        with pytest.raises(EndedKeyError):
            ask(text, now=make.NOW + day)
        assert ask(fresh.text, now=make.NOW + day).key_id == fresh.row.pk

    def test_a_call_from_an_ip_that_was_not_approved(self, realm: Realm) -> None:
        Realm.objects.update(approved_ips=["192.0.2.0/24"])
        text = make.make_api_key(realm)
        assert ask(text).approved_ips == ("192.0.2.0/24",)
        for ip in (ELSEWHERE, None):
            with pytest.raises(IpNotApprovedError) as refused:
                ask(text, ip)
            assert refused.value.ip == ip


@pytest.mark.django_db
class TestRemembering:
    """For LIST_CACHE_SECONDS."""

    @pytest.fixture(autouse=True)
    def _for_a_minute(self, settings) -> None:
        settings.LIST_CACHE_SECONDS = 60

    def test_it_is_asked_for_once(self, realm: Realm, django_assert_num_queries) -> None:
        text = make.make_api_key(realm)
        with django_assert_num_queries(2):  # and its use noted
            assert ask(text) == ask(text)

    def test_a_wrong_one_is_asked_for_each_time(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(2):
            for _ in range(2):
                with pytest.raises(UnknownKeyError):
                    ask("hk_nobody-has-this-one")

    def test_it_is_judged_each_time(self, realm: Realm) -> None:
        Realm.objects.update(approved_ips=[str(IP)])
        text = make.make_api_key(realm, expires_at=make.NOW + SECOND)
        ask(text)
        with pytest.raises(IpNotApprovedError):
            ask(text, ELSEWHERE)
        with pytest.raises(EndedKeyError):
            ask(text, now=make.NOW + SECOND)

    def test_a_revoked_one_is_forgotten_here_at_once(
        self, realm: Realm, alice: User, django_capture_on_commit_callbacks
    ) -> None:
        text = make.make_api_key(realm)
        ask(text)
        with django_capture_on_commit_callbacks(execute=True):
            revoke_api_key(realm, ApiKey.objects.get().pk, actor=alice, now=make.NOW)
        with pytest.raises(EndedKeyError):
            ask(text)


@pytest.mark.django_db
class TestNotingUse:
    def test_when_and_from_where(self, realm: Realm) -> None:
        ask(make.make_api_key(realm), ip_address("::ffff:192.0.2.7"))
        row = ApiKey.objects.get()
        assert (row.last_used_at, row.last_used_ip) == (make.NOW, "192.0.2.7")

    def test_at_most_once_a_minute(self, realm: Realm) -> None:
        text = make.make_api_key(realm)
        ask(text)
        ask(text, ELSEWHERE, make.NOW + timedelta(seconds=60))
        assert ApiKey.objects.get().last_used_at == make.NOW
        ask(text, None, make.NOW + timedelta(seconds=61))
        row = ApiKey.objects.get()
        assert (row.last_used_at, row.last_used_ip) == (make.NOW + timedelta(seconds=61), None)

    def test_not_by_a_call_that_is_refused(self, realm: Realm) -> None:
        Realm.objects.update(approved_ips=[str(IP)])
        text = make.make_api_key(realm)
        with pytest.raises(IpNotApprovedError):
            ask(text, ELSEWHERE)
        assert ApiKey.objects.get().last_used_at is None
