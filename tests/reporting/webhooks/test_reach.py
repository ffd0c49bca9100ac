"""Who may touch which endpoints."""

import pytest
from django.http import Http404

from lists.access import Standing, get_standing
from lists.choices import Role
from lists.models import List, Realm, User
from reporting.models import WebhookEndpoint
from reporting.webhooks.reach import (
    endpoints_of,
    find_endpoint,
    is_within,
    reach_of,
)
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoints(realm: Realm, optout_list: List, charlie: User) -> dict[str, WebhookEndpoint]:
    """One of the whole realm, some of its lists, one that was removed, and one of another realm."""
    two = make.make_list(realm, 2)
    return {
        "whole": make.make_webhook_endpoint(realm),
        "one": make.make_webhook_endpoint(realm, optout_list),
        "both": make.make_webhook_endpoint(realm, optout_list, two),
        "two": make.make_webhook_endpoint(realm, two),
        "removed": make.make_webhook_endpoint(realm, optout_list, removed_at=make.NOW),
        "theirs": make.make_webhook_endpoint(charlie.memberships.get().realm),
    }


def seen_by(standing: Standing, endpoints: dict[str, WebhookEndpoint]) -> set[str]:
    names = {endpoint.pk: name for name, endpoint in endpoints.items()}
    reach = reach_of(standing)
    seen = {names[endpoint.pk] for endpoint in endpoints_of(standing.realm, reach)}
    for name, endpoint in endpoints.items():
        found = find_endpoint(standing.realm, reach, endpoint.public_id)
        assert found == (endpoint if name in seen else None)
    return seen


class TestPeople:
    def test_admins_and_operators_all_of_the_realm(self, realm, alice, endpoints) -> None:
        operator = make.make_user("operator@heed.example", is_superuser=True)
        for user in (alice, operator):
            standing = get_standing(user, realm.name)
            assert seen_by(standing, endpoints) == {"whole", "one", "both", "two"}
            assert reach_of(standing) is None

    def test_owners_those_all_of_whose_lists_are_theirs(self, realm, bob, endpoints) -> None:
        assert seen_by(get_standing(bob, realm.name), endpoints) == {"one"}

    def test_in_one_query_or_two(
        self, realm, alice, bob, endpoints, django_assert_num_queries
    ) -> None:
        for user, queries in ((alice, 1), (bob, 2)):
            standing = get_standing(user, realm.name)
            with django_assert_num_queries(queries):
                list(endpoints_of(standing.realm, reach_of(standing)))

    def test_an_owner_of_nothing_none(self, realm, endpoints) -> None:
        user = make.make_user("dora@acme.example")
        make.make_member(user, realm, Role.OWNER)
        assert seen_by(get_standing(user, realm.name), endpoints) == set()

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.MAILER])
    def test_for_others_there_are_no_webhooks(self, realm, optout_list, endpoints, role) -> None:
        user = make.make_user("dora@acme.example")
        make.make_member(user, realm, role, optout_list)
        standing = get_standing(user, realm.name)
        with pytest.raises(Http404):
            reach_of(standing)


class TestKeys:
    def test_those_of_some_lists_as_owners_of_these(self, realm, optout_list, endpoints) -> None:
        found = endpoints_of(realm, [optout_list.pk])
        assert list(found) == [endpoints["one"]]
        assert find_endpoint(realm, [optout_list.pk], endpoints["both"].public_id) is None

    @pytest.mark.parametrize("text", ["", "wh_", "wh_\x00", "wh_ä", "x" * 5000])
    def test_what_is_no_public_id_is_none(self, realm, endpoints, text) -> None:
        assert find_endpoint(realm, None, text) is None

    def test_what_may_be_made(self) -> None:
        assert is_within(None, None) and is_within([1], None)
        assert is_within([1], [1, 2]) and is_within([1, 2], {1, 2})
        assert not is_within(None, [1]) and not is_within([], [1])
        assert not is_within([1, 3], [1, 2]) and not is_within([1], [])
