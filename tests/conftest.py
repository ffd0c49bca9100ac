"""What every test may ask for. Alice owns, Bob may edit, Charlie must see nothing."""

import os
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from django.test import Client, TransactionTestCase
from django.utils.translation import trans_real
from pytest_django.plugin import blocking_manager_key

from config import translating
from lists.choices import Role
from lists.lookup import forget_all_lists
from lists.models import List, Realm, User
from tests import make
from tests.flush import flush_cheaply, vacuum_now_and_then
from tests.requests import be_quick
from tools.test import has_mark

# The same examples on every run: a failure is never somebody else's luck. `HEED_EXPLORE=1 make test` looks for new ones.
hypothesis.settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("explore" if os.environ.get("HEED_EXPLORE") else "quick")

TransactionTestCase._fixture_teardown = flush_cheaply  # type: ignore[attr-defined]
be_quick()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` looks for tests that run apart from others in the files where their marks stand: nowhere else may they."""
    files = {
        (each.path, mark.name)
        for each in items
        for mark in each.iter_markers()
        if mark.name in {"alone", "browser", "system"}
    }
    for path, mark in files:
        if not has_mark(path, mark):
            raise pytest.UsageError(f"pytest.mark.{mark} belongs in {path} itself.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    with item.config.stash[blocking_manager_key].unblock():
        vacuum_now_and_then(item, nextitem)


@pytest.fixture(autouse=True)
def _no_list_from_the_test_before() -> None:
    forget_all_lists()


@pytest.fixture
def realm(db: None) -> Realm:
    return make.make_realm()


@pytest.fixture
def optout_list(realm: Realm) -> List:
    return make.make_list(realm)


@pytest.fixture
def alice(realm: Realm) -> User:
    """Realm admin."""
    user = make.make_user("alice@acme.example", name="Alice")
    make.make_member(user, realm, Role.ADMIN)
    return user


@pytest.fixture
def bob(realm: Realm, optout_list: List) -> User:
    """Owner of the one list."""
    user = make.make_user("bob@acme.example", name="Bob")
    make.make_member(user, realm, Role.OWNER, optout_list)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    """Owner in another realm."""
    other = make.make_realm("other")
    user = make.make_user("charlie@other.example", name="Charlie")
    make.make_member(user, other, Role.ADMIN, make.make_list(other))
    return user


@pytest.fixture
def public_client() -> Client:
    """A browser of somebody who has no account, with CSRF checks as in real life."""
    return Client(
        enforce_csrf_checks=True,
        headers={
            "accept": "text/html",
            "user-agent": "Mozilla/5.0 Firefox/140.0",
            "sec-fetch-mode": "navigate",
        },
    )


@pytest.fixture
def in_german(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Says words of the portal in German, as a catalog of it would: `in_german(Unsubscribed="Abgemeldet")`."""
    (said, *_more) = trans_real.translation("de")._catalog._catalogs  # type: ignore[attr-defined]

    def say(**words: str) -> None:
        for english, german in words.items():
            monkeypatch.setitem(said, english, german)
        translating.say.cache_clear()

    yield say
    translating.say.cache_clear()
