import pytest

from lists.choices import Role
from lists.models import List, Realm, User
from tests import make
from tests.lists.screens import open_screen
from tests.reporting.portal import signed_in

REPORTS = "/manage/reports/"
GLOBAL = "/manage/reports/global-unsubscribe"


class TestAllReports:
    def test_they_stand_in_groups(self, alice: User, realm: Realm, optout_list: List) -> None:
        make.make_global_unsubscribe(realm)
        screen = open_screen(signed_in(alice), REPORTS)
        assert screen.heading == "All Reports"
        assert "Extras Global Unsubscribe Requests" in screen.text
        assert {GLOBAL, "/manage/", f"/manage/lists/{optout_list.public_id}/entries"} <= set(
            screen.links
        )

    @pytest.mark.parametrize("was_on", [True, False])
    def test_while_it_is_off_the_global_unsubscribe_is_not_listed(
        self, alice: User, realm: Realm, was_on: bool
    ) -> None:
        if was_on:
            make.make_global_unsubscribe(realm, is_on=False)
        screen = open_screen(signed_in(alice), REPORTS)
        assert "Extras" not in screen.text and GLOBAL not in screen.links

    def test_an_owner_finds_the_entries_of_their_own_lists(self, bob: User, realm: Realm) -> None:
        make.make_list(realm, 2, "Not Bob's")
        screen = open_screen(signed_in(bob), REPORTS)
        assert "Garden letters" in screen.text
        assert "Not Bob" not in screen.text and "Do Not Mail" not in screen.text

    def test_names_are_text(self, alice: User, realm: Realm) -> None:
        make.make_list(realm, 2, "<script>alert(1)</script>")
        assert "<script>alert(1)</script>" in open_screen(signed_in(alice), REPORTS).text

    def test_it_takes_at_most_ten_queries_however_many_lists(
        self, alice: User, realm: Realm, django_assert_max_num_queries
    ) -> None:
        for number in range(1, 30):
            make.make_list(realm, number)
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            client.get(REPORTS)


class TestNavigation:
    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            (
                Role.ADMIN,
                ["Overview", "Lists", "Reports", "Send editor", "Webhooks", "Team", "Settings"],
            ),
            (Role.OWNER, ["Overview", "Lists", "Reports", "Send editor", "Webhooks", "Settings"]),
            (Role.VIEWER, ["Overview", "Lists", "Reports", "Settings"]),
            (Role.MAILER, ["Overview", "Lists", "Settings"]),
        ],
    )
    def test_everybody_finds_their_places(
        self, realm: Realm, optout_list: List, role: Role, expected: list[str]
    ) -> None:
        user = make.make_user("somebody@acme.example")
        make.make_member(user, realm, role, optout_list)
        response = signed_in(user).get("/manage/")
        assert [tab.label for tab in response.context["portal"].navigation] == expected

    def test_reports_is_where_one_is(self, alice: User, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)
        for path in (REPORTS, GLOBAL):
            portal = signed_in(alice).get(path).context["portal"]
            assert [tab.label for tab in portal.navigation if tab.is_current] == ["Reports"]
