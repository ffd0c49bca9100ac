"""lists/access.py: with which lists somebody may do what. Who is let in where is in tests/reporting/test_matrix.py."""

import pytest
from pytest_django import DjangoAssertNumQueries

from lists.access import Permission, standings
from lists.choices import Role
from lists.models import ListAccess, Realm
from tests import make


@pytest.mark.django_db
class TestOpenLists:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("permission", list(Permission))
    def test_says_of_all_what_is_said_of_each(
        self, realm: Realm, role: Role, permission: Permission
    ) -> None:
        lists = [make.make_list(realm, number) for number in (1, 2, 3)]
        member = make.make_member(make.make_user("dora@acme.example"), realm, role, *lists[:2])
        ListAccess.objects.filter(optout_list=lists[0]).update(may_download=False)
        ListAccess.objects.filter(optout_list=lists[1]).update(may_see_clear=True)
        (standing,) = standings(member.user)

        opened = standing.open_lists(permission)

        assert [(each.optout_list, each.permissions) for each in opened] == [
            (each, standing.permissions(each))
            for each in standing.lists()
            if permission in standing.permissions(each)
        ]

    def test_of_an_operator_all(self, realm: Realm) -> None:
        make.make_list(realm)
        operator = make.make_user("op@heed.example", is_superuser=True)
        (standing,) = standings(operator)
        assert len(standing.open_lists(Permission.EDIT)) == 2

    def test_takes_two_queries(
        self, realm: Realm, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        lists = [make.make_list(realm, number) for number in range(1, 20)]
        user = make.make_user("dora@acme.example")
        make.make_member(user, realm, Role.MAILER, *lists)
        (standing,) = standings(user)
        with django_assert_num_queries(2):
            assert len(standing.open_lists(Permission.DOWNLOAD)) == 19
