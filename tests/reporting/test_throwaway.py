import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from lists.api_auth import ApiCaller, WrongPasswordError, authenticate
from lists.api_keys import UnknownKeyError, find_caller
from lists.models import ApiKey, List, Realm, RealmCredential
from reporting.throwaway import throwaway_key, throwaway_password


def prove(realm: Realm, password: str) -> ApiCaller:
    return authenticate(realm.name, password, None, timezone.now())


def elsewhere(question: Callable[[], int]) -> int:
    """The answer on another connection."""
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(question())
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.django_db(transaction=True)
class TestThrowawayPassword:
    def test_it_works_within_the_block_only(self, realm: Realm) -> None:
        with throwaway_password(realm) as password:
            assert prove(realm, password).realm_id == realm.pk

        with pytest.raises(WrongPasswordError):
            prove(realm, password)
        assert not RealmCredential.objects.exists()

    def test_nobody_else_ever_sees_it(self, realm: Realm) -> None:
        with throwaway_password(realm):
            assert RealmCredential.objects.count() == 1
            assert elsewhere(RealmCredential.objects.count) == 0

    def test_an_error_leaves_nothing(self, realm: Realm) -> None:
        with pytest.raises(RuntimeError), throwaway_password(realm):
            raise RuntimeError

        assert not RealmCredential.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestThrowawayKey:
    def test_it_may_write_to_the_list_within_the_block_only(self, optout_list: List) -> None:
        with throwaway_key(optout_list) as key:
            caller = find_caller(key, None, timezone.now())
            assert (caller.may_read, caller.may_write) == (False, True)
            assert caller.list_ids == frozenset({optout_list.pk})

        with pytest.raises(UnknownKeyError):
            find_caller(key, None, timezone.now())
        assert not ApiKey.objects.exists()

    def test_nobody_else_ever_sees_it(self, optout_list: List) -> None:
        with throwaway_key(optout_list):
            assert ApiKey.objects.count() == 1
            assert elsewhere(ApiKey.objects.count) == 0

    def test_an_error_leaves_nothing(self, optout_list: List) -> None:
        with pytest.raises(RuntimeError), throwaway_key(optout_list):
            raise RuntimeError

        assert not ApiKey.objects.exists()
