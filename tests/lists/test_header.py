import pytest
from django.test import Client

from lists.choices import Role
from lists.models import List, Realm, User
from tests import make
from tests.lists.screens import look_at, open_screen, sign_in


@pytest.mark.django_db
class TestNavigation:
    def test_a_realm_admin_sees_every_section(self, alice: User) -> None:
        screen = open_screen(sign_in(alice), "/manage/")
        assert {"/manage/", "/manage/lists/", "/manage/team/", "/manage/settings/"} <= set(
            screen.links
        )
        assert '<a href="/manage/" aria-current="page">Overview</a>' in screen.html

    @pytest.mark.parametrize("role", [Role.OWNER, Role.MAILER, Role.VIEWER])
    def test_others_see_no_team_and_of_the_settings_their_own(
        self, optout_list: List, role: Role
    ) -> None:
        user = make.make_user("dora@acme.example")
        make.make_member(user, optout_list.realm, role, optout_list)

        client = sign_in(user)
        screen = open_screen(client, "/manage/")

        assert "/manage/lists/" in screen.links
        assert "/manage/settings/" in screen.links
        assert "/manage/team/" not in screen.links
        for path in ("/manage/team/", "/manage/team/invite", "/manage/settings/api"):
            assert client.get(path).status_code == 404
        led_to = client.get("/manage/settings/", follow=True)
        links = set(look_at(led_to).links)
        assert "/manage/settings/notifications" in links
        assert not {"/manage/settings/api", "/manage/settings/api-keys"} & links

    def test_every_page_has_the_box_to_check_an_address(self, bob: User) -> None:
        client = sign_in(bob)
        for path in ("/manage/", "/manage/lists/"):
            assert 'action="/manage/check/"' in open_screen(client, path).html

    def test_somebody_in_no_realm_finds_nothing(self, db: None) -> None:
        client = sign_in(make.make_user("nobody@acme.example"))
        assert client.get("/manage/").status_code == 404

    def test_an_inactive_person_finds_nothing(self, alice: User) -> None:
        client = sign_in(alice)
        User.objects.update(is_active=False)
        assert client.get("/manage/").status_code in {302, 404}


@pytest.mark.django_db
class TestRealms:
    def other(self, user: User) -> Realm:
        realm = make.make_realm("second", sender_name="Second")
        make.make_member(user, realm, Role.ADMIN)
        make.make_list(realm, name="Elsewhere")
        return realm

    def test_with_one_realm_there_is_nothing_to_choose(self, alice: User) -> None:
        assert "/manage/realm" not in open_screen(sign_in(alice), "/manage/").html

    def test_the_chosen_one_stays(self, alice: User, optout_list: List) -> None:
        self.other(alice)
        client = sign_in(alice)
        assert "Garden letters" in open_screen(client, "/manage/lists/").text

        answer = client.post("/manage/realm", {"realm": "second"})

        assert answer.headers["Location"] == "/manage/"
        screen = open_screen(client, "/manage/lists/")
        assert "Elsewhere" in screen.text and "Garden letters" not in screen.text

    def test_a_realm_one_is_not_in_does_not_exist(self, alice: User, charlie: User) -> None:
        client = sign_in(alice)
        assert client.post("/manage/realm", {"realm": "other"}).status_code == 404
        assert client.post("/manage/realm").status_code == 404
        assert client.get("/manage/realm").status_code == 302
        assert client.put("/manage/realm").status_code == 405
        assert "acme" in open_screen(client, "/manage/").text

    def test_an_operator_may_choose_any(self, alice: User, charlie: User) -> None:
        client = sign_in(make.make_user("op@heed.example", is_superuser=True, is_staff=True))
        client.post("/manage/realm", {"realm": "other"})
        assert "/ops/" in open_screen(client, "/manage/team/").links

    def test_choosing_needs_the_forms_token(self, alice: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert client.post("/manage/realm", {"realm": "acme"}).status_code == 403
